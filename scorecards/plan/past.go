package plan

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/replay"
)

// AddPast adds what the edited rules would have found on past days, by what was known then. Rules in draft and
// announced rules count on both sides as if they were enforced: the question is what a rule would have done had it been
// in force.
func (p *Plan) AddPast(ctx context.Context, store replay.Store, cat *catalog.Catalog, before, after *scorecards.Engine,
	days replay.Days) error {
	before, after = before.InForce(), after.InForce()
	history, err := replay.Load(ctx, store, cat, days, before, after)
	if err != nil {
		return err
	}
	was, is := history.Grade(before), history.Grade(after)
	p.Past = &Past{
		From: days.From.UTC(), To: days.To.UTC(), Days: len(is.Days), Moved: []PastGrade{}, Rules: []PastRule{},
		Note: history.Note(),
	}
	c := newComparison(cat, before, after, days.To)
	rules := map[[2]string]*PastRule{}
	sides := map[gradeKey]*[2]replay.Entity{}
	for side, result := range []*replay.Result{was, is} {
		for _, e := range result.Entities {
			key := gradeKey{e.Ref, e.Scorecard}
			if sides[key] == nil {
				sides[key] = &[2]replay.Entity{}
			}
			sides[key][side] = e
		}
	}
	for _, entity := range cat.Entities() {
		for _, card := range c.order {
			if both := sides[gradeKey{entity.Ref, card}]; both != nil {
				g := PastGrade{Team: c.teamName(entity.Owner), Service: entity.Ref, Scorecard: card, Days: noMoves()}
				if c.walk(&g, both[0], both[1], is.Days, rules) {
					p.Past.Moved = append(p.Past.Moved, g)
				}
			}
		}
	}
	slices.SortStableFunc(p.Past.Moved, func(a, b PastGrade) int {
		return cmp.Or(cmp.Compare(b.Days[Falls], a.Days[Falls]), cmp.Compare(b.Days[Unknown], a.Days[Unknown]),
			cmp.Compare(b.Days[Rises], a.Days[Rises]))
	})
	for _, name := range c.order {
		for _, id := range ruleIDs(c.after[name], c.before[name]) {
			if r := rules[[2]string{name, id}]; r != nil {
				p.Past.Rules = append(p.Past.Rules, *r)
			}
		}
	}
	return nil
}

// outcomes is how the outcomes of a rule differed.
type outcomes struct {
	rule          string
	before, after event.Outcome
}

// walk follows a grade through the days and reports whether it differs on any.
func (c *comparison) walk(g *PastGrade, was, is replay.Entity, days []time.Time, rules map[[2]string]*PastRule) bool {
	var starts []int
	for _, m := range slices.Concat(was.Moments, is.Moments) {
		starts = append(starts, m.Day)
	}
	slices.Sort(starts)
	starts = slices.Compact(starts)
	ids := ruleIDs(c.after[g.Scorecard], c.before[g.Scorecard])
	differ := map[outcomes]int{}
	touched := map[string]bool{}
	for i, day := range starts {
		end := len(days)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		b, a := momentAt(was.Moments, day), momentAt(is.Moments, day)
		moved := false
		if b != nil && a != nil && !b.LeftOut && !a.LeftOut {
			if d := c.pastMove(g.Scorecard, b.Level, a, is.Rules); d != "" {
				g.Days[d] += end - day
				moved = true
			}
		}
		for _, id := range ids {
			o := outcomes{id, outcomeOf(was.Rules, b, id), outcomeOf(is.Rules, a, id)}
			d := Moves(o.before, o.after)
			if d == "" {
				continue
			}
			moved = true
			differ[o] += end - day
			key := [2]string{g.Scorecard, id}
			if rules[key] == nil {
				rules[key] = &PastRule{Scorecard: g.Scorecard, Rule: id, Days: noMoves()}
			}
			rules[key].Days[d] += end - day
			if !touched[id] {
				touched[id] = true
				rules[key].Services++
			}
		}
		if moved {
			if g.First.IsZero() {
				g.First = days[day]
			}
			g.Last = days[end-1]
		}
	}
	g.Rules = []string{}
	for _, o := range slices.SortedFunc(maps.Keys(differ), func(x, y outcomes) int {
		return cmp.Or(cmp.Compare(differ[y], differ[x]), strings.Compare(x.rule, y.rule),
			strings.Compare(string(x.before), string(y.before)), strings.Compare(string(x.after), string(y.after)))
	}) {
		g.Rules = append(g.Rules, fmt.Sprintf("%s: %s instead of %s on %d of %d days", o.rule,
			cmp.Or(string(o.after), "not counted"), cmp.Or(string(o.before), "not counted"), differ[o], len(days)))
	}
	return !g.First.IsZero()
}

// momentAt returns the last moment that is not after a day; nil if there is none.
func momentAt(moments []replay.Moment, day int) *replay.Moment {
	for i := range slices.Backward(moments) {
		if moments[i].Day <= day {
			return &moments[i]
		}
	}
	return nil
}

// outcomeOf returns the outcome of a rule; "" where it does not count.
func outcomeOf(rules []string, m *replay.Moment, id string) event.Outcome {
	if m == nil {
		return ""
	}
	if i := slices.Index(rules, id); i >= 0 && i < len(m.Outcomes) {
		return m.Outcomes[i]
	}
	return ""
}

// pastMove compares levels as levelMove does. What keeps the next level is taken from the outcomes.
func (c *comparison) pastMove(card, was string, is *replay.Moment, rules []string) Direction {
	after := c.after[card]
	report := scorecards.Report{}
	for _, level := range after.Levels[slices.Index(after.Levels, is.Level)+1:] {
		for i := range after.Rules {
			if o := outcomeOf(rules, is, after.Rules[i].ID); after.Rules[i].Level == level && o != "" && !scorecards.Earned(o) {
				report.Next = append(report.Next, scorecards.Result{Outcome: o})
			}
		}
		if len(report.Next) > 0 {
			break
		}
	}
	return c.levelMove(card, was, is.Level, &report)
}
