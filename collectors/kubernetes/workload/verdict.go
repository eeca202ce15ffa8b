package workload

import (
	"math"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// condition is one of the conditions of a status.
type condition struct {
	status, reason, message string
	updated, changed        time.Time
}

func conditionOf(u *unstructured.Unstructured, kind string) (condition, bool) {
	all, _, _ := unstructured.NestedFieldNoCopy(u.Object, "status", "conditions")
	list, _ := all.([]any)
	for _, raw := range list {
		m, _ := raw.(map[string]any)
		if s, _ := m["type"].(string); s != kind {
			continue
		}
		c := condition{updated: instant(m["lastUpdateTime"]), changed: instant(m["lastTransitionTime"])}
		c.status, _ = m["status"].(string)
		c.reason, _ = m["reason"].(string)
		c.message, _ = m["message"].(string)
		return c, true
	}
	return condition{}, false
}

// deploymentVerdict reads the condition Progressing, which is about the newest ReplicaSet and stays as it is when the
// rollout has ended, whatever happens to the pods later. Its last update is then the moment of the end.
func deploymentVerdict(u *unstructured.Unstructured) Verdict {
	progressing, has := conditionOf(u, "Progressing")
	complete := replicasComplete(u)
	deadline := number(u, "spec", "progressDeadlineSeconds")
	switch paused, _, _ := unstructured.NestedBool(u.Object, "spec", "paused"); {
	case has && progressing.status == "False": // ProgressDeadlineExceeded, ReplicaSetCreateError
		return Verdict{
			Status:   event.Failed,
			raw:      progressing.reason,
			finished: progressing.changed,
			of:       named(progressing.message),
		}
	case has && progressing.reason == "NewReplicaSetAvailable":
		return Verdict{
			Status:   event.Succeeded,
			raw:      progressing.reason,
			finished: progressing.updated,
			of:       named(progressing.message),
		}
	case complete && (paused || !has || deadline == math.MaxInt32): // without a time
		return Verdict{Status: event.Succeeded, raw: progressing.reason}
	case paused:
		return Verdict{Status: event.Waiting, raw: progressing.reason}
	}
	return Verdict{Status: event.Running, raw: progressing.reason}
}

// named is the ReplicaSet that a condition's message names: ReplicaSet "payment-6d4cf56db6" has successfully
// progressed.
func named(message string) string {
	_, rest, found := strings.Cut(message, `ReplicaSet "`)
	if !found {
		return ""
	}
	name, _, _ := strings.Cut(rest, `"`)
	return name
}

// replicasComplete reports whether every replica is of the current revision and available.
func replicasComplete(u *unstructured.Unstructured) bool {
	want := replicas(u)
	return number(u, "status", "updatedReplicas") == want && number(u, "status", "replicas") == want &&
		number(u, "status", "availableReplicas") == want
}

// replicas returns how many are wanted; 1 where the object has no number.
func replicas(u *unstructured.Unstructured) int64 {
	if _, found, _ := unstructured.NestedFieldNoCopy(u.Object, "spec", "replicas"); !found {
		return 1
	}
	return number(u, "spec", "replicas")
}

// statefulSetVerdict counts: a StatefulSet has no conditions, no deadline and no word for its status. With a
// partition the rollout is complete when the part that is to be updated is.
func statefulSetVerdict(u *unstructured.Unstructured) Verdict {
	want, updated, ready := replicas(u), number(u, "status", "updatedReplicas"), number(u, "status", "readyReplicas")
	wanted := max(0, want-number(u, "spec", "updateStrategy", "rollingUpdate", "partition"))
	update := text(u, "status", "updateRevision")
	if ready == want && (updated >= wanted || update != "" && update == text(u, "status", "currentRevision")) {
		return Verdict{Status: event.Succeeded}
	}
	if text(u, "spec", "updateStrategy", "type") == "OnDelete" { // a person deletes pods
		return Verdict{Status: event.Waiting}
	}
	return Verdict{Status: event.Running}
}

// phases are the phases of a Rollout of Argo Rollouts.
var phases = source.Words[event.Status]{
	Meaning: map[string]event.Status{
		"degraded":    event.Failed,
		"paused":      event.Waiting,
		"progressing": event.Running,
		"healthy":     event.Running, // of the rollout before: the status is about to be written
		"":            event.Running, // likewise
	},
	Otherwise: event.Running,
}

// rolloutVerdict reads the status of a Rollout of Argo Rollouts. Once the current pods are the stable ones the rollout
// has succeeded, whatever happens to the pods later.
func rolloutVerdict(u *unstructured.Unstructured, unrecognized func(what, word string)) Verdict {
	v := Verdict{raw: text(u, "status", "phase")}
	current, stable := text(u, "status", "currentPodHash"), text(u, "status", "stableRS")
	if current != "" {
		v.of = u.GetName() + "-" + current
	}
	if stable != "" && stable == current {
		v.Status = event.Succeeded
		for _, kind := range []string{"Completed", "Healthy"} { // Completed: since Argo Rollouts 1.2
			if c, has := conditionOf(u, kind); has && c.status == "True" && v.finished.IsZero() {
				v.finished = c.changed
			}
		}
		return v
	}
	v.Status = phases.Read("phase of a Rollout", v.raw, unrecognized)
	switch {
	case v.Status == event.Failed:
		v.finished = instant(field(u, "status", "abortedAt"))
		if c, has := conditionOf(u, "Progressing"); has && c.status == "False" && v.finished.IsZero() {
			v.finished = c.changed
		}
	case v.Status == event.Waiting && pauseEnds(u):
		v.Status = event.Running
	}
	return v
}

// pauseEnds reports whether a pause ends by itself.
func pauseEnds(u *unstructured.Unstructured) bool {
	if seconds := number(u, "spec", "strategy", "blueGreen", "autoPromotionSeconds"); seconds > 0 {
		return true
	}
	steps, _ := field(u, "spec", "strategy", "canary", "steps").([]any)
	if i := number(u, "status", "currentStepIndex"); i >= 0 && i < int64(len(steps)) {
		step, _ := steps[i].(map[string]any)
		pause, _ := step["pause"].(map[string]any)
		return pause["duration"] != nil
	}
	return false
}

func field(u *unstructured.Unstructured, fields ...string) any {
	v, _, _ := unstructured.NestedFieldNoCopy(u.Object, fields...)
	return v
}
