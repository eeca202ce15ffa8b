package paths_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dxctl/dxctl/scorecards/paths"
)

// load reads a golden path of files, whose contents are given by name.
func load(t *testing.T, files map[string]string) (*paths.Path, error) {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return paths.Load(fsys, paths.Origin{Kind: paths.FromDirectory, Location: "pay-service"})
}

// TestArticle: a description as it is published elsewhere is a golden path, without a key of dxctl.
func TestArticle(t *testing.T) {
	p, err := paths.OpenDir("testdata/article", "article")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, q := range p.Questions {
		names = append(names, q.Name)
	}
	if !slices.Equal(names, []string{"service_name", "language", "framework"}) || p.NameQuestion != "service_name" {
		t.Errorf("questions %v, name from %s", names, p.NameQuestion)
	}
	if p.Name != "article" || p.Version != "" || !slices.Equal(p.Scorecards, paths.DefaultScorecards) {
		t.Errorf("name %q, version %q, scorecards %v", p.Name, p.Version, p.Scorecards)
	}
	spec := p.Resolve(paths.Answers{"service_name": "pay", "language": "go", "framework": "chi"})
	want := paths.Spec{
		Service:        paths.ServiceSpec{Name: "pay", Language: "go", Framework: "chi"},
		Infrastructure: paths.InfrastructureSpec{Compute: "kubernetes", Database: "postgresql", Cache: "redis"},
		Observability: paths.ObservabilitySpec{
			Metrics: "prometheus", Logging: "structured-json", Tracing: "opentelemetry",
		},
		CICD: paths.CICDSpec{
			Pipeline: "github-actions", DeployStrategy: "rolling", Environments: []string{"staging", "production"},
		},
	}
	if !equalSpec(spec, want) {
		t.Errorf("%+v", spec)
	}
	err = p.Check(paths.Answers{"service_name": "pay", "langage": "go"})
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"the answer to language is missing", "framework is missing", `did you mean "language"?`} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
}

func equalSpec(a, b paths.Spec) bool {
	return a.Service == b.Service && a.Infrastructure == b.Infrastructure && a.Observability == b.Observability &&
		a.CICD.Pipeline == b.CICD.Pipeline && a.CICD.DeployStrategy == b.CICD.DeployStrategy &&
		slices.Equal(a.CICD.Environments, b.CICD.Environments)
}

// article returns the description with one text replaced.
func article(t *testing.T, old, text string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/article/path.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		t.Fatalf("%q is not in the description", old)
	}
	return strings.Replace(string(data), old, text, 1)
}

// TestUnsupported: a value that no template exists for is an error with its line and the supported values.
func TestUnsupported(t *testing.T) {
	for _, c := range []struct {
		old, new string
		want     []string
	}{
		{"kubernetes", "nomad", []string{"pay-service/path.yaml:6: ", `infrastructure.compute "nomad"`, "supported: kubernetes"}},
		{"postgresql", "mysql", []string{":7: ", "supported: none, postgresql"}},
		{"postgresql", "postgres", []string{":7: ", "did you mean postgresql?"}},
		{"redis", "memcached", []string{":8: ", "supported: none, redis"}},
		{"prometheus", "statsd", []string{":10: ", "supported: prometheus"}},
		{"structured-json", "text", []string{":11: ", "supported: structured-json"}},
		{"opentelemetry", "zipkin", []string{":12: ", "supported: opentelemetry"}},
		{"github-actions", "jenkins", []string{":14: ", "supported: github-actions"}},
		{"rolling", "canary", []string{":15: ", "supported: rolling"}},
		{"- production", "- prod", []string{":18: ", "supported: staging, production", "did you mean production?"}},
		{"- production", "- staging", []string{":18: ", "listed twice"}},
		{"compute:", "computer:", []string{":6: ", `unknown key "computer" in infrastructure (did you mean "compute"?)`}},
		{`"{{ service_name }}"`, "{{ service_name }}", []string{":2: ", "put a placeholder in quotes"}},
		{`"{{ service_name }}"`, "pay", []string{":2: ", "must have exactly one placeholder"}},
		{"{{ language }}", "{{ Language }}", []string{":3: ", "{{ Language }} is not the name of a question"}},
		{"{{ language }}", "{{ language", []string{":3: ", "not closed"}},
		{"{{ language }}", "{{ api_token }}", []string{":3: ", "cannot ask for a secret"}},
		{"{{ language }}", "{{ yaml }}", []string{":3: ", "templates use yaml for something else"}},
		{"{{ language }}", "{{ database }}", []string{":3: ", "templates use database for the value of that key"}},
		{"  environments:\n    - staging\n    - production", "  environments: []", []string{":16: ", "is empty", "staging, production"}},
		{"service:", "scorecards: []\nservice:", []string{":1: ", "scorecards is empty"}},
		{"kubernetes", `"{{ compute }}s"`, []string{":6: ", "write either one of kubernetes, or one placeholder"}},
	} {
		t.Run(c.new, func(t *testing.T) {
			_, err := load(t, map[string]string{"path.yaml": article(t, c.old, c.new)})
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in %v", part, err)
				}
			}
		})
	}
}
