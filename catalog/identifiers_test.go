package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/people"
)

func TestAnnotationsNameScopes(t *testing.T) {
	const github, gitlab = "github.com/project-slug", "gitlab.com/project-slug"
	const jenkins, circle, argo = "jenkins.io/job-full-name", "circleci.com/project-slug", "argocd/app-name"
	tests := []struct {
		annotation, value string
		scopes            string // in the order of their distance, separated by blanks
		problem           string
	}{
		{github, "Org/Repo", "Org/Repo", ""},
		{github, " /org/repo/ ", "org/repo", ""},
		{github, "org/repo.git", "org/repo", ""},
		{github, "org/.github", "org/.github", ""},
		{github, "org_acme/my.repo_1", "org_acme/my.repo_1", ""},
		{github, "https://github.com/org/repo", "org/repo", ""},
		{github, "HTTPS://GitHub.com/Org/Repo.git/", "Org/Repo", ""},
		{github, "https://www.github.com/org/repo/tree/main", "org/repo", ""},
		{github, "https://github.com/org/repo/tree/feature/x/services/pay?tab=readme#top", "org/repo", ""},
		{github, "https://github.com/org/repo/pulls", "org/repo", ""},
		{github, "url:https://github.com/org/repo", "org/repo", ""},
		{github, "github.com/org/repo", "org/repo", ""},
		{github, "ghe.example.com/org/repo", "org/repo", ""},
		{github, "https://ghe.example.com:8443/org/repo.git", "org/repo", ""},
		{github, "git@github.com:org/repo.git", "org/repo", ""},
		{github, "github.com:org/repo.git", "org/repo", ""},
		{github, "ssh://git@github.com/org/repo.git", "org/repo", ""},
		{github, "ssh://git@ssh.github.com:443/org/repo.git", "org/repo", ""},
		{github, "git+https://github.com/org/repo.git", "org/repo", ""},
		{github, "git://github.com/org/repo.git", "org/repo", ""},
		{github, "org/repo/tree/main", "org/repo", ""},
		{github, "org/repo?tab=readme", "org/repo", ""},
		{github, "alone", "", `"alone": the name of the owner or of the repository is missing`},
		{github, "https://github.com/org", "", "the name of the owner or of the repository is missing"},
		{github, "https://github.com/orgs/acme/teams", "", "is not the name of a repository"},
		{github, "https://gitlab.com/org/repo", "", "gitlab.com is not a host of GitHub"},
		{github, "org/group/repo", "", "GitHub has owner/name and nothing below it"},
		{github, "${{ values.owner }}/${{ values.name }}", "", "is not the name of an owner"},
		{github, "org/repo name", "", "is not the name of a repository"},
		{github, "file:///home/me/repo", "", "file://"},
		{github, "https://[bad/org/repo", "", "the address cannot be read"},
		{gitlab, "a/b/c", "a/b/c", ""},
		{gitlab, "a%2Fb%2Fc", "a/b/c", ""},
		{gitlab, "my.group/repo", "my.group/repo", ""},
		{gitlab, "https://gitlab.com/a/b/c/-/tree/main", "a/b/c", ""},
		{gitlab, "https://gitlab.example.com/a/b/c.git", "a/b/c", ""},
		{gitlab, "https://gitlab.com/a/b/tree/main/x", "a/b", ""},
		{gitlab, "https://gitlab.com/a/tree-house", "a/tree-house", ""},
		{gitlab, "gitlab.example.com/a/b/c", "a/b/c", ""},
		{gitlab, "git@gitlab.com:a/b/c.git", "a/b/c", ""},
		{gitlab, "ssh://git@gitlab.example.com:2222/a/b/c.git", "a/b/c", ""},
		{gitlab, "https://gitlab.com/a/-/tree/main", "", `"-" is not the name`},
		{gitlab, "a", "", "the name of the group or of the project is missing"},
		{jenkins, "shop", "shop", ""},
		{jenkins, "team/shop/main", "team/shop/main team/shop team", ""},
		{jenkins, "shop/feature%2Fx", "shop/feature%2Fx shop", ""},
		{jenkins, "east: team/shop", "east:team/shop team/shop team", ""},
		{jenkins, "/job/team/job/shop/", "team/shop team", ""},
		{jenkins, "job/team/job/shop", "team/shop team", ""},
		{jenkins, "https://ci.example.com/jenkins/job/team/job/shop/job/feature%252Fx/12/console", "team/shop/feature%2Fx team/shop team", ""},
		{jenkins, "https://ci.example.com/view/all/job/team/view/mine/job/my%20shop/", "team/my shop team", ""},
		{jenkins, "https://ci.example.com/blue/organizations/jenkins/team%2Fshop/detail/main/3/pipeline", "team/shop team", ""},
		{jenkins, "https://ci.example.com/", "", "it has no /job/name"},
		{jenkins, "a:b:c", "", "no name in Jenkins has a colon"},
		{jenkins, ":shop", "", "nothing is before the colon"},
		{jenkins, "east:", "", "the name of a folder or of the job is empty"},
		{jenkins, "good, team//shop", "good", "the name of a folder or of the job is empty"},
		{circle, "gh/Org/repo", "gh/Org/repo github/Org/repo", ""},
		{circle, "GitHub/org/repo/", "gh/org/repo github/org/repo", ""},
		{circle, "bb/org/repo", "bb/org/repo bitbucket/org/repo", ""},
		{circle, "circleci/6f1b/9C2a", "circleci/6f1b/9C2a", ""},
		{circle, "https://app.circleci.com/pipelines/github/org/repo?branch=main", "gh/org/repo github/org/repo", ""},
		{circle, "https://app.circleci.com/pipelines/circleci/6f1b/9c2a/12/workflows/x", "circleci/6f1b/9c2a", ""},
		{circle, "https://circleci.com/gh/org/repo", "gh/org/repo github/org/repo", ""},
		{circle, "https://app.circleci.com/settings/project/github/org/repo", "gh/org/repo github/org/repo", ""},
		{circle, "https://github.com/org/repo.git", "gh/org/repo github/org/repo", ""},
		{circle, "git@github.com:org/repo.git", "gh/org/repo github/org/repo", ""},
		{circle, "org/repo", "", "a slug has three parts"},
		{circle, "gh/org/repo/extra", "", "a slug has three parts"},
		{circle, "https://app.circleci.com/dashboard", "", "the address is not that of a project's pipelines"},
		{argo, "shop-prod, argocd/shop-staging", "shop-prod argocd/shop-staging shop-staging", ""},
		{argo, "https://argo.example.com/applications/argocd/shop-prod?view=tree", "argocd/shop-prod shop-prod", ""},
		{argo, "https://argo.example.com/argo-cd/applications/shop-prod", "shop-prod", ""},
		{argo, "a/b/c, ok", "ok", `"a/b/c": it is not the name of an application`},
		{"pagerduty.com/service-id", "PABC123", "PABC123", ""},
		{"pagerduty.com/service-id", "https://acme.pagerduty.com/service-directory/PABC123/activity", "PABC123", ""},
		{"pagerduty.com/service-id", "https://acme.eu.pagerduty.com/services/PABC123", "PABC123", ""},
		{"pagerduty.com/service-id", "Shop (prod)", "", "it is not the id of a service"},
		{"opsgenie.com/service-id", "https://acme.app.opsgenie.com/service/4513b7ea-3b91/status", "4513b7ea-3b91", ""},
		{"opsgenie.com/team", "Payments, Core Team", "Payments Core Team", ""},
		{"opsgenie.com/team", "https://acme.app.opsgenie.com/teams/dashboard/x/main", "", "it is an address, not a name"},
		{"backstage.io/kubernetes-id", "shop", "shop", ""},
	}
	for _, tt := range tests {
		t.Run(tt.annotation+" "+tt.value, func(t *testing.T) {
			i := slices.IndexFunc(bindingAnnotations, func(a struct {
				name     string
				provider string
				example  string
				scopes   func(value string, e Entity) ([]named, []error)
			}) bool {
				return a.name == tt.annotation
			})
			scopes, errs := bindingAnnotations[i].scopes(tt.value, Entity{})
			var got []string
			for _, s := range scopes {
				got = append(got, s.scope)
			}
			if strings.Join(got, " ") != tt.scopes {
				t.Errorf("scopes %q, want %q", got, tt.scopes)
			}
			switch {
			case tt.problem == "" && len(errs) > 0:
				t.Errorf("problems %v, want none", errs)
			case tt.problem != "" && (len(errs) != 1 || !strings.Contains(errs[0].Error(), tt.problem)):
				t.Errorf("problems %v, want one with %q", errs, tt.problem)
			}
		})
	}
}

