package kubernetes

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/dxctl/dxctl/event"
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
		{"good", Config{Namespaces: []string{"shop"}, Selector: "team=shop,tier in (a,b)", Environments: []EnvironmentRule{{Label: "env"}}}, nil},
		{"names", Config{Namespaces: []string{"shop-*"}, ServiceLabels: []string{""}}, []string{"namespaces[0]", "service_labels[0]"}},
		{"a selector", Config{Selector: "a in"}, []string{"selector"}},
		{"rules", Config{Environments: []EnvironmentRule{{Environment: "p"}, {Namespace: "a"}, {Label: "=x", Environment: "p"}}},
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

func FuzzObjects(f *testing.F) {
	seed := func(kind string, workload, revision *unstructured.Unstructured) {
		a, errA := json.Marshal(workload.Object)
		b, errB := json.Marshal(revision.Object)
		if errA != nil || errB != nil {
			f.Fatal(errA, errB)
		}
		f.Add(kind, a, b)
	}
	seed(
		kindDeployment,
		deployment(1, "1.2", progressing("NewReplicaSetAvailable", "True", 1, 2)),
		replicaSet(1, 1, 0, "1.2", nil, "2,x,3"),
	)
	seed(kindStatefulSet, statefulSet("payment-a", 1, 2), controllerRevision("payment-a", 1, 0, 3, "1.2"))
	f.Add(
		kindRollout,
		[]byte(
			`{"metadata":{"name":"payment","namespace":"shop","uid":"payment-uid","annotations":{"rollout.argoproj.io/revision":"1"}},
		"spec":{"strategy":{"canary":{"steps":[{"pause":{}}]}}},"status":{"phase":"Paused","currentStepIndex":0,"conditions":[1,{"type":"Completed"}]}}`,
		),
		[]byte(
			`{"metadata":{"name":"payment-1","namespace":"shop","annotations":{"rollout.argoproj.io/revision":"1"},"creationTimestamp":"9999-01-01T00:00:00Z",
		"ownerReferences":[{"kind":"Rollout","uid":"payment-uid","controller":true,"name":"payment"}]},"spec":{"template":{"metadata":[],"spec":{"containers":{}}}}}`,
		),
	)
	f.Fuzz(func(t *testing.T, kind string, workloadJSON, revisionJSON []byte) {
		switch kind {
		case kindDeployment, kindStatefulSet, kindRollout:
		default:
			return
		}
		a, b := &unstructured.Unstructured{}, &unstructured.Unstructured{}
		if json.Unmarshal(workloadJSON, &a.Object) != nil || json.Unmarshal(revisionJSON, &b.Object) != nil ||
			a.Object == nil ||
			b.Object == nil {
			return
		}
		c, err := New(Config{Source: "k8s", CommitAnnotation: "commit"}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		v := &view{workload: c.readWorkload(kind, a)}
		for _, r := range []*revision{c.readReplicaSet(b), c.readControllerRevision(b)} {
			if r != nil {
				v.revisions = append(v.revisions, r)
			}
		}
		list, _ := v.rollouts(func(id string) event.Origin {
			return event.Origin{Source: "k8s", Provider: Provider, Scope: v.scope(), ID: id}
		}, c.environment(v.workload))
		for _, r := range list {
			if err := r.event.Validate(); err != nil {
				t.Error(err)
			}
		}
	})
}
