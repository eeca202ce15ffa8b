package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/format"
)

// comparison is what a plan is made of.
type comparison struct {
	cat           *catalog.Catalog
	before, after map[string]*scorecards.Scorecard // by name
	order         []string                         // names of the scorecards
	at            time.Time
	rules         map[[2]string]*Rule // by scorecard and rule
	changed       map[string][]string // changes of scorecards, by name
	plan          *Plan
}

// Compare grades every entity of a catalog by both engines at a time, on the same facts.
func Compare(cat *catalog.Catalog, before, after *scorecards.Engine, factsOf scorecards.FactsOf, at time.Time) *Plan {
	before, after = before.At(at), after.At(at)
	c := newComparison(cat, before, after, at)
	was, is := byGrade(before.GradeCatalog(cat, factsOf)), byGrade(after.GradeCatalog(cat, factsOf))
	entities := map[string]bool{}
	levels := map[string]map[string]*Level{}
	count := func(r *scorecards.Report, n func(*Level) *int) {
		if levels[r.Scorecard] == nil {
			levels[r.Scorecard] = map[string]*Level{}
		}
		l := levels[r.Scorecard][r.Level]
		if l == nil {
			l = &Level{Name: r.Level}
			levels[r.Scorecard][r.Level] = l
		}
		*n(l)++
	}
	for key, r := range was {
		entities[key.entity] = true
		count(r, func(l *Level) *int { return &l.Before })
	}
	for key, r := range is {
		entities[key.entity] = true
		count(r, func(l *Level) *int { return &l.After })
	}
	c.plan.Entities = len(entities)
	teams := map[string]*Team{}
	for _, entity := range cat.Entities() {
		for _, card := range c.order {
			key := gradeKey{entity.Ref, card}
			if g := c.grade(entity.Ref, card, was[key], is[key]); g != nil {
				c.add(teams, entity.Owner, g)
			}
		}
	}
	c.finish(teams, levels)
	c.plan.Would = c.would(is, byGrade(after.InForce().GradeCatalog(cat, factsOf)), after)
	return c.plan
}

func newComparison(cat *catalog.Catalog, before, after *scorecards.Engine, at time.Time) *comparison {
	c := &comparison{
		cat: cat, at: at, before: map[string]*scorecards.Scorecard{}, after: map[string]*scorecards.Scorecard{},
		rules: map[[2]string]*Rule{}, changed: map[string][]string{},
		plan: &Plan{
			Version: Version, At: at.UTC(), Files: []string{}, Kept: []string{}, Digests: []Digest{}, Cards: []Card{},
			Rules: []Rule{},
			Teams: []Team{}, Notes: []string{}, Totals: Totals{Levels: noMoves(), Rules: noMoves()},
		},
	}
	list := func(engine *scorecards.Engine, into map[string]*scorecards.Scorecard) {
		for _, card := range engine.Scorecards() {
			if into[card.Name] = &card; !slices.Contains(c.order, card.Name) {
				c.order = append(c.order, card.Name)
			}
		}
	}
	list(after, c.after)
	list(before, c.before)
	for _, name := range c.order {
		c.changed[name] = cardChanges(c.before[name], c.after[name])
		for _, id := range ruleIDs(c.after[name], c.before[name]) {
			c.rules[[2]string{name, id}] = c.newRule(name, ruleOf(c.before[name], id), ruleOf(c.after[name], id))
		}
	}
	return c
}

func noMoves() map[Direction]int { return map[Direction]int{Falls: 0, Unknown: 0, Rises: 0, Other: 0} }

// ruleIDs returns the ids of the rules of scorecards, each once.
func ruleIDs(cards ...*scorecards.Scorecard) []string {
	var ids []string
	for _, card := range cards {
		if card == nil {
			continue
		}
		for i := range card.Rules {
			if !slices.Contains(ids, card.Rules[i].ID) {
				ids = append(ids, card.Rules[i].ID)
			}
		}
	}
	return ids
}

