package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/campaign"
)

// ahead is what will change how a selection stands before the last day of its campaign, though no service changes.
type ahead struct {
	losing int          // services that count as reached and lose a waiver
	rules  []comingRule // in the order of the scorecard
}

// comingRule is a rule of the goal's level that is only announced.
type comingRule struct {
	title string
	from  time.Time
	fails int // services that would fail it now
}

// add counts a service.
func (a *ahead) add(c *Campaign, r *scorecards.Report, verdict campaign.Verdict) {
	if verdict == campaign.Waived && slices.ContainsFunc(c.Waived(r), func(x *scorecards.Result) bool {
		return x.Waiver != nil && x.Waiver.Until.Before(c.Ends)
	}) {
		a.losing++
	}
	for _, x := range c.Coming(r) {
		i := slices.IndexFunc(a.rules, func(rule comingRule) bool { return rule.title == x.Title })
		if i < 0 {
			i = len(a.rules)
			a.rules = append(a.rules, comingRule{title: x.Title, from: x.Announced})
		}
		if x.Outcome == event.Fail {
			a.rules[i].fails++
		}
	}
}

// notes are sentences.
func (a *ahead) notes() []string {
	var notes []string
	if a.losing > 0 {
		notes = append(notes, words.Plural(a.losing, "waived service loses its waiver", "waived services lose their waiver")+
			" before the last day.")
	}
	for _, rule := range a.rules {
		notes = append(notes, fmt.Sprintf("The rule %q counts from %s; %s it now.", rule.title, words.Day(rule.from),
			words.Plural(rule.fails, "service fails", "services fail")))
	}
	return notes
}
