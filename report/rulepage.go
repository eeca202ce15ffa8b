package report

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/scorecards/format"
	"github.com/dxctl/dxctl/spelling"
)

// RulePage is a rule, and what it found about every entity that its scorecard grades.
type RulePage struct {
	Card    Card
	Row     RuleRow
	Facts   []facts.Definition // that it looks at
	Took    *Took              // nil: too few repairs are known here
	History []OutcomeCounts    // at the end of each week of half a year, and now; nil: none is read here, or it is retired
	All     []RuleService      // in the order of the catalog; none of a retired rule
}

// RuleService is an entity with its outcome of a rule.
type RuleService struct {
	Service
	Result *scorecards.Result
	Since  time.Time // since when the outcome has been held; zero: not known, because no grade with it is stored
	// it has been held since the first stored grade, so perhaps for longer
	FromBeginning bool
}

// Rule returns a rule of a scorecard. The error is a *NotFoundError that names what is close.
func (r *Reader) Rule(ctx context.Context, scorecard, id string) (RulePage, error) {
	card, err := r.Card(ctx, scorecard)
	if err != nil {
		return RulePage{}, err
	}
	page := RulePage{Card: card}
	i := slices.IndexFunc(card.Rules, func(row RuleRow) bool { return row.Rule.ID == id })
	if i < 0 {
		return page, noRule(&card, id)
	}
	page.Row = card.Rules[i]
	page.Facts = r.deps.Scorecards.DefinitionsOf(card.Scorecard.Name, id)
	if r.then.IsZero() {
		took, err := r.repairs(ctx)
		if err != nil {
			return page, err
		}
		page.Took = took.of(card.Scorecard.Name, id)
	}
	if page.Row.Stage == format.Retired {
		return page, nil
	}
	histories, err := r.ruleHistories(ctx, &card.Scorecard, id)
	if err != nil {
		return page, err
	}
	now := make(map[string]event.Outcome, len(card.Graded))
	for _, s := range card.Graded {
		j := slices.IndexFunc(s.Report.Results, func(x scorecards.Result) bool { return x.Rule == id })
		if j < 0 {
			continue
		}
		row := RuleService{Service: s, Result: &s.Report.Results[j]}
		row.Since, row.FromBeginning = r.upTo(histories[s.Entity.Ref]).Since(row.Result.Outcome)
		now[s.Entity.Ref] = row.Result.Outcome
		page.All = append(page.All, row)
	}
	if histories != nil {
		page.History = outcomesOver(histories, now, r.deps.Now())
	}
	return page, nil
}

// upTo returns the part of a history that the time of the reader knows.
func (r *Reader) upTo(h scorecards.OutcomeHistory) scorecards.OutcomeHistory {
	if r.then.IsZero() {
		return h
	}
	later := slices.IndexFunc(h, func(o scorecards.OutcomeAt) bool { return o.At.After(r.then) })
	if later < 0 {
		return h
	}
	return h[:later]
}

func noRule(card *Card, id string) error {
	var known []string
	for _, row := range card.Rules {
		known = append(known, row.Rule.ID)
	}
	for i := range card.Scorecard.Rules {
		if rule := &card.Scorecard.Rules[i]; rule.ID == id && rule.Status == format.Draft {
			return notFound("rule %s of scorecard %s is a draft, which grades nothing; `dxctl rules plan` shows what it "+
				"would do", id, card.Scorecard.Name)
		}
	}
	return notFound("scorecard %s has no rule %s%s", card.Scorecard.Name, id, spelling.Hint(id, known))
}

// Select returns the entities that fit the filter, in their order.
func (p *RulePage) Select(f ServiceFilter) []RuleService {
	f.Rule = RuleName(p.Card.Scorecard.Name, p.Row.Rule.ID)
	text := strings.ToLower(strings.TrimSpace(f.Text))
	var list []RuleService
	for _, row := range p.All {
		if f.fits(row.Service) && strings.Contains(strings.ToLower(row.Text()), text) {
			list = append(list, row)
		}
	}
	return list
}

// Outcomes returns the outcomes that entities have, those that ask for attention first, with their numbers.
func (p *RulePage) Outcomes() []OutcomeCount {
	var counts []OutcomeCount
	for _, o := range event.Outcomes {
		if n := p.Row.Counts[o]; n > 0 {
			counts = append(counts, OutcomeCount{o, n})
		}
	}
	return counts
}

// OutcomeCount is how many entities have an outcome.
type OutcomeCount struct {
	Outcome event.Outcome
	N       int
}

// RuleServiceColumns are the columns of the entities that a rule looks at.
var RuleServiceColumns = []sorting.Field[RuleService]{
	text("name", "service", func(r RuleService) string { return r.Entity.DisplayName() }),
	text("team", "team", func(r RuleService) string { return r.Team }),
	{Column: sorting.Column{Key: "outcome", Label: "outcome"}, Value: func(r RuleService) *float64 {
		return sorting.Count(slices.Index(event.Outcomes, r.Result.Outcome))
	}},
	number("since", "since", func(r RuleService) *float64 {
		if r.Since.IsZero() {
			return nil
		}
		return sorting.Value(float64(r.Since.Unix()))
	}),
	{Column: sorting.Column{Key: "level", Label: "level"},
		Value: func(r RuleService) *float64 { return sorting.Count(r.Rank) }},
	{Column: sorting.Column{Label: "what it would take"}},
}

// ByOutcome is the order of the entities of a rule that nobody has sorted: what asks for attention first.
var ByOutcome = sorting.Order{By: "outcome"}

// Steps returns what it would take for each of the entities to earn the rule; nil for those that have, and
// as of a past time.
func (r *Reader) Steps(ctx context.Context, rows []RuleService) ([]*Step, error) {
	if !r.then.IsZero() {
		return make([]*Step, len(rows)), nil
	}
	known, err := r.experience(ctx)
	if err != nil {
		return nil, err
	}
	steps := make([]*Step, len(rows))
	for i := range rows {
		if scorecards.Earned(rows[i].Result.Outcome) {
			continue
		}
		step := r.stepOf(rows[i].Entity, rows[i].Report, rows[i].Result, known)
		steps[i] = &step
	}
	return steps, nil
}

// Effect says what the step alone does to the level: "lifts it to silver by itself".
func (s Step) Effect() string {
	switch s.Needed {
	case 0:
		return "does not change the level yet"
	case 1:
		return "lifts it to " + words.Level(s.Level) + " by itself"
	}
	return "one of " + words.Whole(s.Needed) + " steps to " + words.Level(s.Level)
}
