// Package campaign is about campaigns: a rule or a level of a scorecard that a selection of services is to reach by a
// day. It reads their files, and derives from the stored grades how many services have reached the goal on each day,
// when the rest probably will, and whom to remind.
//
// Nothing is interpolated: a day before the first grade of a service is not known for it. The selection is that of
// today's catalog; a service that came later counts from its first grade.
package campaign

import (
	"fmt"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/format"
)

// APIVersion and Kind are the first keys of every campaign.
const (
	APIVersion = "dxctl.dev/v1"
	Kind       = "Campaign"
)

const (
	// MaxDays is how long a campaign may last: a year. What takes longer is a goal, and needs steps.
	MaxDays = 366
	// MaxCount is how many campaigns may be configured.
	MaxCount = 200
	// MaxText is how long a title or a reason may be, in bytes.
	MaxText = 1_000
	// firstYear and lastYear are the years that a campaign may lie in. What is outside is a typing mistake.
	firstYear, lastYear = 2000, 2200
)

// Campaign is a goal for a selection of services by the end of a day.
type Campaign struct {
	ID     string
	Title  string
	Why    string
	Owner  string // entity ref: who answers for the campaign
	Goal   Goal
	Filter string    // CEL over the entity; "": every entity that the scorecard grades
	Starts time.Time // first day, UTC midnight
	Ends   time.Time // last day, UTC midnight: the campaign lasts to the end of this day
	Notify string    // name of the webhook that reminds; "": nobody is reminded
	File   string    // as shown to people
	Line   int

	filter *scorecards.Filter
	card   *scorecards.Scorecard
	rules  []string        // that decide whether the goal is reached
	wanted map[string]bool // the same
}

// Place returns where the campaign is written: "campaigns/probes.yaml:1".
func (c *Campaign) Place() string { return fmt.Sprintf("%s:%d", c.File, c.Line) }

// End returns the first moment after the campaign.
func (c *Campaign) End() time.Time { return c.Ends.AddDate(0, 0, 1) }

// Days returns how many days the campaign lasts.
func (c *Campaign) Days() int { return int(c.End().Sub(c.Starts).Hours() / 24) }

// DaysLeft returns how many days are left after the present one; 0 after the end.
func (c *Campaign) DaysLeft(now time.Time) int {
	return max(int(c.Ends.Sub(now.UTC().Truncate(24*time.Hour)).Hours()/24), 0)
}

// Selects reports whether the campaign is for an entity that its scorecard grades. An entity for which the filter
// fails is not selected, and the error says why.
func (c *Campaign) Selects(entity descriptor.Entity, now time.Time) (bool, error) {
	return c.filter.Takes(entity, now)
}

// Announced returns from when on the rule of the goal counts in grades; the zero time if it does already, and for a
// level. What is only announced is not stored, so that its history begins on this day.
func (c *Campaign) Announced(now time.Time) time.Time {
	for i := range c.card.Rules {
		if r := &c.card.Rules[i]; r.ID == c.Goal.Rule && r.StageAt(now) == format.Announced {
			return r.EnforcedFrom
		}
	}
	return time.Time{}
}

// Rules returns the ids of the rules that decide whether the goal is reached: those of the level and of the levels
// below, in the order of the scorecard.
func (c *Campaign) Rules() []string { return c.rules }

// Goal is what each service is to reach. Either Rule or Level is set.
type Goal struct {
	Scorecard string `json:"scorecard"`
	Rule      string `json:"rule"`
	Level     string `json:"level"`
}

// String returns the goal as people read it: "rule delivery/human-review", "level silver of delivery".
func (g Goal) String() string {
	if g.Rule != "" {
		return "rule " + g.Scorecard + "/" + g.Rule
	}
	return "level " + g.Level + " of " + g.Scorecard
}

func (g Goal) rules(card *scorecards.Scorecard) []string {
	if g.Rule != "" {
		return []string{g.Rule}
	}
	upTo := map[string]bool{}
	for _, level := range card.Levels {
		upTo[level] = true
		if level == g.Level {
			break
		}
	}
	var rules []string
	for i := range card.Rules {
		r := &card.Rules[i]
		if upTo[r.Level] && r.Status != format.Retired && r.Status != format.Draft {
			rules = append(rules, r.ID)
		}
	}
	return rules
}

// Verdict is how an entity stands to the goal.
type Verdict string

// Verdicts, in the order of their urgency. A level is failed if one of its rules, or of those of the levels below,
// fails, and unknown if none fails and one has no verdict: unknown, stale, in error or to be reviewed.
const (
	Failed  Verdict = "failed"
	Unknown Verdict = "unknown"
	Waived  Verdict = "waived"  // it counts as reached because of a waiver
	Reached Verdict = "reached" // every rule passes, warns or does not apply
)

// Verdicts are all verdicts, in the order of their urgency.
var Verdicts = []Verdict{Failed, Unknown, Waived, Reached}

// Done reports whether the goal counts as reached.
func (v Verdict) Done() bool { return v == Reached || v == Waived }

// verdictOf returns the verdict by the outcomes of the rules of a goal; Unknown without any.
func verdictOf(outcomes []event.Outcome) Verdict {
	if len(outcomes) == 0 {
		return Unknown
	}
	verdict := Reached
	for _, o := range outcomes {
		switch {
		case o == event.Fail:
			return Failed
		case !scorecards.Earned(o):
			verdict = Unknown
		case o == event.Waived && verdict == Reached:
			verdict = Waived
		}
	}
	return verdict
}

// Waived returns the results of the goal in a report that are waived.
func (c *Campaign) Waived(r *scorecards.Report) []*scorecards.Result {
	return c.results(r, func(x *scorecards.Result) bool { return x.Counts() && x.Outcome == event.Waived })
}

// Coming returns the results of rules of a level that are only announced in a report, and count before the campaign is
// over. None of them is part of Stand.
func (c *Campaign) Coming(r *scorecards.Report) []*scorecards.Result {
	return c.results(r, func(x *scorecards.Result) bool {
		return c.Goal.Rule == "" && !x.Counts() && x.Announced.Before(c.End())
	})
}

func (c *Campaign) results(r *scorecards.Report, fits func(*scorecards.Result) bool) []*scorecards.Result {
	var results []*scorecards.Result
	for i := range r.Results {
		if x := &r.Results[i]; c.wanted[x.Rule] && fits(x) {
			results = append(results, x)
		}
	}
	return results
}

// Stand returns how the entity of a report stands to the goal, and the results that keep it from it. The report must
// be one of the goal's scorecard. A rule that is only announced counts where it is the goal.
func (c *Campaign) Stand(r *scorecards.Report) (Verdict, []*scorecards.Result) {
	var outcomes []event.Outcome
	var missing []*scorecards.Result
	for i := range r.Results {
		result := &r.Results[i]
		if !c.wanted[result.Rule] || !result.Counts() && c.Goal.Rule == "" {
			continue
		}
		outcomes = append(outcomes, result.Outcome)
		if !scorecards.Earned(result.Outcome) {
			missing = append(missing, result)
		}
	}
	return verdictOf(outcomes), missing
}
