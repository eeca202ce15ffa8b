package kubernetes

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/kubernetes/workload"
	"go.yaml.in/yaml/v3"
)

func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}

func TestValidateNamesEveryMistake(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  Config
		want []string
	}{
		{"empty", Config{}, nil},
		{"good", Config{Namespaces: []string{"shop"}, Selector: "team=shop,tier in (a,b)", Environments: []workload.EnvironmentRule{{Label: "env"}}}, nil},
		{"names", Config{Namespaces: []string{"shop-*"}, ServiceLabels: []string{""}}, []string{"namespaces[0]", "service_labels[0]"}},
		{"a selector", Config{Selector: "a in"}, []string{"selector"}},
		{"rules", Config{Environments: []workload.EnvironmentRule{{Environment: "p"}, {Namespace: "a"}, {Label: "=x", Environment: "p"}}},
			[]string{"environments[0]: give what it applies to", "environments[1]: give environment", "environments[2]: label"}},
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
			if _, newErr := New(tc.cfg, Options{}); (newErr == nil) != (err == nil) {
				t.Errorf("New: %v", newErr)
			}
		})
	}
}

// TestTheDocumentedConfigurationIsRead reads the example of the source's page with the keys of Config.
func TestTheDocumentedConfigurationIsRead(t *testing.T) {
	page, err := os.ReadFile("../../docs/sources/kubernetes.md")
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
	// The rights on that page are those that are needed, and only reading.
	for _, resource := range []string{"deployments", "statefulsets", "replicasets", "controllerrevisions", "rollouts"} {
		if !strings.Contains(string(page), resource) {
			t.Errorf("the page gives no right on %s", resource)
		}
	}
	for _, verb := range []string{"create", "update", "patch", "delete", "\"*\""} {
		if strings.Contains(string(page), verb+`"`) || strings.Contains(string(page), verb+",") {
			t.Errorf("the page gives the right to %s", verb)
		}
	}
}
