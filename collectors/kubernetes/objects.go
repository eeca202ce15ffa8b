package kubernetes

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/dxctl/dxctl/event"
)

// The kinds of workloads, as scopes and ids name them.
const (
	kindDeployment  = "deployment"
	kindStatefulSet = "statefulset"
	kindRollout     = "rollout"
)

// The caches hold, instead of the objects of the API, what is used of them: a ReplicaSet is 5 KB, of which a tenth is
// wanted, and a workload has eleven.

// workload is what is used of a Deployment, StatefulSet or Rollout.
type workload struct {
	metav1.ObjectMeta // name, namespace, uid, resource version, creation
	kind              string
	labels            map[string]string
	// the revision that is wanted: its number, of a StatefulSet the name of its ControllerRevision
	current    string
	observed   bool // the controller has seen what is wanted
	verdict    verdict
	brought    brought   // what the workload itself says of the version
	numberedAt time.Time // when the controller last gave a number; zero: not known
	touched    time.Time // when the status last changed; zero: not known
	managers   []manager // who set what of the template
	epoch      int64     // of the listing that showed it
}

// ended reports whether the state shows the end of a rollout. Which one it is about its verdict says, or it is the
// current one.
func (w *workload) ended() bool {
	return w.verdict.status.Final() && (w.verdict.of != "" || w.observed)
}

// verdict is where the rollout of the current revision stands.
type verdict struct {
	status   event.Status
	raw      string
	finished time.Time
	of       string // name of the ReplicaSet that this is about; empty: it is not said
}

// revision is what is used of a ReplicaSet or a ControllerRevision.
type revision struct {
	metav1.ObjectMeta
	owner   types.UID
	number  int64
	earlier []int64 // numbers that it had before it was gone back to
	brought brought
	changed time.Time // of a ControllerRevision: when it was made, or given another number
	fields  []uint64  // of the template, to tell what another one changed
}

// trimmed keeps of the metadata what names an object.
func trimmed(u *unstructured.Unstructured) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name:              u.GetName(),
		Namespace:         u.GetNamespace(),
		UID:               u.GetUID(),
		ResourceVersion:   u.GetResourceVersion(),
		CreationTimestamp: u.GetCreationTimestamp(),
	}
}

// readWorkload reads an object of one of the kinds of workloads.
func (c *Collector) readWorkload(kind string, u *unstructured.Unstructured) *workload {
	w := &workload{ObjectMeta: trimmed(u), kind: kind, labels: u.GetLabels()}
	raw, _, _ := unstructured.NestedFieldNoCopy(u.Object, "spec", "template")
	annotations := u.GetAnnotations()
	t := c.readTemplate(raw, w.Name)
	own := brought{label: w.labels[versionLabel], commit: c.commit(annotations, w.labels), service: c.service(w.labels)}
	w.brought = t.or(own)
	w.brought.service = own.service
	if w.brought.service == "" {
		w.brought.service = t.service
	}
	w.managed(u)
	switch kind {
	case kindDeployment:
		w.current = annotations[deploymentRevision]
		w.observed = number(u, "status", "observedGeneration") >= u.GetGeneration()
		w.verdict = deploymentVerdict(u)
	case kindStatefulSet:
		w.current = text(u, "status", "updateRevision")
		w.observed = number(u, "status", "observedGeneration") >= u.GetGeneration()
		w.verdict = statefulSetVerdict(u)
	case kindRollout:
		w.current = annotations[rolloutRevision]
		seen, err := strconv.ParseInt(text(u, "status", "observedGeneration"), 10, 64)
		w.observed = err != nil || seen >= u.GetGeneration() // older controllers write a digest
		v, known := rolloutVerdict(u)
		if w.verdict = v; !known {
			c.Unrecognized("phase of a Rollout", v.raw)
		}
	}
	return w
}

const (
	deploymentRevision = "deployment.kubernetes.io/revision"
	rolloutRevision    = "rollout.argoproj.io/revision"
	historySuffix      = "-history"
)

// readReplicaSet reads a ReplicaSet; nil when no workload that is read owns it.
func (c *Collector) readReplicaSet(u *unstructured.Unstructured) *revision {
	owner := metav1.GetControllerOfNoCopy(u)
	if owner == nil || owner.Kind != "Deployment" && owner.Kind != "Rollout" {
		return nil
	}
	annotations := u.GetAnnotations()
	key := deploymentRevision
	if owner.Kind == "Rollout" {
		key = rolloutRevision
	}
	r := &revision{ObjectMeta: trimmed(u), owner: owner.UID}
	r.number, _ = strconv.ParseInt(annotations[key], 10, 64)
	for part := range strings.SplitSeq(annotations[key+historySuffix], ",") {
		if n, err := strconv.ParseInt(strings.TrimSpace(part), 10, 64); err == nil && n > 0 && n != r.number {
			r.earlier = append(r.earlier, n)
		}
	}
	slices.Sort(r.earlier)
	raw, _, _ := unstructured.NestedFieldNoCopy(u.Object, "spec", "template")
	r.brought, r.fields = c.readTemplate(raw, owner.Name), templateFields(raw)
	r.brought.commit = firstOf(r.brought.commit, c.commit(annotations)) // the controller copies those of the workload
	return r
}

// readControllerRevision reads a ControllerRevision; nil when it is not of a StatefulSet.
func (c *Collector) readControllerRevision(u *unstructured.Unstructured) *revision {
	owner := metav1.GetControllerOfNoCopy(u)
	if owner == nil || owner.Kind != "StatefulSet" {
		return nil
	}
	r := &revision{ObjectMeta: trimmed(u), owner: owner.UID, number: number(u, "revision")}
	r.changed = source.Known(r.CreationTimestamp.Time)
	for _, m := range u.GetManagedFields() {
		if m.Time != nil && event.ValidTime(m.Time.Time) {
			r.changed = source.Latest(r.changed, m.Time.UTC())
		}
	}
	data, _, _ := unstructured.NestedFieldNoCopy(u.Object, "data")
	if encoded, is := data.(string); is { // as JSON within the JSON
		var inner any
		if json.Unmarshal([]byte(encoded), &inner) == nil {
			data = inner
		}
	}
	if m, ok := data.(map[string]any); ok {
		raw, _, _ := unstructured.NestedFieldNoCopy(m, "spec", "template")
		r.brought, r.fields = c.readTemplate(raw, owner.Name), templateFields(raw)
	}
	r.brought.commit = firstOf(r.brought.commit, c.commit(u.GetAnnotations()))
	return r
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// number reads an integer; 0 when there is none. JSON has one kind of number, and hand-made objects another.
func number(u *unstructured.Unstructured, fields ...string) int64 {
	v, _, _ := unstructured.NestedFieldNoCopy(u.Object, fields...)
	switch n := v.(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return 0
}

func text(u *unstructured.Unstructured, fields ...string) string {
	v, _, _ := unstructured.NestedFieldNoCopy(u.Object, fields...)
	s, _ := v.(string)
	return s
}

// instant reads a time; zero when there is none that an event may carry.
func instant(v any) time.Time {
	s, _ := v.(string)
	return source.ParseTime(s)
}
