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
// A level is reached when every rule of it and of the levels below passes, warns, is waived or not applicable. A rule
// that is unknown, stale, in error or needs review is not a failure, but it does not earn the level either; Note then
// explains this. A level none of whose rules is in force yet is passed over.
//
// The score is an interval of shares of the weight of the applicable rules. At the lower end, Score, what is unknown
// counts as failed: (pass + warn) / all; at the upper end, ScoreHigh, it counts as passed. Rules that are not
// applicable or waived are left out. Losing data therefore never raises the lower end. Coverage,
// (pass + warn + fail) / all, is how much of the score is known: ScoreHigh − Score is 1 − Coverage.
type Report struct {
	Entity    string                `json:"entity"`
	Scorecard string                `json:"scorecard"`
	Version   uint32                `json:"version"` // of the scorecard
	Title     string                `json:"title"`
	Digest    string                `json:"rules_digest"` // of what decides the grade, see Scorecard.Digest
	Level     string                `json:"level"`        // the highest reached; empty: none
	NextLevel string                `json:"next_level"`   // the first not reached; empty: all are
	Score     float64               `json:"score"`        // 0 to 1: the lower end
	ScoreHigh float64               `json:"score_high"`   // 0 to 1
	Coverage  float64               `json:"coverage"`     // 0 to 1
	Counts    map[event.Outcome]int `json:"counts"`       // of the rules that count
	Results   []Result              `json:"results"`      // announced rules included
	Next      []Result              `json:"next"`         // what the next level needs, most gain per effort first
	Note      string                `json:"note,omitempty"`
	Born      time.Time             `json:"-"` // when the repository was created; zero: not known

	WithoutWaivers *WithoutWaivers `json:"without_waivers,omitempty"` // nil: no rule is waived
}

func newReport(card *Scorecard, entity string, results []Result) Report {
	r := Report{
		Entity: entity, Scorecard: card.Name, Version: card.Version, Title: card.Title, Digest: card.Digest,
		Results: results,
		Counts:  make(map[event.Outcome]int, len(event.Outcomes)),
	}
	sum := tally{}
	for i := range results {
		if results[i].Counts() {
			r.Counts[results[i].Outcome]++
			sum.add(results[i].Outcome, results[i].Weight)
		}
	}
	if sum.all() == 0 {
		r.Note = "no rule of the scorecard applies to this service, so it has no level"
		return r
	}
	r.WithoutWaivers = withoutWaivers(card, entity, results)
	r.Score, r.ScoreHigh, r.Coverage = sum.score()
	if r.Level, r.NextLevel = reached(card.Levels, results); r.NextLevel != "" {
		r.Next = missingFor(r.NextLevel, results)
	}
	r.Note = r.note()
	return r
}

// reached returns the highest level that the results earn and the first that they do not, "" if there is none.
func reached(levels []string, results []Result) (level, next string) {
	for _, l := range levels {
		graded := false
		for i := range results {
			if results[i].Level != l || !results[i].Counts() {
				continue
			}
			if graded = true; !Earned(results[i].Outcome) {
				return level, l
			}
		}
		if graded {
			level = l
		}
	}
	return level, ""
}

// tally sums the weights of rules by what their outcomes say about the score.
type tally struct{ passed, failed, open float64 }

func (t *tally) add(o event.Outcome, weight float64) {
	switch o {
	case event.Pass, event.Warn:
		t.passed += weight
	case event.Fail:
		t.failed += weight
	case event.Unknown, event.Stale, event.ErrorOutcome, event.NeedsReview:
		t.open += weight
	}
}

func (t *tally) all() float64 { return t.passed + t.failed + t.open }

// score returns the ends of the interval and the coverage; 0, 0, 0 if no rule applies.
func (t *tally) score() (low, high, coverage float64) {
	all := t.all()
	if all == 0 {
		return 0, 0, 0
	}
	low, coverage = t.passed/all, (t.passed+t.failed)/all
	if t.open == 0 {
		return low, low, 1
	}
	return low, min((t.passed+t.open)/all, 1), coverage
}

// Earned reports whether a rule with the outcome does not prevent a level.
func Earned(o event.Outcome) bool {
	return o == event.Pass || o == event.Warn || o == event.NotApplicable || o == event.Waived
}

// Gain returns by how much the lower end of the score rises when a rule of the report passes: 0 to 1. It is 0 for a
// rule that passes already or does not count.
func (r *Report) Gain(result *Result) float64 {
	sum := tally{}
	for i := range r.Results {
		if r.Results[i].Counts() {
			sum.add(r.Results[i].Outcome, r.Results[i].Weight)
		}
	}
	if !result.Counts() || Earned(result.Outcome) || sum.all() == 0 {
		return 0
	}
	return result.Weight / sum.all()
}

// missingFor returns the level's rules that keep it from being reached, those with the most weight for the stated
// effort first; of two with the same, the one that failed comes before one that is only not known.
func missingFor(level string, results []Result) []Result {
	var missing []Result
	for i := range results {
		if results[i].Level == level && results[i].Counts() && !Earned(results[i].Outcome) {
			missing = append(missing, results[i])
		}
	}
	worth := func(r *Result) float64 { return r.Weight / Effort(r.Effort).Cost() }
	slices.SortStableFunc(missing, func(a, b Result) int {
		return cmp.Or(cmp.Compare(worth(&b), worth(&a)),
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
	for _, o := range []event.Outcome{event.Unknown, event.Stale, event.ErrorOutcome, event.NeedsReview} {
		if n := undecided[o]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, map[event.Outcome]string{
				event.Unknown: "unknown", event.Stale: "out of date", event.ErrorOutcome: "in error",
				event.NeedsReview: "to be reviewed",
			}[o]))
		}
	}
	text := fmt.Sprintf("%s is not reached: of its rules %s", r.NextLevel, strings.Join(parts, ", "))
	if failed == 0 {
		return text + "; none fails, but what is not known does not earn a level"
	}
	return text + fmt.Sprintf(" and %d failed", failed)
}

// Grades returns the results as events to store: those of the rules that count.
func (r Report) Grades(now time.Time) []event.Grade {
	grades := make([]event.Grade, 0, len(r.Results))
	for i := range r.Results {
		result := &r.Results[i]
		if !result.Counts() {
			continue
		}
		grades = append(grades, event.Grade{
			Entity: r.Entity, Scorecard: r.Scorecard, Rule: result.Rule, RuleVersion: result.Version, Level: result.Level,
			Outcome: result.Outcome, Reason: result.Reason, RulesDigest: r.Digest, URL: result.URL,
			EvaluatedAt: now,
		})
	}
	return grades
}
