package catalog

import (
	"slices"
	"testing"

	"github.com/dxctl/dxctl/people"
)

// twoHubs are two servers of one kind, each of which may have the repository acme/shop, and a second source of one.
var twoHubs = []Source{
	{Name: "public", Provider: "github", URL: "https://github.com"},
	{Name: "inside", Provider: "github", URL: "https://git.acme.example:8443/"},
	{Name: "inside-too", Provider: "github", URL: "https://git.acme.example:8443"},
	{Name: "lab", Provider: "gitlab", URL: "https://gitlab.com"},
	{Name: "east", Provider: "jenkins", URL: "https://ci-east.acme.example/jenkins"},
	{Name: "west", Provider: "jenkins", URL: "https://ci-west.acme.example"},
}

func TestABindingIsToTheSourceThatTheAnnotationsName(t *testing.T) {
	for _, tt := range []struct {
		name, annotations string
		want              []string
	}{
		{"nothing tells them apart", "github.com/project-slug: acme/shop", []string{"github acme/shop "}},
		{"another kind has one source", "gitlab.com/project-slug: acme/shop", []string{"gitlab acme/shop "}},
		{"an address", "github.com/project-slug: 'https://github.com/acme/shop/tree/main'", []string{"github acme/shop public"}},
		{"an address with a port", "github.com/project-slug: 'https://git.acme.example:8443/acme/shop'",
			[]string{"github acme/shop inside", "github acme/shop inside-too"}},
		{"git over SSH", "github.com/project-slug: 'git@git.acme.example:acme/shop.git'",
			[]string{"github acme/shop inside", "github acme/shop inside-too"}},
		{"a slug and where it is", "{github.com/project-slug: Acme/Shop, backstage.io/source-location: " +
			"'url:https://github.com/acme/shop/'}",
			[]string{"github acme/shop public"}},
		{"a slug and where the descriptor is",
			"{github.com/project-slug: acme/shop, backstage.io/managed-by-location: " +
				"'url:https://github.com/acme/shop/blob/main/catalog-info.yaml'}",
			[]string{"github acme/shop public"}},
		{"the descriptor is elsewhere",
			"{github.com/project-slug: acme/shop, backstage.io/managed-by-location: " +
				"'url:https://github.com/acme/catalog/blob/main/shop.yaml'}",
			[]string{"github acme/shop "}},
		{"a location at a host that only the source tells of", "backstage.io/source-location: " +
			"'url:https://git.acme.example:8443/acme/shop/'",
			[]string{"github acme/shop inside", "github acme/shop inside-too"}},
		{"a host of no source", "github.com/project-slug: 'https://github.other.example/acme/shop'", []string{"github acme/shop "}},
		{"an instance that is a source", "jenkins.io/job-full-name: 'east:shop'", []string{"jenkins east:shop ", "jenkins shop east"}},
		{"the address of a job", "jenkins.io/job-full-name: 'https://ci-west.acme.example/job/shop/'", []string{"jenkins shop west"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.annotations[0] != '{' {
				tt.annotations = "\n    " + tt.annotations
			}
			doc := component("shop", "  annotations: "+tt.annotations+"\n", "")
			c, warnings, err := Load(
				Config{Files: []string{"0.yaml"}, Sources: twoHubs},
				people.Config{},
				write(t, map[string]string{"0.yaml": doc}),
			)
			checkErrors(t, err, nil)
			checkWarnings(t, warnings, nil)
			var got []string
			for _, b := range c.Bindings() {
				got = append(got, b.Provider+" "+b.Scope+" "+b.Source)
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("bindings %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTwoServicesOfOneNameAtTwoServersAreTwo(t *testing.T) {
	docs := map[string]string{
		"0.yaml": component("shop", "  annotations: {github.com/project-slug: 'https://github.com/acme/shop'}\n", ""),
		"1.yaml": component("till", "  annotations: {backstage.io/source-location: "+
			"'url:https://git.acme.example:8443/acme/shop/'}\n", ""),
	}
	c, warnings, err := Load(Config{Files: []string{"*.yaml"}, Sources: twoHubs}, people.Config{}, write(t, docs))
	checkErrors(t, err, nil)
	checkWarnings(t, warnings, nil)
	for source, want := range map[string]string{"public": "component:default/shop", "inside": "component:default/till", "former": ""} {
		if got, _ := c.ServiceForSource("github", "Acme/shop", source); got != want {
			t.Errorf("the repository of %s is %q, want %q", source, got, want)
		}
	}
}

func TestADescriptorFoundInASourceNamesIt(t *testing.T) {
	found := Found{Source: "public", Provider: "github", Scope: "acme/shop", Location: "catalog-info.yaml",
		Document: component("shop", "  annotations: {github.com/project-slug: acme/shop}\n", "")}
	c, _, err := Load(Config{Sources: twoHubs}, people.Config{}, t.TempDir(), found)
	checkErrors(t, err, nil)
	if want := []Binding{{"github", "acme/shop", "public", "component:default/shop"}}; !slices.Equal(c.Bindings(), want) {
		t.Errorf("bindings %v, want %v", c.Bindings(), want)
	}
}
