package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
)

// withGrades are the events, and grades of the rule readme: of user-service, which fails it, since four weeks; of
// payment-service, which repaired it two weeks ago after six days.
func withGrades(events []event.Event) []event.Event {
	for _, g := range []struct {
		service string
		outcome event.Outcome
		days    int
	}{
		{"user-service", event.Fail, 28}, {"payment-service", event.Pass, 28}, {"payment-service", event.Fail, 20},
		{"payment-service", event.Pass, 14},
	} {
		events = append(events, event.Grade{Entity: "component:default/" + g.service, Scorecard: "test-path", Rule: "readme",
			RuleVersion: 1, Level: "bronze", Outcome: g.outcome, EvaluatedAt: present.AddDate(0, 0, -g.days)})
	}
	return events
}

func TestRuleSaysSinceWhen(t *testing.T) {
	f := newFixture(t, testCatalog, testPeople, withGrades(testEvents()))
	var doc struct {
		Counts   map[string]int
		Took     *struct{ N int }
		Services []struct {
			Name, Outcome string
			Since         *time.Time
			FromBeginning bool `json:"from_beginning"`
			Step          *struct {
				Needed int
				Gain   float64
				Action struct{ Do, Waiver string }
			}
		}
		History []struct {
			At     time.Time
			Counts map[string]int
			Graded int
		}
	}
	if err := json.Unmarshal([]byte(f.page(t, "/api/v1/scorecards/test-path/rules/readme")), &doc); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range doc.Services {
		line := s.Name + " " + s.Outcome
		if s.Since == nil {
			line += " not known"
		} else {
			line += fmt.Sprintf(" %d days %v", int(present.Sub(*s.Since).Hours()/24), s.FromBeginning)
		}
		if s.Step != nil {
			line += fmt.Sprintf(" needs %d +%.2f %s", s.Step.Needed, s.Step.Gain, s.Step.Action.Do)
			if !strings.HasPrefix(s.Step.Action.Waiver, "dxctl waiver request ") {
				t.Errorf("%s: no command for a waiver", s.Name)
			}
		}
		got = append(got, line)
	}
	want := "user-service fail 28 days true needs 1 +0.25 fix\norphan-service unknown not known needs 2 +0.25 find out\n" +
		"payment-service pass 14 days false"
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	if doc.Counts["fail"] != 1 || doc.Counts["pass"] != 1 || doc.Counts["unknown"] != 1 || doc.Took != nil {
		t.Errorf("counts %v, took %v", doc.Counts, doc.Took) // one repair is too few
	}
	graded := map[int]string{}
	for _, at := range doc.History {
		graded[int(present.Sub(at.At).Hours()/24)] = fmt.Sprint(at.Counts, at.Graded)
	}
	for days, want := range map[int]string{ // Mondays, and the present
		30: "map[] 0", 23: "map[fail:1 pass:1] 2", 16: "map[fail:2] 2", 9: "map[fail:1 pass:1] 2",
		0: "map[fail:1 pass:1 unknown:1] 3",
	} {
		if graded[days] != want {
			t.Errorf("%d days ago: %s, want %s", days, graded[days], want)
		}
	}
	page := f.page(t, "/scorecards/test-path/rules/readme")
	if !strings.Contains(page, "28 days ago") || !strings.Contains(page, "or longer") {
		t.Errorf("the page does not say since when:\n%s", page)
	}
}

