package scorecards

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/spelling"
)

// WaiversFact is the fact that has the waivers of a repository, each as JSON.
const WaiversFact = "repository.waivers"

// WithWaivers returns an engine that also grades by waivers. book returns them, and is called at each grading; it may
// return nil.
func (e *Engine) WithWaivers(book func() *waiver.Book) *Engine {
	with := *e
	with.waivers = book
	return &with
}

func (e *Engine) book() *waiver.Book {
	if e.waivers == nil {
		return nil
	}
	return e.waivers()
}

// WaiverOn is what a waiver means for a rule of an entity.
type WaiverOn struct {
	waiver.Waiver
	State    waiver.State `json:"state"`
	DaysLeft int          `json:"days_left"` // after the present day
}

// WithoutWaivers is what a grade would be without waivers.
type WithoutWaivers struct {
	Level     string  `json:"level"`
	Score     float64 `json:"score"`
	ScoreHigh float64 `json:"score_high"`
	Coverage  float64 `json:"coverage"`
}

// waiversFor returns the waivers for an entity: those next to the scorecards, then those of its repository.
func (e *Engine) waiversFor(entity string, known map[string]event.Fact) []waiver.Waiver {
	return append(slices.Clip(e.book().Of(entity)), waiversOf(entity, known[WaiversFact])...)
}

// waiversOf returns the waivers of a repository's fact that are for the entity.
func waiversOf(entity string, f event.Fact) []waiver.Waiver {
	if len(f.Value) == 0 {
		return nil
	}
	var texts []string
	if json.Unmarshal(f.Value, &texts) != nil {
		return nil
	}
	var all []waiver.Waiver
	for _, text := range texts {
		var w waiver.Waiver
		if json.Unmarshal([]byte(text), &w) != nil || w.Until.IsZero() || w.Service != "" && w.Service != entity {
			continue
		}
		w.Origin = waiver.FromRepository // whatever the fact says: it was read of the repository
		all = append(all, w)
	}
	return all
}

// WaiverState returns the state of a waiver for a rule of a scorecard.
func (s *Scorecard) WaiverState(w *waiver.Waiver, r *Rule, now time.Time) waiver.State {
	return w.StateAt(now, slices.Contains(s.WaiversFrom, w.Origin), r.Waivable)
}

// waive applies the waivers to a result. Of several, one that holds comes first, then the one that ends last. A rule
// that is earned without it keeps its outcome.
func (s *subject) waive(r *compiledRule, result *Result) {
	var best *WaiverOn
	for i := range s.waivers {
		w := &s.waivers[i]
		if !w.Covers(s.card.Name, r.ID) {
			continue
		}
		on := WaiverOn{Waiver: *w, State: s.card.WaiverState(w, &r.Rule, s.now), DaysLeft: w.DaysLeft(s.now)}
		if best == nil || on.State.Holds() && !best.State.Holds() ||
			on.State.Holds() == best.State.Holds() && on.Until.After(best.Until) {
			best = &on
		}
	}
	if best == nil {
		return
	}
	result.Waiver = best
	if !best.State.Holds() || Earned(result.Outcome) {
		return
	}
	result.Unwaived, result.Outcome = result.Outcome, event.Waived
	if s.quiet {
		return
	}
	result.Reason = fmt.Sprintf("waived until %s by %s (%s: %s); without the waiver: %s, %s",
		best.Until.Format(time.DateOnly), best.By, best.Reason, strings.TrimRight(best.Note, "."), result.Unwaived,
		result.Reason)
}

// Entities says which entities there are.
type Entities interface {
	Entity(ref string) (descriptor.Entity, bool)
}

// WaiverWarnings returns what is wrong with waivers: what cannot be read; a scorecard, a rule or a service that does
// not exist; a rule that cannot be waived; an end too far ahead. A waiver that has expired needs no correction.
func (e *Engine) WaiverWarnings(entities Entities) []string {
	book := e.book()
	now := e.now()
	var warnings []string
	for _, w := range book.Problems() {
		warnings = append(warnings, w.String())
	}
	for _, w := range book.All() {
		if w.StateAt(now, true, true) == waiver.Expired {
			continue
		}
		if problem := e.waiverProblem(&w, entities, now); problem != "" {
			warnings = append(warnings, w.Place()+": "+problem)
		}
	}
	for _, w := range book.Unmatched() {
		warnings = append(warnings,
			fmt.Sprintf("%s: no service of the catalog lies in %s of %s", w.Place(), w.Path, w.Repository))
	}
	return warnings
}

func (e *Engine) waiverProblem(w *waiver.Waiver, entities Entities, now time.Time) string {
	var cards, rules []string
	var found *compiledRule
	for _, card := range e.cards {
		cards = append(cards, card.Name)
		for i := range card.rules {
			rules = append(rules, card.rules[i].ID)
			if w.Covers(card.Name, card.rules[i].ID) {
				found = &card.rules[i]
			}
		}
	}
	switch {
	case w.Scorecard != "" && !slices.Contains(cards, w.Scorecard):
		return fmt.Sprintf("no scorecard has the name %q%s", w.Scorecard, spelling.Hint(w.Scorecard, cards))
	case found == nil && w.Scorecard != "":
		return fmt.Sprintf("scorecard %s has no rule %q%s", w.Scorecard, w.Rule, spelling.Hint(w.Rule, rules))
	case found == nil:
		return fmt.Sprintf("no scorecard has a rule %q%s", w.Rule, spelling.Hint(w.Rule, rules))
	case !found.Waivable:
		return fmt.Sprintf("rule %s cannot be waived; the waiver changes no grade", w.Rule)
	case w.StateAt(now, true, true) == waiver.TooLong:
		return fmt.Sprintf("the waiver ends on %s; at most %d days ahead are allowed, so it changes no grade",
			w.Until.Format(time.DateOnly), waiver.MaxDays)
	}
	if w.Service != "" {
		if _, ok := entities.Entity(w.Service); !ok {
			return fmt.Sprintf("the catalog has no %s", w.Service)
		}
	}
	return ""
}

// covered reports whether a waiver is about the rule, so that the time alone may change its outcome.
func (s *subject) covered(r *compiledRule) bool {
	return slices.ContainsFunc(s.waivers, func(w waiver.Waiver) bool { return w.Covers(s.card.Name, r.ID) })
}

// unwaived returns the results as they would be without waivers, and whether any differs.
func unwaived(results []Result) ([]Result, bool) {
	if !slices.ContainsFunc(results, func(r Result) bool { return r.Unwaived != "" }) {
		return nil, false
	}
	without := slices.Clone(results)
	for i := range without {
		if without[i].Unwaived != "" {
			without[i].Outcome, without[i].Unwaived = without[i].Unwaived, ""
		}
	}
	return without, true
}

// withoutWaivers returns the standing by results as they would be without waivers; nil if it is the same.
func withoutWaivers(card *Scorecard, entity string, results []Result) *WithoutWaivers {
	without, differ := unwaived(results)
	if !differ {
		return nil
	}
	r := newReport(card, entity, without)
	return &WithoutWaivers{r.Level, r.Score, r.ScoreHigh, r.Coverage}
}
