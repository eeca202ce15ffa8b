package argocd

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/source"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/event"
)

func TestVersions(t *testing.T) {
	a, b := sha(10), sha(11)
	for _, tc := range []struct{ name, what, sha, ref, version string }{
		{"nothing", `{}`, "", "", ""},
		{"a commit", `{"revision":"` + a + `","source":{"targetRevision":"main"}}`, a, "main", ""},
		{"a commit in capitals", `{"revision":"` + strings.ToUpper(a) + `","source":{"targetRevision":"v1.2"}}`, a, "v1.2", ""},
		{"a chart", `{"revision":"1.4.2","source":{"chart":"payment","targetRevision":"1.*"}}`, "", "1.*", "1.4.2"},
		{"several sources, none lends", `{"revisions":["` + a + `","` + b + `"],"sources":[{"targetRevision":"main"},{"targetRevision":"dev"}]}`, a, "main", ""},
		{"a chart and values", `{"revisions":["1.4.2","` + b + `"],"sources":[{"chart":"payment","targetRevision":"1.*"},{"ref":"values","targetRevision":"main"}]}`, b, "main", "1.4.2"},
		{"values come after what they are for", `{"revisions":["` + a + `","` + b + `"],"sources":[{"ref":"values","targetRevision":"v"},{"targetRevision":"main"}]}`, b, "main", ""},
		{"fewer revisions than sources", `{"revisions":["` + a + `"],"sources":[{"targetRevision":"main"},{"targetRevision":"dev"}]}`, a, "main", ""},
		{"revisions without sources", `{"revisions":["` + a + `"]}`, a, "", ""},
		{"an image in kustomize", `{"revision":"` + a + `","source":{"targetRevision":"main","kustomize":{"images":["reg.example.com:5000/payment=reg.example.com:5000/payment:2.0.1@sha256:ab"]}}}`, a, "main", "2.0.1"},
		{"an image without a tag", `{"revision":"` + a + `","source":{"kustomize":{"images":["reg.example.com:5000/payment"]}}}`, a, "", ""},
		{"two images", `{"revision":"` + a + `","source":{"kustomize":{"images":["a:1","b:2"]}}}`, a, "", ""},
		{"a parameter of a chart", `{"revision":"1.4.2","source":{"chart":"payment","targetRevision":"1.4.2","helm":{"parameters":[{"name":"replicas","value":"3"},{"name":"image.tag","value":"2.0.1"}]}}}`, "", "1.4.2", "2.0.1"},
		{"sources that are no list", `{"revision":"` + a + `","sources":7,"source":[]}`, a, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var w revision
			if err := json.Unmarshal([]byte(tc.what), &w); err != nil {
				t.Fatal(err)
			}
			if sha, ref, version := w.version(); sha != tc.sha || ref != tc.ref || version != tc.version {
				t.Errorf("sha %q, ref %q, version %q", sha, ref, version)
			}
		})
	}
}

