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
	want := []string{"https://github.com", "https://acme.ghe.com", "https://git.acme.example/api/v3", "https://gitlab.com",
		"https://ci.acme.example/jenkins", ""}
	for i, place := range cfg.Places() {
		if place.Name != cfg[i].Name || place.Provider != cfg[i].Kind || place.URL != want[i] {
			t.Errorf("%s is %+v, want at %q", cfg[i].Name, place, want[i])
		}
	}
}
