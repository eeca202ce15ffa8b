package cluster

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dxctl/dxctl/collectors/kubernetes/workload"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// The resources that are read.
var (
	Deployments         = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	StatefulSets        = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "statefulsets"}
	ReplicaSets         = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "replicasets"}
	ControllerRevisions = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "controllerrevisions"}
	ArgoRollouts        = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "rollouts"}
)

// Caches are the informers of a cluster, and what they hold.
type Caches struct {
	of        *Cluster
	workloads []*Listing
	revisions []*Listing
	witness   *workload.Witness // what the events of a watch showed
}

// Caches makes the informers of the cluster, without starting them.
func (c *Cluster) Caches() (*Caches, error) {
	client, err := c.connect()
	if err != nil {
		return nil, err
	}
	k := &Caches{of: c, witness: workload.NewWitness()}
	namespaces := c.cfg.Namespaces
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	kinds := map[string]schema.GroupVersionResource{
		workload.KindDeployment:  Deployments,
		workload.KindStatefulSet: StatefulSets,
	}
	if c.cfg.ArgoRollouts {
		kinds[workload.KindRollout] = ArgoRollouts
	}
	for _, namespace := range namespaces {
		for kind, resource := range kinds {
			l := &Listing{resource: resource, namespace: namespace, kind: kind, Selector: c.cfg.Selector}
			l.read = func(u *unstructured.Unstructured) any {
				w := c.cfg.Reader.Workload(kind, u)
				w.Epoch = l.epoch.Load()
				return w
			}
			if err := c.inform(l, client); err != nil {
				return nil, err
			}
			k.workloads = append(k.workloads, l)
		}
		for resource, read := range map[schema.GroupVersionResource]func(*unstructured.Unstructured) *workload.Revision{
			ReplicaSets: c.cfg.Reader.ReplicaSet, ControllerRevisions: c.cfg.Reader.ControllerRevision,
		} {
			l := &Listing{resource: resource, namespace: namespace}
			l.read = func(u *unstructured.Unstructured) any { return read(u) }
			if err := c.inform(l, client); err != nil {
				return nil, err
			}
			k.revisions = append(k.revisions, l)
		}
	}
	return k, nil
}

// Listings returns the listings of all informers, those of workloads first.
func (k *Caches) Listings() []*Listing { return slices.Concat(k.workloads, k.revisions) }

// Run starts the informers; they end with the context. wait returns when they have.
func (k *Caches) Run(ctx context.Context) (wait func()) {
	var wg sync.WaitGroup
	for _, l := range k.Listings() {
		wg.Go(func() { l.RunWithContext(ctx) })
	}
	return wg.Wait
}

// Fill waits until everything has been listed once, or is refused. What cannot be read does not block the rest: an
// error is returned only when no workloads can be read, and lists everything that cannot.
func (k *Caches) Fill(ctx context.Context) error {
	patience := k.of.cfg.Patience
	timeout, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, l := range k.Listings() {
		select {
		case <-l.HasSyncedChecker().Done():
		case <-l.refused:
		case <-timeout.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if !l.HasSynced() {
				l.unanswered(patience)
			}
		}
	}
	if slices.ContainsFunc(k.workloads, (*Listing).HasSynced) {
		return nil
	}
	return k.Err(0)
}

// unread returns why something cannot be read, by the name of its listing: what was never listed, and what has failed
// for at least so long.
func (k *Caches) unread(atLeast time.Duration) map[string]error {
	failed := map[string]error{}
	for _, l := range k.Listings() {
		if err := l.failure(atLeast); err != nil {
			failed[l.Name()] = err
		}
	}
	return failed
}

// Err joins the reasons why something cannot be read: it was never listed, or has failed for at least so long.
func (k *Caches) Err(atLeast time.Duration) error { return JoinErrors(k.unread(atLeast)) }

// JoinErrors joins errors in the order of their names; nil when there is none.
func JoinErrors(failed map[string]error) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(failed)) {
		errs = append(errs, failed[name])
	}
	return errors.Join(errs...)
}

// Listed reports whether a workload that is not in the caches is not in the cluster: its kind has been listed where it
// was.
func (k *Caches) Listed(kind, namespace string) bool {
	return slices.ContainsFunc(k.workloads, func(l *Listing) bool {
		return l.shows(kind, namespace) && l.HasSynced() && l.believed()
	})
}

// system are the namespaces of Kubernetes itself.
var system = []string{"kube-system", "kube-public", "kube-node-lease"}

// Snapshot is what the caches show at one moment.
type Snapshot struct {
	Workloads []*Listing                  // those that show workloads
	Scopes    map[string][]*workload.View // the workloads of each scope, in the order of their names
	Unread    map[string]error            // why a listing cannot be read, by its name
	Odd       map[string]error            // that some items of a listing cannot be read, by its name
	// Listed reports whether a workload of a kind in a namespace that Scopes lacks is not in the cluster.
	Listed func(kind, namespace string) bool
}

// Snapshot returns what the caches show now. What fails is unread only when it was never listed, or has failed for at
// least so long.
func (k *Caches) Snapshot(atLeast time.Duration) *Snapshot {
	s := &Snapshot{
		Workloads: k.workloads,
		Scopes:    map[string][]*workload.View{},
		Unread:    k.unread(atLeast),
		Odd:       map[string]error{},
		Listed:    k.Listed,
	}
	for _, l := range k.Listings() {
		if err := l.misfitError(); err != nil {
			s.Odd[l.Name()] = err
		}
	}
	for _, l := range k.workloads {
		for _, o := range l.GetStore().List() {
			if w, ok := o.(*workload.Workload); ok && k.of.wanted(w) {
				s.Scopes[w.Scope()] = append(s.Scopes[w.Scope()], k.view(w))
			}
		}
	}
	for _, views := range s.Scopes {
		slices.SortFunc(views, byKey)
	}
	return s
}

func byKey(a, b *workload.View) int { return strings.Compare(a.Key(), b.Key()) }

// Views returns the workloads of one scope with their revisions, in the order of their names.
func (k *Caches) Views(scope string) []*workload.View {
	var views []*workload.View
	for _, w := range indexed[*workload.Workload](k.workloads, byScope, scope) {
		if k.of.wanted(w) {
			views = append(views, k.view(w))
		}
	}
	slices.SortFunc(views, byKey)
	return views
}

func (k *Caches) view(w *workload.Workload) *workload.View {
	v := &workload.View{
		Workload:  w,
		Sightings: k.witness.Of(w.UID),
		Revisions: indexed[*workload.Revision](k.revisions, byOwner, string(w.UID)),
	}
	slices.SortFunc(v.Revisions, func(a, b *workload.Revision) int { return strings.Compare(a.Name, b.Name) })
	return v
}

// ScopeOf returns the scope of the workload with a uid; empty when it is not in the caches.
func (k *Caches) ScopeOf(uid types.UID) string {
	for _, w := range indexed[*workload.Workload](k.workloads, byUID, string(uid)) {
		return w.Scope()
	}
	return ""
}

// indexed returns what the listings hold under the value of an index.
func indexed[T any](listings []*Listing, index, value string) []T {
	var found []T
	for _, l := range listings {
		objects, err := l.GetIndexer().ByIndex(index, value)
		if err != nil {
			continue // there is such an index: inform made it
		}
		for _, o := range objects {
			if t, ok := o.(T); ok {
				found = append(found, t)
			}
		}
	}
	return found
}