func ruleOf(card *scorecards.Scorecard, id string) *scorecards.Rule {
	if card == nil {
		return nil
	}
	i := slices.IndexFunc(card.Rules, func(r scorecards.Rule) bool { return r.ID == id })
	if i < 0 {
		return nil
	}
	return &card.Rules[i]
}

func (c *comparison) newRule(card string, before, after *scorecards.Rule) *Rule {
	r := &Rule{
		Scorecard: card, Status: "removed", Changes: ruleChanges(before, after, c.at), Moves: noMoves(),
		Before: map[event.Outcome]int{}, After: map[event.Outcome]int{},
	}
	if before != nil {
		r.Rule, r.Title = before.ID, before.Title
	}
	if after != nil {
		r.Rule, r.Title, r.Status = after.ID, after.Title, after.StageAt(c.at)
		r.Place = fmt.Sprintf("%s:%d", c.after[card].File, after.Line)
	}
	if r.Changes == nil {
		r.Changes = []string{}
	}
	return r
}

// gradeKey is an entity and a scorecard.
type gradeKey struct{ entity, scorecard string }

func byGrade(reports []scorecards.Report) map[gradeKey]*scorecards.Report {
	all := make(map[gradeKey]*scorecards.Report, len(reports))
	for i := range reports {
		all[gradeKey{reports[i].Entity, reports[i].Scorecard}] = &reports[i]
	}
	return all
}

// counted returns the result of a rule that counts in a report; nil if there is none.
func counted(r *scorecards.Report, rule string) *scorecards.Result {
	if r == nil {
		return nil
	}
	for i := range r.Results {
		if r.Results[i].Rule == rule && r.Results[i].Counts() {
			return &r.Results[i]
		}
	}
	return nil
}

// grade returns how a grade differs; nil if it does not. was and is are nil where the entity is not graded.
func (c *comparison) grade(ref, card string, was, is *scorecards.Report) *Grade {
	if was == nil && is == nil {
		return nil
	}
	g := &Grade{
		Service: ref, Scorecard: card, Before: standing(was), After: standing(is), Rules: []Move{}, Missing: []string{},
	}
	for _, id := range ruleIDs(c.after[card], c.before[card]) {
		if m := c.move(card, id, was, is); m != nil {
			g.Rules = append(g.Rules, *m)
		}
	}
	slices.SortStableFunc(g.Rules, func(a, b Move) int { return cmp.Compare(a.Direction.order(), b.Direction.order()) })
	switch {
	case was == nil:
		g.Why = "newly graded: " + strings.Join(c.changed[card], ", ")
	case is == nil:
		g.Why = "no longer graded: " + strings.Join(c.changed[card], ", ")
	default:
		g.Direction = c.levelMove(card, was.Level, is.Level, is)
	}
	if g.Direction == Falls || g.Direction == Unknown {
		for i := range is.Next {
			g.Missing = append(g.Missing, c.missing(card, &is.Next[i]))
		}
	}
	if g.Why == "" && g.Direction == "" && len(g.Rules) == 0 && *g.Before == *g.After {
		return nil
	}
	return g
}

// missing says which rule the next level lacks, and what is different about it.
func (c *comparison) missing(card string, r *scorecards.Result) string {
	text := fmt.Sprintf("%s: %s, %s", r.Rule, r.Outcome, r.Reason)
	if changes := c.rules[[2]string{card, r.Rule}].Changes; len(changes) > 0 {
		text += " (" + strings.Join(changes, "; ") + ")"
	}
	return text
}

func standing(r *scorecards.Report) *Standing {
	if r == nil {
		return nil
	}
	return &Standing{r.Level, r.Score, r.ScoreHigh, r.Coverage}
}

// sameScore reports whether two standings differ in their level at most, which may have got another name.
func sameScore(a, b *Standing) bool {
	return a.Score == b.Score && a.ScoreHigh == b.ScoreHigh && a.Coverage == b.Coverage
}

// order sorts what falls first.
func (d Direction) order() int { return slices.Index([]Direction{Falls, Unknown, Rises, Other}, d) }

