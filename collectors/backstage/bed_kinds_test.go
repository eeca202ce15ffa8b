//go:build backstagebed

package backstage_test

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/catalog/descriptor"
)

const everyKind = `
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: Payment.API_v2, namespace: shop, title: Payments, tags: [go, c++], labels: {tier: "1"},
  links: [{url: "https://example.com", title: Home}],
  annotations: {github.com/project-slug: o/payment}}
spec: {type: service, lifecycle: production, owner: default/payments, system: checkout, providesApis: [payment.api],
  consumesApis: ["api:default/rates"], dependsOn: ["resource:db", "component:default/core"],
  dependencyOf: ["component:default/front"]}
---
apiVersion: backstage.io/v1beta1
kind: Component
metadata: {name: core}
spec: {type: library, lifecycle: production, owner: "user:default/Ann.Lee", subcomponentOf: Front}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: front}
spec: {type: website, lifecycle: production, owner: "group:Payments"}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: payment.api, namespace: shop}
spec: {type: openapi, lifecycle: production, owner: default/payments, system: checkout,
  definition: "openapi: 3.0.0 the-definition"}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: rates}
spec: {type: grpc, lifecycle: experimental, owner: payments, definition: "the-definition"}
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: {name: db, namespace: shop}
spec: {type: database, owner: default/payments, system: checkout, dependencyOf: ["component:default/front"]}
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: checkout, namespace: shop}
spec: {owner: default/payments, domain: default/sales}
---
apiVersion: backstage.io/v1alpha1
kind: Domain
metadata: {name: sales}
spec: {owner: payments, subdomainOf: business}
---
apiVersion: backstage.io/v1alpha1
kind: Domain
metadata: {name: business}
spec: {owner: Ann.Lee}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: payments}
spec: {type: team, profile: {displayName: Payments, email: pay@example.com}, parent: tech, children: [], members: [Bo]}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: tech}
spec: {type: department, children: [payments]}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: Ann.Lee}
spec: {profile: {displayName: Ann Lee, email: ann@example.com}, memberOf: [payments]}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: Bo}
spec: {memberOf: []}
---
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: {name: new-service}
spec: {type: service, owner: payments, steps: []}
---
apiVersion: backstage.io/v1alpha1
kind: Location
metadata: {name: more}
spec: {target: ./more.yaml}
`

