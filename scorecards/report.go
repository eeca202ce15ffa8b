package scorecards

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
)

// Report is the result of grading an entity by one scorecard.
//
// A level is reached when every applicable rule of it and of the levels below passes. A rule that is unknown, stale or
// in error is not a failure, but it does not earn the level either; Note then explains this.
//
// Score is the share of the applicable rules that pass: pass / (pass + fail + unknown + stale + error). Rules that are
// not applicable or waived are left out. Because what is not known stays in the denominator, losing data never raises a
// score. Coverage, (pass + fail) / the same sum, is how much of the score is known.
type Report struct {
	Entity    string                `json:"entity"`
	Scorecard string                `json:"scorecard"`
	Title     string                `json:"title"`
	Level     string                `json:"level"`      // the highest reached; empty: none
	NextLevel string                `json:"next_level"` // the first not reached; empty: all are
	Score     float64               `json:"score"`      // 0 to 1
	Coverage  float64               `json:"coverage"`   // 0 to 1
	Counts    map[event.Outcome]int `json:"counts"`
	Results   []Result              `json:"results"`
	Next      []Result              `json:"next"` // what the next level still needs, the least effort first
	Note      string                `json:"note,omitempty"`
}

func newReport(card Scorecard, entity string, results []Result) Report {
	r := Report{
		Entity: entity, Scorecard: card.Name, Title: card.Title, Results: results, Counts: map[event.Outcome]int{},
	}
	for _, result := range results {
		r.Counts[result.Outcome]++
	}
	decided := r.Counts[event.Pass] + r.Counts[event.Fail]
	applicable := decided + r.Counts[event.Unknown] + r.Counts[event.Stale] + r.Counts[event.ErrorOutcome]
	if applicable == 0 {
		r.Note = "no rule of the scorecard applies to this service, so it has no level"
		return r
	}
	r.Score = float64(r.Counts[event.Pass]) / float64(applicable)
	r.Coverage = float64(decided) / float64(applicable)
	for _, level := range card.Levels {
		if r.Next = missingFor(level, results); len(r.Next) > 0 {
			r.NextLevel = level
			break
		}
		r.Level = level
	}
	r.Note = r.note()
	return r
}

// earned reports whether a rule with the outcome does not prevent a level.
func earned(o event.Outcome) bool {
	return o == event.Pass || o == event.NotApplicable || o == event.Waived
}

// missingFor returns the level's rules that keep it from being reached, the least effort first; of two with the same
// effort the one that failed comes before one that is only not known.
func missingFor(level string, results []Result) []Result {
	var missing []Result
	for _, result := range results {
		if result.Level == level && !earned(result.Outcome) {
			missing = append(missing, result)
		}
	}
	slices.SortStableFunc(missing, func(a, b Result) int {
		return cmp.Or(cmp.Compare(Effort(a.Effort).order(), Effort(b.Effort).order()),
			cmp.Compare(boolOrder(a.Outcome != event.Fail), boolOrder(b.Outcome != event.Fail)))
	})
	return missing
}

func boolOrder(b bool) int {
	if b {
		return 1
	}
	return 0
}

// note returns what the next level still needs if that is not, or not only, rules that fail.
func (r Report) note() string {
	failed, undecided := 0, map[event.Outcome]int{}
	for _, result := range r.Next {
		if result.Outcome == event.Fail {
			failed++
		} else {
			undecided[result.Outcome]++
		}
	}
	if len(undecided) == 0 {
		return ""
	}
	var parts []string
	for _, o := range []event.Outcome{event.Unknown, event.Stale, event.ErrorOutcome} {
		if n := undecided[o]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, map[event.Outcome]string{
				event.Unknown: "unknown", event.Stale: "out of date", event.ErrorOutcome: "in error",
			}[o]))
		}
	}
	text := fmt.Sprintf("%s is not reached: of its rules %s", r.NextLevel, strings.Join(parts, ", "))
	if failed == 0 {
		return text + "; none fails, but what is not known does not earn a level"
	}
	return text + fmt.Sprintf(" and %d failed", failed)
}

// Grades returns the results as events to store.
func (r Report) Grades(now time.Time) []event.Grade {
	grades := make([]event.Grade, 0, len(r.Results))
	for _, result := range r.Results {
		grades = append(grades, event.Grade{
			Entity: r.Entity, Scorecard: r.Scorecard, Rule: result.Rule, RuleVersion: result.Version, Level: result.Level,
			Outcome: result.Outcome, Reason: result.Reason, URL: result.URL, EvaluatedAt: now,
		})
	}
	return grades
}
