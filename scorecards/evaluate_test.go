package scorecards

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/scorecards/format"
)

var testNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return testNow }

func testEntity() descriptor.Entity {
	return descriptor.Entity{
		Ref:         "component:default/pay",
		Kind:        "Component",
		Namespace:   "default",
		Name:        "pay",
		Type:        "service",
		Lifecycle:   "production",
		Owner:       "group:default/team-a",
		Tags:        []string{"go"},
		Annotations: map[string]string{"x": "y"},
	}
}

// factsOf makes facts of plain values: bool, number, string, time.Time, []string; an error is a fact without a value.
func factsOf(values map[string]any) map[string]event.Fact {
	facts := map[string]event.Fact{}
	for name, value := range values {
		f := event.Fact{Source: "test", Entity: "component:default/pay", Name: name, ObservedAt: testNow.Add(-time.Hour)}
		switch v := value.(type) {
		case bool:
			f.Type = event.BoolFact
		case int, float64:
			f.Type = event.NumberFact
		case string:
			f.Type = event.StringFact
		case time.Time:
			f.Type = event.TimeFact
		case []string:
			f.Type = event.ListFact
		case error:
			f.Type, f.Error = event.NumberFact, v.Error()
		case event.Fact:
			v.Name = name
			facts[name] = v
			continue
		}
		if f.Error == "" {
			raw, err := json.Marshal(value)
			if err != nil {
				panic(err)
			}
			f.Value = raw
		}
		facts[name] = f
	}
	return facts
}

func card(rules ...Rule) Scorecard {
	for i := range rules {
		r := &rules[i]
		if r.ID == "" {
			r.ID = fmt.Sprintf("r%d", i)
		}
		if r.Level == "" {
			r.Level = "bronze"
		}
		if r.Effort == "" {
			r.Effort = Minutes
		}
		if r.Weight == 0 {
			r.Weight = 1
		}
		if r.Status == "" {
			r.Status = format.Enforced
		}
	}
	return Scorecard{
		Name:   "test",
		Title:  "Test",
		Levels: []string{"bronze", "silver", "gold"},
		Rules:  rules,
		File:   "test.yaml",
		Line:   1,
	}
}

func gradeOne(t testing.TB, c Scorecard, facts map[string]event.Fact) Report {
	t.Helper()
	e, err := New(Set{Cards: []Scorecard{c}}, clock)
	if err != nil {
		t.Fatal(err)
	}
	reports := e.Grade(testEntity(), facts)
	if len(reports) != 1 {
		t.Fatalf("%d reports, want 1", len(reports))
	}
	return reports[0]
}

