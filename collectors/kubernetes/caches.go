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

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"

	"github.com/dxctl/dxctl/collectors/rest"
)

var (
	deployments         = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	statefulSets        = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "statefulsets"}
	replicaSets         = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "replicasets"}
	controllerRevisions = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "controllerrevisions"}
	argoRollouts        = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "rollouts"}
)

const byOwner = "owner"

// caches are the informers of a cluster.
type caches struct {
	workloads []cache.SharedIndexInformer
	revisions []cache.SharedIndexInformer

	now    func() time.Time
	mu     sync.Mutex
	failed map[string]failure // what cannot be listed or watched now
	fatal  chan struct{}      // closed when trying again would not help
	once   sync.Once
}

// failure is why something cannot be read, and since when.
type failure struct {
	err   error
	since time.Time
}

// informers makes the informers, without starting them.
func (c *Collector) informers(client dynamic.Interface) (*caches, error) {
	k := &caches{fatal: make(chan struct{}), now: c.now, failed: map[string]failure{}}
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
			i, err := c.informer(k, client, resource, namespace, c.cfg.Selector, func(u *unstructured.Unstructured) any { return c.readWorkload(kind, u) })
			if err != nil {
				return nil, err
			}
			k.workloads = append(k.workloads, i)
		}
		for resource, read := range map[schema.GroupVersionResource]func(*unstructured.Unstructured) *revision{
			replicaSets: c.readReplicaSet, controllerRevisions: c.readControllerRevision,
		} {
			i, err := c.informer(k, client, resource, namespace, "", func(u *unstructured.Unstructured) any {
				if r := read(u); r != nil {
					return r
				}
				return &revision{ObjectMeta: trimmed(u)} // of no workload; the cache wants to know that it is there
			})
			if err != nil {
				return nil, err
			}
			k.revisions = append(k.revisions, i)
		}
	}
	return k, nil
}

func (c *Collector) informer(k *caches, client dynamic.Interface, resource schema.GroupVersionResource, namespace, selector string,
	read func(*unstructured.Unstructured) any) (cache.SharedIndexInformer, error) {
	api := client.Resource(resource).Namespace(namespace)
	name := resource.Resource + in(namespace)
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = selector
			ctx, cancel := context.WithTimeout(ctx, c.opt.Patience)
			defer cancel()
			list, err := api.List(ctx, o)
			if err != nil {
				return nil, err
			}
			k.read(name)
			return list, nil
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector = selector
			w, err := api.Watch(ctx, o)
			if err == nil {
				k.read(name)
			}
			return w, err
		},
	}
	i := cache.NewSharedIndexInformerWithOptions(cache.ToListWatcherWithWatchListSemantics(lw, client), &unstructured.Unstructured{}, cache.SharedIndexInformerOptions{
		ObjectDescription: resource.String(),
		Indexers: cache.Indexers{byOwner: func(o any) ([]string, error) {
			if r, ok := o.(*revision); ok && r.owner != "" {
				return []string{string(r.owner)}, nil
			}
			return nil, nil
		}},
	})
	err := i.SetTransform(func(o any) (any, error) {
		if u, ok := o.(*unstructured.Unstructured); ok {
			return read(u), nil
		}
		return o, nil
	})
	return i, errors.Join(err, i.SetWatchErrorHandlerWithContext(func(ctx context.Context, _ *cache.Reflector, err error) {
		if ctx.Err() == nil {
			if k.fail(name, fmt.Errorf("%s: %w", name, explained(err, resource)), hopeless(err)) {
				c.log.Info("the cluster cannot be read; it is tried again", "source", c.cfg.Source, "resource", name, "error", err)
			}
		}
	}))
}

func in(namespace string) string {
	if namespace == metav1.NamespaceAll {
		return ""
	}
	return " in " + namespace
}

func hopeless(err error) bool {
	var refused *rest.RefusedError
	return apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || apierrors.IsNotFound(err) || errors.As(err, &refused)
}

