package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dxctl/dxctl/collectors/kubernetes/workload"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/dxctl/dxctl/collectors/rest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
)

// The indexes of an informer.
const (
	byOwner = "owner" // revisions by the uid of their workload
	byScope = "scope" // workloads
	byUID   = "uid"   // workloads
)

// Listing is one informer: a resource of a namespace, or of all of them.
type Listing struct {
	cache.SharedIndexInformer
	resource  schema.GroupVersionResource
	namespace string
	kind      string // of the workloads; empty for revisions
	Selector  string // labels that its workloads have; empty: all are shown
	read      func(*unstructured.Unstructured) any

	// epoch counts how often everything was listed. Between two states of an object with the same epoch lies nothing that
	// the watch did not show; otherwise there may be.
	epoch   atomic.Int64
	refused chan struct{} // closed when the server has refused: trying again soon would not help
	once    sync.Once

	now     func() time.Time
	failing func(err error) // is called with the first failure after a success
	mu      sync.Mutex
	err     error           // why it cannot be read now
	since   time.Time       // since when
	odd     []string        // items that the latest listing left out, because they cannot be read
	doubted error           // why what it lacks is not taken to be gone
	deleted map[string]bool // workloads, by key, of which the watch showed the deletion since it was last believed
}

// shows reports whether workloads of a kind in a namespace are in the listing.
func (l *Listing) shows(kind, namespace string) bool {
	return l.kind == kind && (l.namespace == metav1.NamespaceAll || l.namespace == namespace)
}

// Name returns how errors name the listing: deployments in shop.
func (l *Listing) Name() string {
	if l.namespace == metav1.NamespaceAll {
		return l.resource.Resource
	}
	return l.resource.Resource + " in " + l.namespace
}

// inform makes the informer of a listing.
func (c *Cluster) inform(l *Listing, client dynamic.Interface) error {
	l.refused, l.now = make(chan struct{}), c.cfg.Now
	l.failing = func(err error) { c.cfg.Failing(l.Name(), err) }
	lw := cache.ToListWatcherWithWatchListSemantics(
		l.listWatch(client.Resource(l.resource).Namespace(l.namespace), c.cfg.Patience),
		client,
	)
	i := cache.NewSharedIndexInformerWithOptions(lw, &unstructured.Unstructured{}, cache.SharedIndexInformerOptions{
		ObjectDescription: l.resource.String(), Indexers: indexers,
	})
	l.SharedIndexInformer = i
	err := i.SetTransform(func(o any) (any, error) {
		if u, ok := o.(*unstructured.Unstructured); ok {
			return l.read(u), nil
		}
		return o, nil
	})
	return errors.Join(err, i.SetWatchErrorHandlerWithContext(func(ctx context.Context, _ *cache.Reflector, err error) {
		if ctx.Err() == nil {
			l.fail(err)
		}
	}))
}

var indexers = cache.Indexers{
	byOwner: func(o any) ([]string, error) {
		if r, ok := o.(*workload.Revision); ok && r.Owner != "" {
			return []string{string(r.Owner)}, nil
		}
		return nil, nil
	},
	byScope: func(o any) ([]string, error) {
		if w, ok := o.(*workload.Workload); ok {
			return []string{w.Scope()}, nil
		}
		return nil, nil
	},
	byUID: func(o any) ([]string, error) {
		if w, ok := o.(*workload.Workload); ok {
			return []string{string(w.UID)}, nil
		}
		return nil, nil
	},
}

// listWatch sends the requests of an informer, and counts how often everything is listed.
func (l *Listing) listWatch(api dynamic.ResourceInterface, patience time.Duration) *cache.ListWatch {
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = l.Selector
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			l.epoch.Add(1)
			left := &misfits{}
			list, err := api.List(context.WithValue(ctx, misfitsKey{}, left), o)
			if err != nil {
				return nil, err
			}
			l.leftOut(left, o.Continue == "")
			l.succeed()
			return list, nil
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector = l.Selector
			if o.SendInitialEvents != nil && *o.SendInitialEvents { // a listing in the form of a watch
				l.epoch.Add(1)
			}
			w, err := api.Watch(ctx, o)
			switch {
			case err == nil:
				l.succeed()
			case ctx.Err() == nil &&
				!apierrors.IsInvalid(err): // an older server cannot list in this form; the informer lists as before
				l.fail(err) // the informer does not report that a server refuses connections
			}
			return w, err
		},
	}
}

// hopeless reports whether the server refuses, so that the same request is refused again.
func hopeless(err error) bool {
	var refused *rest.RefusedError
	return apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || apierrors.IsNotFound(err) ||
		errors.As(err, &refused)
}

// explained adds what to do to an error of the API server.
func explained(err error, resource schema.GroupVersionResource) error {
	switch {
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("%w: %w: the kubeconfig's credentials are invalid or expired", rest.ErrUnauthorized, err)
	case apierrors.IsForbidden(err):
		return fmt.Errorf(
			"%w: give the account the verbs get, list and watch on %s, as docs/sources/kubernetes.md shows",
			err,
			resource.GroupResource(),
		)
	case apierrors.IsNotFound(err) && resource == ArgoRollouts:
		return fmt.Errorf("%w: the cluster has no Argo Rollouts; set argo_rollouts: false", err)
	}
	return err
}

// fail notes that the server did not answer as it should.
func (l *Listing) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.since = l.now()
		l.failing(err)
	}
	l.err = fmt.Errorf("%s: %w", l.Name(), explained(err, l.resource))
	if hopeless(err) {
		l.once.Do(func() { close(l.refused) })
	}
}

// unanswered notes that the first listing took too long, unless its failure is known already.
func (l *Listing) unanswered(patience time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err, l.since = fmt.Errorf("%s: the cluster has not answered within %s", l.Name(), patience), l.now()
	}
}

func (l *Listing) succeed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = nil
}

// failure is why the listing cannot be read, if it was never read or has failed for at least so long; else nil.
func (l *Listing) failure(atLeast time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil || l.HasSynced() && l.now().Sub(l.since) < atLeast {
		return nil
	}
	return l.err
}