func TestOutcomes(t *testing.T) {
	old := event.Fact{
		Source:     "metrics",
		Type:       event.NumberFact,
		Value:      json.RawMessage("17.4"),
		ObservedAt: testNow.AddDate(0, 0, -9),
		ExpiresAt:  testNow.AddDate(0, 0, -5),
	}
	tests := []struct {
		name, expr, applies, evidence string
		facts                         map[string]any
		outcome                       event.Outcome
		reason                        string
		missing                       []string
	}{
		{
			name:    "true",
			expr:    `facts["catalog.has_owner"]`,
			facts:   map[string]any{"catalog.has_owner": true},
			outcome: event.Pass,
			reason:  "it has an owner",
		},
		{
			name:    "false",
			expr:    `facts["catalog.has_owner"]`,
			facts:   map[string]any{"catalog.has_owner": false},
			outcome: event.Fail,
			reason:  "it has no owner",
		},
		{
			name:    "not",
			expr:    `!facts["repository.archived"]`,
			facts:   map[string]any{"repository.archived": true},
			outcome: event.Fail,
			reason:  "the repository is archived",
		},
		{
			name:    "a fact is absent",
			expr:    `facts["ci.p95_minutes"] <= 10`,
			outcome: event.Unknown,
			missing: []string{"ci.p95_minutes"},
			reason: "ci.p95_minutes is not known; a source with pipeline runs (github, gitlab, jenkins, circleci or pushed " +
				"events) should give it",
		},
		{
			name:    "a fact that its source could not give",
			expr:    `facts["ci.p95_minutes"] <= 10`,
			facts:   map[string]any{"ci.p95_minutes": fmt.Errorf("no pipeline runs are known")},
			outcome: event.Unknown,
			missing: []string{"ci.p95_minutes"},
			reason: "ci.p95_minutes is not known: no pipeline " +
				"runs are known",
		},
		{
			name:    "false and unknown is false",
			expr:    `facts["catalog.has_owner"] && facts["ci.p95_minutes"] <= 10`,
			facts:   map[string]any{"catalog.has_owner": false},
			outcome: event.Fail,
			reason:  "it has no owner",
		},
		{
			name:    "unknown and false is false",
			expr:    `facts["ci.p95_minutes"] <= 10 && facts["catalog.has_owner"]`,
			facts:   map[string]any{"catalog.has_owner": false},
			outcome: event.Fail,
			reason:  "it has no owner",
		},
		{
			name:    "true or unknown is true",
			expr:    `facts["ci.p95_minutes"] <= 10 || facts["catalog.has_owner"]`,
			facts:   map[string]any{"catalog.has_owner": true},
			outcome: event.Pass,
			reason:  "it has an owner",
		},
		{
			name:    "true and unknown is unknown",
			expr:    `facts["catalog.has_owner"] && facts["ci.p95_minutes"] <= 10`,
			facts:   map[string]any{"catalog.has_owner": true},
			outcome: event.Unknown,
			missing: []string{"ci.p95_minutes"},
			reason: "ci.p95_minutes is not known; a source with " +
				"pipeline runs (github, gitlab, jenkins, circleci or pushed events) should give it",
		},
		{
			name:    "not unknown is unknown",
			expr:    `!facts["repository.archived"]`,
			outcome: event.Unknown,
			missing: []string{"repository.archived"},
			reason:  "repository.archived is not known; a source of kind github or gitlab should give it",
		},
		{
			name:    "two are absent",
			expr:    `facts["repository.files.readme"] && facts["repository.files.license"]`,
			outcome: event.Unknown,
			missing: []string{"repository.files.license", "repository.files.readme"},
			reason: "repository.files.license is not known; a checkout, or a source of kind github or gitlab should give it; repository.files.readme " +
				"is not known; a checkout, or a source of kind github or gitlab should give it",
		},
		{
			name:    "an unknown list in a macro",
			expr:    `facts["catalog.tags"].exists(t, t == "go")`,
			outcome: event.Unknown,
			missing: []string{"catalog.tags"},
			reason:  "catalog.tags is not known; the catalog (the service's descriptor) should give it",
		},
		{
			name:    "expired",
			expr:    `facts["ci.p95_minutes"] <= 10`,
			facts:   map[string]any{"ci.p95_minutes": old},
			outcome: event.Stale,
			missing: []string{"ci.p95_minutes"},
			reason:  "ci.p95_minutes is out of date: metrics gave 17.4 minutes on 2026-11-13 and it held until 2026-11-17",
		},
		{
			name:    "expired and absent is unknown",
			expr:    `facts["ci.p95_minutes"] <= facts["ci.runs_30d"]`,
			facts:   map[string]any{"ci.p95_minutes": old},
			outcome: event.Unknown,
			missing: []string{"ci.p95_minutes", "ci.runs_30d"},
			reason: "ci.p95_minutes is out of date: metrics gave 17.4 minutes on 2026-11-13 and it held until 2026-11-17; " +
				"ci.runs_30d is not known; a source with pipeline runs (github, gitlab, jenkins, circleci or pushed events) " +
				"should give it",
		},
		{
			name:    "expired but not needed",
			expr:    `facts["catalog.has_owner"] || facts["ci.p95_minutes"] <= 10`,
			facts:   map[string]any{"catalog.has_owner": true, "ci.p95_minutes": old},
			outcome: event.Pass,
			reason:  "it has an owner",
		},
		{
			name:    "a value of another type",
			expr:    `facts["ci.p95_minutes"] <= 10`,
			facts:   map[string]any{"ci.p95_minutes": "fast"},
			outcome: event.ErrorOutcome,
			reason:  "the rule could not be evaluated: ci.p95_minutes is a string, and a number was expected; test gave it",
		},
		{
			name:    "a value of another type that does not matter",
			expr:    `facts["catalog.has_owner"] && facts["ci.p95_minutes"] <= 10`,
			facts:   map[string]any{"catalog.has_owner": false, "ci.p95_minutes": "fast"},
			outcome: event.Fail,
			reason:  "it has no owner",
		},
		{
			name:    "an annotation that is not there",
			expr:    `entity.annotations["nope"] == "y"`,
			outcome: event.ErrorOutcome,
			reason:  "the rule could not be evaluated: no such key: nope",
		},
		{
			name:    "an annotation that is",
			expr:    `"x" in entity.annotations && entity.annotations["x"] == "y"`,
			outcome: event.Pass,
			reason:  "the annotations hold x",
		},
		{
			name:    "at most",
			expr:    `facts["ci.p95_minutes"] <= 10`,
			facts:   map[string]any{"ci.p95_minutes": 17.42},
			outcome: event.Fail,
			reason:  "the 95th percentile of CI duration is 17.4 minutes, the rule wants at most 10",
		},
		{
			name:    "exchanged sides",
			expr:    `10 >= facts["ci.p95_minutes"]`,
			facts:   map[string]any{"ci.p95_minutes": 7.418},
			outcome: event.Pass,
			reason:  "the 95th percentile of CI duration is 7.42 minutes, the rule wants at most 10",
		},
		{
			name:    "negated",
			expr:    `!(facts["ci.p95_minutes"] > 10)`,
			facts:   map[string]any{"ci.p95_minutes": 12},
			outcome: event.Fail,
			reason:  "the 95th percentile of CI duration is 12 minutes, the rule wants at most 10",
		},
		{
			name:    "arithmetic with whole numbers",
			expr:    `facts["ci.p95_minutes"] * 2 < facts["ci.runs_30d"] + 1`,
			facts:   map[string]any{"ci.p95_minutes": 3, "ci.runs_30d": 6},
			outcome: event.Pass,
			reason:  "the 95th percentile of CI duration is 3 minutes, the number of CI runs in 30 days is 6",
		},
		{
			name:    "equal to a whole number",
			expr:    `facts["ci.runs_30d"] == 3`,
			facts:   map[string]any{"ci.runs_30d": 3},
			outcome: event.Pass,
			reason:  "the number of CI runs in 30 days is 3",
		},
		{
			name:    "a share",
			expr:    `facts["ci.success_rate"] >= 0.8`,
			facts:   map[string]any{"ci.success_rate": 0.6149},
			outcome: event.Fail,
			reason:  "the CI success rate is 61.5 %, the rule wants at least 80 %",
		},
		{
			name:    "one of",
			expr:    `facts["catalog.lifecycle"] in ["production", "deprecated"]`,
			facts:   map[string]any{"catalog.lifecycle": ""},
			outcome: event.Fail,
			reason:  "the lifecycle is not set, the rule wants one of production, deprecated",
		},
		{
			name:    "none of",
			expr:    `!(facts["catalog.lifecycle"] in ["deprecated"])`,
			facts:   map[string]any{"catalog.lifecycle": "deprecated"},
			outcome: event.Fail,
			reason:  "the lifecycle is deprecated, the rule wants none of deprecated",
		},
		{
			name:    "in a list",
			expr:    `"go" in facts["catalog.tags"]`,
			facts:   map[string]any{"catalog.tags": []string{"java"}},
			outcome: event.Fail,
			reason:  "its tags (java) lack go",
		},
		{
			name:    "a field of the entity",
			expr:    `entity.type == "website"`,
			outcome: event.Fail,
			reason:  "the type is service, the rule wants website",
		},
		{
			name:    "a time ago",
			expr:    `facts["deploy.last_at"] >= now - duration("720h")`,
			facts:   map[string]any{"deploy.last_at": testNow.AddDate(0, 0, -40)},
			outcome: event.Fail,
			reason:  "the last production deployment is 2026-10-13, the rule wants it at most 30 days ago",
		},
		{
			name:    "a time ago, the other way round",
			expr:    `now - facts["deploy.last_at"] < duration("720h")`,
			facts:   map[string]any{"deploy.last_at": testNow.AddDate(0, 0, -40)},
			outcome: event.Fail,
			reason:  "the last production deployment is 2026-10-13, the rule wants it less than 30 days ago",
		},
		{
			name:    "a date",
			expr:    `facts["repository.created_at"] > timestamp("2026-01-01T00:00:00Z")`,
			facts:   map[string]any{"repository.created_at": testNow.AddDate(-1, 0, 0)},
			outcome: event.Fail,
			reason:  "the creation of the repository is 2025-11-22, the rule wants it after 2026-01-01",
		},
		{
			name:    "the parts that failed",
			expr:    `facts["catalog.has_owner"] && facts["catalog.has_system"] && facts["catalog.has_docs"]`,
			facts:   map[string]any{"catalog.has_owner": false, "catalog.has_system": true, "catalog.has_docs": false},
			outcome: event.Fail,
			reason:  "it has no owner; it names no documentation",
		},
		{
			name:    "a choice",
			expr:    `facts["catalog.has_owner"] ? facts["catalog.has_docs"] : facts["catalog.has_system"]`,
			facts:   map[string]any{"catalog.has_owner": false, "catalog.has_system": false},
			outcome: event.Fail,
			reason:  "it belongs to no system",
		},
		{
			name:     "evidence",
			expr:     `size(facts["catalog.tags"]) > 1`,
			evidence: `facts["ci.p95_minutes"]`,
			facts:    map[string]any{"catalog.tags": []string{"go"}, "ci.p95_minutes": 3.5},
			outcome:  event.Fail,
			reason:   "tags: go (3.5 minutes)",
		},
		{
			name:     "evidence that is absent changes nothing",
			expr:     `facts["catalog.has_owner"]`,
			evidence: `facts["ci.p95_minutes"]`,
			facts:    map[string]any{"catalog.has_owner": true},
			outcome:  event.Pass,
			reason:   "it has an owner",
		},
		{
			name:    "not applicable",
			expr:    `facts["catalog.has_owner"]`,
			applies: `entity.lifecycle == "experimental"`,
			outcome: event.NotApplicable,
			reason:  "the rule does not apply: the lifecycle is production, the rule wants experimental",
		},
		{
			name:    "whether it applies is unknown",
			expr:    `facts["catalog.has_owner"]`,
			applies: `facts["ci.runs_30d"] > 5`,
			facts:   map[string]any{"catalog.has_owner": true},
			outcome: event.Unknown,
			missing: []string{"ci.runs_30d"},
			reason:  "ci.runs_30d is not known; a source with pipeline runs (github, gitlab, jenkins, circleci or pushed events) should give it",
		},
		{
			name:    "applies fails",
			expr:    `true`,
			applies: `entity.annotations["nope"] == "y"`,
			outcome: event.ErrorOutcome,
			reason:  "the rule could not be evaluated: no such key: nope",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := gradeOne(t, card(Rule{Expr: tt.expr, Applies: tt.applies, Evidence: tt.evidence}), factsOf(tt.facts)).Results[0]
			if r.Outcome != tt.outcome || r.Reason != tt.reason {
				t.Errorf("got  %s: %s\nwant %s: %s", r.Outcome, r.Reason, tt.outcome, tt.reason)
			}
			if !slices.Equal(r.Missing, tt.missing) {
				t.Errorf("missing %v, want %v", r.Missing, tt.missing)
			}
		})
	}
}

