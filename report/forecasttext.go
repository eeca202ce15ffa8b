package report

import (
	"fmt"
	"time"

	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards/campaign"
)

// ForecastText returns a forecast in sentences. ends is the last day of the campaign.
func ForecastText(f *campaign.Forecast, ends time.Time) []string {
	if !f.Known {
		if f.Left == 0 {
			return []string{"Nothing is left."}
		}
		return []string{fmt.Sprintf("When the rest is done is not known: %s.", f.Why)}
	}
	by := func(day *time.Time) string {
		if day == nil {
			return "more than two years ahead"
		}
		return words.Day(*day)
	}
	text := fmt.Sprintf("At the pace of the last %s (%d more reached the goal than lost it), the %s done "+
		"by %s in half of the simulated futures, by %s in 85 %% and by %s in 95 %%.",
		words.Plural(f.Days, "day", "days"), f.Net,
		words.Plural(f.Left, "service that is left is", "services that are left are"),
		by(f.P50), by(f.P85), by(f.P95))
	return []string{text, fmt.Sprintf("The chance that all are done by the last day, %s, is %s.", words.Day(ends),
		ChanceText(*f.Chance)), "It assumes that the coming weeks are like these: that what is left is not harder, and " +
		"that no service joins."}
}

// ChanceText writes a share of simulated futures, of which 10,000 prove neither never nor always: "about 40 %".
func ChanceText(share float64) string {
	switch {
	case share < 0.01:
		return "less than 1 %"
	case share > 0.99:
		return "more than 99 %"
	}
	return fmt.Sprintf("about %.0f %%", share*100)
}

// ChanceCell is the chance that a campaign is in time, for tables: "about 40 %", "not known", or a dash where there is
// none, because nothing is left or it is over.
func (c *Campaign) ChanceCell(now time.Time) string {
	switch {
	case c.Over(now) || c.Now.Left() == 0:
		return words.Dash
	case c.Forecast.Chance == nil:
		return "not known"
	}
	return ChanceText(*c.Forecast.Chance)
}

// AtEndText says how the selection stood at the end of the last day, as the end of a sentence; "" where that is not
// known. It is today's selection: nobody stored that of the day.
func (c *Campaign) AtEndText() string {
	if c.AtEnd == nil {
		return ""
	}
	text := fmt.Sprintf("%s of %s of today's selection had reached the goal", words.Whole(c.AtEnd.Done()),
		words.Plural(c.AtEnd.Graded(), "service", "services"))
	if n := c.AtEnd.NotGraded; n > 0 {
		text += fmt.Sprintf(", and %s no grade", words.Plural(n, "further one had", "further ones had"))
	}
	return text
}
