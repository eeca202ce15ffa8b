package kubernetes

import (
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/kubernetes/workload"
	"github.com/dxctl/dxctl/event"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type objects = []*unstructured.Unstructured

func set(u *unstructured.Unstructured, v any, fields ...string) *unstructured.Unstructured {
	u = u.DeepCopy()
	if err := unstructured.SetNestedField(u.Object, v, fields...); err != nil {
		panic(err)
	}
	return u
}

func TestARolloutOfADeployment(t *testing.T) {
	m := collecttest.NewWriter()
	d := set(deployment(2, "1.3", progressing("NewReplicaSetAvailable", "True", 2, 12)), []any{
		object{
			"manager":    "kubectl-set",
			"operation":  "Update",
			"time":       minute(10),
			"fieldsType": "FieldsV1",
			"fieldsV1":   object{"f:spec": object{"f:template": object{}}},
		},
		object{
			"manager":    "helm",
			"operation":  "Update",
			"time":       minute(5),
			"fieldsType": "FieldsV1",
			"fieldsV1":   object{"f:spec": object{"f:template": object{}}},
		},
	}, "metadata", "managedFields")
	collect(
		t,
		m,
		func(c *Config) { c.Environment = "production" },
		d,
		replicaSet(1, 1, 0, "1.2", nil, ""),
		replicaSet(2, 2, 10, "1.3", nil, ""),
	)
	want := map[string]event.Deployment{
		id(1): {
			Origin:      event.Origin{Source: "k8s", Provider: "kubernetes", Scope: "payment", ID: id(1)},
			Attempt:     1,
			Environment: "production",
			Status:      event.Skipped,
			CreatedAt:   noon,
			StartedAt:   noon,
			Version:     "1.2",
		},
		id(2): {
			Origin:      event.Origin{Source: "k8s", Provider: "kubernetes", Scope: "payment", ID: id(2)},
			Attempt:     1,
			Environment: "production",
			Status:      event.Succeeded,
			StatusRaw:   "NewReplicaSetAvailable",
			CreatedAt:   at(10),
			StartedAt:   at(10),
			FinishedAt:  at(12),
			Version:     "1.3",
			Trigger:     "kubectl-set",
		},
	}
	if !maps.Equal(collecttest.Stored[event.Deployment](m), want) {
		t.Errorf("got  %+v\nwant %+v", collecttest.Stored[event.Deployment](m), want)
	}
	if l := m.Ledger(event.KindDeployment); l.Scope != "payment" || l.Expected != 2 || l.Stored != 2 || l.Note != "" {
		t.Errorf("%+v", l)
	}
}

type outcome struct {
	status              event.Status
	began, ended        int // minutes; -1: not known
	version, rollbackOf string
}

func check(t *testing.T, m *collecttest.Writer, want map[string]outcome) {
	t.Helper()
	got := map[string]outcome{}
	minutes := func(at time.Time) int {
		if at.IsZero() {
			return -1
		}
		return int(at.Sub(noon).Minutes())
	}
	for k, e := range collecttest.Stored[event.Deployment](m) {
		got[k] = outcome{e.Status, minutes(e.StartedAt), minutes(e.FinishedAt), e.Version, e.RollbackOf}
	}
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestRolloutsOfADeployment(t *testing.T) {
	one, two := replicaSet(1, 1, 0, "1.2", nil, ""), replicaSet(2, 2, 10, "1.3", nil, "")
	past := outcome{event.Skipped, 0, -1, "1.2", ""}
	began := []any{
		object{"manager": "kube-controller-manager", "operation": "Update", "time": minute(20), "fieldsType": "FieldsV1",
			"fieldsV1": object{"f:metadata": object{"f:annotations": object{"f:" + deploymentAnnotation: object{}}}}},
	}
	complete := func(u *unstructured.Unstructured) *unstructured.Unstructured {
		for _, f := range []string{"replicas", "updatedReplicas", "availableReplicas"} {
			u = set(u, int64(2), "status", f)
		}
		return u
	}
	for _, tc := range []struct {
		name  string
		looks []objects
		want  map[string]outcome
	}{
		{"it runs", []objects{{deployment(2, "1.3", progressing("ReplicaSetUpdated", "True", 2, 11)), one, two}},
			map[string]outcome{id(1): past, id(2): {event.Running, 10, -1, "1.3", ""}}},
		{"it ran and is healthy", []objects{
			{deployment(2, "1.3", progressing("ReplicaSetUpdated", "True", 2, 11)), one, two},
			{deployment(2, "1.3", progressing("NewReplicaSetAvailable", "True", 2, 13)), one, two},
		}, map[string]outcome{id(1): past, id(2): {event.Succeeded, 10, 13, "1.3", ""}}},
		{"the deadline is exceeded", []objects{{deployment(2, "1.3", progressing("ProgressDeadlineExceeded", "False", 2, 20)), one, two}},
			map[string]outcome{id(1): past, id(2): {event.Failed, 10, 20, "1.3", ""}}},
		{"late, but healthy", []objects{
			{deployment(2, "1.3", progressing("ProgressDeadlineExceeded", "False", 2, 20)), one, two},
			{deployment(2, "1.3", progressing("ReplicaSetUpdated", "True", 2, 21)), one, two},
			{deployment(2, "1.3", progressing("NewReplicaSetAvailable", "True", 2, 22)), one, two},
		}, map[string]outcome{id(1): past, id(2): {event.Succeeded, 10, 22, "1.3", ""}}},
		{"failed, then the next one", []objects{
			{deployment(1, "1.2", progressing("ProgressDeadlineExceeded", "False", 1, 9)), one},
			{deployment(2, "1.3", progressing("NewReplicaSetAvailable", "True", 2, 12)), one, two},
		}, map[string]outcome{id(1): {event.Failed, 0, 9, "1.2", ""}, id(2): {event.Succeeded, 10, 12, "1.3", ""}}},
		{"nobody saw how it ended", []objects{
			{deployment(1, "1.2", progressing("ReplicaSetUpdated", "True", 1, 1)), one},
			{deployment(2, "1.3", progressing("NewReplicaSetAvailable", "True", 2, 12)), one, two},
		}, map[string]outcome{id(1): past, id(2): {event.Succeeded, 10, 12, "1.3", ""}}},
		{"pods that die later make it no failure", []objects{
			{deployment(1, "1.2", progressing("NewReplicaSetAvailable", "True", 1, 2)), one},
			{deployment(1, "1.2", progressing("ProgressDeadlineExceeded", "False", 1, 90)), one},
		}, map[string]outcome{id(1): {event.Succeeded, 0, 2, "1.2", ""}}},
		{"the condition is still about the one before", []objects{{deployment(2, "1.3", progressing("NewReplicaSetAvailable", "True", 1, 2)), one, two}},
			map[string]outcome{id(1): past, id(2): {event.Running, 10, -1, "1.3", ""}}},
		{"paused", []objects{{set(deployment(1, "1.2", object{"type": "Progressing", "status": "Unknown", "reason": "DeploymentPaused"}), true, "spec", "paused"), one}},
			map[string]outcome{id(1): {event.Waiting, 0, -1, "1.2", ""}}},
		{"without a deadline", []objects{{complete(set(deployment(1, "1.2"), int64(math.MaxInt32), "spec", "progressDeadlineSeconds")), one}},
			map[string]outcome{id(1): {event.Succeeded, 0, -1, "1.2", ""}}},
		{"without a deadline, and the controller is behind", []objects{{set(complete(deployment(1, "1.2")), int64(2), "metadata", "generation"), one}},
			map[string]outcome{id(1): {event.Running, 0, -1, "1.2", ""}}},
		{"the ReplicaSet is not there yet", []objects{{deployment(2, "1.3", progressing("NewReplicaSetAvailable", "True", 1, 2)), one}}, map[string]outcome{}},
		{"the ReplicaSet is there before the Deployment says so", []objects{{deployment(1, "1.2", progressing("NewReplicaSetAvailable", "True", 1, 2)), one, two}},
			map[string]outcome{id(1): {event.Succeeded, 0, 2, "1.2", ""}}},
		{"scaled", []objects{
			{deployment(1, "1.2", progressing("NewReplicaSetAvailable", "True", 1, 2)), one},
			{set(set(deployment(1, "1.2", progressing("NewReplicaSetAvailable", "True", 1, 2)), int64(9), "spec", "replicas"), int64(2), "metadata", "generation"), one},
		}, map[string]outcome{id(1): {event.Succeeded, 0, 2, "1.2", ""}}},
		{"gone back to what ran before", []objects{{set(deployment(3, "1.2", progressing("NewReplicaSetAvailable", "True", 1, 21)), began, "metadata", "managedFields"),
			replicaSet(1, 3, 0, "1.2", nil, "1"), two}},
			map[string]outcome{id(1): past, id(2): {event.Skipped, 10, -1, "1.3", ""}, id(3): {event.Succeeded, 20, 21, "1.2", id(2)}}},
		{"gone back, and nothing says when", []objects{{deployment(3, "1.2", progressing("NewReplicaSetAvailable", "True", 1, 21)), replicaSet(1, 3, 0, "1.2", nil, "1"), two}},
			map[string]outcome{id(1): past, id(2): {event.Skipped, 10, -1, "1.3", ""}, id(3): {event.Succeeded, -1, 21, "1.2", id(2)}}},
		{"a restart deploys nothing", []objects{{deployment(2, "1.2", progressing("NewReplicaSetAvailable", "True", 2, 12)), one,
			replicaSet(2, 2, 10, "1.2", object{restartAnnotation: minute(10)}, "")}}, map[string]outcome{id(1): past}},
		{"a restart, and then another version", []objects{
			{deployment(2, "1.2", progressing("NewReplicaSetAvailable", "True", 2, 12)), one, replicaSet(2, 2, 10, "1.2", object{restartAnnotation: minute(10)}, "")},
			{deployment(3, "1.3", progressing("NewReplicaSetAvailable", "True", 3, 22)), replicaSet(2, 2, 10, "1.2", object{restartAnnotation: minute(10)}, ""), replicaSet(3, 3, 20, "1.3", nil, "")},
		}, map[string]outcome{id(1): past, id(3): {event.Succeeded, 20, 22, "1.3", ""}}},
		{"deleted while it ran", []objects{
			{deployment(1, "1.2", progressing("ReplicaSetUpdated", "True", 1, 1)), one, set(set(statefulSet("x", 0, 0), "other", "metadata", "name"), object{"app.kubernetes.io/name": "payment"}, "metadata", "labels")},
			{set(set(statefulSet("x", 0, 0), "other", "metadata", "name"), object{"app.kubernetes.io/name": "payment"}, "metadata", "labels")},
		}, map[string]outcome{id(1): past}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := collecttest.NewWriter()
			m.Accept = true // of the deletion of the only Deployment
			for _, objects := range tc.looks {
				collect(t, m, nil, objects...)
				stored := m.Appended()
				collect(t, m, nil, objects...)
				if m.Appended() != stored {
					t.Errorf("collecting twice stored %d more", m.Appended()-stored)
				}
			}
			check(t, m, tc.want)
			if m.Ledger(event.KindDeployment).Gap() != 0 {
				t.Errorf("%+v", m.Ledger(event.KindDeployment))
			}
		})
	}
}

func TestRolloutsOfAStatefulSet(t *testing.T) {
	a, b := controllerRevision("payment-a", 1, 0, 0, "1.2"), controllerRevision("payment-b", 2, 10, 10, "1.3")
	status := func(u *unstructured.Unstructured, n int) *unstructured.Unstructured {
		return set(
			u,
			[]any{
				object{"manager": "kube-controller-manager", "subresource": "status", "operation": "Update", "time": minute(n)},
			},
			"metadata",
			"managedFields",
		)
	}
	past := outcome{event.Skipped, 0, -1, "1.2", ""}
	for _, tc := range []struct {
		name  string
		looks []objects
		want  map[string]outcome
	}{
		{"it runs", []objects{{statefulSet("payment-b", 1, 3), a, b}}, map[string]outcome{stsID(1): past, stsID(2): {event.Running, 10, -1, "1.3", ""}}},
		{"healthy when first seen", []objects{{status(statefulSet("payment-b", 3, 3), 90), a, b}},
			map[string]outcome{stsID(1): past, stsID(2): {event.Succeeded, 10, -1, "1.3", ""}}},
		{"it ran and is healthy", []objects{{statefulSet("payment-b", 1, 3), a, b}, {status(statefulSet("payment-b", 3, 3), 15), a, b}, {status(statefulSet("payment-b", 3, 2), 99), a, b}},
			map[string]outcome{stsID(1): past, stsID(2): {event.Succeeded, 10, 15, "1.3", ""}}},
		{"the part that is wanted", []objects{{set(statefulSet("payment-b", 1, 3), int64(2), "spec", "updateStrategy", "rollingUpdate", "partition"), a, b}},
			map[string]outcome{stsID(1): past, stsID(2): {event.Succeeded, 10, -1, "1.3", ""}}},
		{"somebody has to delete the pods", []objects{{set(statefulSet("payment-b", 1, 3), "OnDelete", "spec", "updateStrategy", "type"), a, b}},
			map[string]outcome{stsID(1): past, stsID(2): {event.Waiting, 10, -1, "1.3", ""}}},
		{"gone back", []objects{{statefulSet("payment-a", 3, 3), controllerRevision("payment-a", 3, 0, 20, "1.2"), b}},
			map[string]outcome{stsID(2): {event.Skipped, 10, -1, "1.3", ""}, stsID(3): {event.Succeeded, 20, -1, "1.2", stsID(2)}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := collecttest.NewWriter()
			for _, objects := range tc.looks {
				collect(t, m, func(c *Config) { c.ServiceLabels = []string{"none"} }, objects...)
			}
			check(t, m, tc.want)
			if m.Ledger(event.KindDeployment).Scope != "shop/statefulset/payment" {
				t.Errorf("scope %s", m.Ledger(event.KindDeployment).Scope)
			}
		})
	}
}

func TestRolloutsOfArgoRollouts(t *testing.T) {
	rollout := func(phase, stable, current string, extra object) *unstructured.Unstructured {
		status := object{"observedGeneration": "1", "phase": phase, "stableRS": stable, "currentPodHash": current}
		for k, v := range extra {
			status[k] = v
		}
		steps := []any{object{"setWeight": int64(20)}, object{"pause": object{"duration": "1h"}}, object{"pause": object{}}}
		return obj("argoproj.io/v1alpha1", "Rollout", "payment", object{"annotations": object{rolloutAnnotation: "2"}},
			object{"spec": object{"strategy": object{"canary": object{"steps": steps}}}, "status": status})
	}
	rs := func(n, created int, version string) *unstructured.Unstructured {
		r := set(replicaSet(n, n, created, version, nil, ""), owned("Rollout"), "metadata", "ownerReferences")
		return set(r, object{rolloutAnnotation: r.GetAnnotations()[deploymentAnnotation]}, "metadata", "annotations")
	}
	for _, tc := range []struct {
		name    string
		rollout *unstructured.Unstructured
		want    outcome
	}{
		{"it runs", rollout("Progressing", "1", "2", nil), outcome{event.Running, 10, -1, "1.3", ""}},
		{"it waits for a time", rollout("Paused", "1", "2", object{"currentStepIndex": int64(1)}), outcome{event.Running, 10, -1, "1.3", ""}},
		{"it waits for a person", rollout("Paused", "1", "2", object{"currentStepIndex": int64(2)}), outcome{event.Waiting, 10, -1, "1.3", ""}},
		{"healthy", rollout("Healthy", "2", "2", object{"conditions": []any{object{"type": "Completed", "status": "True", "lastTransitionTime": minute(19)}}}), outcome{event.Succeeded, 10, 19, "1.3", ""}},
		{"healthy once, degraded since", rollout("Degraded", "2", "2", object{"conditions": []any{object{"type": "Completed", "status": "True", "lastTransitionTime": minute(19)}}}), outcome{event.Succeeded, 10, 19, "1.3", ""}},
		{"aborted", rollout("Degraded", "1", "2", object{"abort": true, "abortedAt": minute(15)}), outcome{event.Failed, 10, 15, "1.3", ""}},
		{"the deadline is exceeded", rollout("Degraded", "1", "2", object{"conditions": []any{object{"type": "Progressing", "status": "False", "lastTransitionTime": minute(30)}}}), outcome{event.Failed, 10, 30, "1.3", ""}},
		{"the abort of the one before is shown for a moment", rollout("Degraded", "1", "2", object{"conditions": []any{object{"type": "Progressing", "status": "False", "reason": "RolloutAborted", "lastTransitionTime": minute(5)}}}), outcome{event.Running, 10, -1, "1.3", ""}},
		{"the status is about the one before", rollout("Healthy", "1", "1", nil), outcome{event.Running, 10, -1, "1.3", ""}},
		{"a word that nobody knows", rollout("Dreaming", "1", "2", nil), outcome{event.Running, 10, -1, "1.3", ""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := collecttest.NewWriter()
			collect(t, m, nil, tc.rollout, rs(1, 0, "1.2"), rs(2, 10, "1.3"))
			key := "shop/rollout/payment@payment-/"
			check(t, m, map[string]outcome{key + "1": {event.Skipped, 0, -1, "1.2", ""}, key + "2": tc.want})
		})
	}
	m := collecttest.NewWriter()
	for _, look := range []struct {
		rollout *unstructured.Unstructured
		want    event.Status
	}{
		{rollout("Degraded", "1", "2", object{"abort": true, "abortedAt": minute(15)}), event.Failed},
		{rollout("Progressing", "1", "2", nil), event.Running}, // kubectl argo rollouts retry
		{rollout("Degraded", "1", "2", object{"abort": true, "abortedAt": minute(25)}), event.Failed},
	} {
		collect(t, m, nil, look.rollout, rs(1, 0, "1.2"), rs(2, 10, "1.3"))
		if e := deployed(m, "shop/rollout/payment@payment-/2"); e.Status != look.want ||
			e.FinishedAt.IsZero() == e.Status.Final() {
			t.Errorf("want %s: %+v", look.want, e)
		}
	}
	m = collecttest.NewWriter()
	collect(t, m, func(c *Config) { c.ArgoRollouts = false }, rollout("Healthy", "2", "2", nil), rs(2, 10, "1.3"))
	if m.Number(event.KindDeployment) != 0 {
		t.Errorf("argo_rollouts is false: %v", m.Keys(event.KindDeployment))
	}
}

func TestScopesAndEnvironments(t *testing.T) {
	labeled := func(name, namespace string, labels object) *unstructured.Unstructured {
		u := set(set(deployment(1, "1"), labels, "metadata", "labels"), name, "metadata", "name")
		u = set(u, namespace, "metadata", "namespace")
		return set(u, uidOf(namespace+name), "metadata", "uid")
	}
	inPods := set(
		labeled("api", "a", object{}),
		object{"backstage.io/kubernetes-id": "shop"},
		"spec",
		"template",
		"metadata",
		"labels",
	)
	all := objects{
		labeled("web", "a", object{"app.kubernetes.io/name": "web", "backstage.io/kubernetes-id": "shop"}),
		inPods,
		labeled("worker", "b", object{"app.kubernetes.io/name": "worker", "env": "prd", "tier": "x"}),
		labeled("bare", "b", object{}),
		labeled("coredns", "kube-system", object{"app.kubernetes.io/name": "coredns"}),
	}
	for _, tc := range []struct {
		name   string
		change func(*Config)
		want   []string
	}{
		{"by default", nil, []string{"b/deployment/bare", "shop", "worker"}},
		{"by another label", func(c *Config) { c.ServiceLabels = []string{"env"} }, []string{"a/deployment/api", "a/deployment/web", "b/deployment/bare", "prd"}},
		{"some namespaces", func(c *Config) { c.Namespaces = []string{"a", "kube-system"} }, []string{"coredns", "shop"}},
		{"some labels", func(c *Config) { c.Selector = "tier=x" }, []string{"worker"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := collector(t, fakeCluster(all...), tc.change).Scopes(t.Context(), collecttest.NewWriter())
			if err != nil || !slices.Equal(got, tc.want) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
	for _, tc := range []struct {
		name string
		cfg  Config
		want [2]string // of web in a and worker in b
	}{
		{"the namespace", Config{}, [2]string{"a", "b"}},
		{"the cluster's", Config{Environment: "production"}, [2]string{"production", "production"}},
		{"a rule by namespace", Config{Environment: "production", Environments: []workload.EnvironmentRule{{Namespace: "b*", Environment: "staging"}}}, [2]string{"production", "staging"}},
		{"a rule by name", Config{Environments: []workload.EnvironmentRule{{Workload: "w*b", Environment: "canary"}}}, [2]string{"canary", "b"}},
		{"the value of a label", Config{Environments: []workload.EnvironmentRule{{Label: "env"}}}, [2]string{"a", "prd"}},
		{"by the value of a label", Config{Environments: []workload.EnvironmentRule{{Label: "env=p*", Environment: "production"}}}, [2]string{"a", "production"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := New(tc.cfg, Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := [2]string{
				c.environments.Of(readerOf(c).Workload(workload.KindDeployment, all[0])),
				c.environments.Of(readerOf(c).Workload(workload.KindDeployment, all[2])),
			}
			if got != tc.want {
				t.Errorf("%v, want %v", got, tc.want)
			}
		})
	}
}

func TestWhatTheClusterForgotIsAGap(t *testing.T) {
	healthy := func(n int) *unstructured.Unstructured {
		return deployment(n, "1", progressing("NewReplicaSetAvailable", "True", n, 10*n+2))
	}
	m := collecttest.NewWriter()
	collect(t, m, nil, healthy(4), replicaSet(3, 3, 30, "a", nil, ""), replicaSet(4, 4, 40, "b", nil, ""))
	if l := m.Ledger(event.KindDeployment); l.Gap() != 0 || l.Stored != 2 ||
		!strings.Contains(l.Note, "forgotten 2 before the first read") {
		t.Errorf("%+v", l)
	}
	for range 2 {
		collect(t, m, nil, healthy(8), replicaSet(7, 7, 70, "c", nil, ""), replicaSet(8, 8, 80, "d", nil, ""))
		if l := m.Ledger(event.KindDeployment); l.Gap() != 2 || l.Stored != 4 ||
			!strings.Contains(l.Note, "forgot 2 rollouts before they were read") {
			t.Errorf("%+v", l)
		}
	}
	m.Remove(event.KindDeployment, id(8)) // the store has lost something: it is stored again
	collect(t, m, nil, healthy(8), replicaSet(7, 7, 70, "c", nil, ""), replicaSet(8, 8, 80, "d", nil, ""))
	if l := m.Ledger(event.KindDeployment); l.Gap() != 2 ||
		collecttest.Stored[event.Deployment](m)[id(8)].Status != event.Succeeded {
		t.Errorf("%+v %v", l, m.Keys(event.KindDeployment))
	}
	m.Remove(event.KindDeployment, id(3)) // what the cluster has forgotten cannot be
	collect(t, m, nil, healthy(8), replicaSet(7, 7, 70, "c", nil, ""), replicaSet(8, 8, 80, "d", nil, ""))
	if l := m.Ledger(event.KindDeployment); l.Gap() != 3 {
		t.Errorf("%+v", l)
	}
}

func TestWithoutACheckpointWhatIsKnownStays(t *testing.T) {
	m := collecttest.NewWriter()
	one, two := replicaSet(1, 1, 0, "1.2", nil, ""), replicaSet(2, 2, 10, "1.3", nil, "")
	collect(t, m, nil, deployment(1, "1.2", progressing("NewReplicaSetAvailable", "True", 1, 3)), one)
	collect(t, m, nil, deployment(2, "1.3", progressing("NewReplicaSetAvailable", "True", 2, 12)), one, two)
	want := maps.Clone(collecttest.Stored[event.Deployment](m))
	m.Forget()
	collect(t, m, nil, deployment(2, "1.3", progressing("NewReplicaSetAvailable", "True", 2, 12)), one, two)
	if !maps.Equal(collecttest.Stored[event.Deployment](m), want) || m.Ledger(event.KindDeployment).Gap() != 0 {
		t.Errorf("%+v", collecttest.Stored[event.Deployment](m))
	}
}

func TestSinceAndEnvironmentsCanChange(t *testing.T) {
	all := objects{
		deployment(2, "1.3", progressing("NewReplicaSetAvailable", "True", 2, 12)),
		replicaSet(1, 1, 0, "1.2", nil, ""),
		replicaSet(2, 2, 10, "1.3", nil, ""),
	}
	m := collecttest.NewWriter()
	collect(t, m, func(c *Config) { c.Since = at(5) }, all...)
	if got := m.Keys(event.KindDeployment); !slices.Equal(got, []string{id(2)}) {
		t.Fatal(got)
	}
	m.From = noon
	collect(t, m, func(c *Config) { c.Environment = "production" }, all...)
	if got := m.Keys(
		event.KindDeployment,
	); !slices.Equal(got, []string{id(1), id(2)}) || collecttest.Stored[event.Deployment](m)[id(2)].Environment != "production" ||
		collecttest.Stored[event.Deployment](m)[id(1)].Environment != "production" {
		t.Errorf("%+v", collecttest.Stored[event.Deployment](m))
	}
}

func TestAWriteThatFailsAnywhereLosesAndDoublesNothing(t *testing.T) {
	one, two, three := replicaSet(1, 1, 0, "1.2", nil, ""), replicaSet(
		2,
		2,
		10,
		"1.3",
		nil,
		"",
	), replicaSet(3, 3, 20, "1.4", nil, "")
	story := []objects{
		{deployment(2, "1.3", progressing("ReplicaSetUpdated", "True", 2, 11)), one, two},
		{deployment(2, "1.3", progressing("ProgressDeadlineExceeded", "False", 2, 15)), one, two},
		{deployment(3, "1.4", progressing("NewReplicaSetAvailable", "True", 3, 22)), one, two, three},
	}
	run := func(failAt int, after bool) *collecttest.Writer {
		m := collecttest.NewWriter()
		m.FailAt, m.KeepLast, m.Once = failAt, after, true
		for _, objects := range story {
			for range 2 { // the second time nothing fails
				c := collector(t, fakeCluster(objects...), nil)
				if _, err := c.Scopes(t.Context(), m); err != nil && !errors.Is(err, collecttest.ErrKilled) {
					t.Fatal(err)
				}
				if err := c.Collect(t.Context(), "payment", m); err != nil && !errors.Is(err, collecttest.ErrKilled) {
					t.Fatal(err)
				}
			}
		}
		return m
	}
	want := run(0, false)
	check(
		t,
		want,
		map[string]outcome{
			id(1): {event.Skipped, 0, -1, "1.2", ""},
			id(2): {event.Failed, 10, 15, "1.3", ""},
			id(3): {event.Succeeded, 20, 22, "1.4", ""},
		},
	)
	for n := 1; n <= want.Writes(); n++ {
		for _, after := range []bool{false, true} {
			if got := run(
				n,
				after,
			); !maps.Equal(collecttest.Stored[event.Deployment](got), collecttest.Stored[event.Deployment](want)) ||
				got.Ledger(event.KindDeployment).Gap() != 0 {
				t.Errorf(
					"write %d (after it: %t): %+v, ledger %+v",
					n,
					after,
					collecttest.Stored[event.Deployment](got),
					got.Ledger(event.KindDeployment),
				)
			}
		}
	}
}