func TestOneAbsentFactIsOneUnknownRule(t *testing.T) {
	r := gradeOne(
		t,
		card(
			Rule{ID: "a", Expr: `facts["catalog.has_owner"]`},
			Rule{ID: "b", Expr: `facts["ci.p95_minutes"] < 10`},
			Rule{ID: "c", Expr: `facts["catalog.has_docs"]`},
		),
		factsOf(map[string]any{"catalog.has_owner": true, "catalog.has_docs": false}),
	)
	want := map[event.Outcome]int{event.Pass: 1, event.Unknown: 1, event.Fail: 1}
	if !maps.Equal(r.Counts, want) {
		t.Errorf("counts %v, want %v", r.Counts, want)
	}
}

func TestLevels(t *testing.T) {
	c := card(
		Rule{ID: "b1", Expr: `facts["catalog.has_owner"]`, Effort: Hours},
		Rule{ID: "b2", Expr: `facts["catalog.has_docs"]`},
		Rule{ID: "s1", Level: "silver", Expr: `facts["catalog.has_system"]`, Effort: Days},
		Rule{ID: "s2", Level: "silver", Expr: `facts["repository.files.readme"]`},
		Rule{ID: "s3", Level: "silver", Expr: `facts["catalog.has_runbook"]`},
		Rule{ID: "g1", Level: "gold", Expr: `facts["ci.p95_minutes"] < 10`, Applies: `entity.type == "service"`},
	)
	all := map[string]any{
		"catalog.has_owner":       true,
		"catalog.has_docs":        true,
		"catalog.has_system":      true,
		"repository.files.readme": true,
		"catalog.has_runbook":     true,
		"ci.p95_minutes":          3,
	}
	but := func(changes map[string]any) map[string]any {
		m := maps.Clone(all)
		for k, v := range changes {
			if v == nil {
				delete(m, k)
			} else {
				m[k] = v
			}
		}
		return m
	}
	tests := []struct {
		name        string
		facts       map[string]any
		level, next string
		missing     []string
		score       float64
		coverage    float64
		note        string
	}{
		{name: "all", facts: all, level: "gold", score: 1, coverage: 1},
		{
			name:     "a low rule fails and high ones pass",
			facts:    but(map[string]any{"catalog.has_owner": false}),
			next:     "bronze",
			missing:  []string{"b1"},
			score:    5. / 6,
			coverage: 1,
		},
		{
			name: "the least effort first, failures before what is not known",
			facts: but(
				map[string]any{"catalog.has_system": false, "repository.files.readme": nil, "catalog.has_runbook": false},
			),
			level:    "bronze",
			next:     "silver",
			missing:  []string{"s3", "s2", "s1"},
			score:    3. / 6,
			coverage: 5. / 6,
			note:     "silver is not reached: of its rules 1 unknown and 2 failed",
		},
		{
			name:     "unknown alone does not earn a level",
			facts:    but(map[string]any{"ci.p95_minutes": nil}),
			level:    "silver",
			next:     "gold",
			missing:  []string{"g1"},
			score:    5. / 6,
			coverage: 5. / 6,
			note:     "gold is not reached: of its rules 1 unknown; none fails, but what is not known does not earn a level",
		},
		{
			name:    "nothing known",
			facts:   nil,
			next:    "bronze",
			missing: []string{"b2", "b1"},
			note:    "bronze is not reached: of its rules 2 unknown; none fails, but what is not known does not earn a level",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := gradeOne(t, c, factsOf(tt.facts))
			var missing []string
			for _, n := range r.Next {
				missing = append(missing, n.Rule)
			}
			if r.Level != tt.level || r.NextLevel != tt.next || r.Score != tt.score || r.Coverage != tt.coverage ||
				r.Note != tt.note ||
				!slices.Equal(missing, tt.missing) {
				t.Errorf(
					"got level %q next %q %v score %v coverage %v note %q",
					r.Level,
					r.NextLevel,
					missing,
					r.Score,
					r.Coverage,
					r.Note,
				)
			}
		})
	}
}

