package report

import (
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/campaign"
)

// TestCampaignRules: what fails comes before what is not decided, however little effort that takes.
func TestCampaignRules(t *testing.T) {
	var ids []string
	for _, rule := range campaignRules([]*scorecards.Result{
		{Rule: "unknown", Outcome: event.Unknown, Effort: "minutes"},
		{Rule: "days", Outcome: event.Fail, Effort: "days"},
		{Rule: "stale", Outcome: event.Stale, Effort: "hours"},
		{Rule: "hours", Outcome: event.Fail, Effort: "hours"},
	}) {
		ids = append(ids, rule.Rule)
	}
	if got := strings.Join(ids, " "); got != "hours days unknown stale" {
		t.Error(got)
	}
}

// TestStateAtEnd: a campaign is not reached while services of the selection have no grade of its end.
func TestStateAtEnd(t *testing.T) {
	end := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	c := campaign.Campaign{Starts: end.AddDate(0, -1, 0), Ends: end.AddDate(0, 0, -1)}
	for _, tt := range []struct {
		day  campaign.Day
		want campaign.State
		text string
	}{
		{campaign.Day{Reached: 1, Waived: 1}, campaign.Met, "2 of 2 services of today's selection had reached the goal"},
		{campaign.Day{Reached: 1, NotGraded: 1}, campaign.Ended,
			"1 of 1 service of today's selection had reached the goal, and 1 further one had no grade"},
		{campaign.Day{Reached: 1, Failed: 1, NotGraded: 2}, campaign.Missed,
			"1 of 2 services of today's selection had reached the goal, and 2 further ones had no grade"},
	} {
		total, done, known := atEnd(&tt.day)
		if got := c.StateAt(end, total, done, known); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.day, got, tt.want)
		}
		if got := (&Campaign{Campaign: c, AtEnd: &tt.day}).AtEndText(); got != tt.text {
			t.Errorf("%+v: %s", tt.day, got)
		}
	}
}

func TestChanceCell(t *testing.T) {
	now := time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)
	share := func(v float64) *float64 { return &v }
	for _, tt := range []struct {
		ends   time.Time
		left   int
		chance *float64
		want   string
	}{
		{now, 2, share(0), "less than 1 %"}, {now, 2, share(1), "more than 99 %"}, {now, 2, share(0.4), "about 40 %"},
		{now, 2, nil, "not known"}, {now, 0, nil, words.Dash}, {now.AddDate(0, 0, -1), 2, nil, words.Dash},
	} {
		c := Campaign{Campaign: campaign.Campaign{Ends: tt.ends}, Now: campaign.Day{Failed: tt.left},
			Forecast: campaign.Forecast{Chance: tt.chance}}
		if got := c.ChanceCell(now); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt, got, tt.want)
		}
	}
}
