package catalog_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/store/storetest"
)

func foundComponent(name, more string) string {
	return "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: " + name + "\n  annotations: {dxctl.dev/x: y" + more + "}\nspec: {type: service, lifecycle: production, owner: x}\n"
}

func TestFoundDescriptors(t *testing.T) {
	gh := func(scope, location, document string) catalog.Found {
		return catalog.Found{Source: "gh", Provider: "github", Scope: scope, Location: location, Document: document}
	}
	bs := func(document, url string) catalog.Found {
		return catalog.Found{
			Source:   "bs",
			Provider: "backstage",
			Scope:    "catalog",
			Location: "component:default/x",
			Document: document,
			URL:      url,
		}
	}
	for _, tc := range []struct {
		name                     string
		file                     string
		found                    []catalog.Found
		refs, bindings, warnings []string // warnings: what each begins with
	}{
		{name: "none"},
		{
			name: "next to a file", file: foundComponent("a", ""), found: []catalog.Found{gh("acme/b", "catalog-info.yaml", foundComponent("b", ""))},
			refs: []string{"component:default/a", "component:default/b"}, bindings: []string{"github acme/b=component:default/b"},
		},
		{
			name: "a file wins, the order of the sources decides the rest", file: foundComponent("a", ""),
			found: []catalog.Found{bs(foundComponent("A", ""), "https://backstage.example.com/a"), bs(foundComponent("b", ""), "https://backstage.example.com/b"), gh("acme/b", "catalog-info.yaml", foundComponent("b", ""))},
			refs:  []string{"component:default/a", "component:default/b"},
			warnings: []string{
				"https://backstage.example.com/a:1: component:default/a, which source bs has, is described at a.yaml:1 too, and " +
					"that description is used: files come before",
				"gh/acme/b/catalog-info.yaml:1: component:default/b, which source gh has, is described at " +
					"https://backstage.example.com/b:1 too, and that description is used: source bs comes first",
			},
		},
		{
			name: "orphans are left out", found: []catalog.Found{bs(foundComponent("a", ", backstage.io/orphan: 'true'"), "")},
		},
		{
			name: "one that is broken does not take the others away", found: []catalog.Found{
				gh("acme/a", "catalog-info.yaml", "kind: [\n---\n"+foundComponent("a", "")), gh("acme/b", "catalog-info.yaml", "kind: Component\napiVersion: backstage.io/v1alpha1\n"),
				gh("acme/c", "catalog-info.yaml", "\xff"), gh("acme/d", "catalog-info.yaml", foundComponent("d", "")),
			},
			refs: []string{"component:default/a", "component:default/d"}, bindings: []string{"github acme/a=component:default/a", "github acme/d=component:default/d"},
			warnings: []string{"gh/acme/a/catalog-info.yaml:1: the descriptor cannot be read", "gh/acme/b/catalog-info.yaml:1: the Component has no metadata.name", "gh/acme/c/catalog-info.yaml:1: the descriptor cannot be read: it is not UTF-8"},
		},
		{
			name: "a Location is not followed", found: []catalog.Found{gh("acme/a", "catalog-info.yaml", "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: l}\nspec: {target: /etc/passwd}\n")},
			warnings: []string{"gh/acme/a/catalog-info.yaml:1: the Location is not followed"},
		},
		{
			name: "the repository is the component's, unless a directory or an annotation names another", found: []catalog.Found{
				gh("acme/mono", "services/a/catalog-info.yaml", foundComponent("a", "")), gh("acme/b", "catalog-info.yaml", foundComponent("b", ", github.com/project-slug: other/b")),
				gh("Acme/C", "catalog-info.yaml", foundComponent("c", "")), gh("acme/d", "catalog-info.yaml", foundComponent("d", ", 'backstage.io/source-location': 'url:https://github.com/acme/dd/'")),
			},
			refs:     []string{"component:default/a", "component:default/b", "component:default/c", "component:default/d"},
			bindings: []string{"github acme/c=component:default/c", "github acme/dd=component:default/d", "github other/b=component:default/b"},
		},
		{
			name: "fields of one's own are no warning", found: []catalog.Found{bs(`{"apiVersion":"backstage.io/v1beta1","kind":"Component","metadata":{"name":"a","uid":"1"},"spec":{"type":"service","own":{"x":1}},"relations":[{"type":"ownedBy"}]}`, "")},
			refs: []string{"component:default/a"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir, cfg := t.TempDir(), catalog.Config{}
			if tc.file != "" {
				cfg.Files = []string{"a.yaml"}
				if err := os.WriteFile(filepath.Join(dir, "a.yaml"), []byte(tc.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cat, warnings, err := catalog.Load(cfg, people.Config{}, dir, tc.found...)
			if err != nil {
				t.Fatal(err)
			}
			var refs, bindings []string
			for _, e := range cat.Entities() {
				refs = append(refs, e.Ref)
			}
			for _, b := range cat.Bindings() {
				bindings = append(bindings, b.Provider+" "+b.Scope+"="+b.Service)
			}
			if !slices.Equal(refs, tc.refs) || !slices.Equal(bindings, tc.bindings) {
				t.Errorf("refs %q, bindings %q; want %q, %q", refs, bindings, tc.refs, tc.bindings)
			}
			if len(warnings) != len(tc.warnings) {
				t.Fatalf("warnings %q, want %q", warnings, tc.warnings)
			}
			for i, w := range warnings {
				if !strings.HasPrefix(w.String(), tc.warnings[i]) {
					t.Errorf("warning %q, want %q", w, tc.warnings[i])
				}
			}
		})
	}
}

func TestWarningsOfManyDescriptorsAreSummedUp(t *testing.T) {
	var found []catalog.Found
	for i := range 300 {
		name := fmt.Sprint("s", i%150)
		if i%3 == 0 {
			name = ""
		}
		found = append(
			found,
			catalog.Found{
				Source:   "bs",
				Provider: "backstage",
				Scope:    "catalog",
				Location: fmt.Sprint(i),
				Document: foundComponent(name, ""),
			},
		)
	}
	cat, warnings, err := catalog.Load(catalog.Config{}, people.Config{}, t.TempDir(), found...)
	if err != nil || len(cat.Entities()) != 100 || len(warnings) != 22 {
		t.Fatalf("%d entities, %d warnings, %v", len(cat.Entities()), len(warnings), err)
	}
	for i, want := range []string{"source bs: 90 more warnings", "source bs: 90 more of the entities"} {
		if got := warnings[20+i].String(); !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestReadFound(t *testing.T) {
	db := storetest.Open(t)
	put := func(source, location, document string) {
		t.Helper()
		d := event.Descriptor{
			Source:     source,
			Provider:   "github",
			Scope:      "acme/a",
			Location:   location,
			Document:   document,
			URL:        "https://example.org/" + location,
			ObservedAt: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		}
		if err := db.Append(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	put("b", "1", "old")
	put("b", "1", "new\n日本")
	put("b", "2", "x")
	put("b", "2", "")
	put("a", "1", "y")
	put("removed", "1", "z")
	for _, tc := range []struct {
		sources, want []string
	}{
		{nil, nil},
		{[]string{"b", "none", "a"}, []string{"b 1 new\n日本 https://example.org/1", "a 1 y https://example.org/1"}},
		{[]string{"a", "b"}, []string{"a 1 y https://example.org/1", "b 1 new\n日本 https://example.org/1"}},
	} {
		found, err := catalog.ReadFound(t.Context(), db, tc.sources)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range found {
			if f.Provider != "github" || f.Scope != "acme/a" {
				t.Errorf("%+v", f)
			}
			got = append(got, f.Source+" "+f.Location+" "+f.Document+" "+f.URL)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%q: got %q, want %q", tc.sources, got, tc.want)
		}
	}
}
