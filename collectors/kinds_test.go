package collectors_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/alertmanager"
	"github.com/dxctl/dxctl/collectors/argocd"
	githubreceiver "github.com/dxctl/dxctl/collectors/github/receiver"
	"github.com/dxctl/dxctl/collectors/source"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/collectors"
	"github.com/dxctl/dxctl/collectors/webhook"
)

// oneOfEach is a source of every kind.
const oneOfEach = `
- {name: gh, kind: github, token: x, repositories: [acme/shop], webhook: {secret: "0123456789abcdef"}, incidents: {labels: [incident]}}
- {name: org, kind: github, token: x, organization: acme, webhook: {secret: "0123456789abcdeg"}}
- {name: gl, kind: gitlab, token: x, projects: [acme/shop], since: 400d}
- {name: ci, kind: jenkins, url: "http://127.0.0.1:1", user: u, token: x}
- {name: circle, kind: circleci, token: x, projects: [github/acme/shop], webhook: {secret: "0123456789abcdef", previous_secret: "fedcba9876543210"}}
- {name: argo, kind: argocd, url: "https://argo.example.com", token: x, webhook: {secret: "0123456789abcdef"}}
- {name: k8s, kind: kubernetes, kubeconfig: KUBECONFIG}
- {name: pd, kind: pagerduty, token: x}
- {name: og, kind: opsgenie, token: x, teams: [Shop]}
- {name: bs, kind: backstage, url: "https://backstage.example.com", token: x}
- {name: repos, kind: git, provider: github, repositories: [acme/shop]}
- {name: sonar, kind: http, url: "https://sonar.example.com/api?component={name}", facts: [{name: sonar.coverage, type: number, value: body.coverage}]}
- {name: scripts, kind: events, secret: "0123456789abcdef"}
- {name: alerts, kind: alertmanager, secret: "0123456789abcdef", severities: [critical]}
`

const kubeconfig = `{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}], users: [{name: u, user: {token: x}}]}`

func everyKind(t *testing.T) collectors.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, []byte(kubeconfig), 0o600); err != nil {
		t.Fatal(err)
	}
	var cfg collectors.Config
	if err := yaml.Unmarshal([]byte(strings.Replace(oneOfEach, "KUBECONFIG", file, 1)), &cfg); err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestEveryKind(t *testing.T) {
	cfg := everyKind(t)
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	all, err := collectors.All(cfg, source.Options{CloneDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	provider := map[string]string{}
	for _, c := range all {
		provider[c.Source()] = c.Provider()
		if _, watches := c.(source.Watcher); watches != (c.Source() == "k8s") {
			t.Errorf("%s watches: %v", c.Source(), watches)
		}
		doc := filepath.Join("..", "docs", "sources", kindOf(cfg, c.Source())+".md")
		if _, err := os.Stat(doc); err != nil {
			t.Errorf("%s: %v", c.Source(), err)
		}
	}
	for _, s := range cfg {
		want := s.Kind
		switch s.Kind {
		case "events", "alertmanager":
			want = ""
		}
		if provider[s.Name] != want {
			t.Errorf("%s: provider %q, want %q", s.Name, provider[s.Name], want)
		}
	}
}

func kindOf(cfg collectors.Config, name string) string {
	for _, s := range cfg {
		if s.Name == name {
			return s.Kind
		}
	}
	return ""
}

func TestReceivers(t *testing.T) {
	receivers := map[string]webhook.Source{}
	for _, p := range everyKind(t).Receivers() {
		receivers[p.Name] = p
	}
	if len(receivers) != 6 {
		t.Errorf("%d sources send: %v", len(receivers), receivers)
	}
	gh := receivers["gh"]
	want := githubreceiver.Receiver{IncidentLabels: []string{"incident"}}
	if !reflect.DeepEqual(gh.Receiver, want) || !gh.Polled || gh.Secret != "0123456789abcdef" ||
		strings.Join(gh.Scopes, " ") != "acme/shop" {
		t.Errorf("gh: %+v", gh)
	}
	if org := receivers["org"]; len(org.Scopes) != 0 { // every repository of it
		t.Errorf("org: %+v", org)
	}
	if c := receivers["circle"]; c.Previous != "fedcba9876543210" {
		t.Errorf("circle: %+v", c)
	}
	if a, ok := receivers["argo"].Receiver.(argocd.Receiver); !ok || a.Config.URL != "https://argo.example.com" {
		t.Errorf("argo: %+v", a)
	}
	a := receivers["alerts"]
	if r, ok := a.Receiver.(alertmanager.Receiver); !ok || a.Polled ||
		strings.Join(r.Config.Severities, " ") != "critical" {
		t.Errorf("alerts: %+v", a)
	}
}

func TestWebhookMistakes(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"a guess":        {`{name: gh, kind: github, token: x, organization: a, webhook: {secret: short}}`, "shorter than 16"},
		"no secret":      {`{name: e, kind: events}`, "secret is missing"},
		"cannot push":    {`{name: ci, kind: jenkins, url: "http://127.0.0.1:1", webhook: {secret: "0123456789abcdef"}}`, "no webhooks of kind jenkins"},
		"sends anyway":   {`{name: e, kind: events, secret: "0123456789abcdef", webhook: {secret: "0123456789abcdef"}}`, "next to its name"},
		"timeless since": {`{name: r, kind: git, provider: github, repositories: [a/b], since: 30d}`, "since means nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			var cfg collectors.Config
			if err := yaml.Unmarshal([]byte("["+tc.text+"]"), &cfg); err != nil {
				t.Fatal(err)
			}
			if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v does not say %q", err, tc.want)
			}
		})
	}
	var cfg collectors.Config
	if err := yaml.Unmarshal(
		[]byte(`[{name: a, kind: events, secret: "0123456789abcdef"}, {name: b, kind: events, secret: "0123456789abcdef"}]`),
		&cfg,
	); err != nil {
		t.Fatal(err)
	}
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "each needs its own") {
		t.Errorf("one token for two sources: %v", err)
	}
}