func TestTheNamespaceOfAnApplicationHasItsOwnAnnotation(t *testing.T) {
	scopes, errs := argoScopes("shop", Entity{Annotations: map[string]string{"argocd/app-namespace": "team"}})
	if len(errs) > 0 || !slices.Equal(scopes, []named{{scope: "shop"}, {scope: "team/shop"}}) {
		t.Errorf("scopes %v, problems %v", scopes, errs)
	}
}

func TestAnUnreadableSlugCostsNothingElse(t *testing.T) {
	annotations := `{github.com/project-slug: 'https://github.com/acme', backstage.io/source-location: 'url:https://GitHub.com/acme/shop/', pagerduty.com/service-id: P1}`
	doc := component("shop", "  annotations: "+annotations+"\n", "")
	c, warnings, err := Load(Config{Files: []string{"0.yaml"}}, people.Config{}, write(t, map[string]string{"0.yaml": doc}))
	checkErrors(t, err, nil)
	checkWarnings(t, warnings, []string{`0.yaml:5: annotation github.com/project-slug: "https://github.com/acme": the name of the owner or of the repository is missing`})
	if !slices.Equal(c.Bindings(), []Binding{{"github", "acme/shop", "", "component:default/shop"}, {"pagerduty", "p1", "", "component:default/shop"}}) {
		t.Errorf("bindings %v", c.Bindings())
	}
}