// TestOnARealBackstageEveryKind reads each kind, and compares the relations with those that Backstage computes.
func TestOnARealBackstageEveryKind(t *testing.T) {
	b, r := startBed(t, settings{}), newReader(t)
	b.documents.put("/all.yaml", everyKind)
	b.documents.put("/more.yaml", component("from-a-location"))
	b.register("/all.yaml")
	const described, templates = 14, 1
	related := func(e entity) bool { return len(e.Relations) > 0 || e.Kind == "Template" }
	all := b.await(described+templates, related)
	r.collected(b.url, "", described, 1)
	r.collected(b.url, "", 0, 1)

	var want []string
	for _, e := range all {
		if e.Kind != "Template" {
			want = append(want, e.ref())
		}
	}
	slices.Sort(want)
	if got := r.refs(); !slices.Equal(got, want) {
		t.Errorf("stored are %q, want %q", got, want)
	}
	cat := r.catalog()
	if got, want := relationsOf(cat.Entities()), theirRelations(all); !slices.Equal(got, want) {
		t.Errorf("relations are\n%s\nBackstage has\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if services := cat.Services(); len(services) != 3 {
		t.Errorf("services are %v", services)
	}
	if owned := cat.OwnedBy("group:default/payments"); len(owned) == 0 {
		t.Error("the team owns no service")
	}
	checkMembers(t, cat)
	documents, err := r.db.Descriptors(t.Context(), []string{"bs"})
	for _, d := range documents {
		if strings.Contains(d.Document, "the-definition") {
			t.Errorf("%s is stored with its definition", d.Location)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// checkMembers checks that a User is in the team that it names, and in the one that names it.
func checkMembers(t *testing.T, cat *catalog.Catalog) {
	t.Helper()
	teams := map[string]string{}
	for _, p := range cat.People().All() {
		for _, m := range p.Memberships {
			teams[cmp.Or(p.Name, p.ID)] += m.Team
		}
	}
	if len(teams) != 2 {
		t.Errorf("people are %v", teams)
	}
	for person, team := range teams {
		if !strings.Contains(strings.ToLower(team), "payments") {
			t.Errorf("%s is in the team %q", person, team)
		}
	}
}

// relationsOf returns the relations that entities of the catalog state, in the direction in which Backstage names them
// first: entity, relation, target.
func relationsOf(entities []descriptor.Entity) []string {
	stated := map[string]bool{}
	for _, e := range entities {
		forth := func(relation string, refs ...string) {
			for _, ref := range refs {
				stated[e.Ref+" "+relation+" "+ref] = ref != ""
			}
		}
		back := func(relation string, refs ...string) {
			for _, ref := range refs {
				stated[ref+" "+relation+" "+e.Ref] = true
			}
		}
		part := "partOf"
		if e.Kind == "Group" {
			part = "childOf"
		}
		forth("ownedBy", e.Owner)
		forth("partOf", e.System, e.Domain)
		forth(part, e.PartOf)
		forth("dependsOn", e.DependsOn...)
		back("dependsOn", e.DependencyOf...)
		forth("providesApi", e.ProvidesAPIs...)
		forth("consumesApi", e.ConsumesAPIs...)
		back("childOf", e.Children...)
		forth("memberOf", e.MemberOf...)
		back("memberOf", e.Members...)
	}
	maps.DeleteFunc(stated, func(_ string, is bool) bool { return !is })
	return slices.Sorted(maps.Keys(stated))
}

// theirRelations returns the relations that Backstage computes, in the same form.
func theirRelations(entities []entity) []string {
	forward := []string{"ownedBy", "partOf", "childOf", "dependsOn", "providesApi", "consumesApi", "memberOf"}
	var out []string
	for _, e := range entities {
		for _, r := range e.Relations {
			if slices.Contains(forward, r.Type) && e.Kind != "Template" {
				out = append(out, e.ref()+" "+r.Type+" "+r.TargetRef)
			}
		}
	}
	slices.Sort(out)
	return out
}

// TestOnARealBackstageFilters asks for some kinds and for what a filter names.
func TestOnARealBackstageFilters(t *testing.T) {
	b := startBed(t, settings{})
	b.documents.put("/all.yaml", everyKind)
	b.documents.put("/more.yaml", component("from-a-location"))
	b.register("/all.yaml")
	b.await(15, settled)
	for _, tt := range []struct {
		keys string
		want string
	}{
		{"kinds: [Group, user]", "group:default/payments group:default/tech user:default/ann.lee user:default/bo"},
		{"filter: [metadata.namespace=shop]", "api:shop/payment.api component:shop/payment.api_v2 resource:shop/db " +
			"system:shop/checkout"},
		{"filter: ['kind=component,spec.type=website', kind=domain]", "component:default/front domain:default/business " +
			"domain:default/sales"},
		{"kinds: [Template]", "template:default/new-service"},
		{"filter: [metadata.annotations.github.com/project-slug]", "component:shop/payment.api_v2"},
	} {
		r := newReader(t)
		if _, err := r.collect(b.url, readerToken, tt.keys, false); err != nil {
			t.Errorf("%s: %v", tt.keys, err)
		}
		if got := strings.Join(r.refs(), " "); got != tt.want {
			t.Errorf("%s: stored are %s, want %s", tt.keys, got, tt.want)
		}
		r.catalog()
	}
	r := newReader(t)
	_, err := r.collect(b.url, readerToken, "filter: ['=']", false)
	if err == nil || !strings.Contains(err.Error(), "Backstage did not understand kinds or filter") {
		t.Errorf("a filter that means nothing: %v", err)
	}
}
