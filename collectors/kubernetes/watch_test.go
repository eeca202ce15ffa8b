package kubernetes

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/kubernetes/cluster"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"

	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
	clienttesting "k8s.io/client-go/testing"
)

// watched is a watch that runs until the test ends, with all scopes in one memory.
type watched struct {
	t      *testing.T
	client *fake.FakeDynamicClient
	c      *Collector
	m      *collecttest.Writer
	stop   context.CancelFunc
	ended  chan error
}

func watching(t *testing.T, m *collecttest.Writer, objects ...*unstructured.Unstructured) *watched {
	t.Helper()
	return watchingOf(t, fakeCluster(objects...), m)
}

func watchingOf(t *testing.T, client *fake.FakeDynamicClient, m *collecttest.Writer) *watched {
	t.Helper()
	w := &watched{t: t, client: client, m: m, ended: make(chan error, 1)}
	w.c = collector(t, w.client, nil)
	ctx, cancel := context.WithCancel(t.Context())
	w.stop = cancel
	go func() { w.ended <- w.c.Watch(ctx, func(string) source.Writer { return m }) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-w.ended:
			if err != nil {
				t.Errorf("Watch: %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("Watch does not end with its context")
		}
	})
	return w
}

func (w *watched) put(resource schema.GroupVersionResource, u *unstructured.Unstructured) {
	w.t.Helper()
	api := w.client.Resource(resource).Namespace(u.GetNamespace())
	_, err := api.Update(w.t.Context(), u, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		_, err = api.Create(w.t.Context(), u, metav1.CreateOptions{})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// until waits for a deployment to be as it should.
func (w *watched) until(id string, right func(event.Deployment) bool) event.Deployment {
	w.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		e := deployed(w.m, id)
		if right(e) {
			return e
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%s: %+v; there are %v", id, e, w.m.Keys(event.KindDeployment))
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func is(s event.Status) func(event.Deployment) bool {
	return func(e event.Deployment) bool { return e.Status == s }
}

func TestWatchStoresARolloutAsItGoes(t *testing.T) {
	w := watching(
		t,
		collecttest.NewWriter(),
		deployment(1, "1.2", progressing("NewReplicaSetAvailable", "True", 1, 2)),
		replicaSet(1, 1, 0, "1.2", nil, ""),
	)
	w.until(id(1), is(event.Succeeded))

	// The Deployment names a revision before its ReplicaSet is shown.
	w.put(cluster.Deployments, deployment(2, "1.3", progressing("NewReplicaSetAvailable", "True", 1, 2)))
	w.put(cluster.ReplicaSets, replicaSet(2, 2, 10, "1.3", nil, ""))
	w.until(id(2), is(event.Running))

	// It is overtaken before it is healthy.
	w.put(cluster.ReplicaSets, replicaSet(3, 3, 20, "1.4", nil, ""))
	w.put(cluster.Deployments, deployment(3, "1.4", progressing("ReplicaSetUpdated", "True", 3, 21)))
	w.until(id(3), is(event.Running))
	if e := w.until(id(2), is(event.Cancelled)); !e.FinishedAt.Equal(at(20)) || e.Version != "1.3" {
		t.Errorf("%+v", e)
	}
	w.put(cluster.Deployments, deployment(3, "1.4", progressing("ProgressDeadlineExceeded", "False", 3, 31)))
	w.until(id(3), is(event.Failed))

	// kubectl rollout undo
	w.put(cluster.ReplicaSets, replicaSet(1, 4, 0, "1.2", nil, "1"))
	w.put(cluster.Deployments, deployment(4, "1.2", progressing("NewReplicaSetAvailable", "True", 1, 41)))
	if e := w.until(id(4), is(event.Succeeded)); e.RollbackOf != id(3) || e.Version != "1.2" {
		t.Errorf("%+v", e)
	}
	if e := deployed(w.m, id(1)); e.Status != event.Succeeded {
		t.Errorf("what it went back to: %+v", e)
	}

	// A concurrent collect reads the same caches and finds nothing new, but writes the ledger.
	before := len(w.client.Actions())
	stored := w.m.Appended()
	scopes, err := w.c.Scopes(t.Context(), w.m)
	if err != nil || len(scopes) != 1 {
		t.Fatalf("%v %v", scopes, err)
	}
	if err := w.c.Collect(t.Context(), scopes[0], w.m); err != nil {
		t.Fatal(err)
	}
	if w.m.Appended() != stored || len(w.client.Actions()) != before || w.m.Ledger(event.KindDeployment).Stored != 4 ||
		w.m.Ledger(event.KindDeployment).Gap() != 0 {
		t.Errorf(
			"%d stored, %d requests, %+v",
			w.m.Appended()-stored,
			len(w.client.Actions())-before,
			w.m.Ledger(event.KindDeployment),
		)
	}
	if err := w.c.Watch(t.Context(), func(string) source.Writer { return w.m }); err == nil ||
		!strings.Contains(err.Error(), "already") {
		t.Errorf("a second watch: %v", err)
	}
	for _, a := range w.client.Actions() {
		// the last two are the test's own
		if verb := a.GetVerb(); verb != "list" && verb != "watch" && verb != "update" && verb != "create" {
			t.Errorf("it asked to %s", verb)
		}
	}
}

func TestWatchEndsWhatIsDeleted(t *testing.T) {
	w := watching(
		t,
		collecttest.NewWriter(),
		deployment(1, "1.2", progressing("ReplicaSetUpdated", "True", 1, 2)),
		replicaSet(1, 1, 0, "1.2", nil, ""),
	)
	w.until(id(1), is(event.Running))
	if err := w.client.Resource(cluster.Deployments).
		Namespace("shop").
		Delete(t.Context(), "payment", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.until(id(1), is(event.Cancelled))
}

func TestWatchTriesAgainWhatCannotBeStored(t *testing.T) {
	for _, failAt := range []int{1, 2} {
		m := collecttest.NewWriter()
		m.FailAt, m.Once = failAt, true
		w := watching(
			t,
			m,
			deployment(1, "1.2", progressing("NewReplicaSetAvailable", "True", 1, 2)),
			replicaSet(1, 1, 0, "1.2", nil, ""),
		)
		w.until(id(1), is(event.Succeeded))
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(2 * time.Millisecond) {
			_, done := m.State(rolloutsStream)
			if done {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the checkpoint is not saved")
			}
		}
		w.stop()
	}
}

func forbidden(resource string) error {
	return apierrors.NewForbidden(schema.GroupResource{Group: "apps", Resource: resource}, "", errors.New("no"))
}

// refuse makes the cluster refuse to list a resource until the returned function is called.
func refuse(client *fake.FakeDynamicClient, resource, namespace string, err error) (allow func()) {
	var allowed atomic.Bool
	client.PrependReactor("list", resource, func(a clienttesting.Action) (bool, runtime.Object, error) {
		return !allowed.Load() && (namespace == "" || a.GetNamespace() == namespace), nil, err
	})
	return func() { allowed.Store(true) }
}

func TestWhatMayNotBeReadIsNamedAndTheRestGoesOn(t *testing.T) {
	healthy := objects{
		deployment(1, "1.2", progressing("NewReplicaSetAvailable", "True", 1, 2)),
		replicaSet(1, 1, 0, "1.2", nil, ""),
	}
	for _, tc := range []struct {
		name, resource string
		err            error
		want           string
	}{
		{"forbidden", "controllerrevisions", forbidden("controllerrevisions"), "give the account the verbs get, list and " +
			"watch on controllerrevisions.apps"},
		{"no Argo Rollouts", "rollouts", apierrors.NewNotFound(schema.GroupResource{Group: "argoproj.io", Resource: "rollouts"}, ""), "set argo_rollouts: false"},
		{"not known", "statefulsets", apierrors.NewUnauthorized("who?"), "credentials are invalid"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			client := fakeCluster(healthy...)
			allow := refuse(client, tc.resource, "", tc.err)
			c, m := collector(t, client, nil), collecttest.NewWriter()
			if err := c.Check(t.Context()); err == nil || !strings.Contains(err.Error(), tc.want) ||
				!strings.HasPrefix(err.Error(), tc.resource) {
				t.Errorf("Check: %v", err)
			}
			scopes, err := c.Scopes(t.Context(), m)
			if want := slices.Sorted(slices.Values([]string{"payment", tc.resource})); err != nil ||
				!slices.Equal(scopes, want) {
				t.Fatalf("scopes %v, want %v; %v", scopes, want, err)
			}
			if err := c.Collect(t.Context(), tc.resource, m); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Collect: %v", err)
			}
			if l := m.Ledger(event.KindDeployment); l.Scope != tc.resource || l.Gap() != 1 ||
				!strings.Contains(l.Note, tc.want) {
				t.Errorf("ledger %+v", l)
			}
			if err := c.Collect(t.Context(), "payment", m); err != nil || deployed(m, id(1)).Status != event.Succeeded {
				t.Errorf("what can be read: %v, %+v", err, collecttest.Stored[event.Deployment](m))
			}
			allow()
			for _, want := range [][]string{{"payment", tc.resource}, {"payment"}} { // once more, to close the gap
				slices.Sort(want)
				if scopes, err := c.Scopes(t.Context(), m); err != nil || !slices.Equal(scopes, want) {
					t.Fatalf("scopes %v, want %v; %v", scopes, want, err)
				}
				if len(want) == 2 {
					if err := c.Collect(
						t.Context(),
						tc.resource,
						m,
					); err != nil || m.Ledger(event.KindDeployment).Scope != tc.resource ||
						m.Ledger(event.KindDeployment).Gap() != 0 {
						t.Errorf("afterwards: %v, ledger %+v", err, m.Ledger(event.KindDeployment))
					}
				}
			}
		})
	}
}

func TestAllMissingRightsAreInOneError(t *testing.T) {
	client := fakeCluster()
	for _, resource := range []string{"deployments", "statefulsets", "replicasets", "controllerrevisions", "rollouts"} {
		refuse(client, resource, "", forbidden(resource))
	}
	c := collector(t, client, nil)
	_, listing := c.Scopes(t.Context(), collecttest.NewWriter())
	for what, err := range map[string]error{"Check": c.Check(t.Context()), "Scopes": listing, "Watch": c.Watch(t.Context(), nil)} {
		for _, resource := range []string{"deployments", "statefulsets", "replicasets", "controllerrevisions", "rollouts"} {
			if err == nil || !strings.Contains(err.Error(), "get, list and watch on "+resource+".") {
				t.Errorf("%s does not name %s: %v", what, resource, err)
			}
		}
	}
}

// TestAForbiddenNamespaceEndsNothing takes away the right to read a namespace in which a rollout is under way.
func TestAForbiddenNamespaceEndsNothing(t *testing.T) {
	elsewhere := func(u *unstructured.Unstructured) *unstructured.Unstructured {
		return set(set(u, "other", "metadata", "namespace"), "other-"+u.GetName(), "metadata", "uid")
	}
	client := fakeCluster(
		deployment(1, "1.2", progressing("ReplicaSetUpdated", "True", 1, 2)),
		replicaSet(1, 1, 0, "1.2", nil, ""),
		elsewhere(deployment(1, "1.2", progressing("ReplicaSetUpdated", "True", 1, 2))),
		set(
			elsewhere(replicaSet(1, 1, 0, "1.2", nil, "")),
			[]any{object{"kind": "Deployment", "uid": "other-payment", "controller": true}},
			"metadata",
			"ownerReferences",
		),
	)
	c, m := collector(t, client, func(c *Config) { c.Namespaces = []string{"shop", "other"} }), collecttest.NewWriter()
	gather := func() error {
		scopes, err := c.Scopes(t.Context(), m)
		for _, s := range scopes {
			err = errors.Join(err, c.Collect(t.Context(), s, m))
		}
		return err
	}
	if err := gather(); err != nil || deployed(m, id(1)).Status != event.Running || m.Number(event.KindDeployment) != 2 {
		t.Fatalf("%v %+v", err, collecttest.Stored[event.Deployment](m))
	}
	allow := refuse(client, "deployments", "shop", forbidden("deployments"))
	if err := gather(); err == nil || !strings.Contains(err.Error(), "deployments in shop: ") {
		t.Errorf("%v", err)
	}
	if e := deployed(m, id(1)); e.Status != event.Running {
		t.Errorf("what cannot be read was ended: %+v", e)
	}
	allow()
	if err := gather(); err != nil || deployed(m, id(1)).Status != event.Running {
		t.Errorf("%v %+v", err, deployed(m, id(1)))
	}
}

func TestWatchGoesOnBesideWhatMayNotBeRead(t *testing.T) {
	client := fakeCluster(
		deployment(1, "1.2", progressing("NewReplicaSetAvailable", "True", 1, 2)),
		replicaSet(1, 1, 0, "1.2", nil, ""),
	)
	refuse(client, "statefulsets", "", forbidden("statefulsets"))
	w := watchingOf(t, client, collecttest.NewWriter())
	w.until(id(1), is(event.Succeeded))
}

func TestAClusterThatNeverAnswers(t *testing.T) {
	client := fakeCluster()
	client.PrependReactor("list", "deployments", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewServiceUnavailable("starting")
	})
	c := collector(t, client, nil)
	c.opt.Patience = 50 * time.Millisecond
	if err := c.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "starting") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Check(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
