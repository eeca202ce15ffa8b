package report

import (
	"slices"
	"strings"

	"github.com/dxctl/dxctl/scorecards"
)

// LinkedRule is a rule that a question of a survey names.
type LinkedRule struct {
	ID        string `json:"id"`        // as the question names it: a rule, or scorecard/rule
	Scorecard string `json:"scorecard"` // "" if no scorecard has such a rule
	Rule      string `json:"rule"`
	Title     string `json:"title"`
	Path      string `json:"path"` // of its page; "" if no scorecard has such a rule
	Fix       string `json:"fix"`  // what to do
	Effort    string `json:"effort"`
	// Patched: `dxctl fix` proposes the change of the golden path.
	Patched bool `json:"patched"`
}

// ShortFix is the first sentence of what to do; the page of the rule has all of it.
func (r LinkedRule) ShortFix() string {
	words := strings.Fields(r.Fix)
	for i, word := range words {
		if strings.HasSuffix(word, ".") {
			return strings.Join(words[:i+1], " ")
		}
	}
	return strings.Join(words, " ")
}

// LinkedRules finds rules in the scorecards. One that several have is listed for each of them; one that is
// named twice is listed once.
func (r *Reader) LinkedRules(ids []string) []LinkedRule {
	var all []LinkedRule
	for _, id := range ids {
		found := false
		for _, card := range r.deps.Scorecards.Scorecards() {
			for i := range card.Rules {
				rule := &card.Rules[i]
				if id != rule.ID && id != RuleName(card.Name, rule.ID) {
					continue
				}
				found = true
				linked := linkedRule(id, card.Name, rule)
				if !slices.ContainsFunc(all, func(l LinkedRule) bool { return l.Path == linked.Path }) {
					all = append(all, linked)
				}
			}
		}
		if !found {
			all = append(all, LinkedRule{ID: id})
		}
	}
	return all
}

func linkedRule(id, card string, rule *scorecards.Rule) LinkedRule {
	return LinkedRule{ID: id, Scorecard: card, Rule: rule.ID, Title: rule.Title, Path: RulePath(card, rule.ID),
		Fix: strings.TrimSpace(rule.Fix), Effort: string(rule.Effort),
		Patched: rule.Action != nil && slices.Contains(rule.Action.Kind, "patch")}
}
