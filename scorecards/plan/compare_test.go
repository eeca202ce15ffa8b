package plan_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/plan"
	"github.com/dxctl/dxctl/scorecards/replay"
	"github.com/dxctl/dxctl/store/storetest"
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// services returns a catalog of services s0, s1, … of the owner o.
func services(t testing.TB, n int) *catalog.Catalog {
	t.Helper()
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: s%d}\n"+
			"spec: {type: service, lifecycle: production, owner: o}\n", i)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "c.yaml"), []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	cat, _, err := catalog.Load(catalog.Config{Files: []string{"c.yaml"}}, people.Config{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

// engine grades by a scorecard with these rules and keys.
func engine(t *testing.T, keys string, rules ...string) *scorecards.Engine {
	t.Helper()
	if !strings.Contains(keys, "levels:") {
		keys += "levels: [bronze, silver]\n"
	}
	text := "apiVersion: dxctl.dev/v1\nkind: Scorecard\nname: c\n" + keys +
		"facts: [{name: t.a, type: number, label: a}, {name: t.b, type: bool, true: b, false: no b}]\nrules:\n"
	for _, r := range rules {
		text += "  - {effort: days, title: x, " + r + "}\n"
	}
	cards, err := scorecards.Parse([]byte(text), "c.yaml")
	if err != nil {
		t.Fatal(err)
	}
	e, err := scorecards.New(scorecards.Set{Cards: cards}, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func fact(name, value string) event.Fact {
	typ := event.NumberFact
	if value == "true" || value == "false" {
		typ = event.BoolFact
	}
	return event.Fact{Source: "t", Name: name, Type: typ, Value: json.RawMessage(value), ObservedAt: now.Add(-48 * time.Hour)}
}

// known: s0 has everything, s1 a large a and no b, s2 nothing.
func known(e descriptor.Entity) map[string]event.Fact {
	switch e.Name {
	case "s0":
		return map[string]event.Fact{"t.a": fact("t.a", "1"), "t.b": fact("t.b", "true")}
	case "s1":
		return map[string]event.Fact{"t.a": fact("t.a", "9"), "t.b": fact("t.b", "false")}
	}
	return nil
}

const (
	a = `id: a, level: bronze, expr: 'facts["t.a"] < 10'`
	b = `id: b, level: silver, expr: 'facts["t.b"]'`
)

// Each edit is compared with the rules a and b, by which s0 is silver, s1 bronze, and of s2 nothing is known.
func TestEdits(t *testing.T) {
	for _, c := range []struct {
		name, keys string
		rules      []string
		falls      bool
		want       []string // a line for each grade and each rule that moves
	}{
		{"nothing", "", []string{a, b}, false, nil},
		{"titles and the layout", "title: New\n", []string{`fix: f, weight: 1, ` + strings.ReplaceAll(a, " <", "  <"), b}, false,
			nil},
		{"a stricter expression", "", []string{strings.ReplaceAll(a, "10", "5"), b}, true, []string{
			"s1 bronze → none falls: a pass → fail falls (expression changed)",
		}},
		{"a looser one", "", []string{a, `id: b, level: silver, expr: 'facts["t.a"] < 10'`}, false, []string{
			"s1 bronze → silver rises: b fail → pass rises (expression changed)",
		}},
		{"a new rule", "", []string{a, b, `id: n, level: silver, expr: 'facts["t.a"] < 1'`}, true, []string{
			"s0 silver → bronze falls: n  → fail falls (new rule)", "s1 bronze → bronze : n  → fail falls (new rule)",
			"s2 none → none : n  → unknown unknown (new rule)",
		}},
		{"a new rule that is only not known", "", []string{a, b, `id: n, level: silver, expr: 'facts["catalog.has_docs"]'`}, true,
			[]string{"s0 silver → bronze unknown: n  → unknown unknown (new rule)",
				"s1 bronze → bronze : n  → unknown unknown (new rule)", "s2 none → none : n  → unknown unknown (new rule)"}},
		{"a retired rule", "", []string{a, `status: retired, ` + b, `id: z, level: silver, expr: 'true'`}, false, []string{
			"s1 bronze → silver rises: b fail →  rises (rule retired)", "s2 none → none : b unknown →  rises (rule retired)",
		}},
		{"a removed rule", "levels: [bronze]\n", []string{a}, true, []string{
			"s0 silver → bronze falls: ", "s1 bronze → bronze : b fail →  rises (rule removed)",
			"s2 none → none : b unknown →  rises (rule removed)",
		}},
		{"a draft", "", []string{a, b, `id: n, level: silver, status: draft, expr: 'facts["t.a"] < 1'`}, false, nil},
		{"an announced rule", "", []string{a, b,
			`id: n, level: silver, status: announced, enforced_from: 2027-01-01, expr: 'facts["t.a"] < 1'`}, false, nil},
		{"announced for a day that is over", "", []string{a, b,
			`id: n, level: silver, status: announced, enforced_from: 2026-11-01, expr: 'facts["t.a"] < 1'`}, true, []string{
			"s0 silver → bronze falls: n  → fail falls (new rule)", "s1 bronze → bronze : n  → fail falls (new rule)",
			"s2 none → none : n  → unknown unknown (new rule)",
		}},
		{"another level", "", []string{a, strings.ReplaceAll(b, "silver", "bronze"), `id: z, level: silver, expr: 'true'`}, true,
			[]string{"s1 bronze → none falls: ", "s2 none → none : "}}, // of s2 the score: z is new and passes
		{"freshness", "", []string{a, `freshness: 1d, ` + b}, true, []string{
			"s0 silver → bronze unknown: b pass → stale unknown (freshness 1d, was none)",
			"s1 bronze → bronze : b fail → stale unknown (freshness 1d, was none)",
		}},
		{"applies", "", []string{a, `applies: entity.name != "s1", ` + b}, false, []string{
			"s1 bronze → silver rises: b fail → not applicable rises (applies changed)",
		}},
		{"a filter", "filter: entity.name != \"s0\"\n", []string{a, b}, false, []string{
			"s0 no longer graded: filter changed",
		}},
		{"waivers that count", "waivers: {from: []}\n", []string{a, b}, true, []string{
			"s2 bronze → none unknown: a waived → unknown unknown (other waivers count)",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			book := waiver.NewBook(nil, nil)
			if strings.HasPrefix(c.keys, "waivers") {
				book = waiver.NewBook([]waiver.Waiver{{Rule: "a", Service: "component:default/s2", Reason: "planned", Note: "n",
					By: "b", Until: now.AddDate(0, 1, 0), Origin: waiver.FromScorecards}}, nil)
			}
			with := func(e *scorecards.Engine) *scorecards.Engine {
				return e.WithWaivers(func() *waiver.Book { return book })
			}
			p := plan.Compare(services(t, 3), with(engine(t, "", a, b)), with(engine(t, c.keys, c.rules...)), known, now)
			var got []string
			for _, team := range p.Teams {
				for _, g := range team.Grades {
					name := strings.TrimPrefix(g.Service, "component:default/")
					if g.Before == nil || g.After == nil {
						got = append(got, name+" "+g.Why)
						continue
					}
					level := func(s *plan.Standing) string {
						if s.Level == "" {
							return "none"
						}
						return s.Level
					}
					line := fmt.Sprintf("%s %s → %s %s: ", name, level(g.Before), level(g.After), g.Direction)
					for _, m := range g.Rules {
						line += fmt.Sprintf("%s %s → %s %s (%s)", m.Rule, m.Before, m.After, m.Direction, m.Why)
					}
					got = append(got, line)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" || p.Falls != c.falls {
				t.Errorf("falls: %t (-want +got)\n%s", p.Falls, diff)
			}
		})
	}
}

func TestDraftsAndAnnouncedRulesSayWhatTheyWouldDo(t *testing.T) {
	after := engine(t, "", a, b, `id: n, level: bronze, status: draft, expr: 'facts["t.a"] < 5'`,
		`id: m, level: silver, status: announced, enforced_from: 2027-01-01, expr: 'facts["t.b"]'`)
	w := plan.Compare(services(t, 3), engine(t, "", a, b), after, known, now).Would
	if w == nil || len(w.Rules) != 2 || w.Rules[0].Outcomes[event.Fail] != 1 || w.Rules[0].Outcomes[event.Unknown] != 1 ||
		w.Rules[1].From == nil || w.Levels["c"] != 1 || len(w.Grades) != 1 || w.Grades[0].After != "" {
		t.Errorf("%+v", w)
	}
	if w := plan.Compare(services(t, 3), after, engine(t, "", a, b), known, now).Would; w != nil {
		t.Errorf("without such rules: %+v", w)
	}
}

// On past days, the facts of then decide, and rules that do not count yet are taken as enforced.
func TestPastDays(t *testing.T) {
	cat := services(t, 2)
	store := storetest.Open(t)
	if err := cat.Sync(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	today := time.Now().UTC().Truncate(24 * time.Hour)
	for i, value := range []string{"1", "7", "2"} {
		f := fact("t.a", value)
		f.Entity, f.ObservedAt = "component:default/s0", today.AddDate(0, 0, 3*i-9).Add(time.Hour)
		if err := store.Append(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	strict := strings.ReplaceAll(a, "10", "5")
	p := &plan.Plan{}
	days := replay.Days{From: today.AddDate(0, 0, -7), To: today}
	if err := p.AddPast(t.Context(), store, cat, engine(t, "", a, b), engine(t, "", "status: draft, "+strict, a2, b),
		days); err != nil {
		t.Fatal(err)
	}
	got := p.Past
	if got.Days != 7 || len(got.Moved) != 1 {
		t.Fatalf("%+v", got)
	}
	g := got.Moved[0]
	if g.Days[plan.Falls] != 3 || !g.First.Equal(today.AddDate(0, 0, -5)) || !g.Last.Equal(today.AddDate(0, 0, -3)) ||
		!cmp.Equal(g.Rules, []string{"a: fail instead of pass on 3 of 7 days"}) {
		t.Errorf("%+v", g)
	}
}

// a2 passes always: a level needs a rule that is enforced.
const a2 = `id: always, level: bronze, expr: 'true'`

// TestScoresThatDiffer counts grades whose score differs, and not those whose level only got another name.
func TestScoresThatDiffer(t *testing.T) {
	passes := `id: z, level: bronze, expr: 'true'`
	iron := func(rule string) string { return strings.ReplaceAll(rule, "bronze", "iron") }
	for _, c := range []struct {
		name, keys string
		rules      []string
		grades     int // that differ
		scores     int
	}{
		{"a rule that passes everywhere", "", []string{a, b, passes}, 2, 2}, // of s0 the score stays at 100 %
		{"another weight", "", []string{"weight: 3, " + a, b}, 1, 1},        // of s1, which passes a and fails b
		{"another name of a level", "levels: [iron, silver]\n", []string{iron(a), b}, 1, 0},
	} {
		p := plan.Compare(services(t, 3), engine(t, "", a, b), engine(t, c.keys, c.rules...), known, now)
		n := 0
		for _, team := range p.Teams {
			n += len(team.Grades)
		}
		if n != c.grades || p.Totals.Scores != c.scores || p.Falls {
			t.Errorf("%s: %d grades differ, %d scores; want %d, %d; falls %v", c.name, n, p.Totals.Scores, c.grades, c.scores, p.Falls)
		}
	}
}
