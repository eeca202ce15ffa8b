package catalog

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/people"
)

func TestFacts(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	full := component("full", "  description: It pays\n  tags: [go]\n  links: [{url: https://x.example/r, title: "+
		"Runbook}]\n"+
		"  annotations: {github.com/project-slug: o/full, backstage.io/techdocs-ref: 'dir:.', pagerduty.com/service-id: P1}\n", "  system: shop\n  dependsOn: [resource:db]\n")
	bare := "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: bare}\n"
	c, _, err := Load(
		Config{Files: []string{"a.yaml"}},
		people.Config{},
		write(t, map[string]string{"a.yaml": strings.Join([]string{
			full,
			bare,
			kind("Group", "team-a", "type: team"),
			strings.Replace(component("lib", "", ""), "type: service", "type: library", 1),
		}, "---\n")}),
	)
	checkErrors(t, err, nil)
	got := map[string]map[string]any{}
	unknown := map[string]string{}
	for _, f := range c.Facts(now) {
		if err := f.Validate(); err != nil {
			t.Errorf("invalid: %v", err)
		}
		if f.Error != "" {
			unknown[strings.TrimPrefix(f.Entity, "component:default/")+" "+f.Name] = f.Error
			continue
		}
		v, err := f.Decode()
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		if got[f.Entity] == nil {
			got[f.Entity] = map[string]any{}
		}
		got[f.Entity][strings.TrimPrefix(f.Name, "catalog.")] = v
	}
	want := map[string]map[string]any{
		"component:default/full": {
			"has_owner":       true,
			"owner_exists":    true,
			"owner":           "group:default/team-a",
			"has_description": true,
			"has_system":      true,
			"system":          "system:default/shop",
			"lifecycle":       "production",
			"type":            "service",
			"tags":            []string{"go"},
			"dependencies":    1.0,
			"has_repository":  true,
			"has_docs":        true,
			"has_runbook":     true,
			"has_on_call":     true,
		},
		"component:default/bare": {
			"has_owner": false, "owner_exists": false, "owner": "", "has_description": false, "has_system": false,
			"system": "", "lifecycle": "", "type": "", "tags": []string{}, "dependencies": 0.0,
			"has_repository": false, "has_docs": false, "has_runbook": false, "has_on_call": false,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, why := range map[string]string{"full catalog.tier": "add it under metadata.labels",
		"full catalog.owner_members": "people.files", "bare catalog.tier": tierLabel,
		"bare catalog.owner_members": "no owner"} {
		if !strings.Contains(unknown[name], why) {
			t.Errorf("%s: %q, want it to say %q", name, unknown[name], why)
		}
	}
}

// TestOwnerMembers: of a group with its subgroups, which may contain each other, everyone counts once who has not left.
func TestOwnerMembers(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	owned := func(name, owner string) string {
		return strings.Replace(component(name, "  labels: {dxctl.dev/tier: \"2\"}\n", ""), "team-a", owner, 1)
	}
	c, _, err := Load(
		Config{Files: []string{"a.yaml"}},
		people.Config{Files: []string{"p.csv"}},
		write(t, map[string]string{
			"a.yaml": strings.Join([]string{
				owned("of-all", "all"), owned("of-sub", "sub"), owned("of-none", "none"), owned("of-odd", "odd"),
				owned("of-gone", "nobody-describes"), owned("of-user", "user:ana"), owned("of-left", "user:cem"),
				kind("Group", "all", "type: team, children: [sub]"), kind("Group", "sub", "type: team, parent: deep"),
				kind("Group", "deep", "type: team, parent: sub, children: []"), kind("Group", "none", "type: team"),
				kind("Group", "odd", "type: team, members: [zoe]"),
				kind("User", "ana", "memberOf: [sub]"), kind("User", "cem", "memberOf: [sub]"),
			}, "---\n"),
			"p.csv": "person,team,start_date,logins,left_date\nben,all,2020-01-01,,\nana,deep,2020-01-01,,\n" +
				"cem,sub,2020-01-01,,2026-11-21\neve,sub,2020-01-01,,2026-11-22\nfay,deep,2027-01-01,,\n",
		}),
	)
	checkErrors(t, err, nil)
	got := map[string]string{}
	for _, f := range c.Facts(now) {
		switch f.Name {
		case "catalog.owner_members":
			got[strings.TrimPrefix(f.Entity, "component:default/")] = string(f.Value) + f.Error
		case "catalog.tier":
			if string(f.Value) != `"2"` {
				t.Errorf("%+v", f)
			}
		}
	}
	want := map[string]string{
		"of-all":  "3",
		"of-sub":  "2",
		"of-none": "0",
		"of-odd":  "1 members of group:default/odd are not described; describe them as Users, or list them in a CSV file under people.files",
		"of-gone": "its owner group:default/nobody-describes is not described in the catalog",
		"of-user": "1",
		"of-left": "0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// tables records what Sync writes; the store's own test of it is below storetest.
type tables map[string]any

func (r tables) Replace(_ context.Context, table string, rows any) error {
	r[table] = rows
	return nil
}

func TestSyncRows(t *testing.T) {
	dir := write(t, map[string]string{"a.yaml": component("a", "  annotations: {github.com/project-slug: O/A}\n", "")})
	c, _, err := Load(Config{Files: []string{"a.yaml"}}, people.Config{}, dir)
	checkErrors(t, err, nil)
	got := tables{}
	if err := c.Sync(t.Context(), got); err != nil {
		t.Fatal(err)
	}
	for table, want := range (tables{
		"bindings": []bindingRow{{Provider: "github", Scope: "o/a", Service: "component:default/a"}},
	}) {
		if diff := cmp.Diff(want, got[table]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", table, diff)
		}
	}
	entities, ok := got["entities"].([]entityRow)
	if !ok || len(entities) != 1 || entities[0].Ref != "component:default/a" || entities[0].Location != "a.yaml:1" ||
		entities[0].CreatedAt != nil {
		t.Errorf("entities: %+v", got["entities"])
	}
}

type refusing struct{}

func (refusing) Replace(context.Context, string, any) error { return errors.New("disk full") }

func TestSyncNamesTheTable(t *testing.T) {
	err := newCatalog().Sync(t.Context(), refusing{})
	if err == nil || err.Error() != "storing the entities of the catalog: disk full" {
		t.Errorf("got %v", err)
	}
}