func TestSourceLocations(t *testing.T) {
	for _, tt := range []struct{ value, want, problem string }{
		{"url:https://github.com/o/r", "github o/r ", ""},
		{"url:https://GitHub.com/O/R/tree/main/svc/a/", "github O/R svc/a", ""},
		{"url: https://gitlab.com/a/b/c/-/tree/main/svc", "gitlab a/b/c svc", ""},
		{"url:https://gitlab.example.com/a/b/-/blob/main/svc/catalog-info.yaml", "gitlab a/b svc", ""},
		{"url:https://code.example.com/a/b/-/tree/main/", "gitlab a/b ", ""},
		{"url:https://github.example.com/o/r/", "github o/r ", ""},
		{"url:git@github.com:o/r.git", "github o/r ", ""},
		{"https://github.com/o/r", "github o/r ", ""},
		{"url:https://bitbucket.org/o/r/src/main/", "", ""},
		{"url:https://code.example.com/o/r", "", ""},
		{"file:/home/me/r", "", ""},
		{"", "", ""},
		{"url:https://github.com/o", "", "the name of the owner or of the repository is missing"},
	} {
		at, ok, err := newLoader("").sourceLocation(tt.value)
		if got := at.provider + " " + at.scope + " " + at.folder; ok != (tt.want != "") || ok && got != tt.want {
			t.Errorf("%q: %q, %t", tt.value, got, ok)
		}
		if (err != nil) != (tt.problem != "") || err != nil && !strings.Contains(err.Error(), tt.problem) {
			t.Errorf("%q: %v, want %q", tt.value, err, tt.problem)
		}
	}
}

func TestTheNearestClaimOfAJobCounts(t *testing.T) {
	jenkins := func(name, job string) string {
		return component(name, "  annotations: {jenkins.io/job-full-name: '"+job+"'}\n", "")
	}
	for name, tt := range map[string]struct {
		docs []string
		want string // whose team/shop is
	}{
		"the project itself before a branch":         {[]string{jenkins("a", "team/shop"), jenkins("b", "team/shop/main")}, "component:default/a"},
		"a branch before one written with a slash":   {[]string{jenkins("a", "team/shop/main"), jenkins("b", "team/shop/feature/x")}, "component:default/a"},
		"another instance's project before a branch": {[]string{jenkins("a", "east:team/shop"), jenkins("b", "team/shop/main")}, "component:default/a"},
		"two services, a branch each":                {[]string{jenkins("a", "team/shop/main"), jenkins("b", "team/shop/release")}, ""},
	} {
		c, warnings, err := Load(Config{Files: []string{"0.yaml"}}, people.Config{}, write(t, map[string]string{"0.yaml": strings.Join(tt.docs, "---\n")}))
		checkErrors(t, err, nil)
		checkWarnings(t, warnings, nil)
		if got, _ := c.ServiceFor("jenkins", "Team/Shop"); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
