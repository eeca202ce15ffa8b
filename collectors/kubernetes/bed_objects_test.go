//go:build kubernetesbed

package kubernetes

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/kubernetes/cluster"
	"github.com/dxctl/dxctl/collectors/kubernetes/workload"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

var (
	podsResource = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	namespaces   = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	roles        = schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"}
	bindings     = schema.GroupVersionResource{
		Group:    "rbac.authorization.k8s.io",
		Version:  "v1",
		Resource: "clusterrolebindings",
	}
)

// kubelet patches pods to ready, but those of an image with the tag stuck, and none while it is held.
type kubelet struct{ held atomic.Bool }

func startKubelet(t *testing.T, client dynamic.Interface) *kubelet {
	k := &kubelet{}
	ctx, cancel := context.WithCancel(background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ; ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
			if k.held.Load() {
				continue
			}
			list, err := client.Resource(podsResource).List(ctx, metav1.ListOptions{})
			if err != nil {
				continue // the server is being started again
			}
			for i := range list.Items {
				k.tend(ctx, client, &list.Items[i])
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return k
}

func (k *kubelet) tend(ctx context.Context, client dynamic.Interface, pod *unstructured.Unstructured) {
	conditions, _, _ := unstructured.NestedSlice(pod.Object, "status", "conditions")
	ready := slices.ContainsFunc(conditions, func(c any) bool {
		return c.(object)["type"] == "Ready" && c.(object)["status"] == "True"
	})
	containers, _, _ := unstructured.NestedSlice(pod.Object, "spec", "containers")
	if ready || len(containers) == 0 ||
		strings.HasSuffix(fmt.Sprint(containers[0].(object)["image"]), ":stuck") {
		return
	}
	now := time.Now().UTC().Format(time.RFC3339)
	status, _ := json.Marshal(object{"status": object{"phase": "Running", "conditions": []any{
		object{
			"type":               "Ready",
			"status":             "True",
			"lastTransitionTime": now,
		},
		object{"type": "ContainersReady", "status": "True", "lastTransitionTime": now},
	}}})
	_, _ = client.Resource(podsResource).
		Namespace(pod.GetNamespace()).
		Patch(ctx, pod.GetName(), types.MergePatchType, status,
			metav1.PatchOptions{FieldManager: "kubelet"}, "status")
	// it may be gone; the next round sees
}

// grant gives the reader what the documentation asks for.
func (b *bed) grant() {
	b.t.Helper()
	rules := []any{
		object{
			"apiGroups": []any{"apps"},
			"resources": []any{"deployments", "statefulsets", "replicasets", "controllerrevisions"},
			"verbs":     []any{"get", "list", "watch"},
		},
		object{"apiGroups": []any{"argoproj.io"}, "resources": []any{"rollouts"}, "verbs": []any{"get", "list", "watch"}},
	}
	b.create(
		roles,
		"",
		"test",
		object{
			"apiVersion": "rbac.authorization.k8s.io/v1",
			"kind":       "ClusterRole",
			"metadata":   object{"name": "dxctl-reader"},
			"rules":      rules,
		},
	)
	b.create(
		bindings,
		"",
		"test",
		object{
			"apiVersion": "rbac.authorization.k8s.io/v1",
			"kind":       "ClusterRoleBinding",
			"metadata":   object{"name": "dxctl-reader"},
			"roleRef":    object{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "dxctl-reader"},
			"subjects":   []any{object{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "reader"}},
		},
	)
}

func (b *bed) create(
	resource schema.GroupVersionResource,
	namespace, manager string,
	o object,
) *unstructured.Unstructured {
	b.t.Helper()
	u, err := b.admin.Resource(resource).
		Namespace(namespace).
		Create(background(), &unstructured.Unstructured{Object: o}, metav1.CreateOptions{FieldManager: manager})
	if err != nil {
		b.t.Fatalf("creating %s: %v", resource.Resource, err)
	}
	return u
}

// place is a namespace of one scenario with one workload in it, and who collects it.
type place struct {
	*bed
	t         *testing.T
	namespace string
	resource  schema.GroupVersionResource
	m         *collecttest.Writer
	c         *Collector
}

// scenario makes a namespace. token is the collector's.
func (b *bed) scenario(t *testing.T, namespace, token string, resource schema.GroupVersionResource) *place {
	t.Helper()
	b.create(
		namespaces,
		"",
		"test",
		object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": namespace}},
	)
	path := t.TempDir() + "/kubeconfig"
	writeFile(t, path, kubeconfigText(b.proxy.url(), token, b.certificate()))
	c, err := New(
		Config{Source: "k8s", Kubeconfig: path, Namespaces: []string{namespace}, ArgoRollouts: resource == cluster.ArgoRollouts},
		Options{Settle: 50 * time.Millisecond, Patience: 20 * time.Second},
	)
	if err != nil {
		t.Fatal(err)
	}
	return &place{bed: b, t: t, namespace: namespace, resource: resource, m: collecttest.NewWriter(), c: c}
}

// watch runs the collector's watch until the test ends.
func (p *place) watch() {
	p.t.Helper()
	ctx, cancel := context.WithCancel(background())
	ended := make(chan error, 1)
	go func() { ended <- p.c.Watch(ctx, func(string) source.Writer { return p.m }) }()
	p.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			p.t.Errorf("Watch: %v", err)
		}
	})
	eventually(p.t, 30*time.Second, "watching", func() error {
		p.c.mu.Lock()
		defer p.c.mu.Unlock()
		if p.c.live == nil {
			return errNotYet
		}
		return nil
	})
}

