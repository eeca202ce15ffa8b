package scorecards

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards/format"
)

func gradeWaived(t *testing.T, c Scorecard, facts map[string]event.Fact, waivers ...waiver.Waiver) Report {
	t.Helper()
	e, err := New(Set{Cards: []Scorecard{c}}, clock)
	if err != nil {
		t.Fatal(err)
	}
	reports := e.WithWaivers(func() *waiver.Book { return waiver.NewBook(waivers, nil) }).Grade(testEntity(), facts)
	if len(reports) != 1 {
		t.Fatalf("%d reports, want 1", len(reports))
	}
	return reports[0]
}

func exempt(rule string, days int) waiver.Waiver {
	return waiver.Waiver{
		Rule: rule, Service: "component:default/pay", Reason: "planned", Note: "In January.", By: "user:default/ana",
		Until: testNow.Truncate(24*3600*1e9).AddDate(0, 0, days), Origin: waiver.FromScorecards, File: "w.yaml", Line: 4,
	}
}

func twoRules() Scorecard {
	c := card(
		Rule{ID: "owner", Expr: `facts["catalog.has_owner"]`, Waivable: true},
		Rule{ID: "readme", Expr: `facts["repository.files.readme"]`, Waivable: true},
	)
	c.WaiversFrom = []waiver.Origin{waiver.FromScorecards}
	return c
}

func TestWaivedRule(t *testing.T) {
	facts := factsOf(map[string]any{"catalog.has_owner": true, "repository.files.readme": false})
	r := gradeWaived(t, twoRules(), facts, exempt("readme", 30))
	x := r.Results[1]
	if x.Outcome != event.Waived || x.Unwaived != event.Fail || x.Waiver == nil || x.Waiver.State != waiver.Active ||
		x.Waiver.DaysLeft != 30 {
		t.Fatalf("%+v", x)
	}
	for _, part := range []string{"waived until 2026-12-22 by user:default/ana", "(planned: In January);", "without the waiver: fail"} {
		if !strings.Contains(x.Reason, part) {
			t.Errorf("reason %q lacks %q", x.Reason, part)
		}
	}
	if r.Level != "bronze" || r.Score != 1 {
		t.Errorf("level %q, score %v", r.Level, r.Score)
	}
	if diff := cmp.Diff(&WithoutWaivers{"", 0.5, 0.5, 1}, r.WithoutWaivers); diff != "" {
		t.Errorf("without waivers: %s", diff)
	}
}

// A waiver changes a grade only while it holds, and only where it counts.
func TestWaiversThatChangeNothing(t *testing.T) {
	failing := factsOf(map[string]any{"catalog.has_owner": true, "repository.files.readme": false})
	passing := factsOf(map[string]any{"catalog.has_owner": true, "repository.files.readme": true})
	elsewhere := exempt("readme", 30)
	elsewhere.Origin = waiver.FromRepository
	other := exempt("readme", 30)
	other.Scorecard = "other"
	strict := twoRules()
	strict.Rules[1].Waivable = false
	for _, tt := range []struct {
		name   string
		card   Scorecard
		facts  map[string]event.Fact
		waiver waiver.Waiver
		want   event.Outcome
		state  waiver.State // "": it is not about the rule
	}{
		{"expired", twoRules(), failing, exempt("readme", -1), event.Fail, waiver.Expired},
		{"its last day", twoRules(), failing, exempt("readme", 0), event.Waived, waiver.Ending},
		{"over a year ahead", twoRules(), failing, exempt("readme", 400), event.Fail, waiver.TooLong},
		{"in another place", twoRules(), failing, elsewhere, event.Fail, waiver.Requested},
		{"a rule that cannot be waived", strict, failing, exempt("readme", 30), event.Fail, waiver.Refused},
		{"of another scorecard", twoRules(), failing, other, event.Fail, ""},
		{"the rule passes", twoRules(), passing, exempt("readme", 30), event.Pass, waiver.Active},
	} {
		r := gradeWaived(t, tt.card, tt.facts, tt.waiver)
		x := r.Results[1]
		state := waiver.State("")
		if x.Waiver != nil {
			state = x.Waiver.State
		}
		if x.Outcome != tt.want || state != tt.state || (r.WithoutWaivers != nil) != (tt.want == event.Waived) {
			t.Errorf("%s: %s, waiver %q, without %v", tt.name, x.Outcome, state, r.WithoutWaivers)
		}
	}
}

// Of several waivers the one that holds decides, whatever their order.
func TestBestWaiver(t *testing.T) {
	facts := factsOf(map[string]any{"catalog.has_owner": true, "repository.files.readme": errors.New("not read")})
	waivers := []waiver.Waiver{exempt("readme", -3), exempt("readme", 5), exempt("readme", 40), exempt("readme", 800)}
	for range 2 {
		x := gradeWaived(t, twoRules(), facts, waivers...).Results[1]
		if x.Outcome != event.Waived || x.Waiver.DaysLeft != 40 || x.Unwaived != event.Unknown {
			t.Errorf("%s, %+v", x.Outcome, x.Waiver)
		}
		slices.Reverse(waivers)
	}
}

