package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/people"
)

// A value that does not fit costs its field only, and is said with the field's path and line.
func TestFieldsThatDoNotFit(t *testing.T) {
	tests := []struct {
		name, metadata, spec string
		want                 []string
		check                func(e descriptor.Entity) bool
	}{
		{
			"a key twice",
			"  title: one\n  title: two\n  annotations: {a/b: x, github.com/project-slug: o/r, a/b: y}\n",
			"",
			[]string{
				"a.yaml:6: metadata.title is given twice, first in line 5; the first is used",
				"a.yaml:7: metadata.annotations.a/b is given twice",
			},
			func(e descriptor.Entity) bool {
				return e.Title == "one" && e.Annotations["a/b"] == "x" && e.Annotations["github.com/project-slug"] == "o/r"
			},
		},
		{
			"a key of spec twice", "", "  owner: team-b\n  system: shop\n", []string{"a.yaml:9: spec.owner is given twice, " +
				"first in line 8"},
			func(e descriptor.Entity) bool {
				return e.Owner == "group:default/team-a" && e.System == "system:default/shop"
			},
		},
		{
			"what Backstage fills in",
			"  description: {$text: ./README.md}\n  annotations: {a: {$json: ./x.json}, b: c}\n  " +
				"tags: {$yaml: ./t.yaml}\n",
			"  system: {$text: s}\n  dependsOn: [{$text: x}, resource:db]\n",
			[]string{
				"a.yaml:5: metadata.description is filled in by Backstage ($text)",
				"a.yaml:6: metadata.annotations.a is filled " +
					"in by Backstage ($json)",
				"a.yaml:7: metadata.tags is filled in by Backstage ($yaml)",
				"a.yaml:12: spec.system is filled in",
				"a.yaml:13: spec.dependsOn[0] is filled in",
			},
			func(e descriptor.Entity) bool {
				return e.Description == "" && e.Annotations["b"] == "c" && len(e.Annotations) == 1 &&
					slices.Equal(e.DependsOn, []string{"resource:default/db"})
			},
		},
		{
			"numbers, booleans and nothing where texts belong",
			"  title: 7\n  description:\n  labels: {a: 1.10, b: null, c: " +
				"true, d: 'e', f: yes, g: 2026-01-02}\n  tags: [go, 8, ~]\n",
			"  system: 0x1F\n",
			[]string{
				`a.yaml:8: metadata.tags[1] is a number`,
				`a.yaml:8: metadata.tags[2] is nothing and not a text`,
				`a.yaml:5: metadata.title is a number and not a text, and Backstage refuses that; it is read as "7"`,
				"a.yaml:6: metadata.description is nothing and not a text",
				`a.yaml:7: metadata.labels.a is a number`,
				"a.yaml:7: metadata.labels.b is nothing",
				"a.yaml:7: metadata.labels.c is a boolean",
				"a.yaml:13: spec.system is a number",
			},
			func(e descriptor.Entity) bool {
				return e.Title == "7" && e.Labels["a"] == "1.10" && e.Labels["c"] == "true" && e.Labels["g"] == "2026-01-02" &&
					len(e.Labels) == 5 &&
					slices.Equal(e.Tags, []string{"go", "8"})
			},
		},
		{
			"lists and mappings where texts belong",
			"  title: [a]\n  annotations: [x]\n  links: [{url: 'http://x', title: " +
				"{a: b}}, http://y]\n",
			"  system: {name: x}\n  dependsOn: resource:db\n  profile: 3\n",
			[]string{
				"a.yaml:14: field spec.profile is not known",
				"a.yaml:6: metadata.annotations is a list and not a mapping",
				"a.yaml:5: metadata.title is a list and not a text",
				"a.yaml:7: metadata.links[1] is a text and not a mapping",
				"a.yaml:7: metadata.links[0].title is a mapping",
				"a.yaml:14: spec.profile is a number and not a mapping",
				"a.yaml:12: spec.system is a mapping",
				"a.yaml:13: spec.dependsOn is a text and not a list of texts",
			},
			func(e descriptor.Entity) bool {
				return len(e.Links) == 1 && e.Links[0].URL == "http://x" && e.Owner != ""
			},
		},
		{
			"merge keys",
			"  <<: {title: merged, name: other}\n",
			"  <<: [{system: a}, {system: b, domain: d}]\n",
			[]string{
				"field spec.domain is not known",
				"metadata has a merge key (<<), which Backstage does not know",
				"spec has a merge key",
			},
			func(e descriptor.Entity) bool {
				return e.Title == "merged" && e.Name == "a" && e.System == "system:default/a"
			},
		},
		{
			"refs that cannot be",
			"",
			"  system: Shop\n  dependsOn: [a/b/c, 'component: x', RESOURCE:DB, resource:db, " +
				"component:a_b/c, component:-x]\n",
			[]string{
				`a.yaml:10: spec.dependsOn: entity ref "a/b/c"`,
				`a.yaml:10: spec.dependsOn: entity ref "component: x"`,
				`spec.dependsOn: "component:a_b/c" cannot be the ref of an entity`,
				`spec.dependsOn: "component:-x" cannot be the ref`,
			},
			func(e descriptor.Entity) bool {
				return e.System == "system:default/shop" &&
					slices.Equal(e.DependsOn, []string{"resource:default/db", "component:a_b/c", "component:default/-x"})
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, warnings, err := Load(
				Config{Files: []string{"a.yaml"}, Strict: true},
				people.Config{},
				write(t, map[string]string{"a.yaml": component("a", tt.metadata, tt.spec)}),
			)
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := c.Entity("component:default/a"); !ok || !tt.check(e) {
				t.Errorf("%v %+v", ok, e)
			}
			for _, want := range tt.want {
				if !strings.Contains(warningsText(warnings), want) {
					t.Errorf("no warning %q among\n%s", want, warningsText(warnings))
				}
			}
			if len(warnings) != len(tt.want) {
				t.Errorf("%d warnings, want %d:\n%s", len(warnings), len(tt.want), warningsText(warnings))
			}
		})
	}
}

