package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

var (
	deployments         = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	statefulSets        = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "statefulsets"}
	replicaSets         = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "replicasets"}
	controllerRevisions = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "controllerrevisions"}
	argoRollouts        = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "rollouts"}
)

// caches are the informers of a cluster.
type caches struct {
	workloads []*listing
	revisions []*listing
	witness   *witness // what the events of a watch showed
}

// informers makes the informers, without starting them.
func (c *Collector) informers(client dynamic.Interface) (*caches, error) {
	k := &caches{witness: newWitness()}
	namespaces := c.cfg.Namespaces
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	kinds := map[string]schema.GroupVersionResource{kindDeployment: deployments, kindStatefulSet: statefulSets}
	if c.cfg.ArgoRollouts {
		kinds[kindRollout] = argoRollouts
	}
	for _, namespace := range namespaces {
		for kind, resource := range kinds {
			l := &listing{resource: resource, namespace: namespace, kind: kind, selector: c.cfg.Selector}
			l.read = func(u *unstructured.Unstructured) any {
				w := c.readWorkload(kind, u)
				w.epoch = l.epoch.Load()
				return w
			}
			if err := c.inform(l, client); err != nil {
				return nil, err
			}
			k.workloads = append(k.workloads, l)
		}
		for resource, read := range map[schema.GroupVersionResource]func(*unstructured.Unstructured) *revision{
			replicaSets: c.readReplicaSet, controllerRevisions: c.readControllerRevision,
		} {
			l := &listing{resource: resource, namespace: namespace}
			l.read = func(u *unstructured.Unstructured) any {
				if r := read(u); r != nil {
					return r
				}
				return &revision{ObjectMeta: trimmed(u)} // of no workload; the cache wants to know that it is there
			}
			if err := c.inform(l, client); err != nil {
				return nil, err
			}
			k.revisions = append(k.revisions, l)
		}
	}
	return k, nil
}

func (k *caches) all() []*listing { return slices.Concat(k.workloads, k.revisions) }

// run starts the informers; they end with the context. wait returns when they have.
func (k *caches) run(ctx context.Context) (wait func()) {
	var wg sync.WaitGroup
	for _, l := range k.all() {
		wg.Go(func() { l.RunWithContext(ctx) })
	}
	return wg.Wait
}

// fill waits until everything has been listed once, or is refused. What cannot be read does not hold up the rest: an
// error is returned only when no workloads can be read, and lists everything that cannot.
func (k *caches) fill(ctx context.Context, patience time.Duration) error {
	timeout, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, l := range k.all() {
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
	if slices.ContainsFunc(k.workloads, (*listing).HasSynced) {
		return nil
	}
	return k.err(0)
}

// unread returns why something cannot be read, by the name of its listing: what was never listed, and what has failed
// for at least so long.
func (k *caches) unread(atLeast time.Duration) map[string]error {
	failed := map[string]error{}
	for _, l := range k.all() {
		if err := l.failure(atLeast); err != nil {
			failed[l.name()] = err
		}
	}
	return failed
}

// err joins what cannot be read.
func (k *caches) err(atLeast time.Duration) error { return joined(k.unread(atLeast)) }

// joined joins errors in the order of their names.
func joined(failed map[string]error) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(failed)) {
		errs = append(errs, failed[name])
	}
	return errors.Join(errs...)
}

// listed reports whether a workload that is not in the caches is not in the cluster: its kind has been listed where it
// was.
func (k *caches) listed(kind, namespace string) bool {
	return slices.ContainsFunc(k.workloads, func(l *listing) bool {
		return l.shows(kind, namespace) && l.HasSynced() && l.believed()
	})
}

// system are the namespaces of Kubernetes itself.
var system = []string{"kube-system", "kube-public", "kube-node-lease"}

// wanted reports whether a workload of the caches is read.
func (c *Collector) wanted(w *workload) bool {
	return len(c.cfg.Namespaces) > 0 || !slices.Contains(system, w.Namespace)
}

// snapshot is what the caches show at one moment.
type snapshot struct {
	workloads []*listing
	scopes    map[string][]*view
	unread    map[string]error // by listing
	odd       map[string]error // by listing: that some of its items cannot be read
	listed    func(kind, namespace string) bool
}

// snapshot returns all workloads with their revisions.
func (c *Collector) snapshot(k *caches, atLeast time.Duration) *snapshot {
	s := &snapshot{
		workloads: k.workloads,
		scopes:    map[string][]*view{},
		unread:    k.unread(atLeast),
		odd:       map[string]error{},
		listed:    k.listed,
	}
	for _, l := range k.all() {
		if err := l.misfitError(); err != nil {
			s.odd[l.name()] = err
		}
	}
	for _, l := range k.workloads {
		for _, o := range l.GetStore().List() {
			if w, ok := o.(*workload); ok && c.wanted(w) {
				s.scopes[w.scope()] = append(s.scopes[w.scope()], k.view(w))
			}
		}
	}
	for _, views := range s.scopes {
		slices.SortFunc(views, byKey)
	}
	return s
}

func byKey(a, b *view) int { return strings.Compare(a.key(), b.key()) }

// views returns the workloads of one scope with their revisions, in the order of their names.
func (c *Collector) views(k *caches, scope string) []*view {
	var views []*view
	for _, w := range indexed[*workload](k.workloads, byScope, scope) {
		if c.wanted(w) {
			views = append(views, k.view(w))
		}
	}
	slices.SortFunc(views, byKey)
	return views
}

func (k *caches) view(w *workload) *view {
	v := &view{
		workload:  w,
		sightings: k.witness.of(w.UID),
		revisions: indexed[*revision](k.revisions, byOwner, string(w.UID)),
	}
	slices.SortFunc(v.revisions, func(a, b *revision) int { return strings.Compare(a.Name, b.Name) })
	return v
}

// scopeOf is the scope of the workload with a uid; empty when it is not in the caches.
func (k *caches) scopeOf(uid types.UID) string {
	for _, w := range indexed[*workload](k.workloads, byUID, string(uid)) {
		return w.scope()
	}
	return ""
}

// indexed returns what the listings hold under the value of an index.
func indexed[T any](listings []*listing, index, value string) []T {
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

// list returns what the cluster shows now: from the caches of a watch that runs, else by one pass of the informers.
func (c *Collector) list(ctx context.Context) (*snapshot, error) {
	c.mu.Lock()
	live := c.live
	c.mu.Unlock()
	if live != nil { // whose caches are as old as the last time that the cluster could be read
		s := c.snapshot(live, c.opt.Patience)
		if len(s.unread) == len(live.all()) {
			return nil, joined(s.unread)
		}
		return s, nil
	}
	client, err := c.connect()
	if err != nil {
		return nil, err
	}
	k, err := c.informers(client)
	if err != nil {
		return nil, fmt.Errorf("making the informers: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	wait := k.run(ctx)
	defer wait()
	defer cancel()
	if err := k.fill(ctx, c.opt.Patience); err != nil {
		return nil, err
	}
	return c.snapshot(k, 0), nil
}
