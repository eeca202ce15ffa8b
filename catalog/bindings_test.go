package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/people"
)

func TestBindings(t *testing.T) {
	annotated := func(name, annotations string) string {
		return component(name, "  annotations: {"+annotations+"}\n", "")
	}
	library := func(name, annotations string) string {
		return strings.Replace(annotated(name, annotations), "type: service", "type: library", 1)
	}
	tests := []struct {
		name     string
		docs     []string
		bindings []string // provider scope service
		warnings []string
	}{
		{name: "none", docs: []string{component("a", "", "")}},
		{
			name:     "scopes in lower case",
			docs:     []string{annotated("a", "github.com/project-slug: MyOrg/A")},
			bindings: []string{"github myorg/a a"},
		},
		{name: "an address instead of a slug", docs: []string{annotated("a", "github.com/project-slug: "+
			"'https://github.com/o/a.git'")}, bindings: []string{"github o/a a"}},
		{
			name: "no slash",
			docs: []string{annotated("a", "github.com/project-slug: alone")},
			warnings: []string{
				`0.yaml:5: annotation github.com/project-slug: "alone": the name of the owner or of the repository is missing; write it like myorg/payment-service`,
			},
		},
		{
			name:     "gitlab subgroups",
			docs:     []string{annotated("a", "gitlab.com/project-slug: g/h/a")},
			bindings: []string{"gitlab g/h/a a"},
		},
		{
			name:     "jenkins",
			docs:     []string{annotated("a", "jenkins.io/job-full-name: team/a")},
			bindings: []string{"jenkins team a", "jenkins team/a a"},
		},
		{
			name: "jenkins with an instance", docs: []string{annotated("a", "jenkins.io/job-full-name: 'east:team/a'")},
			bindings: []string{"jenkins east:team/a a", "jenkins team a", "jenkins team/a a"},
		},
		{
			name: "one job at two instances",
			docs: []string{
				annotated("a", "jenkins.io/job-full-name: 'east:team/x'"),
				annotated("b", "jenkins.io/job-full-name: 'west:team/x'"),
			},
			bindings: []string{"jenkins east:team/x a", "jenkins west:team/x b"},
		},
		{
			name: "several jenkins jobs", docs: []string{annotated("a", "jenkins.io/job-full-name: 'team/a, team/a-deploy'")},
			bindings: []string{"jenkins team a", "jenkins team/a a", "jenkins team/a-deploy a"},
		},
		{
			name: "circleci in both spellings", docs: []string{annotated("a", "circleci.com/project-slug: github/o/a")},
			bindings: []string{"circleci gh/o/a a", "circleci github/o/a a"},
		},
		{
			name:     "argocd and pagerduty",
			docs:     []string{annotated("a", "argocd/app-name: a-prod, pagerduty.com/service-id: P1")},
			bindings: []string{"argocd a-prod a", "pagerduty p1 a"},
		},
		{
			name: "several argocd applications", docs: []string{annotated("a", "argocd/app-name: 'a-prod, team/A-staging,'")},
			bindings: []string{"argocd a-prod a", "argocd a-staging a", "argocd team/a-staging a"},
		},
		{
			name:     "kubernetes",
			docs:     []string{annotated("a", "backstage.io/kubernetes-id: A")},
			bindings: []string{"kubernetes a a"},
		},
		{
			name: "kubernetes names nothing", docs: []string{annotated("a", "backstage.io/kubernetes-id: ' , '")},
			warnings: []string{`annotation backstage.io/kubernetes-id: " , " names nothing; write it like payment-service`},
		},
		{
			name: "two services claim one scope",
			docs: []string{annotated("a", "github.com/project-slug: o/mono"), annotated("b", "github.com/project-slug: "+
				"o/mono"), annotated("c", "github.com/project-slug: o/c")},
			bindings: []string{"github o/c c"},
			warnings: []string{"github o/mono is claimed by component:default/a and by component:default/b (0.yaml:15); it " +
				"is bound to none of them"},
		},
		{
			name: "a service comes before a library in its repository",
			docs: []string{
				library("a", "github.com/project-slug: o/mono"),
				annotated("b", "github.com/project-slug: o/mono"),
			},
			bindings: []string{"github o/mono b"},
		},
		{
			name:     "a library alone",
			docs:     []string{library("a", "github.com/project-slug: o/a")},
			bindings: []string{"github o/a a"},
		},
		{
			name: "from the source location", docs: []string{annotated("a", "backstage.io/source-location: "+
				"'url:https://github.com/o/a/tree/main/'")},
			bindings: []string{"github o/a a"},
		},
		{
			name: "a directory of a repository is not the repository",
			docs: []string{annotated("a", "backstage.io/source-location: 'url:https://github.com/o/a/tree/main/services/a'")},
		},
		{
			name: "an annotation comes before a source location",
			docs: []string{
				annotated("a", "backstage.io/source-location: 'url:https://github.com/o/x/'"),
				annotated("b", "github.com/project-slug: o/x"),
			},
			bindings: []string{"github o/x b"},
		},
		{
			name: "two source locations cancel each other quietly",
			docs: []string{
				annotated("a", "backstage.io/source-location: 'url:https://github.com/o/x/'"),
				annotated("b", "backstage.io/source-location: 'url:https://github.com/o/x/'"),
			},
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
			var got []string
			for _, b := range c.Bindings() {
				got = append(got, b.Provider+" "+b.Scope+" "+strings.TrimPrefix(b.Service, "component:default/"))
			}
			if !slices.Equal(got, tt.bindings) {
				t.Errorf("bindings %v, want %v", got, tt.bindings)
			}
		})
	}
}
