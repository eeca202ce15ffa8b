package app

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/people"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// services returns a catalog of services, each with a repository of its name.
func servicesOf(t *testing.T, n int) *catalog.Catalog {
	t.Helper()
	var text string
	for i := range n {
		text += fmt.Sprintf("---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: s%d\n  annotations: "+
			"{github.com/project-slug: org/s%d}\nspec: {type: service, owner: x, lifecycle: production}\n", i, i)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "c.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cat, _, err := catalog.Load(catalog.Config{Files: []string{"c.yaml"}}, people.Config{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

func observed(entity, name, value string, expires time.Time) event.Fact {
	return event.Fact{Source: "gh", Entity: entity, Name: name, Type: event.NumberFact, Value: json.RawMessage(value),
		ObservedAt: noon, ExpiresAt: expires}
}

// TestPendingServices: only what can change a grade is noted, and only the service that it is about.
func TestPendingServices(t *testing.T) {
	cat := servicesOf(t, 4)
	p := newPending()
	repo := func(scope string) event.Origin {
		return event.Origin{Source: "gh", Provider: "github", Scope: scope, ID: "1"}
	}
	for _, step := range []struct {
		name   string
		at     time.Time
		events []event.Event
		want   []string
		all    bool
	}{
		{"a fact of a repository", noon, []event.Event{observed("unmapped:github/Org/s1", "a.b", "1", noon.Add(time.Hour))}, []string{"component:default/s1"}, false},
		{"the same again", noon, []event.Event{observed("unmapped:github/Org/s1", "a.b", "1", noon.Add(time.Hour))}, nil, false},
		{"the same after it had expired", noon.Add(2 * time.Hour), []event.Event{observed("unmapped:github/Org/s1", "a.b", "1", noon.Add(3*time.Hour))}, []string{"component:default/s1"}, false},
		{"another value", noon, []event.Event{observed("unmapped:github/Org/s1", "a.b", "2", time.Time{})}, []string{"component:default/s1"}, false},
		{"a fact of a service", noon, []event.Event{observed("component:default/s2", "a.b", "1", time.Time{})}, []string{"component:default/s2"}, false},
		{"of nothing in the catalog", noon, []event.Event{observed("unmapped:github/org/other", "a.b", "1", time.Time{}), observed("component:default/none", "a.b", "1", time.Time{})}, nil, false},
		{"records", noon, []event.Event{
			event.PipelineRun{Origin: repo("org/s0")}, event.Deployment{Origin: repo("org/S3")}, event.Change{Origin: repo("org/s0")},
			event.Deployment{Origin: event.Origin{Source: "push", Provider: "push", Scope: "x", Service: "component:default/s2"}},
		}, []string{"component:default/s0", "component:default/s2", "component:default/s3"}, false},
		{"grades and ledger", noon, []event.Event{event.Grade{Entity: "component:default/s0"}, event.LedgerEntry{}}, nil, false},
		{"a descriptor", noon, []event.Event{event.Descriptor{}}, nil, true},
	} {
		p.add(cat, step.at, step.events)
		woken := len(p.wake) > 0
		got, all := p.take()
		if !slices.Equal(got, step.want) || all != step.all || woken != (len(step.want) > 0 || step.all) {
			t.Errorf("%s: %q, all %t, woken %t", step.name, got, all, woken)
		}
		for len(p.wake) > 0 {
			<-p.wake
		}
	}
}

// TestEqualCatalogs: what reading the files again does not change is equal.
func TestEqualCatalogs(t *testing.T) {
	if a := servicesOf(t, 3); !a.Equal(servicesOf(t, 3)) || a.Equal(servicesOf(t, 4)) || a.Equal(nil) {
		t.Error("catalogs are compared wrongly")
	}
}
