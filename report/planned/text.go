package planned

import (
	"fmt"
	"strings"
	"time"

	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards/plan"
)

// rulesShown is how many rules of a grade a person is shown.
const rulesShown = 8

// Text writes a plan for a person: totals, scorecards, rules, then teams. limit is how many entries of each list are
// shown; 0: all.
func Text(p *plan.Plan, limit int) string {
	t := text{limit: limit}
	t.line("%s", Headline(p))
	t.line("  Levels: %s.", moves(p.Totals.Levels))
	t.line("  Rules: %s.", moves(p.Totals.Rules))
	if p.Totals.Scores > 0 {
		t.line("  Scores: %s where no level and no rule moves.", words.Plural(p.Totals.Scores, "differs", "differ"))
	}
	t.line("Facts of %s; edited: %s; compared with %s.", p.At.Format(time.RFC3339), strings.Join(p.Files, ", "), p.Base)
	if len(p.Kept) > 0 {
		t.line("Scorecards that are not among the edited files stay as they are: %s.", strings.Join(p.Kept, ", "))
	}
	for i := range p.Digests {
		t.line("Rules of %s: %s.", p.Digests[i].Scorecard, digest(&p.Digests[i]))
	}
	for _, note := range p.Notes {
		t.line("Note: %s", note)
	}
	t.rules(p)
	t.teams(p)
	if p.Would != nil {
		t.would(p.Would)
	}
	if p.Past != nil {
		t.past(p.Past)
	}
	return t.b.String()
}

type text struct {
	b     strings.Builder
	limit int
}

func (t *text) line(format string, args ...any) {
	// a reason has several lines where a fact has
	t.b.WriteString(strings.TrimRight(strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " "), " "))
	t.b.WriteByte('\n')
}

func (t *text) head(title string) { t.line(""); t.line("%s", strings.ToUpper(title)) }

// shown returns how many of n entries are shown.
func (t *text) shown(n int) int {
	if t.limit == 0 {
		return n
	}
	return min(n, t.limit)
}

func (t *text) more(n int, one, many string) {
	if left := n - t.shown(n); left > 0 {
		t.line("  … and %s; --limit 0 shows all", words.Plural(left, "more "+one, "more "+many))
	}
}

func (t *text) rules(p *plan.Plan) {
	if len(p.Cards) > 0 {
		t.head("Scorecards")
	}
	for i := range p.Cards {
		c := &p.Cards[i]
		t.line("  %s: %s", c.Name, levels(c))
		for _, change := range c.Changes {
			t.line("      %s", change)
		}
	}
	if len(p.Rules) > 0 {
		t.head("Rules")
	}
	for i := range t.shown(len(p.Rules)) {
		r := &p.Rules[i]
		place := ""
		if r.Place != "" {
			place = "  " + r.Place
		}
		t.line("  %s/%s: %s%s", r.Scorecard, r.Rule, moves(r.Moves), place)
		if len(r.Changes) > 0 {
			t.line("      %s", strings.Join(r.Changes, "; "))
		}
		t.line("      %s", outcomes(r.Before, r.After))
	}
	t.more(len(p.Rules), "rule", "rules")
}

func (t *text) teams(p *plan.Plan) {
	if len(p.Teams) > 0 {
		t.head("Teams")
	}
	shown, all := 0, 0
	for i := range p.Teams {
		one := &p.Teams[i]
		all += len(one.Grades)
		if shown >= t.shown(all) {
			continue
		}
		t.line("  %s: %s, in %s", team(one.Name), moves(one.Moves), words.Plural(differing(one), "service", "services"))
		for j := range one.Grades {
			if t.limit > 0 && shown >= t.limit {
				break
			}
			shown++
			t.grade(&one.Grades[j])
		}
	}
	if left := all - shown; left > 0 {
		t.line("  … and %s; --limit 0 shows all", words.Plural(left, "more grade", "more grades"))
	}
}

func (t *text) grade(g *plan.Grade) {
	t.line("    %s, %s: %s", words.RefName(g.Service), g.Scorecard, grade(g))
	for i := range g.Rules {
		if i == rulesShown && t.limit > 0 {
			t.line("      … and %s", words.Plural(len(g.Rules)-i, "more rule", "more rules"))
			break
		}
		m := &g.Rules[i]
		t.line("      %-8s %s: %s", m.Direction, m.Rule, move(m))
	}
	if len(g.Rules) == 0 {
		for _, missing := range g.Missing {
			t.line("      lacks    %s", missing)
		}
	}
}

func (t *text) would(w *plan.Would) {
	t.head("Drafts and announced rules, which count in no grade yet")
	for i := range w.Rules {
		r := &w.Rules[i]
		t.line("  %s/%s: %s  %s", r.Scorecard, r.Rule, pending(r), r.Place)
	}
	for _, card := range sortedKeys(w.Levels) {
		t.line("  With all of them in force, %s would have a lower level of %s.",
			words.Plural(w.Levels[card], "service", "services"), card)
	}
	for i := range t.shown(len(w.Grades)) {
		g := &w.Grades[i]
		t.line("    %s (%s), %s: %s → %s", words.RefName(g.Service), team(g.Team), g.Scorecard, words.Level(g.Before),
			words.Level(g.After))
		for _, rule := range g.Rules {
			t.line("      would    %s", rule)
		}
	}
	t.more(len(w.Grades), "service", "services")
}

func (t *text) past(p *plan.Past) {
	t.head(fmt.Sprintf("%s from %s to %s", words.Plural(p.Days, "past day", "past days"), p.From.Format(time.DateOnly),
		p.To.Format(time.DateOnly)))
	t.line("  By the edited rules, %s would have been graded otherwise. Drafts and announced rules are taken as enforced.",
		words.Plural(len(p.Moved), "service", "services"))
	if p.Note != "" {
		t.line("  %s", p.Note)
	}
	for i := range t.shown(len(p.Rules)) {
		r := &p.Rules[i]
		t.line("  %s/%s: %s; days of services: %s", r.Scorecard, r.Rule, words.Plural(r.Services, "service", "services"),
			moves(r.Days))
	}
	t.more(len(p.Rules), "rule", "rules")
	for i := range t.shown(len(p.Moved)) {
		g := &p.Moved[i]
		t.line("    %s (%s), %s: %s; from %s to %s", words.RefName(g.Service), team(g.Team), g.Scorecard, pastDays(g.Days),
			g.First.Format(time.DateOnly), g.Last.Format(time.DateOnly))
		for _, rule := range g.Rules {
			t.line("      %s", rule)
		}
	}
	t.more(len(p.Moved), "service", "services")
}