// collectInto collects everything once into m.
func (p *place) collectInto(m *collecttest.Writer) error {
	scopes, err := p.c.Scopes(background(), m)
	if err != nil {
		return err
	}
	for _, s := range scopes {
		if err := p.c.Collect(background(), s, m); err != nil {
			return err
		}
	}
	return nil
}

// workload is the manifest of the workload payment.
func workloadOf(apiVersion, kind, version string) object {
	labels := object{"app": "payment"}
	spec := object{"replicas": int64(2), "selector": object{"matchLabels": labels}, "template": object{
		"metadata": object{"labels": labels},
		"spec": object{
			"containers": []any{
				object{
					"name":  "payment",
					"image": "payment:" + version,
					"env":   []any{object{"name": "A", "value": "1"}},
					"ports": []any{object{"containerPort": int64(8080), "protocol": "TCP"}},
				},
			},
		},
	}}
	if kind == "StatefulSet" {
		spec["serviceName"], spec["podManagementPolicy"] = "payment", "Parallel"
	}
	return object{
		"apiVersion": apiVersion,
		"kind":       kind,
		"metadata":   object{"name": "payment", "labels": object{"app.kubernetes.io/name": "payment"}},
		"spec":       spec,
	}
}

func (p *place) deploy(manager string, o object) {
	p.t.Helper()
	p.create(p.resource, p.namespace, manager, o)
}

// patch changes the workload as a manager.
func (p *place) patch(manager string, kind types.PatchType, patch any) {
	p.t.Helper()
	text, err := json.Marshal(patch)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.admin.Resource(p.resource).
		Namespace(p.namespace).
		Patch(background(), "payment", kind, text, metav1.PatchOptions{FieldManager: manager}); err != nil {
		p.t.Fatalf("patching as %s: %v", manager, err)
	}
}

// setImage does what kubectl set image does.
func (p *place) setImage(manager, version string) {
	p.t.Helper()
	p.patch(
		manager,
		types.JSONPatchType,
		[]any{object{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "payment:" + version}},
	)
}

// numbersOf returns the numbers that a ReplicaSet has and had.
func numbersOf(rs *unstructured.Unstructured) map[string]bool {
	numbers := map[string]bool{}
	for _, key := range []string{deploymentAnnotation, rolloutAnnotation} {
		for n := range strings.SplitSeq(rs.GetAnnotations()[key]+","+rs.GetAnnotations()[key+"-history"], ",") {
			numbers[n] = true
		}
	}
	return numbers
}

