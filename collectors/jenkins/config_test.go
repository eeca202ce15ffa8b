package jenkins

import (
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/source"

	"go.yaml.in/yaml/v3"
)

func TestConfigMistakesAreSaidInWords(t *testing.T) {
	for _, tc := range []struct{ name, yaml, want string }{
		{"no url", `{name: ci}`, "absolute http or https URL"},
		{"no scheme", `{url: jenkins.example.com}`, "absolute http or https URL"},
		{"credentials in the url", `{url: "https://u:p@jenkins.example.com"}`, "leave out user"},
		{"a token without its user", `{url: "https://j.example.com", token: t}`, "user is missing"},
		{"a user without a token", `{url: "https://j.example.com", user: u}`, "token is missing"},
		{"a colon in the user", `{url: "https://j.example.com", user: "u:t", token: t}`, "no colon"},
		{"an empty project", `{url: "https://j.example.com", projects: [/]}`, "full name"},
		{"a rule without an environment", `{url: "https://j.example.com", deployments: [{job: x}]}`, "deployments[0]: give environment"},
		{"a rule for all", `{url: "https://j.example.com", deployments: [{environment: x}]}`, "give job"},
		{"a workflow", `{url: "https://j.example.com", deployments: [{job: x, environment: y, workflow: z}]}`, "no workflows"},
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
name: ci
url: https://jenkins.example.com/ci/
user: u
token: t
projects: [team/**]
exclude: [team/old]
stages: true
allow_private_network: true
deployments:
  - {job: team/deploy-*, environment: production, version_parameter: TAG}
  - {environment_parameter: ENV}
`))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if c.Source != "ci" || c.User != "u" || c.Projects[0] != "team/**" || !c.Stages || !c.AllowPrivateNetwork ||
		c.Deployments[0].VersionParameter != "TAG" ||
		c.Deployments[1].EnvironmentParameter != "ENV" {
		t.Errorf("%+v", c)
	}
}

func TestTheAddressIsTakenAsAPersonCopiesIt(t *testing.T) {
	for given, want := range map[string]string{
		"https://j.example.com": "https://j.example.com/", "https://j.example.com/": "https://j.example.com/",
		"https://j.example.com/ci": "https://j.example.com/ci/", "https://j.example.com/ci/api/json": "https://j.example.com/ci/",
		"http://[::1]:8080/ci//": "http://[::1]:8080/ci/",
	} {
		u, err := baseURL(given)
		if err != nil || u.String() != want {
			t.Errorf("%s is %v, %v", given, u, err)
		}
	}
}
