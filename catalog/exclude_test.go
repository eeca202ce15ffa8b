package catalog

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/dxctl/dxctl/people"
)

func TestExclude(t *testing.T) {
	dir := write(t, map[string]string{
		"a.yaml":            component("a", "", ""),
		"x/skeleton/c.yaml": component("b", "", ""),
		"skeleton/d/c.yaml": component("c", "", ""),
		"x/y/c.yaml":        component("d", "", ""),
		"x/l.yaml":          "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: l}\nspec: {targets: ['./skeleton/*.yaml', ./y/c.yaml]}\n",
	})
	found := []Found{
		{
			Source:   "gh",
			Provider: "github",
			Scope:    "o/r",
			Location: "templates/skeleton/catalog-info.yaml",
			Document: component("e", "", ""),
		},
		{Source: "gh", Provider: "github", Scope: "o/r", Location: "/catalog-info.yaml", Document: component("f", "", "")},
	}
	unused := filepath.ToSlash(filepath.Join(dir, "no/*"))
	exclude := []string{
		"**/skeleton/**",
		unused,
		"**/skelton/**",
		"x/skeleton/c.yaml",
		"templates/**",
		filepath.ToSlash(filepath.Join(dir, "skeleton/**")),
	}
	c, warnings, err := Load(
		Config{Files: []string{"**/*.yaml"}, Exclude: exclude, Strict: true},
		people.Config{},
		dir,
		found...)
	if err != nil {
		t.Error(err)
	}
	checkWarnings(
		t,
		warnings,
		[]string{
			"catalog.exclude: no descriptor matches " + unused + ",",
			"catalog.exclude: no descriptor matches **/skelton/**,",
		},
	)
	if got := refs(c.Entities()); !slices.Equal(
		got,
		[]string{"component:default/a", "component:default/d", "component:default/f"},
	) {
		t.Errorf("%v", got)
	}
}
