package kubernetes

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/kubernetes/cluster"
	"github.com/dxctl/dxctl/collectors/kubernetes/workload"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// These tests play what a real API server and its controllers (1.34) were seen to send; bed_scenarios_test.go has the
// scenarios on the server itself.

// entry is an entry of the managed fields.
func entry(manager string, minutes int, fieldsV1 string) any {
	var fields object
	if err := json.Unmarshal([]byte(fieldsV1), &fields); err != nil {
		panic(err)
	}
	return object{
		"manager":    manager,
		"operation":  "Update",
		"apiVersion": "apps/v1",
		"time":       minute(minutes),
		"fieldsType": "FieldsV1",
		"fieldsV1":   fields,
	}
}

func ofStatus(minutes int) any {
	e := entry(
		"kube-controller-manager",
		minutes,
		`{"f:metadata":{"f:annotations":{".":{},"f:deployment.kubernetes.io/revision":{}}},"f:status":{"f:conditions":{},"f:replicas":{}}}`,
	)
	e.(object)["subresource"] = "status"
	return e
}

const (
	ownsAllButTheImage = `{"f:metadata":{"f:labels":{".":{},"f:touched":{}}},"f:spec":{"f:template":{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"payment\"}":{".":{},"f:name":{},"f:env":{".":{},"k:{\"name\":\"A\"}":{".":{},"f:name":{},"f:value":{}}}},"k:{\"name\":\"proxy\"}":{".":{},"f:image":{},"f:name":{}}}}}}}`
	ownsTheImage       = `{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"payment\"}":{"f:image":{}}}}}}}`
	ownsTheReplicas    = `{"f:spec":{"f:replicas":{}}}`
)

func managedBy(u *unstructured.Unstructured, entries ...any) *unstructured.Unstructured {
	return set(u, entries, "metadata", "managedFields")
}

func TestWhoChangedTheTemplateAndWhen(t *testing.T) {
	one, two, back := replicaSet(1, 1, 0, "1.2", nil, ""), replicaSet(
		2,
		2,
		10,
		"1.3",
		nil,
		"",
	), replicaSet(1, 3, 0, "1.2", nil, "1")
	annotated := replicaSet(2, 2, 10, "1.2", object{"checksum/config": "2"}, "")
	second := func(version string) *unstructured.Unstructured {
		return deployment(2, version, progressing("NewReplicaSetAvailable", "True", 2, 12))
	}
	third := deployment(3, "1.2", progressing("NewReplicaSetAvailable", "True", 1, 21))
	for _, tc := range []struct {
		name    string
		objects objects
		id      string
		trigger string
		began   int // minutes; -1: not known
	}{
		{"kubectl rollout undo", objects{managedBy(third, entry("helm", 15, ownsAllButTheImage), entry("kubectl-scale", 16, ownsTheReplicas),
			entry("kubectl-rollout", 20, ownsTheImage), ofStatus(21)), back, two}, id(3), "kubectl-rollout", 20},
		{"an undo, and helm touched a label since", objects{managedBy(third, entry("helm", 90, ownsAllButTheImage),
			entry("kubectl-rollout", 20, ownsTheImage), ofStatus(91)), back, two}, id(3), "kubectl-rollout", 20},
		{"an undo, and its manager touched a label since", objects{managedBy(third, entry("helm", 0, ownsAllButTheImage),
			entry("kubectl-rollout", 90, ownsTheImage), ofStatus(91)), back, two}, id(3), "kubectl-rollout", -1},
		{"an undo whose manager is not distinguished from the time before", objects{managedBy(third, entry("helm", 5, ownsTheImage), ofStatus(21)), back, two}, id(3), "helm", -1},
		{"a new image, and helm touched a label since", objects{managedBy(second("1.3"), entry("helm", 90, ownsAllButTheImage),
			entry("kubectl-set", 10, ownsTheImage), ofStatus(91)), one, two}, id(2), "kubectl-set", 10},
		{"a new image, and both touched something since", objects{managedBy(second("1.3"), entry("helm", 95, ownsAllButTheImage),
			entry("kubectl-set", 90, ownsTheImage), ofStatus(95)), one, two}, id(2), "kubectl-set", 10},
		{"two own the image, as with server-side apply", objects{managedBy(second("1.3"), entry("kubectl-set", 10, ownsTheImage),
			entry("argocd", 60, ownsTheImage), ofStatus(60)), one, two}, id(2), "kubectl-set", 10},
		{"something is removed, by who changed something then", objects{managedBy(second("1.2"), entry("helm", 10, ownsAllButTheImage), entry("kubectl-set", 0, ownsTheImage), ofStatus(12)),
			replicaSet(1, 1, 0, "1.2", object{"checksum/config": "1"}, ""), replicaSet(2, 2, 10, "1.2", nil, "")}, id(2), "helm", 10},
		{"something is removed, by who owns nothing", objects{managedBy(second("1.2"), entry("helm", -9, ownsAllButTheImage), entry("kubectl-set", -5, ownsTheImage), ofStatus(12)),
			replicaSet(1, 1, 0, "1.2", object{"checksum/config": "1"}, ""), replicaSet(2, 2, 10, "1.2", nil, "")}, id(2), "", 10},
		{"an annotation of the pods", objects{managedBy(second("1.2"), entry("kubectl-set", 9, ownsTheImage),
			entry("vault", 10, `{"f:spec":{"f:template":{"f:metadata":{"f:annotations":{".":{},"f:checksum/config":{}}}}}}`), ofStatus(12)), one, annotated}, id(2), "vault", 10},
		{"the first revision", objects{managedBy(deployment(1, "1.2", progressing("NewReplicaSetAvailable", "True", 1, 2)), entry("helm", 90, ownsTheImage), ofStatus(2)), one}, id(1), "helm", 0},
		{"fields in no known form", objects{managedBy(second("1.3"), entry("kubectl-set", 10, ownsTheImage), entry("odd", 11, `{"f:spec":{"f:template":["f:spec"]}}`)), one, two}, id(2), "kubectl-set", 10},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := collecttest.NewWriter()
			collect(t, m, nil, tc.objects...)
			e := deployed(m, tc.id)
			want := time.Time{}
			if tc.began >= 0 {
				want = at(tc.began)
			}
			if e.Trigger != tc.trigger || !e.StartedAt.Equal(want) || !e.CreatedAt.Equal(want) || e.Status != event.Succeeded ||
				e.FinishedAt.IsZero() {
				t.Errorf("trigger %q, began %s; want %q, %s; %+v", e.Trigger, e.StartedAt, tc.trigger, want, e)
			}
		})
	}
}

