package scorecards

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards/facts"
)

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
				after.Coverage > before.Coverage && lost != "repository.created_at" {
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