// explained says what to do about an answer of the API server.
func explained(err error, resource schema.GroupVersionResource) error {
	switch {
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("%w: %w: the kubeconfig's credentials are not valid (any more)", rest.ErrUnauthorized, err)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%w: give the account the verbs get, list and watch on %s, as docs/sources/kubernetes.md shows", err, resource.GroupResource())
	case apierrors.IsNotFound(err) && resource == argoRollouts:
		return fmt.Errorf("%w: the cluster has no Argo Rollouts; set argo_rollouts: false", err)
	}
	return err
}

// fail notes that something cannot be read, and reports whether it could until now.
func (k *caches) fail(name string, err error, hopeless bool) (first bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	was, failing := k.failed[name]
	if !failing {
		was.since = k.now()
	}
	k.failed[name] = failure{err, was.since}
	if hopeless {
		k.once.Do(func() { close(k.fatal) })
	}
	return !failing
}

// read notes that something can be read.
func (k *caches) read(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.failed, name)
}

// err returns what cannot be read for at least so long, joined.
func (k *caches) err(atLeast time.Duration) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(k.failed)) {
		if f := k.failed[name]; k.now().Sub(f.since) >= atLeast {
			errs = append(errs, f.err)
		}
	}
	return errors.Join(errs...)
}

func (k *caches) all() []cache.SharedIndexInformer { return slices.Concat(k.workloads, k.revisions) }

// run starts the informers; they end with the context. wait returns when they have.
func (k *caches) run(ctx context.Context) (wait func()) {
	var wg sync.WaitGroup
	for _, i := range k.all() {
		wg.Go(func() { i.RunWithContext(ctx) })
	}
	return wg.Wait
}

// filled waits until everything has been listed once.
func (k *caches) filled(ctx context.Context, patience time.Duration) error {
	timeout, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, i := range k.all() {
		select {
		case <-i.HasSyncedChecker().Done():
		case <-k.fatal:
			return k.err(0)
		case <-timeout.Done():
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case k.err(0) != nil:
				return k.err(0)
			}
			return fmt.Errorf("the cluster has not answered within %s", patience)
		}
	}
	return nil
}

// system are the namespaces of Kubernetes itself.
var system = []string{"kube-system", "kube-public", "kube-node-lease"}

// views returns the workloads with their revisions, in the order of their names.
func (c *Collector) views(k *caches) []*view {
	var all []*view
	for _, i := range k.workloads {
		for _, o := range i.GetStore().List() {
			w, ok := o.(*workload)
			if ok && (len(c.cfg.Namespaces) > 0 || !slices.Contains(system, w.Namespace)) {
				all = append(all, k.view(w))
			}
		}
	}
	slices.SortFunc(all, func(a, b *view) int { return strings.Compare(a.key(), b.key()) })
	return all
}

func (k *caches) view(w *workload) *view {
	v := &view{workload: w}
	for _, i := range k.revisions {
		owned, err := i.GetIndexer().ByIndex(byOwner, string(w.UID))
		if err != nil {
			continue // there is such an index: informer made it
		}
		for _, o := range owned {
			if r, ok := o.(*revision); ok {
				v.revisions = append(v.revisions, r)
			}
		}
	}
	slices.SortFunc(v.revisions, func(a, b *revision) int { return strings.Compare(a.Name, b.Name) })
	return v
}

// list returns what the cluster shows now: from the caches of a watch that runs, else by one pass of the informers.
func (c *Collector) list(ctx context.Context) ([]*view, error) {
	c.mu.Lock()
	live := c.live
	c.mu.Unlock()
	if live != nil { // whose caches are as old as the last time that the cluster could be read
		return c.views(live), live.err(c.opt.Patience)
	}
	client, err := c.connect()
	if err != nil {
		return nil, err
	}
	k, err := c.informers(client)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	wait := k.run(ctx)
	defer wait()
	defer cancel()
	if err := k.filled(ctx, c.opt.Patience); err != nil {
		return nil, err
	}
	return c.views(k), nil
}