// levelMove compares levels. A level whose name the edited scorecard does not have counts by its place among those of
// the present one.
func (c *comparison) levelMove(card, was, is string, report *scorecards.Report) Direction {
	a := slices.Index(c.after[card].Levels, is)
	b := slices.Index(c.after[card].Levels, was)
	if b < 0 {
		b = slices.Index(c.before[card].Levels, was)
	}
	switch {
	case a > b:
		return Rises
	case a == b:
		return ""
	}
	for i := range report.Next {
		if report.Next[i].Outcome == event.Fail {
			return Falls
		}
	}
	if len(report.Next) > 0 {
		return Unknown
	}
	return Falls
}

// move returns how the outcome of a rule differs; nil if it does not.
func (c *comparison) move(card, id string, was, is *scorecards.Report) *Move {
	rule := c.rules[[2]string{card, id}]
	before, after := counted(was, id), counted(is, id)
	m := Move{Rule: id, Title: rule.Title}
	if before != nil {
		m.Before, m.Reason = before.Outcome, before.Reason
		rule.Before[m.Before]++
	}
	if after != nil {
		m.After, m.Reason = after.Outcome, after.Reason
		rule.After[m.After]++
	}
	if m.Direction = Moves(m.Before, m.After); m.Direction == "" {
		return nil
	}
	rule.Moves[m.Direction]++
	switch {
	case len(rule.Changes) > 0:
		m.Why = strings.Join(rule.Changes, "; ")
	case len(c.changed[card]) > 0:
		m.Why = strings.Join(c.changed[card], "; ")
	default:
		m.Why = "the level of another scorecard differs"
	}
	return &m
}

// Moves returns how an outcome differs from that before; "" if it does not, or if a rule that is new or no longer
// counts costs and gives nothing. An outcome is "" where the rule does not count.
func Moves(before, after event.Outcome) Direction {
	open := func(o event.Outcome) bool { return o != "" && o != event.Fail && !scorecards.Earned(o) }
	switch {
	case before == after:
		return ""
	case after == event.Fail:
		return Falls
	case open(after) && open(before):
		return Other
	case open(after):
		return Unknown
	case before == event.Fail || open(before):
		return Rises
	case before == "" || after == "":
		return ""
	}
	return Other
}

// add adds the difference of a grade to its team and to the totals.
func (c *comparison) add(teams map[string]*Team, owner string, g *Grade) {
	t := teams[owner]
	if t == nil {
		t = &Team{Owner: owner, Name: c.teamName(owner), Moves: noMoves()}
		teams[owner] = t
	}
	if len(t.Grades) == 0 || t.Grades[len(t.Grades)-1].Service != g.Service {
		c.plan.Totals.Services++
	}
	t.Grades = append(t.Grades, *g)
	if g.Direction != "" {
		c.plan.Totals.Levels[g.Direction]++
		t.Moves[g.Direction]++
	} else if len(g.Rules) == 0 && g.Why == "" && !sameScore(g.Before, g.After) {
		c.plan.Totals.Scores++
	}
	for _, m := range g.Rules {
		c.plan.Totals.Rules[m.Direction]++
		t.Moves[m.Direction]++
	}
}

// teamName returns the name of an owner; "" for none.
func (c *comparison) teamName(owner string) string {
	if e, ok := c.cat.Entity(owner); ok && owner != "" {
		return e.DisplayName()
	}
	_, name, found := strings.Cut(owner, ":")
	if !found {
		return owner
	}
	return strings.TrimPrefix(name, "default/")
}

