package cluster

import (
	"fmt"

	"github.com/dxctl/dxctl/collectors/kubernetes/workload"
	"k8s.io/client-go/tools/cache"
)

// Gone is a workload that was deleted while the cluster was watched.
type Gone struct {
	*workload.View
	Known bool // View is its last state; false: the deletion was missed, and View is an earlier state
}

// Listener is called with what the events of a watch show. Its methods must return at once.
type Listener interface {
	// Changed is called with a workload that appeared, changed or is gone, and with a revision of one.
	Changed(o any)
	// Deleted is called with a workload that was deleted, before Changed.
	Deleted(g *Gone)
}

// Notify makes the informers report changes to a listener, from now on.
func (k *Caches) Notify(q Listener) error {
	for _, l := range k.Listings() {
		if _, err := l.AddEventHandler(k.Handler(q)); err != nil {
			return fmt.Errorf("listening to the informers: %w", err)
		}
	}
	return nil
}

// Forget drops what was seen of the past rollouts of a view, once they are stored.
func (k *Caches) Forget(v *workload.View) { k.witness.Forget(v) }

// Handler reports the events of an informer to a listener, and remembers what they show of each rollout.
func (k *Caches) Handler(q Listener) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(o any) {
			if w, ok := o.(*workload.Workload); ok {
				k.witness.Appeared(w)
			}
			q.Changed(o)
		},
		UpdateFunc: func(before, o any) {
			old, _ := before.(*workload.Workload)
			if w, ok := o.(*workload.Workload); ok && old != nil {
				k.witness.Changed(old, w)
				q.Changed(old) // it may have been of another scope
			}
			q.Changed(o)
		},
		DeleteFunc: func(o any) {
			gone, missed := o.(cache.DeletedFinalStateUnknown)
			if missed {
				o = gone.Obj
			}
			if w, ok := o.(*workload.Workload); ok {
				v := k.view(w)
				if l := k.ListingOf(w.Kind, w.Namespace); l != nil && !missed {
					l.noteDeleted(v.Key())
				}
				q.Deleted(&Gone{View: v, Known: !missed})
				k.witness.Gone(w.UID)
			}
			q.Changed(o)
		},
	}
}
