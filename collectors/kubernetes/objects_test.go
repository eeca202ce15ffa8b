package kubernetes

import (
	"fmt"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/kubernetes/cluster"
	"github.com/dxctl/dxctl/collectors/kubernetes/workload"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
)

type object = map[string]any

// The annotations that number the revisions, and the one that a restart sets.
const (
	deploymentAnnotation = "deployment.kubernetes.io/revision"
	rolloutAnnotation    = "rollout.argoproj.io/revision"
	restartAnnotation    = "kubectl.kubernetes.io/restartedAt"
)

// noon is when the stories of the tests begin.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func minute(n int) string       { return at(n).Format(time.RFC3339) }
func at(n int) time.Time        { return noon.Add(time.Duration(n) * time.Minute) }
func uidOf(name string) string  { return name + "-uid" }
func id(revision int) string    { return fmt.Sprintf("shop/deployment/payment@payment-/%d", revision) }
func stsID(revision int) string { return fmt.Sprintf("shop/statefulset/payment@payment-/%d", revision) }

func obj(apiVersion, kind, name string, metadata, rest object) *unstructured.Unstructured {
	m := object{
		"name":              name,
		"namespace":         "shop",
		"uid":               uidOf(name),
		"creationTimestamp": minute(0),
		"generation":        int64(1),
	}
	for k, v := range metadata {
		m[k] = v
	}
	o := object{"apiVersion": apiVersion, "kind": kind, "metadata": m}
	for k, v := range rest {
		o[k] = v
	}
	return &unstructured.Unstructured{Object: o}
}

// pods is a pod template that runs a version.
func pods(version string, annotations object) object {
	metadata := object{"creationTimestamp": nil, "labels": object{"app": "payment"}}
	if annotations != nil {
		metadata["annotations"] = annotations
	}
	return object{"metadata": metadata, "spec": object{"containers": []any{
		object{
			"name":  "proxy",
			"image": "envoy:1.30",
		},
		object{"name": "payment", "image": "reg.example.com:5000/payment:" + version},
	}}}
}

// progressing is the condition of a Deployment about the ReplicaSet of a revision.
func progressing(reason, status string, revision, updated int) object {
	return object{
		"type":               "Progressing",
		"status":             status,
		"reason":             reason,
		"message":            fmt.Sprintf(`ReplicaSet "payment-%d" says so.`, revision),
		"lastUpdateTime":     minute(updated),
		"lastTransitionTime": minute(updated),
	}
}

// deployment is the Deployment payment at a revision.
func deployment(revision int, version string, conditions ...any) *unstructured.Unstructured {
	return obj(
		"apps/v1",
		"Deployment",
		"payment",
		object{
			"annotations": object{deploymentAnnotation: fmt.Sprint(revision)},
			"labels":      object{"app.kubernetes.io/name": "payment"},
		},
		object{"spec": object{"replicas": int64(2), "progressDeadlineSeconds": int64(600), "template": pods(version, nil)},
			"status": object{"observedGeneration": int64(1), "conditions": conditions}},
	)
}

func owned(kind string) []any {
	return []any{
		object{"apiVersion": "apps/v1", "kind": kind, "name": "payment", "uid": uidOf("payment"), "controller": true},
	}
}

// replicaSet is the ReplicaSet with which a revision began; number is what it has now.
func replicaSet(
	made, number, created int,
	version string,
	annotations object,
	history string,
) *unstructured.Unstructured {
	a := object{deploymentAnnotation: fmt.Sprint(number)}
	if history != "" {
		a[deploymentAnnotation+"-history"] = history
	}
	name := fmt.Sprintf("payment-%d", made)
	t := pods(version, annotations)
	t["metadata"].(object)["labels"] = object{"app": "payment", "pod-template-hash": fmt.Sprint(made)}
	return obj(
		"apps/v1",
		"ReplicaSet",
		name,
		object{"creationTimestamp": minute(created), "annotations": a, "ownerReferences": owned("Deployment")},
		object{"spec": object{"template": t}},
	)
}

// statefulSet is the StatefulSet payment: its counts and the name of the revision that is wanted.
func statefulSet(update string, updated, ready int64) *unstructured.Unstructured {
	return obj("apps/v1", "StatefulSet", "payment", nil,
		object{
			"spec": object{"replicas": int64(3), "template": pods("x", nil)},
			"status": object{
				"observedGeneration": int64(1),
				"updateRevision":     update,
				"currentRevision":    "payment-old",
				"updatedReplicas":    updated,
				"readyReplicas":      ready,
			},
		})
}

func controllerRevision(name string, number, created, changed int, version string) *unstructured.Unstructured {
	return obj(
		"apps/v1",
		"ControllerRevision",
		name,
		object{
			"creationTimestamp": minute(created),
			"ownerReferences":   owned("StatefulSet"),
			"managedFields": []any{
				object{
					"manager":    "kube-controller-manager",
					"operation":  "Update",
					"time":       minute(changed),
					"fieldsType": "FieldsV1",
					"fieldsV1":   object{"f:revision": object{}},
				},
			},
		},
		object{"revision": int64(number), "data": object{"spec": object{"template": func() object {
			t := pods(version, nil)
			t["$patch"] = "replace"
			return t
		}()}}},
	)
}

var listKinds = map[schema.GroupVersionResource]string{
	cluster.Deployments: "DeploymentList", cluster.StatefulSets: "StatefulSetList", cluster.ReplicaSets: "ReplicaSetList",
	cluster.ControllerRevisions: "ControllerRevisionList", cluster.ArgoRollouts: "RolloutList",
}

// fakeCluster is a API server in memory.
func fakeCluster(objects ...*unstructured.Unstructured) *fake.FakeDynamicClient {
	all := make([]runtime.Object, len(objects))
	for i, o := range objects {
		all[i] = o
	}
	return fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), listKinds, all...)
}

// collector reads a fake cluster.
func collector(t *testing.T, client *fake.FakeDynamicClient, change func(*Config)) *Collector {
	t.Helper()
	cfg := Config{Source: "k8s", ArgoRollouts: true}
	if change != nil {
		change(&cfg)
	}
	c, err := New(
		cfg,
		Options{
			Options:  source.Options{Now: func() time.Time { return noon.Add(24 * time.Hour) }},
			Client:   client,
			Settle:   time.Millisecond,
			Patience: 10 * time.Second,
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// collect lists and collects the scope payment once.
func collect(t *testing.T, m *collecttest.Writer, change func(*Config), objects ...*unstructured.Unstructured) {
	t.Helper()
	c := collector(t, fakeCluster(objects...), change)
	scopes, err := c.Scopes(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	for _, scope := range scopes {
		if err := c.Collect(t.Context(), scope, m); err != nil {
			t.Fatal(err)
		}
	}
}

// deployed returns a stored deployment; the zero value when there is none.
func deployed(w *collecttest.Writer, id string) event.Deployment {
	return collecttest.Stored[event.Deployment](w)[id]
}

// readerOf reads objects as a collector does.
func readerOf(c *Collector) workload.Reader {
	return workload.NewReader(c.cfg.ServiceLabels, c.cfg.CommitAnnotation, c.Unrecognized)
}
