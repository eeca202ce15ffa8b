package report

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/spelling"
)

// GateVersion is the version of GateDocument.
const GateVersion = 1

// GateDocument is whether a service may pass where a level of a scorecard is required, with its evidence. The same
// question as of AsOf has the same answer, as long as the rules and the catalog are the same.
type GateDocument struct {
	Version   int                   `json:"version"`
	Service   string                `json:"service"` // ref
	Scorecard string                `json:"scorecard"`
	CardVer   uint32                `json:"scorecard_version"`
	Digest    string                `json:"rules_digest"` // SHA-256 of what decides the grades: the rules of the decision
	Level     string                `json:"level"`        // that is required
	Decision  scorecards.Decision   `json:"decision"`     // pass, fail or unknown
	Reason    string                `json:"reason"`       // sentence
	Reached   string                `json:"reached"`      // level of the service; "" for none
	AsOf      time.Time             `json:"as_of"`        // the facts are those that were known then
	Policy    scorecards.GatePolicy `json:"policy"`       // what rules without a verdict mean, by the scorecard
	Rules     []GateRuleDocument    `json:"rules"`        // that count, up to the level; those that decide come first
	Notes     []string              `json:"notes"`        // what is not of that time
}

// GateRuleDocument is a rule and what it means for the gate.
type GateRuleDocument struct {
	RuleDocument
	Means   scorecards.Decision `json:"means"`
	Decides bool                `json:"decides"`
}

// CheckGate returns an error if there is no such scorecard, or if it has no such level.
func (r *Reader) CheckGate(scorecard, level string) error {
	var names []string
	for _, card := range r.deps.Scorecards.Scorecards() {
		if names = append(names, card.Name); card.Name == scorecard {
			_, err := card.Gate(&scorecards.Report{}, level)
			return err
		}
	}
	for _, b := range r.deps.Scorecards.Broken() {
		if slices.Contains(b.Names, scorecard) {
			return fmt.Errorf("scorecard %s has mistakes and grades nothing; correct them:\n%w", scorecard, b.Problems)
		}
	}
	return fmt.Errorf("no scorecard has the name %q%s", scorecard, spelling.Hint(scorecard, names))
}

// Gate decides by what was known at a time whether a service may pass where a level of a scorecard is required. Its
// errors are those of CheckGate and AsOf.
func (r *Reader) Gate(ctx context.Context, ref, scorecard, level string, at time.Time) (GateDocument, error) {
	if err := r.CheckGate(scorecard, level); err != nil {
		return GateDocument{}, err
	}
	at = at.UTC().Truncate(time.Millisecond) // as the store has times
	then, err := r.AsOf(ctx, ref, at)
	if err != nil {
		return GateDocument{}, err
	}
	cards := r.deps.Scorecards.Scorecards()
	card := &cards[slices.IndexFunc(cards, func(c scorecards.Scorecard) bool { return c.Name == scorecard })]
	doc := GateDocument{
		Version: GateVersion, Service: then.Service.Entity.Ref, Scorecard: scorecard, CardVer: card.Version,
		Digest: card.Digest, AsOf: at, Policy: card.Gates, Rules: []GateRuleDocument{}, Notes: list(then.Notes),
		Level: card.Levels[slices.IndexFunc(card.Levels, func(l string) bool { return strings.EqualFold(l, level) })],
	}
	reports := then.Service.Reports
	i := slices.IndexFunc(reports, func(x scorecards.Report) bool { return x.Scorecard == scorecard })
	if i < 0 {
		doc.Decision, doc.Reason = scorecards.GateUnknown, "the scorecard does not grade "+words.RefName(doc.Service)
		for _, left := range then.Service.LeftOut {
			if left.Scorecard == scorecard {
				doc.Reason += ": " + left.Reason
			}
		}
		return doc, nil
	}
	gate, err := card.Gate(&reports[i], level)
	if err != nil {
		return GateDocument{}, err
	}
	doc.Decision, doc.Reason, doc.Reached = gate.Decision, gate.Reason, reports[i].Level
	for _, rule := range gate.Rules {
		doc.Rules = append(doc.Rules, GateRuleDocument{ruleDocument(rule.Result), rule.Means, rule.Decides})
	}
	return doc, nil
}