func TestNothingApplies(t *testing.T) {
	r := gradeOne(t, card(Rule{Expr: `true`, Applies: `false`}), nil)
	if r.Level != "" || r.Score != 0 || r.Coverage != 0 || r.Note == "" {
		t.Errorf("got %+v", r)
	}
}

// TestLosingDataNeverRaises takes facts away at random: neither the score nor the level may rise.
func TestLosingDataNeverRaises(t *testing.T) {
	cards, err := Load(Config{}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(cards, clock)
	if err != nil {
		t.Fatal(err)
	}
	levels := append([]string{""}, cards.Cards[0].Levels...)
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		known := map[string]any{}
		for _, d := range facts.Catalog() {
			switch d.Type {
			case event.BoolFact:
				known[d.Name] = random.IntN(3) > 0
			case event.NumberFact:
				known[d.Name] = random.Float64() * 12
			case event.StringFact:
				known[d.Name] = "production"
			case event.TimeFact:
				known[d.Name] = testNow.AddDate(0, 0, -random.IntN(60))
			case event.ListFact:
				known[d.Name] = []string{}
			}
		}
		before := e.Grade(testEntity(), factsOf(known))[0]
		for len(known) > 0 {
			names := slices.Sorted(maps.Keys(known))
			lost := names[random.IntN(len(names))]
			delete(known, lost)
			after := e.Grade(testEntity(), factsOf(known))[0]
			// Without its age a service has no grace: a rule that fails then counts, and that is known. Only then may the
			// coverage rise.
			if after.Score > before.Score || slices.Index(levels, after.Level) > slices.Index(levels, before.Level) ||
				after.Coverage > before.Coverage && lost != "repository.created_at" && lost != FirstSeenFact {
				t.Fatalf(
					"losing %s: %q %v %v became %q %v %v",
					lost,
					before.Level,
					before.Score,
					before.Coverage,
					after.Level,
					after.Score,
					after.Coverage,
				)
			}
			before = after
		}
	}
}

