package web

import (
	"cmp"
	"slices"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
)

// nextStep is a rule that fails somewhere, seen over all services.
type nextStep struct {
	Rule, Scorecard string
	Title, Why      string
	Effort, Level   string
	Fails           int           // services that fail it
	Lifts           []stepService // services that reach their next level by it alone
	Helps           []stepService // services for which it is a part of the cheapest way
}

// stepService is a service and the level that it would reach.
type stepService struct{ Name, Path, To string }

// effortRank orders efforts from the least; an unknown one comes last.
func effortRank(effort string) int {
	for i, e := range []string{string(scorecards.Minutes), string(scorecards.Hours), string(scorecards.Days)} {
		if effort == e {
			return i
		}
	}
	return 3
}

// nextSteps says what would lift the most services for the least effort. Only verdicts count: a rule that is unknown
// asks for data and not for a fix.
func nextSteps(rows []serviceRow, most int) []nextStep {
	index := map[[2]string]*nextStep{}
	var steps []*nextStep
	step := func(card string, r scorecards.Result) *nextStep {
		key := [2]string{card, r.Rule}
		if index[key] == nil {
			index[key] = &nextStep{Rule: r.Rule, Scorecard: card, Title: r.Title, Why: r.Why, Effort: r.Effort, Level: r.Level}
			steps = append(steps, index[key])
		}
		return index[key]
	}
	for _, row := range rows {
		for _, report := range row.Reports {
			for _, r := range report.Results {
				if r.Outcome == event.Fail {
					step(report.Scorecard, r).Fails++
				}
			}
			for _, r := range report.Next {
				if r.Outcome != event.Fail {
					continue
				}
				s := step(report.Scorecard, r)
				service := stepService{row.Entity.DisplayName(), row.Path() + "#grade", report.NextLevel}
				if len(report.Next) == 1 {
					s.Lifts = append(s.Lifts, service)
				} else {
					s.Helps = append(s.Helps, service)
				}
			}
		}
	}
	slices.SortStableFunc(steps, func(x, y *nextStep) int {
		return cmp.Or(-cmp.Compare(len(x.Lifts), len(y.Lifts)), cmp.Compare(effortRank(x.Effort), effortRank(y.Effort)),
			-cmp.Compare(len(x.Helps), len(y.Helps)), -cmp.Compare(x.Fails, y.Fails), cmp.Compare(x.Rule, y.Rule))
	})
	out := make([]nextStep, 0, most)
	for _, s := range steps {
		if len(out) < most && len(s.Lifts)+len(s.Helps) > 0 {
			out = append(out, *s)
		}
	}
	return out
}
