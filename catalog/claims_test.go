package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/people"
)

func TestAnUnreadableSlugCostsNothingElse(t *testing.T) {
	annotations := `{github.com/project-slug: 'https://github.com/acme', backstage.io/source-location: 'url:https://GitHub.com/acme/shop/', pagerduty.com/service-id: P1}`
	doc := component("shop", "  annotations: "+annotations+"\n", "")
	c, warnings, err := Load(
		Config{Files: []string{"0.yaml"}},
		people.Config{},
		write(t, map[string]string{"0.yaml": doc}),
	)
	checkErrors(t, err, nil)
	checkWarnings(
		t,
		warnings,
		[]string{
			`0.yaml:5: annotation github.com/project-slug: "https://github.com/acme": the name of the owner or of the repository is missing`,
		},
	)
	if !slices.Equal(
		c.Bindings(),
		[]Binding{{"github", "acme/shop", "", "component:default/shop"}, {"pagerduty", "p1", "", "component:default/shop"}},
	) {
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
		if got := at.provider + " " + at.scope + " " + at.directory; ok != (tt.want != "") || ok && got != tt.want {
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
		c, warnings, err := Load(
			Config{Files: []string{"0.yaml"}},
			people.Config{},
			write(t, map[string]string{"0.yaml": strings.Join(tt.docs, "---\n")}),
		)
		checkErrors(t, err, nil)
		checkWarnings(t, warnings, nil)
		if got, _ := c.ServiceFor("jenkins", "Team/Shop"); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
