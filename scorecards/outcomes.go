package scorecards

import (
	"slices"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards/format"
)

// OutcomeHistory is how the outcome of a rule for an entity changed, the oldest first. Each holds until the next.
type OutcomeHistory []OutcomeAt

// OutcomeAt is the outcome of a rule from a time on.
type OutcomeAt struct {
	At      time.Time
	Outcome event.Outcome
	Version uint32 // of the rule
}

// OutcomeHistories returns the histories in grades, by entity and rule. The grades of one rule may come in any order.
func OutcomeHistories(grades []event.Grade) map[string]map[RuleName]OutcomeHistory {
	all := map[string]map[RuleName]OutcomeHistory{}
	for i := range grades {
		g := &grades[i]
		of := all[g.Entity]
		if of == nil {
			of = map[RuleName]OutcomeHistory{}
			all[g.Entity] = of
		}
		name := RuleName{g.Scorecard, g.Rule}
		of[name] = append(of[name], OutcomeAt{g.EvaluatedAt, g.Outcome, g.RuleVersion})
	}
	byTime := func(a, b OutcomeAt) int { return a.At.Compare(b.At) }
	for _, of := range all {
		for _, h := range of {
			if !slices.IsSortedFunc(h, byTime) {
				slices.SortStableFunc(h, byTime)
			}
		}
	}
	return all
}

// At returns the outcome at a time; known is false before the first one.
func (h OutcomeHistory) At(t time.Time) (o event.Outcome, known bool) {
	for i := len(h) - 1; i >= 0; i-- {
		if !h[i].At.After(t) {
			return h[i].Outcome, true
		}
	}
	return "", false
}

// Since returns since when the outcome has been held without interruption, and whether the history begins with it, so
// that it may have been held for longer. The time is zero if the outcome is not the last one of the history.
func (h OutcomeHistory) Since(o event.Outcome) (since time.Time, fromBeginning bool) {
	for i := len(h) - 1; i >= 0 && h[i].Outcome == o; i-- {
		since, fromBeginning = h[i].At, i == 0
	}
	return since, fromBeginning
}

// Repair returns how long it took from the time at which the rule was first found to fail to the time at which it was
// found to pass, the last time that this happened. It is not an effort: work waits, too. A rule that lost its verdict
// in between still counts as failing; one that was waived or did not apply, or whose version changed, was not repaired.
func (h OutcomeHistory) Repair() (took time.Duration, repaired bool) {
	var failed time.Time
	version := uint32(0)
	for _, o := range h {
		if o.Version != version {
			failed, version = time.Time{}, o.Version
		}
		switch o.Outcome {
		case event.Fail:
			if failed.IsZero() {
				failed = o.At
			}
		case event.Pass, event.Warn:
			if !failed.IsZero() {
				took, repaired, failed = o.At.Sub(failed), true, time.Time{}
			}
		case event.Waived, event.NotApplicable:
			failed = time.Time{}
		}
	}
	return took, repaired
}

// LevelCounts is how many entities had each level of a scorecard at a time.
type LevelCounts struct {
	At     time.Time
	ByRank []int // by the index of the level in the scorecard plus one; at 0, those without a level
	Graded int   // the sum: entities of which a grade was stored by then
}

// LevelsOver returns how many of the entities had each level of a scorecard at each of the times, which ascend.
// Levels are those that the rules have now; drafts and retired rules are left out.
func LevelsOver(card *Scorecard, of map[string]map[RuleName]OutcomeHistory, entities []string,
	times []time.Time) []LevelCounts {
	counts := make([]LevelCounts, len(times))
	for i := range times {
		counts[i] = LevelCounts{At: times[i], ByRank: make([]int, len(card.Levels)+1)}
	}
	for _, entity := range entities {
		var rules []levelHistory
		for i := range card.Rules {
			rule := &card.Rules[i]
			h := of[entity][RuleName{card.Name, rule.ID}]
			if len(h) > 0 && rule.Status != format.Retired && rule.Status != format.Draft {
				rules = append(rules, levelHistory{slices.Index(card.Levels, rule.Level), h})
			}
		}
		for i := range times {
			if rank, graded := rankAt(rules, len(card.Levels), times[i]); graded {
				counts[i].ByRank[rank]++
				counts[i].Graded++
			}
		}
	}
	return counts
}

// levelHistory is the history of a rule with the index of its level.
type levelHistory struct {
	level   int
	history OutcomeHistory // what is over is cut off
}

// rankAt returns the rank of the level that the rules earn at a time, 0 for none, and whether any has an outcome then.
// It cuts off what came before, so that the times must ascend.
func rankAt(rules []levelHistory, levels int, at time.Time) (rank int, graded bool) {
	missing := levels // the first level with a rule that is not earned
	highest := -1     // the highest level with a rule, below it
	for i := range rules {
		h := rules[i].history
		for len(h) > 1 && !h[1].At.After(at) {
			h = h[1:]
		}
		rules[i].history = h
		if h[0].At.After(at) {
			continue
		}
		graded = true
		if !Earned(h[0].Outcome) {
			missing = min(missing, rules[i].level)
		}
	}
	for i := range rules {
		if level := rules[i].level; level < missing && !rules[i].history[0].At.After(at) {
			highest = max(highest, level)
		}
	}
	return highest + 1, graded
}
