package app

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/dxctl/dxctl/notify"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards/campaign"
)

const (
	// shownServices is how many services of a campaign a message names at most.
	shownServices = 8
	// maxMessage is how many characters a message has: fewer than the 2,000 that Discord takes; other chats take more.
	maxMessage = 1_900
	// maxShown and maxName are how many characters a reason, and a title or a name, have in a message.
	maxShown, maxName = 200, 100
)

// reminderText writes a message. link returns the address of a page, "" if there is none. What people wrote is escaped.
// Where a message would be too long, each campaign names fewer services, and the campaigns that end last are left out.
func reminderText(r *report.Reminder, link func(path string) string) string {
	named := make([]int, len(r.Items)) // how many services each campaign names
	length := func() int { return utf8.RuneCountInString(textWith(r, named, link)) }
	for len(named) > 1 && length() > maxMessage {
		named = named[:len(named)-1]
	}
	for n := 1; n <= shownServices; n++ {
		for i := range named {
			if named[i] != n-1 || len(r.Items[i].Rows) < n {
				continue
			}
			if named[i] = n; length() > maxMessage {
				named[i] = n - 1
			}
		}
	}
	return textWith(r, named, link)
}

// textWith is the message with the first campaigns, each with as many services as named has.
func textWith(r *report.Reminder, named []int, link func(path string) string) string {
	var text strings.Builder
	for i, n := range named {
		item := &r.Items[i]
		if i > 0 {
			text.WriteString("\n\n")
		}
		fmt.Fprintf(&text, "*%s*: %s\n", shortened(item.Title, maxName), occasion(item))
		fmt.Fprintf(&text, "%s of %s %s not reached %s. Why: %s", words.Plural(len(item.Rows), "service", "services"),
			shortened(r.Name, maxName), map[bool]string{true: "has", false: "have"}[len(item.Rows) == 1],
			shortened(item.Goal, maxShown), shortened(item.Why, maxShown))
		for j := range item.Rows[:n] {
			fmt.Fprintf(&text, "\n• %s: %s", shortened(item.Rows[j].Name, maxName), missing(&item.Rows[j]))
		}
		if more := len(item.Rows) - n; more > 0 {
			fmt.Fprintf(&text, "\n… and %d more", more)
		}
		path := report.CampaignPath(item.ID) + "?" + url.Values{"team": {r.Owner}}.Encode()
		if address := link(path); address != "" {
			text.WriteString("\n" + address)
		}
	}
	if more := len(r.Items) - len(named); more > 0 {
		fmt.Fprintf(&text, "\n\n… and %s", words.Plural(more, "more campaign", "more campaigns"))
		if address := link("/campaigns"); address != "" {
			text.WriteString(": " + address)
		}
	}
	return text.String()
}

// shortened is a text of somebody else, escaped, with at most so many characters.
func shortened(text string, limit int) string {
	shown := notify.Escape(text)
	runes := []rune(text)
	for n := min(limit, len(runes)); utf8.RuneCountInString(shown) > limit; n-- {
		shown = notify.Escape(string(runes[:n-1])) + "…"
	}
	return shown
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

// missing says what a service lacks: what fails, with the least effort first.
func missing(row *report.CampaignRow) string {
	if len(row.Missing) == 0 {
		return "nothing is known yet"
	}
	first := row.Missing[0]
	text := fmt.Sprintf("%s (%s: %s)", shortened(first.Title, maxName), first.Outcome, shortened(first.Reason, maxShown))
	if more := len(row.Missing) - 1; more > 0 {
		text += fmt.Sprintf(" and %s", words.Plural(more, "more rule", "more rules"))
	}
	return text
}
