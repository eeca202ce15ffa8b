package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/people"
)

func TestPaths(t *testing.T) {
	annotated := func(name, annotations string) string {
		return component(name, "  annotations: {"+annotations+"}\n", "")
	}
	located := func(name, where string) string {
		return annotated(name, "backstage.io/source-location: 'url:https://"+where+"'")
	}
	tests := []struct {
		name     string
		docs     []string
		paths    []string // provider scope path service
		bindings []string
		warnings []string
	}{
		{
			name:     "a whole repository",
			docs:     []string{located("a", "github.com/o/a/tree/main/")},
			bindings: []string{"github o/a a"},
		},
		{
			name:  "a directory",
			docs:  []string{located("a", "github.com/O/Mono/tree/main/services/A/")},
			paths: []string{"github o/mono services/A a"},
		},
		{
			name:  "of GitLab, in a subgroup",
			docs:  []string{located("a", "gitlab.com/g/h/mono/-/tree/main/svc/a")},
			paths: []string{"gitlab g/h/mono svc/a a"},
		},
		{
			name:  "a file stands for its directory",
			docs:  []string{located("a", "github.com/o/mono/blob/main/svc/a/catalog-info.yaml")},
			paths: []string{"github o/mono svc/a a"},
		},
		{
			name:     "a file at the root",
			docs:     []string{located("a", "github.com/o/a/blob/main/catalog-info.yaml")},
			bindings: []string{"github o/a a"},
		},
		{
			name:  "in any script",
			docs:  []string{located("a", "github.com/o/mono/tree/main/服务/支付")},
			paths: []string{"github o/mono 服务/支付 a"},
		},
		{
			name:     "it leads out",
			docs:     []string{located("a", "github.com/o/mono/tree/main/../../x")},
			warnings: []string{"it leads out of its host"},
		},
		{
			name: "a list goes before the source location",
			docs: []string{annotated("a", "github.com/project-slug: O/Mono, backstage.io/source-location: "+
				"'url:https://github.com/o/mono/tree/main/x', dxctl.dev/source-paths: 'svc/a/, /libs/common'")},
			paths:    []string{"github o/mono libs/common a", "github o/mono svc/a a"},
			bindings: []string{"github o/mono a"},
		},
		{name: "a list of the located repository", docs: []string{annotated("a", "backstage.io/source-location: "+
			"'url:https://github.com/o/mono/tree/main/x', dxctl.dev/source-paths: y")}, paths: []string{"github o/mono y a"}},
		{
			name: "two services that share a repository", docs: []string{
				annotated("a", "github.com/project-slug: o/mono, dxctl.dev/source-paths: 'a, lib'"),
				annotated("b", "github.com/project-slug: o/mono, dxctl.dev/source-paths: 'b, lib'"),
			},
			paths: []string{"github o/mono a a", "github o/mono b b", "github o/mono lib a", "github o/mono lib b"},
		},
		{
			name: "one of them does not say which part is its own",
			docs: []string{
				annotated("a", "github.com/project-slug: o/mono, dxctl.dev/source-paths: a"),
				annotated("b", "github.com/project-slug: o/mono"),
			},
			paths:    []string{"github o/mono a a"},
			warnings: []string{"github o/mono is claimed by component:default/a and by component:default/b"},
		},
		{
			name:     "paths of nothing",
			docs:     []string{annotated("a", "dxctl.dev/source-paths: a")},
			warnings: []string{"there is no repository that the paths are of"},
		},
		{
			name: "not paths", docs: []string{annotated("a", "github.com/project-slug: o/mono, dxctl.dev/source-paths: "+
				"'../up, ., ok'")},
			paths: []string{"github o/mono ok a"}, bindings: []string{"github o/mono a"},
			warnings: []string{`"../up" is not a path below the repository's root`, `"." is not a path below`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, warnings, err := Load(
				Config{Files: []string{"0.yaml"}, Strict: true},
				people.Config{},
				write(t, map[string]string{"0.yaml": strings.Join(tt.docs, "---\n")}),
			)
			checkErrors(t, err, nil)
			checkWarnings(t, warnings, tt.warnings)
			var paths, bindings []string
			for _, p := range c.Paths() {
				paths = append(
					paths,
					strings.Join([]string{p.Provider, p.Scope, p.Path, strings.TrimPrefix(p.Service, "component:default/")}, " "),
				)
			}
			for _, b := range c.Bindings() {
				bindings = append(bindings, b.Provider+" "+b.Scope+" "+strings.TrimPrefix(b.Service, "component:default/"))
			}
			if !slices.Equal(paths, tt.paths) || !slices.Equal(bindings, tt.bindings) {
				t.Errorf("paths %q, want %q; bindings %q, want %q", paths, tt.paths, bindings, tt.bindings)
			}
		})
	}
}
