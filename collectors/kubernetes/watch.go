package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// Watch keeps the informers running and stores changes as they come, until ctx ends; then it returns nil. The writer of a
// scope is asked for each time that something is stored, and shares its checkpoints with [Collector.Collect], which may be
// called at the same time. What cannot be stored is tried again. An error is returned only when the cluster cannot be
// read at all: it does not answer, or refuses. A connection that is lost later is taken up again.
func (c *Collector) Watch(ctx context.Context, writer func(scope string) Writer) error {
	client, err := c.connect()
	if err != nil {
		return err
	}
	k, err := c.informers(client)
	if err != nil {
		return err
	}
	q := newQueue()
	for _, i := range k.all() {
		if _, err := i.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(o any) { q.changed(o) },
			UpdateFunc: func(_, o any) { q.changed(o) },
			DeleteFunc: func(o any) { q.changed(o) },
		}); err != nil {
			return fmt.Errorf("listening to the informers: %w", err)
		}
	}
	informing, cancel := context.WithCancel(ctx)
	wait := k.run(informing)
	defer wait()
	defer cancel()
	if err := k.filled(ctx, c.opt.Patience); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	c.mu.Lock()
	if c.live != nil {
		c.mu.Unlock()
		return errors.New("the cluster is being watched already")
	}
	c.live = k
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.live = nil
		c.mu.Unlock()
	}()
	c.follow(ctx, k, q, writer)
	return nil
}

// follow stores what changes, a moment after it has: a rollout changes its status several times a second.
func (c *Collector) follow(ctx context.Context, k *caches, q *queue, writer func(scope string) Writer) {
	scopes := map[types.UID]string{} // of each workload, as it was last seen: it may be deleted
	seen := map[string]bool{}        // scopes that have been looked at since the watch began
	due := map[string]bool{}
	for pause := c.opt.Settle; ; {
		if !q.wait(ctx, pause) {
			return
		}
		byScope := map[string][]*view{}
		now := map[types.UID]string{}
		for _, v := range c.views(k) {
			byScope[v.scope()] = append(byScope[v.scope()], v)
			now[v.UID] = v.scope()
		}
		for uid := range q.take() {
			for _, scope := range []string{scopes[uid], now[uid]} {
				if scope != "" {
					due[scope] = true
				}
			}
		}
		scopes = now
		pause = c.opt.Settle
		for scope := range due {
			if err := c.look(ctx, scope, byScope[scope], writer(scope), seen[scope]); err != nil {
				if ctx.Err() != nil {
					return
				}
				c.log.Error("storing a rollout failed; it is tried again", "source", c.cfg.Source, "scope", scope, "error", err)
				pause = min(10*c.opt.Settle, time.Minute)
				q.wake()
				continue
			}
			seen[scope] = true
			delete(due, scope)
		}
	}
}

func (c *Collector) look(ctx context.Context, scope string, views []*view, w Writer, watching bool) error {
	c.taking.Lock()
	defer c.taking.Unlock()
	p := &pass{Collector: c, scope: scope, w: w, watching: watching}
	return p.take(ctx, views)
}

// queue gathers the workloads that have changed.
type queue struct {
	mu    sync.Mutex
	uids  map[types.UID]bool
	ready chan struct{}
}

func newQueue() *queue { return &queue{uids: map[types.UID]bool{}, ready: make(chan struct{}, 1)} }

// changed notes the workload that an object of the caches is, or belongs to.
func (q *queue) changed(o any) {
	if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = gone.Obj
	}
	var uid types.UID
	switch o := o.(type) {
	case *workload:
		uid = o.UID
	case *revision:
		uid = o.owner
	}
	if uid == "" {
		return
	}
	q.mu.Lock()
	q.uids[uid] = true
	q.mu.Unlock()
	q.wake()
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

// take returns what has changed and begins anew.
func (q *queue) take() map[types.UID]bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	uids := q.uids
	q.uids = map[types.UID]bool{}
	return uids
}