func TestScorecardHasItsLevelsOverTime(t *testing.T) {
	f := newFixture(t, testCatalog, testPeople, withGrades(testEvents()))
	var doc struct {
		ByLevel   map[string]int `json:"by_level"`
		FailsMost []string       `json:"fails_most"`
		Coverage  float64
		Trend     []struct {
			At     time.Time
			Levels map[string]int
			Graded int
		}
	}
	if err := json.Unmarshal([]byte(f.page(t, "/api/v1/scorecards/test-path")), &doc); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(doc.ByLevel) != "map[bronze:1 gold:0 none:2 silver:0]" || doc.Coverage <= 0.5 || doc.Coverage >= 0.7 {
		t.Errorf("levels %v, coverage %v", doc.ByLevel, doc.Coverage)
	}
	if fmt.Sprint(doc.FailsMost) != "[system owner readme]" {
		t.Errorf("fails most: %v", doc.FailsMost)
	}
	trend := map[int]string{}
	for _, at := range doc.Trend {
		trend[int(present.Sub(at.At).Hours()/24)] = fmt.Sprint(at.Levels, at.Graded)
	}
	// only the rule readme was graded then
	for days, want := range map[int]string{
		30: "map[bronze:0 gold:0 none:0 silver:0] 0", 23: "map[bronze:1 gold:0 none:1 silver:0] 2",
		16: "map[bronze:0 gold:0 none:2 silver:0] 2", 0: "map[bronze:1 gold:0 none:2 silver:0] 3",
	} {
		if trend[days] != want {
			t.Errorf("%d days ago: %s, want %s", days, trend[days], want)
		}
	}
	if page := f.page(t, "/scorecards/test-path"); !strings.Contains(page, "data-chart") {
		t.Errorf("the page has no chart:\n%s", page)
	}
}

// manyRules has more rules than a page of a list, of which one is a draft, one announced and one retired.
func manyRules() string {
	var b strings.Builder
	b.WriteString("apiVersion: dxctl.dev/v1\nkind: Scorecard\nname: test-path\ntitle: Many rules\nlevels: [bronze, silver]\n" +
		"owner: group:default/team-ledger\nrules:\n")
	rule := func(i int, more string) {
		fmt.Fprintf(&b, "  - {id: rule-%d, level: %s, title: Rule number %d, effort: minutes, why: w, fix: f, "+
			"expr: 'facts[\"catalog.has_owner\"]'%s}\n", i, []string{"silver", "bronze"}[i%2], i, more)
	}
	rule(0, ", status: draft")
	rule(1, ", status: announced, enforced_from: 2027-02-01")
	rule(2, ", status: retired")
	for i := 3; i < 130; i++ {
		rule(i, "")
	}
	return b.String()
}

func TestManyScorecards(t *testing.T) {
	set := scorecards.LoadFiles(manyCards())
	if err := set.Err(); err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, testCatalog, testPeople, testEvents())
	engine, err := scorecards.New(set, clock)
	if err != nil {
		t.Fatal(err)
	}
	f.deps.Scorecards = engine
	f.app = f.rebuild(t, f.deps.Store)
	for _, l := range everyList {
		if l.ofScorecards {
			parts(t, f, l)
			documents(t, f, l)
		}
	}
	page := f.page(t, "/scorecards/test-path")
	for _, want := range []string{"127 rules in force", "owner: <a", "Ledger", "announced: counts from 1 Feb 2027"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page:\n%s", want, page)
		}
	}
	if strings.Contains(page, "Rule number 0") {
		t.Error("a draft is shown")
	}
	status, _, body := f.get(t, "/scorecards/test-path/rules/rule-0")
	if status != http.StatusNotFound || !strings.Contains(body, "is a draft") {
		t.Errorf("a draft: status %d: %s", status, body)
	}
	if retired := f.page(t, "/scorecards/test-path/rules/rule-2"); !strings.Contains(retired, "a retired rule is not evaluated") ||
		strings.Contains(retired, "Who passes") {
		t.Errorf("a retired rule: %s", retired)
	}
	if announced := f.page(t, "/scorecards/test-path/rules/rule-1"); !strings.Contains(announced, "Who passes") {
		t.Errorf("an announced rule: %s", announced)
	}
}

// manyCards are more scorecards than a page of a list has, and manyRules.
func manyCards() []scorecards.File {
	files := []scorecards.File{{Name: "many.yaml", Data: []byte(manyRules())}}
	for i := range 60 {
		files = append(files, scorecards.File{Name: fmt.Sprintf("card-%d.yaml", i), Data: fmt.Appendf(nil,
			"apiVersion: dxctl.dev/v1\nkind: Scorecard\nname: card-%d\ntitle: Card number %d\nlevels: [bronze]\nfilter: \"false\"\n"+
				"rules:\n  - {id: a, level: bronze, title: A, effort: days, expr: 'facts[\"catalog.has_owner\"]', why: w, fix: f}\n",
			i, i)})
	}
	return files
}