// TestWhatSawAnUndoBeginIsKept: once the beginning is known, what the manager does later changes nothing.
func TestWhatSawAnUndoBeginIsKept(t *testing.T) {
	two, back := replicaSet(2, 2, 10, "1.3", nil, ""), replicaSet(1, 3, 0, "1.2", nil, "1")
	at20 := managedBy(
		deployment(3, "1.2", progressing("ReplicaSetUpdated", "True", 1, 20)),
		entry("kubectl-rollout", 20, ownsTheImage),
		ofStatus(20),
	)
	later := managedBy(
		deployment(3, "1.2", progressing("NewReplicaSetAvailable", "True", 1, 40)),
		entry("kubectl-rollout", 30, ownsTheImage),
		ofStatus(40),
	)
	m := collecttest.NewWriter()
	collect(t, m, nil, at20, back, two)
	collect(t, m, nil, later, back, two)
	if e := deployed(m, id(3)); !e.StartedAt.Equal(at(20)) || !e.FinishedAt.Equal(at(40)) {
		t.Errorf("%+v", e)
	}
}

// TestAnExpiredVersionCancelsNothing cuts the watch while a rollout is under way. When it is taken up the server has no
// events from before (410), and the next rollout is the current one.
func TestAnExpiredVersionCancelsNothing(t *testing.T) {
	s := newAPIServer(t)
	s.put("deployments", deployment(1, "1.2", progressing("ReplicaSetUpdated", "True", 1, 1)))
	s.put("replicasets", replicaSet(1, 1, 0, "1.2", nil, ""))
	c, m := overHTTP(t, s), collecttest.NewWriter()
	c.cfg.Environment = "production"
	ctx, cancel := contextOf(t)
	ended := make(chan error, 1)
	go func() { ended <- c.Watch(ctx, func(string) source.Writer { return m }) }()
	w := &watched{t: t, m: m}
	w.until(id(1), is(event.Running))
	for deadline := time.Now().Add(10 * time.Second); !s.watched(4); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing is watched")
		}
	}
	s.cut()
	s.put("replicasets", replicaSet(2, 2, 10, "1.3", nil, ""))
	s.put("deployments", deployment(2, "1.3", progressing("NewReplicaSetAvailable", "True", 2, 12)))
	s.heal()
	w.until(id(2), is(event.Succeeded))
	w.until(id(1), is(event.Skipped))
	s.put("replicasets", replicaSet(3, 3, 20, "1.4", nil, ""))
	s.put("deployments", deployment(3, "1.4", progressing("NewReplicaSetAvailable", "True", 3, 22)))
	w.until(id(3), is(event.Succeeded)) // later looks do not change it
	if e := deployed(m, id(1)); e.Status != event.Skipped || !e.FinishedAt.IsZero() {
		t.Errorf("%+v", e)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestAQuickRolloutHasAnEnd shows a rollout that begins and ends while changes are gathered.
func TestAQuickRolloutHasAnEnd(t *testing.T) {
	a, b := controllerRevision("payment-a", 1, 0, 0, "1.2"), controllerRevision("payment-b", 2, 10, 10, "1.3")
	status := func(u *unstructured.Unstructured, minutes int) *unstructured.Unstructured {
		return managedBy(u, ofStatus(minutes))
	}
	client := fakeCluster(status(statefulSet("payment-a", 3, 3), 5), a)
	w := &watched{t: t, client: client, m: collecttest.NewWriter(), ended: make(chan error, 1)}
	w.c = collector(t, client, func(c *Config) { c.ServiceLabels = []string{"none"} })
	w.c.opt.Settle = 200 * time.Millisecond
	ctx, cancel := contextOf(t)
	go func() { w.ended <- w.c.Watch(ctx, func(string) source.Writer { return w.m }) }()
	if e := w.until(stsID(1), is(event.Succeeded)); !e.FinishedAt.IsZero() {
		t.Errorf("nobody saw the end of %+v", e)
	}
	w.put(cluster.ControllerRevisions, b)
	w.put(cluster.StatefulSets, status(statefulSet("payment-b", 1, 3), 11))
	w.put(cluster.StatefulSets, status(statefulSet("payment-b", 3, 3), 15))
	w.put(cluster.StatefulSets, status(statefulSet("payment-b", 3, 2), 90)) // a pod that is not ready later
	if e := w.until(stsID(2), is(event.Succeeded)); !e.FinishedAt.Equal(at(15)) {
		t.Errorf("%+v", e)
	}
	cancel()
	if err := <-w.ended; err != nil {
		t.Error(err)
	}
}

// TestAChangeDuringALookIsNotLost lets something change between the moment at which the queue is emptied and the moment
// at which the caches are read.
func TestAChangeDuringALookIsNotLost(t *testing.T) {
	client := fakeCluster(
		deployment(1, "1.2", progressing("ReplicaSetUpdated", "True", 1, 2)),
		replicaSet(1, 1, 0, "1.2", nil, ""),
	)
	w := &watched{t: t, client: client, m: collecttest.NewWriter()}
	c := collector(t, client, nil)
	k, err := c.cluster.Caches()
	if err != nil {
		t.Fatal(err)
	}
	q := newQueue()
	if err := k.Notify(q); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := contextOf(t)
	wait := k.Run(ctx)
	if err := k.Fill(ctx); err != nil {
		t.Fatal(err)
	}
	queued := func() bool {
		q.mu.Lock()
		defer q.mu.Unlock()
		return q.now.scopes["payment"]
	}
	asked := 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.follow(
			ctx,
			k,
			q,
			func(string) source.Writer { //nolint:contextcheck // what the test changes is not part of the look
				if asked++; asked == 1 {
					w.put(cluster.Deployments, deployment(1, "1.2", progressing("NewReplicaSetAvailable", "True", 1, 3)))
					for deadline := time.Now().Add(10 * time.Second); !queued() && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
					}
					if !queued() {
						t.Error("a change after the queue was emptied is not in it")
					}
				}
				return w.m
			},
		)
	}()
	w.until(id(1), is(event.Succeeded))
	cancel()
	<-done
	wait()
}

