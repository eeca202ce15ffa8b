package catalog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/people"
)

// manyEntities must cost in proportion: see the benchmarks below.
const manyEntities = 100_000

// manyDescriptors is a file of a large organization: services, a group with everybody in it, users.
func manyDescriptors(services, users int) string {
	var all strings.Builder
	for i := range services {
		fmt.Fprintf(&all, `apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: service-%d
  description: The service number %[1]d
  tags: [go, grpc]
  annotations:
    github.com/project-slug: acme/monorepo-%d
    backstage.io/source-location: url:https://github.com/acme/monorepo-%[2]d/tree/main/services/%[1]d/
spec: {type: service, lifecycle: production, owner: team-%d, dependsOn: [component:service-%d, resource:db]}
---
`, i, i/20_000, i%500, (i+1)%services)
	}
	members := make([]string, 0, users)
	for i := range users {
		members = append(members, fmt.Sprintf("user-%d", i))
		fmt.Fprintf(&all, "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {name: user-%d, annotations: "+
			"{github.com/user-login: gh-%[1]d}}\n"+
			"spec: {profile: {email: user-%[1]d@acme.example, displayName: U %d}, memberOf: [all]}\n---\n", i, i/2)
	}
	fmt.Fprintf(&all, "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: all}\nspec: {type: team, "+
		"children: [], members: [%s]}\n", strings.Join(members, ", "))
	return all.String()
}

// BenchmarkLoadLargeCatalog reads 100,000 entities, of which 80,000 are services in five repositories and 20,000 users.
func BenchmarkLoadLargeCatalog(b *testing.B) {
	dir := write(b, map[string]string{"all.yaml": manyDescriptors(manyEntities*8/10, manyEntities*2/10-1)})
	b.ReportAllocs()
	for b.Loop() {
		c, warnings, err := Load(Config{Files: []string{"all.yaml"}}, people.Config{}, dir)
		if err != nil || len(c.Entities()) != manyEntities || len(warnings) > 100 {
			b.Fatal(len(c.Entities()), len(warnings), err)
		}
	}
}

// BenchmarkLoadFound is the same, as a source has it: each entity a document of its own, all but one warned of.
func BenchmarkLoadFound(b *testing.B) {
	var found []Found
	for i, doc := range strings.Split(manyDescriptors(manyEntities-1, 0), "---\n") {
		found = append(
			found,
			Found{Source: "bs", Provider: "backstage", Scope: "catalog", Location: fmt.Sprint(i), Document: doc},
		)
	}
	b.ReportAllocs()
	for b.Loop() {
		if c, _, err := Load(
			Config{},
			people.Config{},
			b.TempDir(),
			found...); err != nil ||
			len(c.Entities()) != manyEntities {
			b.Fatal(len(c.Entities()), err)
		}
	}
}

// BenchmarkLoadManyFiles reads 10,000 entities, each in a file of its own.
func BenchmarkLoadManyFiles(b *testing.B) {
	files := map[string]string{}
	for i, doc := range strings.Split(manyDescriptors(manyEntities/10-1, 0), "---\n") {
		files[fmt.Sprintf("services/%d/%d/catalog-info.yaml", i/100, i)] = doc
	}
	dir := write(b, files)
	b.ReportAllocs()
	for b.Loop() {
		c, _, err := Load(Config{Files: []string{"services/**/catalog-info.yaml"}}, people.Config{}, dir)
		if err != nil || len(c.Entities()) != len(files) {
			b.Fatal(len(c.Entities()), err)
		}
	}
}
