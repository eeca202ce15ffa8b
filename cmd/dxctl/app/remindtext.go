package app

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/dxctl/dxctl/notify"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards/campaign"
)

// shownServices is how many services of a campaign a message names.
const shownServices = 8

// maxShown is how many bytes of a reason a message has.
const maxShown = 200

// reminderText writes a message. link returns the address of a page, "" if there is none. What people wrote is escaped.
func reminderText(r *report.Reminder, link func(path string) string) string {
	var text strings.Builder
	for i, item := range r.Items {
		if i > 0 {
			text.WriteString("\n\n")
		}
		fmt.Fprintf(&text, "*%s*: %s\n", notify.Escape(item.Title), occasion(&item))
		fmt.Fprintf(&text, "%s of %s %s not reached %s. Why: %s", words.Plural(len(item.Rows), "service", "services"),
			notify.Escape(r.Name), map[bool]string{true: "has", false: "have"}[len(item.Rows) == 1],
			notify.Escape(item.Goal), notify.Escape(item.Why))
		for j, row := range item.Rows {
			if j == shownServices {
				fmt.Fprintf(&text, "\n• and %d more", len(item.Rows)-j)
				break
			}
			fmt.Fprintf(&text, "\n• %s: %s", notify.Escape(row.Name), missing(&row))
		}
		path := report.CampaignPath(item.ID) + "?" + url.Values{"team": {r.Owner}}.Encode()
		if address := link(path); address != "" {
			text.WriteString("\n" + address)
		}
	}
	return text.String()
}

// occasion says why the message comes now.
func occasion(item *report.ReminderItem) string {
	left := fmt.Sprintf("the last day is %s, %s left", words.Day(item.Ends), words.Plural(item.DaysLeft, "day", "days"))
	switch item.Step {
	case campaign.AtStart:
		return "the campaign has started; " + left + "."
	case campaign.Halfway:
		return "half of the time is over; " + left + "."
	case campaign.AtWeek:
	}
	return left + "."
}

// missing says what a service lacks, the least effort first.
func missing(row *report.CampaignRow) string {
	if len(row.Missing) == 0 {
		return "nothing is known yet"
	}
	first := row.Missing[0]
	reason := first.Reason
	if len(reason) > maxShown {
		reason = strings.ToValidUTF8(reason[:maxShown], "") + "…"
	}
	text := fmt.Sprintf("%s (%s: %s)", notify.Escape(first.Title), first.Outcome, notify.Escape(reason))
	if more := len(row.Missing) - 1; more > 0 {
		text += fmt.Sprintf(" and %s", words.Plural(more, "more rule", "more rules"))
	}
	return text
}
