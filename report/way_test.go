package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
)

// wayCard has rules for a way to bronze: outcome of each is told by a fact of its name.
const wayCard = `apiVersion: dxctl.dev/v1
kind: Scorecard
name: way
title: Way
filter: "true"
levels: [bronze, silver]
rules:
  - {id: days, level: bronze, title: Days, expr: 'facts["t.days"]', effort: days, weight: 2, why: w, fix: f, action: {kind: [patch, ask]}}
  - {id: hours, level: bronze, title: Hours, expr: 'facts["t.hours"]', effort: hours, weight: 2, why: w, fix: f, waivable: false}
  - {id: minutes, level: bronze, title: Minutes, expr: 'facts["t.minutes"]', effort: minutes, why: w, fix: f}
  - {id: other, level: bronze, title: Other, expr: 'facts["t.other"]', effort: minutes, why: w, fix: f}
  - {id: passed, level: bronze, title: Passed, expr: 'facts["t.passed"]', effort: minutes, weight: 2, why: w, fix: f}
  - {id: later, level: silver, title: Later, expr: 'facts["t.days"]', effort: minutes, weight: 2, why: w, fix: f}
facts:
  - {name: t.days, type: bool, source: the test}
  - {name: t.hours, type: bool, source: the test}
  - {name: t.minutes, type: bool, source: the test}
  - {name: t.other, type: bool, source: a source of the test}
  - {name: t.passed, type: bool, source: the test}
`

func wayReader(t *testing.T) (*Reader, *scorecards.Engine) {
	t.Helper()
	set := scorecards.LoadFiles([]scorecards.File{{Name: "way.yaml", Data: []byte(wayCard)}})
	if err := set.Err(); err != nil {
		t.Fatal(err)
	}
	engine, err := scorecards.New(set, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return &Reader{deps: Deps{Scorecards: engine}}, engine
}

// graded grades a service of which all facts are false, but for t.passed, and t.other is not known.
func graded(engine *scorecards.Engine, e descriptor.Entity) scorecards.Report {
	known := map[string]event.Fact{}
	for _, name := range []string{"t.days", "t.hours", "t.minutes", "t.passed"} {
		known[name] = event.Fact{Source: "s", Entity: e.Ref, Name: name, Type: event.BoolFact,
			Value: fmt.Append(nil, name == "t.passed"), ObservedAt: time.Now()}
	}
	return engine.Grade(e, known)[0]
}

func TestWayIsOrderedByGainForTheEffort(t *testing.T) {
	r, engine := wayReader(t)
	e := descriptor.Entity{Ref: "component:default/pay", Kind: "Component", Name: "pay"}
	report := graded(engine, e)
	slow := Took{MedianDays: 40, N: 9}
	for _, tt := range []struct {
		name string
		took repairs
		want string
	}{
		{"by the stated effort", repairs{}, "minutes other hours days"},
		{"measured of one rule only", repairs{"way/minutes": slow}, "minutes other hours days"},
		{"measured of all", repairs{"way/minutes": slow, "way/days": {MedianDays: 2, N: 5}, "way/hours": {MedianDays: 10, N: 6},
			"way/other": {MedianDays: 0.1, N: 30}}, "days other hours minutes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			way := r.wayOf(e, &report, experience{took: tt.took})
			var got []string
			for _, s := range way.Steps {
				got = append(got, s.Rule)
				if s.Needed != 4 {
					t.Errorf("%s is one of %d steps, want 4", s.Rule, s.Needed)
				}
			}
			if strings.Join(got, " ") != tt.want || way.Level != "bronze" || way.Measured != (tt.name == "measured of all") {
				t.Errorf("to %s: %v, want %s; measured %v", way.Level, got, tt.want, way.Measured)
			}
			// 2 of 10 pass; the way has 6, and silver needs the other 2
			if got := fmt.Sprintf("%.2f %.2f", way.Score, way.ScoreAfter); got != "0.20 0.80" {
				t.Errorf("score %s, want 0.20 0.80", got)
			}
		})
	}
	if first := first(t, r, []Way{r.wayOf(e, &report, experience{})}); first != "minutes other" {
		t.Errorf("the first steps are %s", first)
	}
}

func first(t *testing.T, r *Reader, ways []Way) string {
	t.Helper()
	steps, err := r.FirstSteps(t.Context(), ways, 2)
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, s := range steps {
		rules = append(rules, s.Rule)
	}
	return strings.Join(rules, " ")
}

func TestOneCauseIsOneStep(t *testing.T) {
	r, _ := wayReader(t)
	step := func(rule, do, text string) Step {
		return Step{Scorecard: "way", Rule: rule, Share: 0.2, Effort: "minutes", Action: Action{Do: do, Text: text}}
	}
	steps, err := r.FirstSteps(t.Context(), []Way{{Steps: []Step{
		step("a", findOut, "let github report it"), step("b", "fix", "Fix it"), step("c", findOut, "let github report it"),
		step("d", "fix", "Fix it"), step("e", findOut, "let jenkins report it"), step("f", findOut, "let github report it"),
	}}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range steps {
		got = append(got, fmt.Sprint(s.Rule, s.Also))
	}
	if strings.Join(got, " ") != "a2 b0 d0" {
		t.Errorf("got %v", got)
	}
}

func TestActions(t *testing.T) {
	r, engine := wayReader(t)
	e := descriptor.Entity{Ref: "component:team/pay", Kind: "Component", Name: "pay"}
	report := graded(engine, e)
	for rule, want := range map[string]Action{
		"days": {Do: "fix", Text: "Fix it: change a file in the repository, or open an issue for its owners",
			Waiver: "dxctl waiver request component:team/pay --rule way/days --until 30d --reason planned --note TEXT"},
		"hours": {Do: "fix", Text: "Fix it"}, // it cannot be waived
		"other": {Do: "find out", Text: "Find out: let a source of the test report it",
			Waiver: "dxctl waiver request component:team/pay --rule way/other --until 30d --reason planned --note TEXT"},
	} {
		i := slices.IndexFunc(report.Results, func(x scorecards.Result) bool { return x.Rule == rule })
		got := r.actionOf(e, "way", &report.Results[i])
		if got.Do != want.Do || got.Text != want.Text || got.Waiver != want.Waiver ||
			got.Explain != "dxctl grade component:team/pay --rule "+rule {
			t.Errorf("%s: %+v, want %+v", rule, got, want)
		}
	}
	later := slices.IndexFunc(report.Results, func(x scorecards.Result) bool { return x.Rule == "later" })
	step := r.stepOf(e, &report, &report.Results[later], experience{})
	if step.Effect() != "does not change the level yet" || step.Share != 0 {
		t.Errorf("a rule of a higher level: %s, %v", step.Effect(), step.Share)
	}
}

func TestMediansNeedEnough(t *testing.T) {
	got := medians(map[string][]float64{"few": {1, 2, 3, 4}, "odd": {9, 1, 5, 3, 7}, "even": {1, 2, 3, 10, 20, 30}})
	if len(got) != 2 || got["odd"] != (Took{5, 5}) || got["even"] != (Took{6.5, 6}) {
		t.Errorf("got %v", got)
	}
	if text := (Took{6.25, 9}).Text(); text != "6.2 days, n = 9" {
		t.Errorf("in words: %s", text)
	}
}