// The waivers of a repository come as a fact, and count only for scorecards that say so. The fact cannot claim to be of
// another origin, nor speak for another service.
func TestWaiversOfTheRepository(t *testing.T) {
	w := exempt("readme", 30)
	text, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	foreign := w
	foreign.Service = "component:default/other"
	foreignText, err := json.Marshal(foreign)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		fact []string
		from []waiver.Origin
		want event.Outcome
	}{
		{"requested", []string{string(text)}, []waiver.Origin{waiver.FromScorecards}, event.Fail},
		{"accepted", []string{string(text)}, []waiver.Origin{waiver.FromRepository}, event.Waived},
		{"for another service", []string{string(foreignText)}, []waiver.Origin{waiver.FromRepository}, event.Fail},
		{"not a waiver", []string{"{}", "x", "", "null", "… and 3 more"}, []waiver.Origin{waiver.FromRepository}, event.Fail},
	} {
		c := twoRules()
		c.WaiversFrom = tt.from
		facts := factsOf(map[string]any{"catalog.has_owner": true, "repository.files.readme": false, WaiversFact: tt.fact})
		if got := gradeWaived(t, c, facts).Results[1].Outcome; got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestWaiversFromIsChecked(t *testing.T) {
	const text = `apiVersion: dxctl.dev/v1
kind: Scorecard
name: test
levels: [bronze]
waivers: %s
rules:
  - {id: a, level: bronze, title: A, effort: minutes, expr: 'true'}
`
	for from, want := range map[string]string{
		"{from: [repository, scorecards]}": "", "{from: []}": "", "{from: [elsewhere]}": `"elsewhere" is not one of`,
		"{}": "does not say which count", "{form: []}": "form",
	} {
		cards, err := Parse([]byte(strings.Replace(text, "%s", from, 1)), "f.yaml")
		if want == "" {
			if err != nil || len(cards) != 1 {
				t.Errorf("%s: %v", from, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", from, err, want)
		}
	}
	if card := newScorecard(&format.Document{}, nil); !slices.Equal(card.WaiversFrom, []waiver.Origin{waiver.FromScorecards}) {
		t.Error("by default, the waivers next to the scorecards count:", card.WaiversFrom)
	}
}

// entities are refs of a catalog.
type entities []string

func (e entities) Entity(ref string) (descriptor.Entity, bool) {
	return descriptor.Entity{Ref: ref}, slices.Contains(e, ref)
}

func TestWaiverWarnings(t *testing.T) {
	change := func(edit func(w *waiver.Waiver)) waiver.Waiver {
		w := exempt("readme", 30)
		edit(&w)
		return w
	}
	strict := twoRules()
	strict.Rules = append(strict.Rules, Rule{
		ID: "strict", Level: "bronze", Effort: Minutes, Weight: 1, Status: format.Enforced, Expr: "true",
	})
	for name, tt := range map[string]struct {
		waiver waiver.Waiver
		want   string
	}{
		"nothing is wrong":     {exempt("readme", 30), ""},
		"expired":              {change(func(w *waiver.Waiver) { w.Rule = "x"; w.Until = testNow.AddDate(0, 0, -3) }), ""},
		"no such rule":         {exempt("redme", 30), `w.yaml:4: no scorecard has a rule "redme" (did you mean "readme"?)`},
		"no such scorecard":    {change(func(w *waiver.Waiver) { w.Scorecard = "tests" }), `(did you mean "test"?)`},
		"no such rule of it":   {change(func(w *waiver.Waiver) { w.Scorecard, w.Rule = "test", "ownr" }), "scorecard test has no rule"},
		"it cannot be waived":  {exempt("strict", 30), "rule strict cannot be waived"},
		"too far ahead":        {exempt("readme", 500), "at most 366 days ahead"},
		"no such service":      {change(func(w *waiver.Waiver) { w.Service = "component:default/x" }), "the catalog has no"},
		"no service in a path": {change(func(w *waiver.Waiver) { w.Service, w.Repository, w.Path = "", "a/b", "c" }), "no service of the catalog lies in c"},
	} {
		e, err := New(Set{Cards: []Scorecard{strict}}, clock)
		if err != nil {
			t.Fatal(err)
		}
		e = e.WithWaivers(func() *waiver.Book { return waiver.NewBook([]waiver.Waiver{tt.waiver}, nil) })
		got := strings.Join(e.WaiverWarnings(entities{"component:default/pay"}), "\n")
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