func TestFilter(t *testing.T) {
	c := card(Rule{Expr: `true`})
	c.Filter = `entity.type == "website"`
	e, err := New(Set{Cards: []Scorecard{c}}, clock)
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Grade(testEntity(), nil); len(got) != 0 {
		t.Errorf("a service got %d reports of a scorecard for websites", len(got))
	}
	c.Filter = `entity.annotations["nope"] == ""`
	if r := gradeOne(t, c, nil); r.Results[0].Outcome != event.ErrorOutcome ||
		!strings.Contains(r.Results[0].Reason, "filter failed: no such key") {
		t.Errorf("got %+v", r.Results[0])
	}
}

func TestGrades(t *testing.T) {
	facts := factsOf(map[string]any{"catalog.has_owner": true})
	f := facts["catalog.has_owner"]
	f.URL = "https://example.com/x"
	facts["catalog.has_owner"] = f
	r := gradeOne(t, card(Rule{ID: "a", Version: 3, Expr: `facts["catalog.has_owner"]`}), facts)
	got := r.Grades(testNow)
	want := event.Grade{
		Entity: "component:default/pay", Scorecard: "test", Rule: "a", RuleVersion: 3, Level: "bronze", Outcome: event.Pass,
		Reason: "it has an owner", URL: "https://example.com/x", EvaluatedAt: testNow,
	}
	if len(got) != 1 || got[0] != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if err := got[0].Validate(); err != nil {
		t.Error(err)
	}
}

