package kubernetes

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/dxctl/dxctl/collectors/kubernetes/cluster"
	"github.com/dxctl/dxctl/collectors/kubernetes/workload"
	"k8s.io/apimachinery/pkg/types"
)

// changes are what has to be looked at.
type changes struct {
	scopes map[string]bool
	uids   map[types.UID]bool         // workloads of which a revision has changed
	gone   map[string][]*cluster.Gone // by scope, workloads that were deleted
}

func newChanges() *changes {
	return &changes{scopes: map[string]bool{}, uids: map[types.UID]bool{}, gone: map[string][]*cluster.Gone{}}
}

// add takes over what others holds.
func (c *changes) add(other *changes) {
	maps.Copy(c.scopes, other.scopes)
	maps.Copy(c.uids, other.uids)
	for scope, gone := range other.gone {
		c.gone[scope] = append(c.gone[scope], gone...)
	}
}

// queue gathers what changes.
type queue struct {
	mu    sync.Mutex
	now   *changes
	ready chan struct{}
}

func newQueue() *queue { return &queue{now: newChanges(), ready: make(chan struct{}, 1)} }

// Changed notes an object of the caches.
func (q *queue) Changed(o any) {
	q.mu.Lock()
	switch o := o.(type) {
	case *workload.Workload:
		q.now.scopes[o.Scope()] = true
	case *workload.Revision:
		if o.Owner == "" {
			q.mu.Unlock()
			return
		}
		q.now.uids[o.Owner] = true
	}
	q.mu.Unlock()
	q.wake()
}

// Deleted notes a workload that was deleted.
func (q *queue) Deleted(g *cluster.Gone) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.now.gone[g.Scope()] = append(q.now.gone[g.Scope()], g)
}

func (q *queue) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// wait returns when something has changed and a pause is over; false when the context has ended.
func (q *queue) wait(ctx context.Context, pause time.Duration) bool {
	select {
	case <-q.ready:
	case <-ctx.Done():
		return false
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// take returns what has changed, and empties the queue.
func (q *queue) take() *changes {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := q.now
	q.now = newChanges()
	return taken
}
