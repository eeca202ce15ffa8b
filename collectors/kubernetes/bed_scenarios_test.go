//go:build kubernetesbed

package kubernetes

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/kubernetes/cluster"
	"github.com/dxctl/dxctl/collectors/kubernetes/workload"
	"github.com/dxctl/dxctl/event"
	"golang.org/x/sync/errgroup"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// CollectCrowd and ServeCrowd collect a cluster into a real store and return how long it took. load_test.go sets them:
// it may import the Runner, which imports this package.
var CollectCrowd, ServeCrowd func(t testing.TB, kubeconfig, namespace string, services int) time.Duration

// TestOnARealServer runs the collector's scenarios against one control plane.
func TestOnARealServer(t *testing.T) {
	b := startBed(t)
	for _, tc := range []struct {
		name string
		run  func(t *testing.T, b *bed)
	}{
		{"update and rollback", updateAndRollback},
		{"update and rollback that nobody watched", unwatched},
		{"pause", pause},
		{"abort", abort},
		{"watch cut", watchCut},
		{"expired version", expired},
		{"quick StatefulSet", quickStatefulSet},
		{"missing rights", missingRights},
		{"deleted", deletedWorkload},
		{"3,000 Deployments", thousands},
		{"no Argo Rollouts", withoutRollouts},
		{"Argo Rollouts", argo},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.run(t, b) })
	}
}

// aSecond passes, because the server's times have that precision.
func aSecond() { time.Sleep(1100 * time.Millisecond) }

// updateAndRollbackOf is a first version by helm, another by kubectl-set, and back to the first by kubectl-rollout,
// with changes outside the template in between.
func updateAndRollbackOf(p *place) {
	p.deploy("helm", workloadOf("apps/v1", "Deployment", "1"))
	p.reached(1)
	aSecond()
	p.setImage("kubectl-set", "2")
	p.reached(2)
	aSecond()
	// helm owns fields of the template too
	p.patch("helm", types.MergePatchType, object{"metadata": object{"labels": object{"touched": "yes"}}})
	p.patch("kubectl-scale", types.MergePatchType, object{"spec": object{"replicas": int64(3)}})
	p.reached(2)
	aSecond()
	p.undo("kubectl-rollout", 1)
	p.reached(3)
}

func updateAndRollback(t *testing.T, b *bed) {
	p := b.scenario(t, "update", readerToken, cluster.Deployments)
	p.watch()
	updateAndRollbackOf(p)
	complete(t, p.becomes(3, event.Succeeded), "kubectl-rollout")
	complete(t, storedRollout(p.m, 2), "kubectl-set")
	complete(t, storedRollout(p.m, 1), "helm")
	if e := storedRollout(p.m, 3); e.RollbackOf != storedRollout(p.m, 2).ID || e.Version != "1" {
		t.Errorf("the rollback: %+v", e)
	}
}

func unwatched(t *testing.T, b *bed) {
	p := b.scenario(t, "unwatched", readerToken, cluster.Deployments)
	updateAndRollbackOf(p)
	if err := p.collectInto(p.m); err != nil {
		t.Fatal(err)
	}
	complete(t, storedRollout(p.m, 3), "kubectl-rollout")
	if e := storedRollout(p.m, 2); e.Status != event.Skipped || e.StartedAt.IsZero() {
		t.Errorf("what nobody saw: %+v", e)
	}
	began := storedRollout(p.m, 3).StartedAt
	aSecond()
	p.patch("kubectl-rollout", types.MergePatchType, object{"metadata": object{"labels": object{"touched": "again"}}})
	fresh := collecttest.NewWriter() // its time is now that of another change, after the end: the beginning is not known
	if err := p.collectInto(fresh); err != nil {
		t.Fatal(err)
	}
	if e := storedRollout(fresh, 3); !e.StartedAt.IsZero() || e.Trigger != "kubectl-rollout" || e.FinishedAt.IsZero() {
		t.Errorf("touched since: %+v", e)
	}
	if err := p.collectInto(p.m); err != nil || !storedRollout(p.m, 3).StartedAt.Equal(began) {
		t.Errorf("what was known before stays: %v %+v", err, storedRollout(p.m, 3))
	}
}

func pause(t *testing.T, b *bed) {
	p := b.scenario(t, "pause", readerToken, cluster.Deployments)
	p.watch()
	p.deploy("helm", workloadOf("apps/v1", "Deployment", "1"))
	p.becomes(1, event.Succeeded)
	p.setImage("kubectl-set", "stuck")
	p.becomes(2, event.Running)
	p.patch("kubectl-pause", types.MergePatchType, object{"spec": object{"paused": true}})
	p.becomes(2, event.Waiting)
	p.patch("kubectl-resume", types.MergePatchType, object{"spec": object{"paused": false}})
	if e := p.becomes(2, event.Running); e.Trigger != "kubectl-set" {
		t.Errorf("trigger %q", e.Trigger)
	}
}

func abort(t *testing.T, b *bed) {
	p := b.scenario(t, "abort", readerToken, cluster.Deployments)
	p.watch()
	p.deploy("helm", workloadOf("apps/v1", "Deployment", "1"))
	p.becomes(1, event.Succeeded)
	p.setImage("kubectl-set", "stuck")
	p.becomes(2, event.Running)
	p.undo("kubectl-rollout", 1)
	complete(t, p.becomes(3, event.Succeeded), "kubectl-rollout")
	if e := p.becomes(2, event.Cancelled); e.FinishedAt.IsZero() || !e.FinishedAt.Equal(storedRollout(p.m, 3).StartedAt) {
		t.Errorf("overtaken: %+v, by %+v", e, storedRollout(p.m, 3))
	}
}

