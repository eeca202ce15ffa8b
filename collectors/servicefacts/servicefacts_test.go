package servicefacts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/event"
)

func TestSubjects(t *testing.T) {
	const repository = "unmapped:github/acme/shop"
	bind := func(pairs ...string) []catalog.PathBinding {
		var all []catalog.PathBinding
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, catalog.PathBinding{Service: "component:default/" + pairs[i], Path: pairs[i+1]})
		}
		return all
	}
	for name, tc := range map[string]struct {
		bindings []catalog.PathBinding
		want     []Subject
	}{
		"unbound":   {nil, []Subject{{Entity: repository}}},
		"one":       {bind("pay", ""), []Subject{{Entity: repository}}},
		"directory": {bind("pay", "", "pay", "services/pay"), []Subject{{repository, []string{"services/pay"}}}},
		"shared": {bind("pay", "services/pay", "cart", "services/cart"), []Subject{
			{"component:default/cart", []string{"services/cart"}}, {"component:default/pay", []string{"services/pay"}},
		}},
		"shared, and whole": {bind("all", "", "pay", "lib", "pay", "services/pay"), []Subject{
			{"component:default/pay", []string{"services/pay", "lib"}}, {Entity: repository},
		}},
		"whole for two sources": {bind("a", "", "b", "", "b", "b"), []Subject{{Entity: repository}}},
	} {
		if diff := cmp.Diff(tc.want, Subjects(tc.bindings, "github", "acme/shop")); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	s := Subject{Dirs: []string{"old", "new"}}
	if got := s.Dir(func(dir string) bool { return dir == "new" }); got != "new" {
		t.Error(got)
	}
	if got := s.Dir(func(string) bool { return false }); got != "old" {
		t.Error(got)
	}
}

// memory keeps what was stored last, and counts.
type memory struct {
	facts map[string]event.Fact
	n     int
	err   error
}

func (m *memory) Append(_ context.Context, events ...event.Event) error {
	if m.err != nil {
		return m.err
	}
	for _, e := range events {
		if err := e.Validate(); err != nil {
			return err
		}
		f := e.(event.Fact)
		m.facts[f.Entity+" "+f.Name] = f
		m.n++
	}
	return nil
}

func TestStore(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	m := &memory{facts: map[string]event.Fact{}}
	var k Kept
	of := event.Fact{Source: "gh", URL: "https://github.test/acme/shop"}
	facts := func(readme bool, entities ...string) map[string][]event.Fact {
		all := map[string][]event.Fact{}
		for _, e := range entities {
			all[e] = []event.Fact{
				Encode("repository.files.readme", event.BoolFact, readme),
				{Name: "repository.license", Type: event.StringFact, Error: "it is binary"},
			}
		}
		return all
	}
	step := func(name string, at time.Time, facts map[string][]event.Fact, stored int) {
		t.Helper()
		m.n = 0
		raw, err := json.Marshal(k) // as a checkpoint does
		if err != nil {
			t.Fatal(err)
		}
		k = Kept{}
		if err := json.Unmarshal(raw, &k); err != nil {
			t.Fatal(err)
		}
		changed, err := k.Store(t.Context(), m, at, of, facts, "the directory is no longer bound")
		if err != nil || m.n != stored || changed != (stored > 0) {
			t.Errorf("%s: stored %d, want %d; changed %t, %v", name, m.n, stored, changed, err)
		}
	}
	step("first", now, facts(true, "a", "b"), 4)
	step("unchanged", now.Add(time.Hour), facts(true, "a", "b"), 0)
	step("changed", now.Add(2*time.Hour), facts(false, "a", "b"), 2)
	step("a day later", now.Add(24*time.Hour), facts(false, "a", "b"), 4)
	if f := m.facts["a repository.files.readme"]; !f.ExpiresAt.Equal(now.Add(24*time.Hour+MaxAge)) || f.URL != of.URL {
		t.Errorf("%+v", f)
	}
	step("one less", now.Add(25*time.Hour), facts(false, "a"), 2)
	if f := m.facts["b repository.files.readme"]; f.Error != "the directory is no longer bound" || !f.ExpiresAt.IsZero() {
		t.Errorf("%+v", f)
	}
	step("still one less", now.Add(26*time.Hour), facts(false, "a"), 0)

	// What could not be stored is stored the next time.
	m.err = errors.New("out of reach")
	before := fmt.Sprint(k)
	if _, err := k.Store(t.Context(), m, now.Add(27*time.Hour), of, facts(true, "a"), ""); !errors.Is(err, m.err) {
		t.Error(err)
	}
	if fmt.Sprint(k) != before {
		t.Error("what was not stored is kept")
	}
	m.err = nil
	step("again", now.Add(28*time.Hour), facts(true, "a"), 1)
	if err := k.Retract(t.Context(), m, now.Add(29*time.Hour), of, "the repository is gone"); err != nil {
		t.Fatal(err)
	}
	if f := m.facts["a repository.files.readme"]; f.Error != "the repository is gone" {
		t.Errorf("%+v", f)
	}
}