func TestADeletionThatNobodySawCancelsNothing(t *testing.T) {
	d := deployment(1, "1.2", progressing("ReplicaSetUpdated", "True", 1, 2))
	for _, tc := range []struct {
		name   string
		wrap   func(*workload.Workload) any
		status event.Status
	}{
		{"seen", func(w *workload.Workload) any { return w }, event.Cancelled},
		{"missed", func(w *workload.Workload) any { return cache.DeletedFinalStateUnknown{Key: "shop/payment", Obj: w} }, event.Skipped},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := collecttest.NewWriter()
			collect(t, m, nil, d, replicaSet(1, 1, 0, "1.2", nil, ""))
			c := collector(t, fakeCluster(), nil)
			k, err := c.cluster.Caches()
			if err != nil {
				t.Fatal(err)
			}
			q := newQueue()
			k.Handler(q).OnDelete(tc.wrap(readerOf(c).Workload(workload.KindDeployment, d)))
			if err := c.look(t.Context(), k, "payment", q.take().gone["payment"], m); err != nil {
				t.Fatal(err)
			}
			if e := deployed(m, id(1)); e.Status != tc.status {
				t.Errorf("%+v", e)
			}
		})
	}
}

// TestOneBadWorkloadDoesNotBlockItsNeighbors has, in one service, one whose environment is longer than an event may
// say.
func TestOneBadWorkloadDoesNotBlockItsNeighbors(t *testing.T) {
	bad := set(
		renamed(deployment(1, "1.2"), "bad"),
		object{"app.kubernetes.io/name": "payment", "env": strings.Repeat("x", 1<<20)},
		"metadata",
		"labels",
	)
	bads := renamed(replicaSet(1, 1, 0, "1.2", nil, ""), "bad-1")
	bads.SetOwnerReferences([]metav1.OwnerReference{{Kind: "Deployment", UID: types.UID("bad"), Controller: new(true)}})
	odd := set(renamed(deployment(1, "1.2"), "odd"), "neither map nor list", "spec", "template")
	good := objects{
		deployment(1, "1.2", progressing("NewReplicaSetAvailable", "True", 1, 2)),
		replicaSet(1, 1, 0, "1.2", nil, ""),
	}
	byLabel := func(c *Config) { c.Environments = []workload.EnvironmentRule{{Label: "env"}} }
	m := collecttest.NewWriter()
	c := collector(t, fakeCluster(slices.Concat(objects{bad, bads, odd}, good)...), byLabel)
	for range 2 { // it is tried again
		if _, err := c.Scopes(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		err := c.Collect(t.Context(), "payment", m)
		if err == nil || !strings.Contains(err.Error(), "shop/deployment/bad@bad/1") {
			t.Errorf("what failed is not named: %v", err)
		}
		if got := m.Keys(
			event.KindDeployment,
		); !slices.Equal(got, []string{id(1)}) || m.Ledger(event.KindDeployment).Gap() != 1 ||
			!strings.Contains(m.Ledger(event.KindDeployment).Note, "bad@bad/1") {
			t.Errorf("stored %v, ledger %+v", got, m.Ledger(event.KindDeployment))
		}
	}
	collect(
		t,
		m,
		nil,
		slices.Concat(objects{set(bad, object{"app.kubernetes.io/name": "payment"}, "metadata", "labels"), bads}, good)...)
	if got := m.Keys(event.KindDeployment); len(got) != 2 || m.Ledger(event.KindDeployment).Gap() != 0 {
		t.Errorf("stored %v, ledger %+v", got, m.Ledger(event.KindDeployment))
	}
}

// TestAWorkloadThatComesBackIsNotStoredAnew: rights or a selector took it away for a while.
func TestAWorkloadThatComesBackIsNotStoredAnew(t *testing.T) {
	other := set(
		set(statefulSet("x", 0, 0), "other", "metadata", "name"),
		object{"app.kubernetes.io/name": "payment"},
		"metadata",
		"labels",
	)
	one, two := replicaSet(1, 1, 0, "1.2", nil, ""), replicaSet(2, 2, 10, "1.3", nil, "")
	m := collecttest.NewWriter()
	m.Accept = true
	collect(t, m, nil, deployment(1, "1.2", progressing("NewReplicaSetAvailable", "True", 1, 2)), one, other)
	collect(t, m, nil, deployment(2, "1.3", progressing("ReplicaSetUpdated", "True", 2, 11)), one, two, other)
	collect(t, m, nil, other)
	check(t, m, map[string]outcome{id(1): {event.Succeeded, 0, 2, "1.2", ""}, id(2): {event.Skipped, 10, -1, "1.3", ""}})
	collect(t, m, nil, deployment(2, "1.3", progressing("NewReplicaSetAvailable", "True", 2, 12)), one, two, other)
	check(t, m, map[string]outcome{id(1): {event.Succeeded, 0, 2, "1.2", ""}, id(2): {event.Succeeded, 10, 12, "1.3", ""}})
}
