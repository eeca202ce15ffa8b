package scorecards

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"cel.dev/cel-go/common/types"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards/facts"
)

// shapes are expressions that are, or are almost, of the shapes that fast computes.
var shapes = []string{
	`facts["catalog.has_owner"]`, `!facts["catalog.has_owner"] || facts["ci.p95_minutes"] <= 10`,
	`facts["ci.p95_minutes"] != 3 && facts["ci.p95_minutes"] > facts["ci.success_rate"]`,
	`size(facts["catalog.tags"]) == 0`, `facts["catalog.tags"].size() < 3`, `"go" in facts["catalog.tags"]`,
	`facts["catalog.lifecycle"] in ["production", "deprecated", ""]`, `facts["catalog.lifecycle"] == entity.lifecycle`,
	`facts["deploy.last_at"] >= now - duration("720h")`, `now - facts["deploy.last_at"] <= duration("720h")`,
	`facts["catalog.has_owner"] ? facts["ci.p95_minutes"] < 5 : facts["catalog.owner"] != ""`,
	`entity.annotations["x"] == "y"`, `size(facts["catalog.owner"]) > 3`, `facts["ci.p95_minutes"] / 0 > 1`,
	`facts["catalog.tags"].exists(t, t == "go") && facts["catalog.has_owner"]`, `duration(facts["catalog.owner"]) == duration("1s")`,
	`facts["catalog.owner"].startsWith("group") || facts["ci.p95_minutes"] == 0`, `2 in [1, 2] && 1 < 2.5`,
	`facts["catalog.tags"] == ["go"]`, `-facts["ci.p95_minutes"] < 1`, `facts["catalog.owner"] < "m"`,
}

// someFacts returns facts of every type: absent, known, with an error, of another type, out of date.
func someFacts(random *rand.Rand) map[string]event.Fact {
	known := map[string]any{}
	for _, d := range facts.Catalog() {
		switch d.Type {
		case event.BoolFact:
			known[d.Name] = random.IntN(2) > 0
		case event.NumberFact:
			known[d.Name] = []float64{0, 1, 3, 9.5, 10, 12, math.MaxFloat64, -1}[random.IntN(8)]
		case event.StringFact:
			known[d.Name] = []string{"", "production", "group:default/a", "z"}[random.IntN(4)]
		case event.TimeFact:
			known[d.Name] = testNow.AddDate(0, 0, -random.IntN(60))
		case event.ListFact:
			known[d.Name] = [][]string{{}, {"go"}, {"a", "b", "c", "go"}}[random.IntN(3)]
		}
	}
	all := factsOf(known)
	for name, f := range all {
		switch random.IntN(8) {
		case 0:
			delete(all, name)
			continue
		case 1:
			f.Error = "away"
		case 2:
			f.Type = event.ListFact
		case 3:
			f.ExpiresAt = testNow.Add(-time.Hour)
		}
		all[name] = f
	}
	return all
}

// compareFast compares the values of a program, and returns whether fast computed one.
func compareFast(t *testing.T, s *subject, r *compiledRule, p *program) bool {
	t.Helper()
	got := s.fast(r, p.root)
	if got == nil {
		return false
	}
	want, err := s.evalCEL(r, p)
	if err != nil || types.IsUnknownOrError(want) || got.Type() != want.Type() || types.Equal(got, want) != types.True {
		t.Errorf("%s: fast gives %v, CEL %v, %v", p.source, got, want, err)
	}
	return true
}

// TestFastIsCEL compares the two evaluators on the built-in rules and on the shapes.
func TestFastIsCEL(t *testing.T) {
	set, err := Load(Config{}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	own := card()
	own.Name = "shapes"
	for _, expr := range shapes {
		own.Rules = append(own.Rules, card(Rule{Expr: expr}).Rules...)
	}
	for i := range own.Rules {
		own.Rules[i].Freshness = time.Duration(i%2) * time.Hour
	}
	set.Cards = append(set.Cards, own)
	e, err := New(set, clock)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	computed, all := 0, 0
	for range 200 {
		known := someFacts(random)
		for _, c := range e.cards {
			s := newSubject(testEntity(), testNow)
			s.use(c, known, nil)
			for i := range c.rules {
				r := &c.rules[i]
				for _, p := range []*program{r.expr, r.warn, r.applies, r.review, r.evidence} {
					if p != nil {
						all++
						if compareFast(t, s, r, p) {
							computed++
						}
					}
				}
			}
		}
	}
	if computed*3 < all {
		t.Errorf("only %d of %d values were computed", computed, all)
	}
}

func FuzzFastIsCEL(f *testing.F) {
	for i, expr := range shapes {
		f.Add(expr, uint64(i))
	}
	f.Fuzz(func(t *testing.T, expr string, seed uint64) {
		e, err := New(Set{Cards: []Scorecard{card(Rule{Expr: expr})}}, clock)
		if err != nil || e.cards[0].rules[0].expr == nil {
			return
		}
		s := newSubject(testEntity(), testNow)
		s.use(e.cards[0], someFacts(rand.New(rand.NewPCG(seed, 1))), nil)
		compareFast(t, s, &e.cards[0].rules[0], e.cards[0].rules[0].expr)
	})
}
