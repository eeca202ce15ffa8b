package report

import (
	"cmp"
	"slices"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
)

// NextStep is a rule that fails somewhere, seen over all services.
type NextStep struct {
	Rule, Scorecard string
	Title, Why      string
	Card            string // title of the scorecard
	Effort, Level   string
	Fails           int           // services that fail it
	Lifts           []StepService // services that reach their next level by it alone
	Helps           []StepService // services for which it is a part of the cheapest way
	worth           float64
}

// StepService is a service and the level that it would reach.
type StepService struct{ Name, Ref, To string }

// nextSteps returns what improves services most for the least effort. A rule is worth, for each service that fails it
// on the way to its next level, its share of that way by weight, as [Way] has it: 1 when nothing else is missing. The
// worth of all services is divided by the stated effort. Only verdicts count: a rule that is unknown asks for data and
// not for a fix.
func nextSteps(rows []Service, most int) []NextStep {
	index := map[[2]string]*NextStep{}
	var steps []*NextStep
	step := func(card scorecards.Report, r scorecards.Result) *NextStep {
		key := [2]string{card.Scorecard, r.Rule}
		if index[key] == nil {
			index[key] = &NextStep{
				Rule: r.Rule, Scorecard: card.Scorecard, Card: card.Title, Title: r.Title, Why: r.Why, Effort: r.Effort,
				Level: r.Level,
			}
			steps = append(steps, index[key])
		}
		return index[key]
	}
	for _, row := range rows {
		for _, report := range row.Reports {
			for _, r := range report.Results {
				if r.Outcome == event.Fail {
					step(report, r).Fails++
				}
			}
			total := 0.0
			for i := range report.Next {
				total += report.Next[i].Weight
			}
			for _, r := range report.Next {
				if r.Outcome != event.Fail {
					continue
				}
				s := step(report, r)
				s.worth += r.Weight / total / scorecards.Effort(r.Effort).Cost()
				service := StepService{row.Entity.DisplayName(), row.Entity.Ref, report.NextLevel}
				if len(report.Next) == 1 {
					s.Lifts = append(s.Lifts, service)
				} else {
					s.Helps = append(s.Helps, service)
				}
			}
		}
	}
	slices.SortStableFunc(steps, func(x, y *NextStep) int {
		return cmp.Or(cmp.Compare(y.worth, x.worth), cmp.Compare(y.Fails, x.Fails), cmp.Compare(x.Rule, y.Rule))
	})
	out := make([]NextStep, 0, most)
	for _, s := range steps {
		if len(out) < most && len(s.Lifts)+len(s.Helps) > 0 {
			out = append(out, *s)
		}
	}
	return out
}