// underWay starts a rollout, cuts the connection, and lets it succeed and another one follow meanwhile.
func underWay(p *place, meanwhile func()) {
	p.watch()
	p.deploy("helm", workloadOf("apps/v1", "Deployment", "1"))
	p.becomes(1, event.Succeeded)
	p.kubelet.held.Store(true)
	p.setImage("kubectl-set", "2")
	p.becomes(2, event.Running)
	p.proxy.cut()
	p.kubelet.held.Store(false)
	p.reached(2)
	p.setImage("kubectl-set", "3")
	p.reached(3)
	meanwhile()
	p.proxy.heal()
	p.becomes(3, event.Succeeded)
}

func watchCut(t *testing.T, b *bed) {
	p := b.scenario(t, "cut", readerToken, cluster.Deployments)
	underWay(p, func() { time.Sleep(5 * time.Second) })
	complete(t, p.becomes(2, event.Succeeded), "kubectl-set") // the server sends what was missed
}

func expired(t *testing.T, b *bed) {
	p := b.scenario(t, "expired", readerToken, cluster.Deployments)
	underWay(p, func() {
		b.server.stop()
		b.startServer() // which has no events from before its start: 410
	})
	if e := p.becomes(2, event.Skipped); !e.FinishedAt.IsZero() {
		t.Errorf("what nobody saw: %+v", e)
	}
}

func quickStatefulSet(t *testing.T, b *bed) {
	p := b.scenario(t, "quick", readerToken, cluster.StatefulSets)
	p.c.opt.Settle = 5 * time.Second // longer than the rollout
	p.watch()
	p.deploy("helm", workloadOf("apps/v1", "StatefulSet", "1"))
	p.becomes(1, event.Succeeded)
	aSecond()
	p.setImage("kubectl-set", "2")
	complete(t, p.becomes(2, event.Succeeded), "kubectl-set")
}

func missingRights(t *testing.T, b *bed) {
	p := b.scenario(t, "rights", barredToken, cluster.Deployments)
	err := p.c.Check(background())
	for _, resource := range []string{"deployments", "statefulsets", "replicasets", "controllerrevisions"} {
		if err == nil || !strings.Contains(err.Error(), "get, list and watch on "+resource+".apps") {
			t.Errorf("the error does not name %s: %v", resource, err)
		}
	}
}

func deletedWorkload(t *testing.T, b *bed) {
	p := b.scenario(t, "deleted", readerToken, cluster.Deployments)
	p.watch()
	p.deploy("helm", workloadOf("apps/v1", "Deployment", "1"))
	p.becomes(1, event.Succeeded)
	p.setImage("kubectl-set", "stuck")
	p.becomes(2, event.Running)
	p.remove()
	p.becomes(2, event.Cancelled)
}

// thousands holds what a cluster of 3,000 services may cost, with the real store: 10 seconds for a collect, 10 to begin
// to serve.
func thousands(t *testing.T, b *bed) {
	b.create(
		namespaces,
		"",
		"test",
		object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": "thousands"}},
	)
	const n = 3000
	var creating errgroup.Group
	creating.SetLimit(20)
	for i := range n {
		creating.Go(func() error {
			o := workloadOf("apps/v1", "Deployment", "1")
			name := fmt.Sprintf("payment%04d", i)
			o["metadata"] = object{"name": name, "labels": object{"app.kubernetes.io/name": name}}
			o["spec"].(object)["replicas"] = int64(0)
			_, err := b.admin.Resource(cluster.Deployments).
				Namespace("thousands").
				Create(background(), &unstructured.Unstructured{Object: o}, metav1.CreateOptions{FieldManager: "helm"})
			return err
		})
	}
	if err := creating.Wait(); err != nil {
		t.Fatal(err)
	}
	reader := workload.NewReader(nil, "", nil)
	eventually(t, 5*time.Minute, "the controllers", func() error {
		list, err := b.admin.Resource(cluster.Deployments).Namespace("thousands").List(background(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, d := range list.Items {
			if reader.Workload(workload.KindDeployment, &d).Verdict.Status != event.Succeeded {
				return fmt.Errorf("%s is under way", d.GetName())
			}
		}
		return nil
	})
	path := t.TempDir() + "/kubeconfig"
	writeFile(t, path, kubeconfigText(b.url(), readerToken, b.certificate()))
	for what, run := range map[string]func(t testing.TB, kubeconfig, namespace string, services int) time.Duration{"collect": CollectCrowd, "serve": ServeCrowd} {
		before := processorTime(t)
		took := run(t, path, "thousands", n)
		used := processorTime(t) - before
		t.Logf(
			"%s of %d Deployments took %s, and %s of processor time",
			what,
			n,
			took.Round(time.Millisecond),
			used.Round(time.Millisecond),
		)
		if took >= 10*time.Second {
			t.Errorf("%s of %d Deployments took more than 10s", what, n)
		}
	}
}

// processorTime is what this process has used so far, the store's engine included.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
