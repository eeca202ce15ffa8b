package doctor

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/people"
)

func TestDoctorNamesWhatBelongsToNoService(t *testing.T) {
	dir := t.TempDir()
	const doc = `apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: shop, annotations: {jenkins.io/job-full-name: shop/main}}
spec: {type: service, lifecycle: production, owner: team-a}
`
	if err := os.WriteFile(filepath.Join(dir, "shop.yaml"), []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	cat, _, err := catalog.Load(catalog.Config{Files: []string{"shop.yaml"}}, people.Config{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	var found Findings
	found.warnUnmapped(cat, []string{"jenkins/shop"})
	if len(found) > 0 {
		t.Errorf("the annotation names a branch of the project, and doctor reports %q", found)
	}
	found.warnUnmapped(
		cat,
		[]string{"jenkins/a/b", "jenkins/c", "jenkins/d", "jenkins/e", "jenkins/f", "jenkins/g", "jenkins/shop"},
	)
	want := Findings{{"catalog", Warning, "records of jenkins/a/b, jenkins/c, jenkins/d, jenkins/e, jenkins/f and 1 more belong to " +
		"no service; " +
		"the page /unmapped proposes an annotation for each"}}
	if !slices.Equal(found, want) {
		t.Errorf("doctor reports %q, want %q", found, want)
	}
}

func TestDoctorNamesWhatSourcesShare(t *testing.T) {
	dir := t.TempDir()
	const doc = `apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: shop, annotations: {github.com/project-slug: acme/shop}}
spec: {type: service, lifecycle: production, owner: team-a}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: till, annotations: {github.com/project-slug: 'https://git.acme.example/acme/till'}}
spec: {type: service, lifecycle: production, owner: team-a}
`
	if err := os.WriteFile(filepath.Join(dir, "all.yaml"), []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	cat, _, err := catalog.Load(catalog.Config{Files: []string{"all.yaml"}, Sources: []catalog.Source{
		{
			Name:     "gh",
			Provider: "github",
			URL:      "https://github.com",
		},
		{Name: "ghes", Provider: "github", URL: "https://git.acme.example"},
	}}, people.Config{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	var found Findings
	both := []string{"gh", "ghes"}
	found.warnShared(
		cat,
		[]sharedName{{"github", "acme/shop", both}, {"github", "acme/till", both}, {"github", "acme/unbound", both}},
	)
	want := Findings{{"catalog", Warning, "the sources gh, ghes each have github acme/shop, and no annotation of " +
		"component:default/shop names one of them: " +
		"the service counts the records of all; add the host, as in backstage.io/source-location: url:https://HOST/acme/shop/"}}
	if !slices.Equal(found, want) {
		t.Errorf("doctor reports %q, want %q", found, want)
	}
}
