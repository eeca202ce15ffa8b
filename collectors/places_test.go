package collectors_test

import (
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/collectors"
)

func TestPlaces(t *testing.T) {
	const doc = `
- {name: public, kind: github, token: x}
- {name: api, kind: github, token: x, url: 'https://api.acme.ghe.com'}
- {name: inside, kind: github, token: x, url: 'https://git.acme.example/api/v3'}
- {name: lab, kind: gitlab, token: x}
- {name: ci, kind: jenkins, url: 'https://ci.acme.example/jenkins'}
- {name: duty, kind: pagerduty, token: x}
`
	var cfg collectors.Config
	if err := yaml.Unmarshal([]byte(doc), &cfg); err != nil {
		t.Fatal(err)
	}
	want := []string{"https://github.com", "https://acme.ghe.com", "https://git.acme.example", "https://gitlab.com",
		"https://ci.acme.example/jenkins", ""}
	for i, place := range cfg.Places() {
		if place.Name != cfg[i].Name || place.Provider != cfg[i].Kind || place.URL != want[i] {
			t.Errorf("%s is %+v, want at %q", cfg[i].Name, place, want[i])
		}
	}
}

// TestAccount returns the one organization of a server, and which source covers its repositories.
func TestAccount(t *testing.T) {
	for _, c := range []struct{ sources, account, covers string }{
		{"- {name: a, kind: github, token: x, organization: acme}", "acme", "a"},
		{"- {name: a, kind: github, token: x, organization: acme}\n- {name: b, kind: github, token: y, organization: acme}",
			"acme", "a"},
		{"- {name: a, kind: github, token: x, organization: acme}\n- {name: b, kind: github, token: x, organization: labs}",
			"", "a"},
		{"- {name: a, kind: github, token: x, repositories: [acme/pay]}", "", "a"},
		{"- {name: a, kind: github, token: x, organization: acme, url: 'https://git.acme.example/api/v3'}", "", ""},
		{"- {name: a, kind: gitlab, token: x}", "", ""},
	} {
		var cfg collectors.Config
		if err := yaml.Unmarshal([]byte(c.sources), &cfg); err != nil {
			t.Fatal(err)
		}
		account, covers := cfg.Account("https://github.com"), cfg.Covers("https://github.com", "acme/pay")
		if account != c.account || covers != c.covers {
			t.Errorf("%s\nthe account is %q, and %q covers acme/pay", c.sources, account, covers)
		}
	}
	var server collectors.Config
	text := "- {name: a, kind: github, token: x, organization: acme, url: 'https://git.acme.example/api/v3'}"
	if err := yaml.Unmarshal([]byte(text), &server); err != nil {
		t.Fatal(err)
	}
	if got := server.Covers("https://git.acme.example", "acme/pay"); got != "a" {
		t.Errorf("a source with the address of an API does not cover its repositories: %q", got)
	}
}
