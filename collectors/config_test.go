package collectors_test

import (
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/source"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/collectors"
)

func decode(t *testing.T, text string) (collectors.Config, error) {
	t.Helper()
	var cfg struct {
		Sources collectors.Config `yaml:"sources"`
	}
	err := yaml.Unmarshal([]byte(text), &cfg)
	return cfg.Sources, err
}

func TestConfig(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"as in the readme", `{name: gh, kind: github, url: "http://127.0.0.1:9900/github", token: x, repositories: [panjf2000/ants]}`, ""},
		{"an organization with everything", `{name: gh, kind: github, token: x, organization: acme, archived: true, forks: true, jobs: default-branch, since: 400d, allow_private_network: true}`, ""},
		{"since a date", `{name: gh, kind: github, token: x, organization: acme, since: "2025-01-31"}`, ""},
		{"no name", `{kind: github, token: x, organization: acme}`, `sources[0]: name ""`},
		{"a name that breaks labels", `{name: "My GitHub", kind: github, token: x, organization: acme}`, `name "My GitHub"`},
		{"no kind", `{name: gh}`, "kind is missing; give one of: github"},
		{"an unknown kind", `{name: gh, kind: svn}`, `kind "svn" is not known; give one of: github`},
		{"since when", `{name: gh, kind: github, token: x, organization: acme, since: long ago}`, `since "long ago"`},
		{"no token", `{name: gh, kind: github, organization: acme}`, `sources[0] "gh": token is missing`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg, err := decode(t, "sources:\n  - "+tc.text)
			if err != nil {
				t.Fatal(err)
			}
			err = cfg.Validate()
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one that says %q", err, tc.want)
			}
			if _, allErr := collectors.All(cfg, source.Options{}); (allErr == nil) != (err == nil) {
				t.Errorf("All: %v, Validate: %v", allErr, err)
			}
		})
	}
	twice, err := decode(t, "sources:\n  - {name: gh, kind: github, token: x, organization: a}\n  - {name: gh, kind: "+
		"github, token: x, organization: b}")
	if err != nil {
		t.Fatal(err)
	}
	if err := twice.Validate(); err == nil || !strings.Contains(err.Error(), "name is taken by sources[0]") {
		t.Errorf("a name twice: %v", err)
	}
}