// Templates that are not rendered and kinds that nobody uses are no entities, said once each, whatever their number.
func TestTemplatesAndOtherKinds(t *testing.T) {
	head := "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n"
	files := map[string]string{"z.yaml": component("good", "  description: 'use {{ name }} here'\n  links: [{url: "+
		"'https://x/${{ y }}'}]\n", "")}
	for i, metadata := range []string{
		"  name: ${{ values.name | dump }}\n", "  name: {{cookiecutter.name}}\n", "  name: {{ service_name }}-api\n", "  name: \"{{ x }}\"\n", "  name: a\n  {%- if values.x %}\n  title: b\n  {%- endif %}\n",
		"  name: <%= name %>\n", "  name: ${artifactId}\n", "  name: a\nspec: {owner: '${{ values.owner }}'}\n", "  name: a\n  annotations:\n    github.com/project-slug: ${{ values.slug }}\n",
		"  name: x\n  namespace: {{ ns }}\n",
	} {
		files["t"+string(rune('a'+i))+".yaml"] = head + metadata
	}
	files["u.json"] = `{"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": {"name": "${{ values.name }}"}}`
	files["k.yaml"] = strings.Repeat("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n---\n", 3) +
		"apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata: {name: t}\nspec: {owner: '{{ x " +
		"}}'}\n---\napiVersion: backstage.io/v1beta2\nkind: template\n---\napiVersion: backstage.io/v1alpha1\nkind: " +
		"Componnent\nmetadata: {name: y}\n"
	c, warnings, err := Load(Config{Files: []string{"*.{yaml,json}"}, Strict: true}, people.Config{}, write(t, files))
	if got := refs(c.Entities()); err != nil || !slices.Equal(got, []string{"component:default/good"}) {
		t.Errorf("%v, %v", got, err)
	}
	checkWarnings(t, warnings, []string{
		"the descriptor is a template that is not rendered; it is left out, and so are 11 more documents",
		"k.yaml:2: Deployment of apps/v1 is not a kind that dxctl knows; it is left out, and so are 2 more documents",
		"k.yaml:22: Componnent of backstage.io/v1alpha1 is not a kind",
	})
}
