package identifier

import (
	"slices"
	"strings"
	"testing"
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
		{
			jenkins,
			"https://ci.example.com/jenkins/job/team/job/shop/job/feature%252Fx/12/console",
			"team/shop/feature%2Fx team/shop team",
			"",
		},
		{jenkins, "https://ci.example.com/view/all/job/team/view/mine/job/my%20shop/", "team/my shop team", ""},
		{
			jenkins,
			"https://ci.example.com/blue/organizations/jenkins/team%2Fshop/detail/main/3/pipeline",
			"team/shop team",
			"",
		},
		{jenkins, "https://ci.example.com/", "", "it has no /job/name"},
		{jenkins, "a:b:c", "", "no name in Jenkins has a colon"},
		{jenkins, ":shop", "", "nothing is before the colon"},
		{jenkins, "east:", "", "the name of a directory or of the job is empty"},
		{jenkins, "good, team//shop", "good", "the name of a directory or of the job is empty"},
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
			i := slices.IndexFunc(Annotations, func(a Annotation) bool {
				return a.Name == tt.annotation
			})
			scopes, errs := Annotations[i].Scopes(tt.value, nil)
			var got []string
			for _, s := range scopes {
				got = append(got, s.Name)
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
	scopes, errs := argoScopes("shop", map[string]string{"argocd/app-namespace": "team"})
	if len(errs) > 0 || !slices.Equal(scopes, []Scope{{Name: "shop"}, {Name: "team/shop"}}) {
		t.Errorf("scopes %v, problems %v", scopes, errs)
	}
}
