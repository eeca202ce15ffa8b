package scorecards

import (
	"slices"
	"time"

	"github.com/dxctl/dxctl/event"
)

// Moment is the grade of an entity by a scorecard from a time on, until the next moment.
type Moment struct {
	At        time.Time       `json:"at"`
	Level     string          `json:"level"`      // empty: none
	Score     float64         `json:"score"`      // 0 to 1: the lower end
	ScoreHigh float64         `json:"score_high"` // 0 to 1
	Coverage  float64         `json:"coverage"`   // 0 to 1
	Changes   []OutcomeChange `json:"changes"`
	// RulesDigest is that of the rules by which was graded from then on; empty: not recorded
	RulesDigest  string `json:"rules_digest"`
	RulesChanged bool   `json:"rules_changed"` // the rules are others than at the moment before
}

// OutcomeChange is a rule whose outcome, reason or version changed.
type OutcomeChange struct {
	Rule    string        `json:"rule"`
	Title   string        `json:"title"`
	Version uint32        `json:"version"`
	From    event.Outcome `json:"from,omitempty"` // empty: the rule was not graded before
	To      event.Outcome `json:"to"`
	Reason  string        `json:"reason"`
}

// History returns how the grade by a scorecard changed, oldest first. grades are those of one entity by any scorecard,
// whenever they changed, oldest first, as the store returns them. Levels and weights are those that the scorecard has
// now; rules that it no longer has are left out. inForce are the rules of any scorecard since when they graded, oldest
// first: where they changed is a moment, even if no outcome changed with them.
func History(card *Scorecard, grades []event.Grade, inForce []event.RulesInForce) []Moment {
	rules := make(map[string]*Rule, len(card.Rules))
	for i := range card.Rules {
		rules[card.Rules[i].ID] = &card.Rules[i]
	}
	last := map[string]event.Grade{}
	var moments []Moment
	for i := 0; i < len(grades); {
		at := grades[i].EvaluatedAt
		var changes []OutcomeChange
		for ; i < len(grades) && grades[i].EvaluatedAt.Equal(at); i++ {
			g := grades[i]
			if rule, ok := rules[g.Rule]; ok && g.Scorecard == card.Name {
				changes = append(changes, OutcomeChange{Rule: g.Rule, Title: rule.Title, Version: g.RuleVersion,
					From: last[g.Rule].Outcome, To: g.Outcome, Reason: g.Reason})
				last[g.Rule] = g
			}
		}
		if len(changes) > 0 {
			moments = append(moments, momentOf(card, at, last, changes))
		}
	}
	return withRules(moments, card.Name, inForce)
}

// withRules adds to the moments by which rules was graded, and a moment for each change of the rules that has none.
func withRules(moments []Moment, card string, inForce []event.RulesInForce) []Moment {
	var all []Moment
	digest := ""
	add := func(m Moment, changed bool) {
		m.RulesDigest, m.RulesChanged = digest, changed
		all = append(all, m)
	}
	for _, r := range inForce {
		if r.Scorecard != card || r.Digest == digest {
			continue
		}
		for len(moments) > 0 && moments[0].At.Before(r.Since) {
			add(moments[0], false)
			moments = moments[1:]
		}
		changed := digest != "" && len(all) > 0
		digest = r.Digest
		switch {
		case len(moments) > 0 && moments[0].At.Equal(r.Since):
			add(moments[0], changed)
			moments = moments[1:]
		case changed: // no outcome did
			m := all[len(all)-1]
			m.At, m.Changes = r.Since, []OutcomeChange{}
			add(m, true)
		}
	}
	for _, m := range moments {
		add(m, false)
	}
	return all
}

// momentOf grades by the outcomes of the rules at a time.
func momentOf(card *Scorecard, at time.Time, outcomes map[string]event.Grade, changes []OutcomeChange) Moment {
	results := make([]Result, 0, len(outcomes))
	for i := range card.Rules {
		rule := &card.Rules[i]
		if g, ok := outcomes[rule.ID]; ok {
			results = append(results, Result{Rule: rule.ID, Level: rule.Level, Weight: rule.Weight, Outcome: g.Outcome})
		}
	}
	r := newReport(card, "", results)
	return Moment{At: at, Level: r.Level, Score: r.Score, ScoreHigh: r.ScoreHigh, Coverage: r.Coverage, Changes: changes}
}

// LevelSince returns since when the last level has been held without interruption; the zero time if there is no moment.
func LevelSince(moments []Moment) time.Time {
	var since time.Time
	for _, m := range slices.Backward(moments) {
		if m.Level != moments[len(moments)-1].Level {
			break
		}
		since = m.At
	}
	return since
}
