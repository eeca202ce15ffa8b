package scorecards

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards/format"
	"github.com/dxctl/dxctl/spelling"
)

// Decision is what a gate answers.
type Decision string

// Decisions. Unknown: whether the level is reached depends on what is not known.
const (
	GatePass    Decision = format.GatePass
	GateFail    Decision = format.GateFail
	GateUnknown Decision = format.GateUnknown
)

// GatePolicy is what missing and old facts mean for a gate.
type GatePolicy struct {
	Unknown Decision `json:"unknown"` // of a rule that is unknown, in error or needs review
	Stale   Decision `json:"stale"`   // of a rule whose facts are out of date
}

func newGatePolicy(g *format.Gate) GatePolicy {
	policy := GatePolicy{GateUnknown, GateUnknown}
	if g != nil && g.Unknown != "" {
		policy.Unknown = Decision(g.Unknown)
	}
	if g != nil && g.Stale != "" {
		policy.Stale = Decision(g.Stale)
	}
	return policy
}

// of returns what an outcome means.
func (p GatePolicy) of(o event.Outcome) Decision {
	switch {
	case Earned(o):
		return GatePass
	case o == event.Fail:
		return GateFail
	case o == event.Stale:
		return p.Stale
	}
	return p.Unknown
}

// Gate is whether an entity may pass where a level is required.
type Gate struct {
	Decision Decision
	Reason   string     // sentence
	Rules    []GateRule // that count, of the level and those below; what decides comes first
}

// GateRule is a rule and what it means for the gate.
type GateRule struct {
	Result  *Result
	Means   Decision
	Decides bool // the decision would be another one, or could be, without the rule
}

// Gate decides whether a report, which is one of the scorecard, passes where a level of it is required. One rule that
// means fail decides; otherwise one that means unknown. The error is that the scorecard does not have the level.
func (s *Scorecard) Gate(r *Report, level string) (Gate, error) {
	want := slices.IndexFunc(s.Levels, func(l string) bool { return strings.EqualFold(l, level) })
	if want < 0 {
		return Gate{}, fmt.Errorf("scorecard %s has no level %q%s", s.Name, level, spelling.Hint(level, s.Levels))
	}
	gate := Gate{Decision: GatePass}
	rank := []Decision{GatePass, GateUnknown, GateFail}
	counts := map[Decision]int{}
	for i := range r.Results {
		result := &r.Results[i]
		if !result.Counts() || slices.Index(s.Levels, result.Level) > want {
			continue
		}
		means := s.Gates.of(result.Outcome)
		counts[means]++
		gate.Rules = append(gate.Rules, GateRule{Result: result, Means: means})
		if slices.Index(rank, means) > slices.Index(rank, gate.Decision) {
			gate.Decision = means
		}
	}
	for i := range gate.Rules {
		gate.Rules[i].Decides = gate.Rules[i].Means == gate.Decision
	}
	slices.SortStableFunc(gate.Rules, func(a, b GateRule) int {
		return slices.Index(rank, b.Means) - slices.Index(rank, a.Means)
	})
	gate.Reason = s.gateReason(&gate, counts, s.Levels[want])
	return gate, nil
}

func (s *Scorecard) gateReason(gate *Gate, counts map[Decision]int, level string) string {
	of := fmt.Sprintf("of the %d rules up to level %s", len(gate.Rules), level)
	if len(gate.Rules) == 1 {
		of = "of the one rule up to level " + level
	}
	if len(gate.Rules) == 0 {
		gate.Decision = GateUnknown
		return fmt.Sprintf("no rule up to level %s is in force", level)
	}
	switch gate.Decision {
	case GateFail:
		return fmt.Sprintf("%s, %s%s", of, withVerb(counts[GateFail], "does not pass", "do not pass"), s.byPolicy(gate))
	case GateUnknown:
		return fmt.Sprintf("%s, none fails and %s not decided", of, withVerb(counts[GateUnknown], "is", "are"))
	}
	return fmt.Sprintf("all %s pass, are waived or do not apply", strings.TrimPrefix(of, "of the ")) + s.byPolicy(gate)
}

// withVerb is a number with its verb.
func withVerb(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// byPolicy names the part of the policy that turned an undecided rule into pass or fail.
func (s *Scorecard) byPolicy(gate *Gate) string {
	var parts []string
	for _, o := range []event.Outcome{event.Unknown, event.ErrorOutcome, event.NeedsReview, event.Stale} {
		n := 0
		for i := range gate.Rules {
			if gate.Rules[i].Decides && gate.Rules[i].Result.Outcome == o {
				n++
			}
		}
		key := "unknown"
		if o == event.Stale {
			key = "stale"
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s by gate.%s: %s", n, o, key, gate.Decision))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}