func BenchmarkGradeService(b *testing.B) {
	e, facts := benchmarkEngine(b)
	entity := testEntity()
	b.ReportAllocs()
	for b.Loop() {
		e.Grade(entity, facts)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/40, "ns/rule")
}

// BenchmarkGradeCatalog grades 5,000 services by the forty rules, with reasons, on every core.
func BenchmarkGradeCatalog(b *testing.B) {
	e, facts := benchmarkEngine(b)
	entities := make([]descriptor.Entity, 5_000)
	for i := range entities {
		entities[i] = testEntity()
	}
	b.ReportAllocs()
	for b.Loop() {
		e.gradeAll(entities, func(int) map[string]event.Fact { return facts })
	}
}

// BenchmarkEvaluate evaluates the forty rules without reasons, on one core.
func BenchmarkEvaluate(b *testing.B) {
	e, facts := benchmarkEngine(b)
	type question struct {
		s *subject
		r *compiledRule
	}
	var questions []question
	for _, c := range e.cards {
		s := newSubject(testEntity(), testNow)
		s.use(c, facts, nil)
		for i := range c.rules {
			if c.rules[i].expr != nil {
				questions = append(questions, question{s, &c.rules[i]})
			}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, q := range questions {
			if v, err := q.s.eval(q.r, q.r.expr); err != nil || v == nil {
				b.Fatal(v, err)
			}
		}
	}
	b.ReportMetric(float64(b.N*len(questions))/b.Elapsed().Seconds(), "evaluations/s")
}

func benchmarkEngine(b *testing.B) (*Engine, map[string]event.Fact) {
	b.Helper()
	cards, err := Load(Config{}, b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	e, err := New(cards, clock)
	if err != nil {
		b.Fatal(err)
	}
	return e, benchmarkFacts()
}

// bandsCard has a rule for each kind of band.
const bandsCard = `apiVersion: dxctl.dev/v1
kind: Scorecard
name: bands
levels: [bronze]
rules:
  - id: one
    level: bronze
    title: One
    effort: days
    bands: {value: 'facts["ci.p95_minutes"]', pass: "<= 10", warn: "<= 15"}
  - id: two
    level: bronze
    title: Two
    effort: days
    bands:
      - {value: 'facts["ci.p95_minutes"]', pass: "<= 10", warn: "<= 15"}
      - {value: 'facts["ci.success_rate"]', pass: ">= 0.9"}
`

func TestBands(t *testing.T) {
	cards, err := Parse([]byte(bandsCard), "bands.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		facts    map[string]any
		one, two event.Outcome
		reason   string // of two
	}{
		{map[string]any{"ci.p95_minutes": 9, "ci.success_rate": 0.95}, event.Pass, event.Pass, "the 95th percentile of " +
			"CI duration is 9 minutes, the rule wants at most 10; the CI success rate is 95 %, the rule wants at least 90 %"},
		{map[string]any{"ci.p95_minutes": 12, "ci.success_rate": 0.95}, event.Warn, event.Warn, "the 95th percentile of " +
			"CI duration is 12 minutes, the rule wants at most 10; this is within the limit for a warning"},
		{map[string]any{"ci.p95_minutes": 12, "ci.success_rate": 0.5}, event.Warn, event.Fail, "the 95th percentile of " +
			"CI duration is 12 minutes, the rule wants at most 10; the CI success rate is 50 %, the rule wants at least 90 %"},
		{map[string]any{"ci.p95_minutes": 16, "ci.success_rate": 0.95}, event.Fail, event.Fail, "the 95th percentile of " +
			"CI duration is 16 minutes, the rule wants at most 10"},
		{map[string]any{"ci.p95_minutes": 9}, event.Pass, event.Unknown, "ci.success_rate is not known"},
		{map[string]any{"ci.p95_minutes": 12}, event.Warn, event.Unknown, "ci.success_rate is not known"},
		{map[string]any{"ci.p95_minutes": 16}, event.Fail, event.Fail, "the 95th percentile of CI duration is 16 minutes"},
		{map[string]any{"ci.success_rate": 0.5}, event.Unknown, event.Fail, "the CI success rate is 50 %"},
	} {
		r := gradeOne(t, cards[0], factsOf(tt.facts))
		if r.Results[0].Outcome != tt.one || r.Results[1].Outcome != tt.two {
			t.Errorf("%v: %s, %s; want %s, %s", tt.facts, r.Results[0].Outcome, r.Results[1].Outcome, tt.one, tt.two)
		}
		if !strings.HasPrefix(r.Results[1].Reason, tt.reason) {
			t.Errorf("%v: reason %q, want %q", tt.facts, r.Results[1].Reason, tt.reason)
		}
	}
}