func TestEnvironments(t *testing.T) {
	rules := []EnvironmentRule{
		{Application: "*-canary", Environment: "canary"},
		{Label: "tier=live*", Environment: "production"},
		{Label: "stage"},
		{Cluster: "https://10.0.0.*", Environment: "dc"},
		{Cluster: "prod-*", Namespace: "shop", Environment: "production"},
		{Project: "sandbox", Environment: "sandbox"},
	}
	for _, tc := range []struct {
		name, app, want string
		rules           []EnvironmentRule
	}{
		{"by name", `{"metadata":{"name":"payment-canary","labels":{"stage":"qa"}}}`, "canary", rules},
		{"by a label's value", `{"metadata":{"name":"payment","labels":{"tier":"live-eu","stage":"qa"}}}`, "production", rules},
		{"the label's value is the environment", `{"metadata":{"name":"payment","labels":{"tier":"test","stage":"qa"}}}`, "qa", rules},
		{"by a server", `{"metadata":{"name":"payment"},"spec":{"destination":{"server":"https://10.0.0.7:6443"}}}`, "dc", rules},
		{"by a cluster and a namespace", `{"metadata":{"name":"payment"},"spec":{"destination":{"name":"prod-eu","namespace":"shop"}}}`, "production", rules},
		{"another namespace", `{"metadata":{"name":"payment"},"spec":{"destination":{"name":"prod-eu","namespace":"web"}}}`, "prod-eu", rules},
		{"by project", `{"metadata":{"name":"payment"},"spec":{"project":"sandbox"}}`, "sandbox", rules},
		{"no rules, a label that says so", `{"metadata":{"name":"payment","labels":{"env":"prd"}},"spec":{"destination":{"name":"prod-eu"}}}`, "prd", nil},
		{"no rules, a cluster", `{"metadata":{"name":"payment"},"spec":{"destination":{"name":"prod-eu","namespace":"shop"}}}`, "prod-eu", nil},
		{"no rules, Argo CD's own cluster", `{"metadata":{"name":"payment"},"spec":{"destination":{"name":"in-cluster","namespace":"shop-prod"}}}`, "shop-prod", nil},
		{"nothing is known", `{"metadata":{"name":"payment"}}`, "", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, err := parseApplication([]byte(tc.app))
			if err != nil {
				t.Fatal(err)
			}
			c := &Collector{}
			c.rules, _ = compileRules(tc.rules)
			if got := c.environment(a); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

func TestValidateNamesEveryMistake(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  Config
		want []string
	}{
		{"good", Config{URL: "https://argocd.example.com/argo", Token: "x", Environments: []EnvironmentRule{{Label: "env"}}}, nil},
		{"empty", Config{}, []string{`url ""`, "token is missing"}},
		{"credentials in the address", Config{URL: "https://u:hidden@argocd.example.com", Token: "x"}, []string{"leave out user"}},
		{"names", Config{URL: "http://a", Token: "x", Projects: []string{""}, Applications: []string{" a"}}, []string{"projects[0]", "applications[0]"}},
		{"rules", Config{URL: "http://a", Token: "x", Environments: []EnvironmentRule{{Environment: "p"}, {Application: "a"}, {Label: "env=prd"}, {Label: "=x", Environment: "p"}}},
			[]string{"environments[0]: give what it applies to", "environments[1]: give environment", "environments[2]: give environment", "environments[3]: label"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.cfg.Validate()
			if (err == nil) != (tc.want == nil) {
				t.Fatalf("%v", err)
			}
			for _, w := range tc.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%v does not say %q", err, w)
				}
			}
			if err != nil && strings.Contains(err.Error(), "hidden") {
				t.Errorf("%v shows a password", err)
			}
			if _, newErr := New(tc.cfg, source.Options{}); (newErr == nil) != (err == nil) {
				t.Errorf("New: %v", newErr)
			}
		})
	}
}

// TestTheDocumentedConfigurationIsRead reads the example of the source's page with the keys of Config.
func TestTheDocumentedConfigurationIsRead(t *testing.T) {
	page, err := os.ReadFile("../../docs/sources/argocd.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, found := strings.Cut(string(page), "```yaml\nsources:\n")
	example, _, _ = strings.Cut(example, "```")
	if !found {
		t.Fatal("the page has no example")
	}
	var sources []struct {
		Config `yaml:",inline"`
		Kind   string `yaml:"kind"`
	}
	d := yaml.NewDecoder(strings.NewReader(example))
	d.KnownFields(true)
	if err := d.Decode(&sources); err != nil || len(sources) != 1 || sources[0].Kind != Provider {
		t.Fatalf("%+v %v", sources, err)
	}
	if err := sources[0].Validate(); err != nil {
		t.Error(err)
	}
}

func FuzzParseApplication(f *testing.F) {
	for _, a := range []object{
		app("payment", op("Running", 10, 0, sha(2), alice), syncedEntry(0, 0, sha(1), automated), syncedEntry(1, 5, sha(1), automated)),
		app("payment", nil, syncedEntry(0, 0, "1.2.3", alice)),
		{"metadata": object{"name": "x"}, "status": object{"history": []any{1, object{"id": 1, "deployedAt": minute(1), "sources": []any{git()}, "revisions": []any{sha(1), ""}}}}},
	} {
		text, err := json.Marshal(a)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add(
		[]byte(
			`{"metadata":{"name":"x"},"status":{"operationState":{"startedAt":"2026-01-01T00:00:00Z","operation":{"sync":null}}}}`,
		),
	)
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _, _ = parseList(body)
		a, err := parseApplication(body)
		if err != nil {
			return
		}
		c := &Collector{Base: source.Options{}.Base(profile, "argo"), cfg: Config{Source: "argo"}}
		p := &pass{
			Collector: c,
			mapper:    mapper{c.cfg.Source, a.Metadata.scope(true), "", c.Unrecognized},
			s:         &state{LastID: -1},
		}
		p.judge(a)
		events, _ := p.events(a, true)
		for _, e := range events {
			if err := e.Validate(); err != nil {
				t.Error(err)
			}
			if d := e.(event.Deployment); d.Status == event.Running && !d.FinishedAt.IsZero() {
				t.Errorf("it runs and has finished: %+v", d)
			}
		}
		_ = a.mark()
	})
}
