package gitlab

import (
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/source"

	"go.yaml.in/yaml/v3"
)

func TestConfigMistakesAreSaidInWords(t *testing.T) {
	for _, tc := range []struct{ name, yaml, want string }{
		{"no token", `{projects: [a/b]}`, "token is missing"},
		{"nothing to read", `{token: t}`, "nothing to collect"},
		{"no scheme", `{token: t, projects: [a/b], url: gitlab.example.com}`, "absolute http or https URL"},
		{"credentials in the url", `{token: t, projects: [a/b], url: "https://u:p@gitlab.example.com"}`, "leave out user"},
		{"an address of another server", `{token: t, projects: ["https://gitlab.example.com/a/b"]}`, "it is at gitlab.example.com, and the source is at gitlab.com"},
		{"an address of GitHub", `{token: t, projects: ["git@github.com:a/b.git"]}`, "is not a host of GitLab"},
		{"one project in two ways", `{token: t, projects: [a/b, "https://gitlab.com/A/b/-/tree/main"]}`, "listed twice"},
		{"a space", `{token: t, groups: ["my group"]}`, "write its path"},
		{"twice", `{token: t, projects: [a/b, A/b]}`, "listed twice"},
		{"unknown jobs", `{token: t, projects: [a/b], jobs: some}`, "all, default-branch or none"},
		{"rules without jobs", `{token: t, projects: [a/b], jobs: none, deployments: [{job: x, environment: y}]}`, "jobs is none"},
		{"a rule without a job", `{token: t, projects: [a/b], deployments: [{environment: y}]}`, "deployments[0]: job is missing"},
		{"a rule without an environment", `{token: t, projects: [a/b], deployments: [{job: x}]}`, "environment is missing"},
		{"a parameter", `{token: t, projects: [a/b], deployments: [{job: x, environment: y, version_parameter: V}]}`, "variables"},
		{"a broken glob", `{token: t, projects: [a/b], deployments: [{job: "[x", environment: y}]}`, "not a valid glob"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var c Config
			if err := yaml.Unmarshal([]byte(tc.yaml), &c); err != nil {
				t.Fatal(err)
			}
			err := c.Validate()
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("said %v, want %q", err, tc.want)
			}
			if _, err := New(c, source.Options{}); err == nil {
				t.Error("New takes it")
			}
		})
	}
}

func TestTheKeysOfTheConfiguration(t *testing.T) {
	var c Config
	d := yaml.NewDecoder(strings.NewReader(`
name: gl
url: https://gitlab.example.com
token: t
projects: [acme/shop, "12345678"]
groups: [acme/team]
archived: true
jobs: default-branch
allow_private_network: true
deployments:
  - {job: deploy-*, workflow: main, environment: production}
`))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if c.Source != "gl" || c.Projects[1] != "12345678" || c.Groups[0] != "acme/team" || !c.Archived ||
		c.Jobs != DefaultBranchJobs ||
		!c.AllowPrivateNetwork ||
		c.Deployments[0].Workflow != "main" {
		t.Errorf("%+v", c)
	}
}

func TestTheAddressOfAServerMeansItsAPI(t *testing.T) {
	for given, want := range map[string]string{
		"": "https://gitlab.com/api/v4/", "https://g.example.com": "https://g.example.com/api/v4/", "https://g.example.com/": "https://g.example.com/api/v4/",
		"https://example.com/gitlab": "https://example.com/gitlab/api/v4/", "https://g.example.com/api/v4/": "https://g.example.com/api/v4/",
	} {
		u, err := apiURL(given)
		if err != nil || u.String() != want {
			t.Errorf("%q is %v, %v", given, u, err)
		}
	}
}

func TestProjectsMayBeAddresses(t *testing.T) {
	cfg := Config{
		Source: "gl",
		URL:    "https://git.example.com:8443/api/v4",
		Token:  "t",
		Projects: []string{"https://git.example.com:8443/a/sub/b/-/tree/main/x",
			"git@git.example.com:a/c.git", "ssh://git@git.example.com/a/d.git", "a/e", "42"},
	}
	c, err := New(cfg, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a/sub/b", "a/c", "a/d", "a/e", "42"}; !slices.Equal(c.cfg.Projects, want) {
		t.Errorf("reads %q, want %q", c.cfg.Projects, want)
	}
}
