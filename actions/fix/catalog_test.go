package fix_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions/fix"
	entities "github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// TestOfTheCatalog plans for a service of the catalog with files that are in no git repository: what sources know
// counts where the files show nothing.
func TestOfTheCatalog(t *testing.T) {
	owner := event.Fact{Name: "catalog.owner_exists", Type: event.BoolFact, Value: json.RawMessage("true")}
	members := event.Fact{Name: "catalog.owner_members", Type: event.NumberFact, Value: json.RawMessage("4")}
	has := event.Fact{Name: "catalog.has_owner", Type: event.BoolFact, Value: json.RawMessage("true")}
	const code = "package main\n"
	owned := func(name string) string {
		return strings.Replace(component(name), "spec: {", "spec: {owner: team-a, ", 1)
	}
	for _, c := range []struct {
		name  string
		files map[string]string
		ref   string
		known []event.Fact
		want  event.Outcome // of owner-exists; "": it is met
		err   string
	}{
		{"described, unknown to sources", map[string]string{"catalog-info.yaml": owned("pay"), "main.go": code},
			"component:default/pay", nil, event.Unknown, ""},
		{"described, known to sources", map[string]string{"catalog-info.yaml": owned("pay"), "main.go": code},
			"component:default/pay", []event.Fact{has, owner, members}, "", ""},
		{"one of several", map[string]string{
			"a/catalog-info.yaml": owned("pay"), "a/main.go": code, "b/catalog-info.yaml": owned("other"), "b/main.go": code,
		}, "component:default/pay", []event.Fact{has, owner, members}, "", ""},
		{"without a descriptor", map[string]string{"main.go": code}, "component:default/pay", []event.Fact{has, owner, members}, "", ""},
		{"another service", map[string]string{"catalog-info.yaml": owned("other"), "main.go": code},
			"component:default/pay", nil, "", "describes component:default/other, and not component:default/pay"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := checkoutOf(t, c.files)
			known := map[string]event.Fact{}
			for _, f := range c.known {
				f.Entity, f.Source, f.ObservedAt = c.ref, "catalog", now
				known[f.Name] = f
			}
			p, err := fix.New(t.Context(), fix.Options{
				Dir: dir, Archive: &fix.Archive{Root: dir, Commit: "abc"}, Engine: engine(t), Now: now, Known: known,
				Paths: []*paths.Path{goldenPath(t, nil)},
				Entity: entities.Entity{Ref: c.ref, Kind: "Component", Namespace: "default", Name: "pay", Type: "service",
					Lifecycle: "production", Owner: "group:default/team-a"},
			})
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("the error is %v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if p.On["commit"] != "abc" || p.Entity != c.ref {
				t.Errorf("planned on %v for %s", p.On, p.Entity)
			}
			for _, n := range p.Notes {
				if strings.Contains(n, "git repository") {
					t.Errorf("a note says %q", n)
				}
			}
			var got event.Outcome
			for _, r := range p.Rules {
				if r.ID == "owner-exists" {
					got = r.Before
				}
			}
			if got != c.want {
				t.Errorf("owner-exists is %q, want %q", got, c.want)
			}
		})
	}
}