// finish sorts the teams and adds the scorecards and rules with a difference.
func (c *comparison) finish(teams map[string]*Team, levels map[string]map[string]*Level) {
	p := c.plan
	for _, t := range teams {
		slices.SortStableFunc(t.Grades, func(a, b Grade) int { return cmp.Compare(a.order(), b.order()) })
		p.Teams = append(p.Teams, *t)
	}
	slices.SortFunc(p.Teams, func(a, b Team) int {
		return cmp.Or(cmp.Compare(b.Moves[Falls], a.Moves[Falls]), cmp.Compare(b.Moves[Unknown], a.Moves[Unknown]),
			cmp.Compare(b.Moves[Rises], a.Moves[Rises]), strings.Compare(a.Owner, b.Owner))
	})
	p.Totals.Teams = len(p.Teams)
	p.Falls = p.Totals.Levels[Falls]+p.Totals.Levels[Unknown]+p.Totals.Rules[Falls] > 0
	for _, name := range c.order {
		card := Card{Name: name, Title: cmp.Or(c.after[name], c.before[name]).Title, Changes: c.changed[name]}
		if card.Changes == nil {
			card.Changes = []string{}
		}
		differ := len(card.Changes) > 0
		for _, level := range c.levelNames(name) {
			l := Level{Name: level}
			if counts := levels[name][level]; counts != nil {
				l = *counts
			}
			differ = differ || l.Before != l.After
			card.Levels = append(card.Levels, l)
		}
		for _, id := range ruleIDs(c.after[name], c.before[name]) {
			r := c.rules[[2]string{name, id}]
			moves := r.Moves[Falls] + r.Moves[Unknown] + r.Moves[Rises] + r.Moves[Other]
			if len(r.Changes) > 0 || moves > 0 {
				p.Rules = append(p.Rules, *r)
				differ = true
			}
		}
		if differ {
			p.Cards = append(p.Cards, card)
		}
	}
}

// order sorts the grades of a team: levels that fall first.
func (g *Grade) order() int {
	if g.Direction != "" {
		return g.Direction.order()
	}
	if len(g.Rules) > 0 {
		return 10 + g.Rules[0].Direction.order()
	}
	return 20
}

// levelNames returns the names of the levels of a scorecard by either set, from the highest; the last is none.
func (c *comparison) levelNames(name string) []string {
	var levels []string
	for _, card := range []*scorecards.Scorecard{c.after[name], c.before[name]} {
		if card == nil {
			continue
		}
		for _, level := range slices.Backward(card.Levels) {
			if !slices.Contains(levels, level) {
				levels = append(levels, level)
			}
		}
	}
	return append(levels, "")
}

// would returns what the rules that do not count yet would do; nil if there are none.
func (c *comparison) would(is, forced map[gradeKey]*scorecards.Report, after *scorecards.Engine) *Would {
	w := &Would{Rules: []Pending{}, Levels: map[string]int{}, Grades: []Lost{}}
	index := map[[2]string]int{}
	for _, card := range after.Scorecards() {
		for i := range card.Rules {
			r := &card.Rules[i]
			stage := r.StageAt(c.at)
			if stage != format.Draft && stage != format.Announced {
				continue
			}
			p := Pending{
				Scorecard: card.Name, Rule: r.ID, Title: r.Title, Status: stage, Outcomes: map[event.Outcome]int{},
				Place: fmt.Sprintf("%s:%d", card.File, r.Line),
			}
			if stage == format.Announced {
				p.From = &r.EnforcedFrom
			}
			index[[2]string{card.Name, r.ID}] = len(w.Rules)
			w.Rules = append(w.Rules, p)
		}
	}
	if len(w.Rules) == 0 {
		return nil
	}
	for _, entity := range c.cat.Entities() {
		for _, card := range c.order {
			report := forced[gradeKey{entity.Ref, card}]
			if report == nil {
				continue
			}
			var rules []string
			for i := range report.Results {
				r := &report.Results[i]
				at, pending := index[[2]string{card, r.Rule}]
				if !pending {
					continue
				}
				w.Rules[at].Outcomes[r.Outcome]++
				if !scorecards.Earned(r.Outcome) {
					rules = append(rules, fmt.Sprintf("%s: %s, %s", r.Rule, r.Outcome, r.Reason))
				}
			}
			now := is[gradeKey{entity.Ref, card}]
			levels := c.after[card].Levels
			if now != nil && slices.Index(levels, report.Level) < slices.Index(levels, now.Level) {
				w.Levels[card]++
				w.Grades = append(w.Grades, Lost{Team: c.teamName(entity.Owner), Service: entity.Ref, Scorecard: card,
					Before: now.Level, After: report.Level, Rules: rules})
			}
		}
	}
	return w
}
