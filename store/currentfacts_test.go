package store_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

// viewedFacts returns the facts as the view facts has them.
func viewedFacts(t *testing.T, s *store.Store) map[string]map[string]event.Fact {
	t.Helper()
	type row struct {
		Entity     string     `ch:"entity"`
		Fact       string     `ch:"fact"`
		Type       string     `ch:"type"`
		Value      string     `ch:"value"`
		ObservedAt time.Time  `ch:"observed_at"`
		ExpiresAt  *time.Time `ch:"expires_at"`
		Error      string     `ch:"error"`
		Source     string     `ch:"source"`
		URL        string     `ch:"url"`
	}
	facts := map[string]map[string]event.Fact{}
	for _, r := range all[row](t, s, "SELECT * FROM facts") {
		f := event.Fact{Source: r.Source, Entity: r.Entity, Name: r.Fact, Type: event.FactType(r.Type),
			ObservedAt: r.ObservedAt.UTC(), Error: r.Error, URL: r.URL}
		if r.Error == "" {
			f.Value = json.RawMessage(r.Value)
		}
		if r.ExpiresAt != nil {
			f.ExpiresAt = r.ExpiresAt.UTC()
		}
		if facts[r.Entity] == nil {
			facts[r.Entity] = map[string]event.Fact{}
		}
		facts[r.Entity][r.Fact] = f
	}
	return facts
}

func oneOf[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// describeRandomly fills the catalog: scopes of services, of one source only or of any, of services that are not in the
// catalog, and facts that belong to one source.
func describeRandomly(t *testing.T, s *store.Store, r *rand.Rand) {
	t.Helper()
	type bound struct {
		Provider string `ch:"provider"`
		Scope    string `ch:"scope"`
		Source   string `ch:"source"`
		Service  string `ch:"service"`
	}
	type declared struct {
		Name   string `ch:"name"`
		Source string `ch:"source"`
	}
	var bindings []bound
	var entities []entity
	for i := range 6 {
		service := fmt.Sprintf("component:default/s%d", i)
		if i > 0 { // the first is not in the catalog
			entities = append(entities, entity{service})
		}
		bindings = append(bindings, bound{"github", fmt.Sprintf("o/r%d", i), "", service})
		if r.IntN(2) == 0 {
			other := fmt.Sprintf("component:default/s%d", r.IntN(6))
			bindings = append(bindings, bound{"github", fmt.Sprintf("o/r%d", i), oneOf(r, "gh", "ci"), other})
		}
		if r.IntN(2) == 0 {
			bindings = append(bindings, bound{"github", fmt.Sprintf("o/more%d", i), "ci", service})
		}
	}
	var owned []declared
	if r.IntN(3) > 0 {
		owned = []declared{{"a.", oneOf(r, "gh", "ci")}, {"b.two", "push"}}
	}
	for table, rows := range map[string]any{"bindings": bindings, "entities": entities, "facts": owned} {
		if err := s.Replace(t.Context(), table, rows); err != nil {
			t.Fatal(err)
		}
	}
}

// randomCurrentFact returns a fact of a service or of a scope in whatever spelling. There are so few times, values and
// sources that many facts of a service differ in little.
func randomCurrentFact(r *rand.Rand, now time.Time) event.Fact {
	f := event.Fact{
		Source: oneOf(r, "gh", "ci", "push"), Name: oneOf(r, "a.one", "a.two", "b.two", "c"), Type: event.NumberFact,
		Value: json.RawMessage(fmt.Sprint(r.IntN(3))), ObservedAt: now.Add(-time.Duration(r.IntN(3)+1) * time.Hour),
		URL: oneOf(r, "", "https://example.com/1", "https://example.com/2"),
	}
	i := r.IntN(7) // the last one is bound nowhere
	f.Entity = oneOf(r, fmt.Sprintf("component:default/s%d", i), fmt.Sprintf("unmapped:github/o/r%d", i),
		fmt.Sprintf("unmapped:github/O/R%d", i), fmt.Sprintf("unmapped:github/o/more%d", i))
	switch r.IntN(5) {
	case 0:
		f.ExpiresAt = f.ObservedAt.Add(time.Minute)
	case 1:
		f.ExpiresAt = now.Add(time.Duration(r.IntN(3)+1) * time.Hour)
	case 2:
		f.Value, f.Error = nil, oneOf(r, "it could not be read", "there is none")
	case 3:
		f.Type, f.Value = event.StringFact, json.RawMessage(`"text"`)
	}
	return f
}

// TestCurrentFactsAreThoseOfTheView: which value of a fact holds is decided in the program as in the view facts, of
// organizations in which several sources and scopes say something of one service.
func TestCurrentFactsAreThoseOfTheView(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	several, expired, failed := 0, 0, 0
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := storetest.Open(t)
		describeRandomly(t, s, r)
		sources := map[string]map[string]bool{}
		for range 3 {
			var events []event.Event
			for range 40 + r.IntN(200) {
				f := randomCurrentFact(r, now)
				events = append(events, f)
				key := strings.ToLower(f.Entity) + " " + f.Name
				if sources[key] == nil {
					sources[key] = map[string]bool{}
				}
				sources[key][f.Source] = true
			}
			mustAppend(t, s, events...)
		}
		want := viewedFacts(t, s)
		got, err := store.CurrentFacts(t.Context(), s, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d (-view +read)\n%s", seed, diff)
		}
		for _, of := range sources {
			if len(of) > 1 {
				several++
			}
		}
		for _, facts := range want {
			for _, f := range facts {
				if f.Error != "" {
					failed++
				}
				if !f.ExpiresAt.IsZero() && f.ExpiresAt.Before(now) {
					expired++
				}
			}
		}
		compareSome(t, s, want)
	}
	if several < 100 || expired == 0 || failed == 0 {
		t.Errorf("%d facts of several sources, %d expired, %d without a value: too few to compare", several, expired, failed)
	}
}

// compareSome compares what is read of some entities only, of one alone, and without some facts.
func compareSome(t *testing.T, s *store.Store, all map[string]map[string]event.Fact) {
	t.Helper()
	some := []string{"component:default/s0", "component:default/s2", "component:default/s5", "component:default/none"}
	want := map[string]map[string]event.Fact{}
	for _, ref := range some {
		for name, f := range all[ref] {
			if name == "c" {
				continue
			}
			if want[ref] == nil {
				want[ref] = map[string]event.Fact{}
			}
			want[ref][name] = f
		}
		own, err := store.OfService(t.Context(), s, ref)
		if err != nil {
			t.Fatal(err)
		}
		got, err := own.CurrentFacts(t.Context(), []string{"c"})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[ref], got); diff != "" {
			t.Errorf("%s alone (-view +read)\n%s", ref, diff)
		}
	}
	got, err := store.CurrentFacts(t.Context(), s, some, []string{"c"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("some entities (-view +read)\n%s", diff)
	}
}

// TestDamagedFactsAreAnError: an answer that ends early, or that has more than was asked for, is no fact.
func TestDamagedFactsAreAnError(t *testing.T) {
	const empty = "\x00\x00\x00\x00\x00\x00\x00"
	if n, err := store.UnpackFacts(empty); err != nil || n != 0 {
		t.Errorf("no facts are %d, %v", n, err)
	}
	for _, packed := range []string{"1", "\x01", "\x01\x03a.b\x01\x04bool", empty[1:], empty + "\x00"} {
		if n, err := store.UnpackFacts(packed); err == nil {
			t.Errorf("%q is %d facts, want an error", packed, n)
		}
	}
}