// undo does what kubectl rollout undo does: it replaces the template by that of an old ReplicaSet.
func (p *place) undo(manager string, to int64) {
	p.t.Helper()
	list, err := p.admin.Resource(cluster.ReplicaSets).Namespace(p.namespace).List(background(), metav1.ListOptions{})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, rs := range list.Items {
		if numbersOf(&rs)[fmt.Sprint(to)] {
			template, _, _ := unstructured.NestedMap(rs.Object, "spec", "template")
			labels, _, _ := unstructured.NestedMap(template, "metadata", "labels")
			delete(labels, "pod-template-hash")
			delete(labels, "rollouts-pod-template-hash")
			if err := unstructured.SetNestedMap(template, labels, "metadata", "labels"); err != nil {
				p.t.Fatal(err)
			}
			p.patch(manager, types.JSONPatchType, []any{object{"op": "replace", "path": "/spec/template", "value": template}})
			return
		}
	}
	p.t.Fatalf("there is no revision %d", to)
}

func (p *place) object() *unstructured.Unstructured {
	p.t.Helper()
	u, err := p.admin.Resource(p.resource).Namespace(p.namespace).Get(background(), "payment", metav1.GetOptions{})
	if err != nil {
		p.t.Fatal(err)
	}
	return u
}

// reached waits until the controllers have finished the rollout of a revision.
func (p *place) reached(revision int) {
	p.t.Helper()
	eventually(p.t, 60*time.Second, fmt.Sprintf("revision %d", revision), func() error {
		u, err := p.admin.Resource(p.resource).Namespace(p.namespace).Get(background(), "payment", metav1.GetOptions{})
		if err != nil {
			return err
		}
		kind := strings.ToLower(u.GetKind())
		w := readerOf(p.c).Workload(kind, u)
		if kind != workload.KindStatefulSet && w.Current != fmt.Sprint(revision) || !w.Observed ||
			w.Verdict.Status != event.Succeeded {
			return fmt.Errorf("it is at %s, %s", w.Current, w.Verdict.Status)
		}
		return nil
	})
}

// storedRollout returns what is stored of a revision; the zero value when nothing is.
func storedRollout(m *collecttest.Writer, revision int) event.Deployment {
	for _, id := range m.Keys(event.KindDeployment) {
		if strings.HasSuffix(id, fmt.Sprint("/", revision)) {
			return deployed(m, id)
		}
	}
	return event.Deployment{}
}

// becomes waits until a revision is stored as it should be.
func (p *place) becomes(revision int, status event.Status) event.Deployment {
	p.t.Helper()
	eventually(p.t, 60*time.Second, fmt.Sprintf("revision %d is to be %s", revision, status), func() error {
		if e := storedRollout(p.m, revision); e.Status != status {
			return fmt.Errorf("stored is %q: %+v", e.Status, e)
		}
		return nil
	})
	return storedRollout(p.m, revision)
}

// complete checks that a succeeded rollout has all its times in order, and who began it.
func complete(t *testing.T, e event.Deployment, trigger string) {
	t.Helper()
	if e.Status != event.Succeeded || e.Trigger != trigger {
		t.Errorf("%s: status %s, trigger %q, want succeeded by %q", e.ID, e.Status, e.Trigger, trigger)
	}
	if e.CreatedAt.IsZero() || e.StartedAt.IsZero() || e.FinishedAt.IsZero() || e.FinishedAt.Before(e.StartedAt) ||
		e.StartedAt.Before(e.CreatedAt) ||
		time.Since(e.StartedAt) > 10*time.Minute {
		t.Errorf("%s: created %s, started %s, finished %s", e.ID, e.CreatedAt, e.StartedAt, e.FinishedAt)
	}
}

// remove deletes the workload.
func (p *place) remove() {
	p.t.Helper()
	if err := p.admin.Resource(p.resource).
		Namespace(p.namespace).
		Delete(background(), "payment", metav1.DeleteOptions{}); err != nil {
		p.t.Fatal(err)
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// kubeconfigText is a kubeconfig for a server whose certificate signs itself.
func kubeconfigText(server, token string, authority []byte) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: bed
clusters: [{name: bed, cluster: {server: %q, certificate-authority-data: %s}}]
users: [{name: bed, user: {token: %s}}]
contexts: [{name: bed, context: {cluster: bed, user: bed}}]
`, server, base64.StdEncoding.EncodeToString(authority), token)
}

// deepJSON turns what YAML has into what the API's objects hold.
func deepJSON(t *testing.T, o object) object {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	return u.Object
}
