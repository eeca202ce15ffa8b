// Package workload reads the workloads of Kubernetes (Deployments, StatefulSets, Argo Rollouts) and their revisions,
// and makes the rollouts of a workload of them. It talks to no server.
//
// A Reader turns an object of the API into a Workload or a Revision. A View is a workload with its revisions at one
// moment, and its Rollouts are what the collector stores: one for each number that a revision has or had. The objects
// show the status of the current rollout (verdict), and who changed the template (managers). How a past rollout ended
// they do not show; a Witness remembers it from the events of a watch.
package workload

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
	KindDeployment  = "deployment"
	KindStatefulSet = "statefulset"
	KindRollout     = "rollout"
)

// Workload is what is used of a Deployment, StatefulSet or Rollout: a tenth of the object, because the caches hold all
// workloads of a cluster with ten old ReplicaSets each, of 5 KB.
type Workload struct {
	metav1.ObjectMeta // name, namespace, uid, resource version, creation
	Kind              string
	labels            map[string]string
	// the revision that is wanted: its number, of a StatefulSet the name of its ControllerRevision
	Current    string
	Observed   bool // the controller has seen what is wanted
	Verdict    Verdict
	build      build     // the version by the workload itself
	numberedAt time.Time // when the controller last gave a number; zero: not known
	Touched    time.Time // when the status last changed; zero: not known
	managers   []manager // who set what of the template
	Epoch      int64     // of the listing that showed it
}

// Ended reports whether the state shows the end of a rollout: of the one that its verdict names, or else of the
// current one.
func (w *Workload) Ended() bool {
	return w.Verdict.Status.Final() && (w.Verdict.of != "" || w.Observed)
}

// Verdict is the status of the rollout of the current revision.
type Verdict struct {
	Status   event.Status
	raw      string
	finished time.Time
	of       string // name of the ReplicaSet that this is about; empty: it is not said
}

// Revision is what is used of a ReplicaSet or a ControllerRevision.
type Revision struct {
	metav1.ObjectMeta
	Owner   types.UID // of the workload; empty: it is of none that is read
	number  int64
	earlier []int64 // numbers that it had before it was gone back to
	build   build
	changed time.Time // of a ControllerRevision: when it was made, or given another number
	fields  []uint64  // of the template, to find what another one changed
}

// Reader reads the objects of a cluster.
type Reader struct {
	serviceLabels    []string // whose value names the service: the first that an object carries
	commitAnnotation string   // annotation or label that holds the commit; empty: none
	unrecognized     func(what, word string)
}

// NewReader returns a reader. serviceLabels are the labels that name the service, the first one first; commitAnnotation
// is the annotation, or label, that holds the commit, empty: none. unrecognized is called with each phase that Argo
// Rollouts does not document.
func NewReader(serviceLabels []string, commitAnnotation string, unrecognized func(what, word string)) Reader {
	return Reader{serviceLabels: serviceLabels, commitAnnotation: commitAnnotation, unrecognized: unrecognized}
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

// Workload reads an object of one of the kinds of workloads.
func (r Reader) Workload(kind string, u *unstructured.Unstructured) *Workload {
	w := &Workload{ObjectMeta: trimmed(u), Kind: kind, labels: u.GetLabels()}
	raw, _, _ := unstructured.NestedFieldNoCopy(u.Object, "spec", "template")
	annotations := u.GetAnnotations()
	t := r.readTemplate(raw, w.Name)
	own := build{label: w.labels[versionLabel], commit: r.commit(annotations, w.labels), service: r.service(w.labels)}
	w.build = t.or(own)
	w.build.service = own.service
	if w.build.service == "" {
		w.build.service = t.service
	}
	w.managed(u)
	switch kind {
	case KindDeployment:
		w.Current = annotations[deploymentRevision]
		w.Observed = number(u, "status", "observedGeneration") >= u.GetGeneration()
		w.Verdict = deploymentVerdict(u)
	case KindStatefulSet:
		w.Current = text(u, "status", "updateRevision")
		w.Observed = number(u, "status", "observedGeneration") >= u.GetGeneration()
		w.Verdict = statefulSetVerdict(u)
	case KindRollout:
		w.Current = annotations[rolloutRevision]
		seen, err := strconv.ParseInt(text(u, "status", "observedGeneration"), 10, 64)
		w.Observed = err != nil || seen >= u.GetGeneration() // older controllers write a digest
		w.Verdict = rolloutVerdict(u, r.unrecognized)
	}
	return w
}

const (
	deploymentRevision = "deployment.kubernetes.io/revision"
	rolloutRevision    = "rollout.argoproj.io/revision"
	historySuffix      = "-history"
)

// ReplicaSet reads a ReplicaSet. Of one that no workload owns which is read, it keeps only the name.
func (r Reader) ReplicaSet(u *unstructured.Unstructured) *Revision {
	owner := metav1.GetControllerOfNoCopy(u)
	if owner == nil || owner.Kind != "Deployment" && owner.Kind != "Rollout" {
		return &Revision{ObjectMeta: trimmed(u)}
	}
	annotations := u.GetAnnotations()
	key := deploymentRevision
	if owner.Kind == "Rollout" {
		key = rolloutRevision
	}
	rev := &Revision{ObjectMeta: trimmed(u), Owner: owner.UID}
	rev.number, _ = strconv.ParseInt(annotations[key], 10, 64)
	for part := range strings.SplitSeq(annotations[key+historySuffix], ",") {
		if n, err := strconv.ParseInt(strings.TrimSpace(part), 10, 64); err == nil && n > 0 && n != rev.number {
			rev.earlier = append(rev.earlier, n)
		}
	}
	slices.Sort(rev.earlier)
	raw, _, _ := unstructured.NestedFieldNoCopy(u.Object, "spec", "template")
	rev.build, rev.fields = r.readTemplate(raw, owner.Name), templateFields(raw)
	rev.build.commit = firstOf(rev.build.commit, r.commit(annotations)) // the controller copies those of the workload
	return rev
}

// ControllerRevision reads a ControllerRevision. Of one that is not of a StatefulSet, it keeps only the name.
func (r Reader) ControllerRevision(u *unstructured.Unstructured) *Revision {
	owner := metav1.GetControllerOfNoCopy(u)
	if owner == nil || owner.Kind != "StatefulSet" {
		return &Revision{ObjectMeta: trimmed(u)}
	}
	rev := &Revision{ObjectMeta: trimmed(u), Owner: owner.UID, number: number(u, "revision")}
	rev.changed = source.Known(rev.CreationTimestamp.Time)
	for _, m := range u.GetManagedFields() {
		if m.Time != nil && event.ValidTime(m.Time.Time) {
			rev.changed = source.Latest(rev.changed, m.Time.UTC())
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
		rev.build, rev.fields = r.readTemplate(raw, owner.Name), templateFields(raw)
	}
	rev.build.commit = firstOf(rev.build.commit, r.commit(u.GetAnnotations()))
	return rev
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
