package app

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/dxctl/dxctl/notify"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards/campaign"
)

const (
	// shownRows is how many services of a campaign, and how many waivers, a message names at most.
	shownRows = 8
	// maxMessage is how many characters a message has: fewer than the 2,000 that Discord takes; other chats take more.
	maxMessage = 1_900
	// maxShown and maxName are how many characters a reason, and a title or a name, have in a message.
	maxShown, maxName = 200, 100
)

// section is what a message says about a campaign, or about the waivers that end.
type section struct {
	head string
	rows []string // a line each; a message may leave out the last ones
	link string
}

// reminderText writes a message. link returns the address of a page, "" if there is none. What people wrote is escaped.
// Where a message would be too long, each section has fewer rows, and the campaigns that end last are left out.
func reminderText(r *report.Reminder, link func(path string) string) string {
	var sections []section
	if len(r.Waivers) > 0 {
		sections = append(sections, ofWaivers(r, link))
	}
	for i := range r.Items {
		sections = append(sections, ofCampaign(r, &r.Items[i], link))
	}
	return fitted(sections, link)
}

// fitted writes sections in at most maxMessage characters.
func fitted(sections []section, link func(path string) string) string {
	rows := make([]int, len(sections)) // how many rows each section has
	length := func() int { return utf8.RuneCountInString(textWith(sections, rows, link)) }
	for len(rows) > 1 && length() > maxMessage {
		rows = rows[:len(rows)-1]
	}
	for n := 1; n <= shownRows; n++ {
		for i := range rows {
			if rows[i] != n-1 || len(sections[i].rows) < n {
				continue
			}
			if rows[i] = n; length() > maxMessage {
				rows[i] = n - 1
			}
		}
	}
	return textWith(sections, rows, link)
}

// textWith is the message with the first sections, each with the first of its rows.
func textWith(sections []section, rows []int, link func(path string) string) string {
	var text strings.Builder
	for i, n := range rows {
		s := &sections[i]
		if i > 0 {
			text.WriteString("\n\n")
		}
		text.WriteString(s.head)
		for _, row := range s.rows[:n] {
			text.WriteString("\n• " + row)
		}
		if more := len(s.rows) - n; more > 0 {
			fmt.Fprintf(&text, "\n… and %d more", more)
		}
		if s.link != "" {
			text.WriteString("\n" + s.link)
		}
	}
	if more := len(sections) - len(rows); more > 0 {
		fmt.Fprintf(&text, "\n\n… and %s", words.Plural(more, "more campaign", "more campaigns"))
		if address := link("/campaigns"); address != "" {
			text.WriteString(": " + address)
		}
	}
	return text.String()
}

// ofCampaign is what a message says about a campaign.
func ofCampaign(r *report.Reminder, item *report.ReminderItem, link func(path string) string) section {
	s := section{link: link(report.CampaignPath(item.ID) + "?" + url.Values{"team": {r.Owner}}.Encode())}
	s.head = fmt.Sprintf("*%s*: %s\n%s of %s %s not reached %s. Why: %s", shortened(item.Title, maxName), occasion(item),
		words.Plural(len(item.Rows), "service", "services"), shortened(r.Name, maxName), have(len(item.Rows)),
		shortened(item.Goal, maxShown), shortened(item.Why, maxShown))
	for i := range item.Rows {
		s.rows = append(s.rows, shortened(item.Rows[i].Name, maxName)+": "+missing(&item.Rows[i]))
	}
	return s
}

// ofWaivers is what a message says about the waivers that end soon.
func ofWaivers(r *report.Reminder, link func(path string) string) section {
	s := section{link: link("/waivers?" + url.Values{"state": {string(waiver.Ending)}, "team": {r.Name}}.Encode())}
	s.head = fmt.Sprintf("*Waivers end soon*: %s of %s %s within %d days. Then the rules count again: fix what they ask "+
		"for, or request another waiver.", words.Plural(len(r.Waivers), "waiver", "waivers"), shortened(r.Name, maxName),
		map[bool]string{true: "ends", false: "end"}[len(r.Waivers) == 1], waiver.NoticeDays)
	for i := range r.Waivers {
		w := &r.Waivers[i]
		s.rows = append(s.rows, fmt.Sprintf("%s: %s (last day %s; without it: %s)", shortened(w.Name, maxName),
			shortened(w.Title, maxName), words.Day(w.Waiver.Until), w.Without))
	}
	return s
}

func have(n int) string {
	if n == 1 {
		return "has"
	}
	return "have"
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
