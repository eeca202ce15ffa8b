package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/tools/cache"
)

// Watch keeps the informers running and stores changes as they come, until ctx ends; then it returns nil. The writer of
// a scope is asked for each time that something is stored, and shares its checkpoints with [Collector.Collect], which
// may be called at the same time. What cannot be stored is tried again. An error is returned only when the cluster
// cannot be read at all: it does not answer, or refuses. A connection that is lost later is taken up again.
func (c *Collector) Watch(ctx context.Context, writer func(scope string) source.Writer) error {
	client, err := c.connect()
	if err != nil {
		return err
	}
	k, err := c.informers(client)
	if err != nil {
		return err
	}
	q := newQueue()
	for _, l := range k.all() {
		if _, err := l.AddEventHandler(k.handler(q)); err != nil {
			return fmt.Errorf("listening to the informers: %w", err)
		}
	}
	informing, cancel := context.WithCancel(ctx)
	wait := k.run(informing)
	defer wait()
	defer cancel()
	if err := k.fill(ctx, c.opt.Patience); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if err := k.err(0); err != nil {
		c.Log.Error("a part of the cluster cannot be read; retrying", "source", c.cfg.Source, "error", err)
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

// handler notes what the events of an informer show.
func (k *caches) handler(q *queue) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(o any) {
			if w, ok := o.(*workload); ok {
				k.witness.appeared(w)
			}
			q.changed(o)
		},
		UpdateFunc: func(before, o any) {
			old, _ := before.(*workload)
			if w, ok := o.(*workload); ok && old != nil {
				k.witness.changed(old, w)
				q.changed(old) // it may have been of another scope
			}
			q.changed(o)
		},
		DeleteFunc: func(o any) {
			gone, missed := o.(cache.DeletedFinalStateUnknown)
			if missed {
				o = gone.Obj
			}
			if w, ok := o.(*workload); ok {
				v := k.view(w)
				if l := k.listingOf(w.kind, w.Namespace); l != nil && !missed {
					l.noteDeleted(v.key())
				}
				q.deleted(&lost{v, !missed})
				k.witness.gone(w.UID)
			}
			q.changed(o)
		},
	}
}

// follow stores what changes, a moment after it has: a rollout changes its status several times a second.
func (c *Collector) follow(ctx context.Context, k *caches, q *queue, writer func(scope string) source.Writer) {
	due := newChanges()
	for pause := c.opt.Settle; q.wait(ctx, pause); {
		// What changes from here on is in the queue again, whether or not the views show it.
		due.add(q.take())
		c.withhold(k, due, writer)
		for uid := range due.uids {
			if scope := k.scopeOf(uid); scope != "" { // else its workload is not there yet, or not anymore
				due.scopes[scope] = true
			}
		}
		clear(due.uids)
		failed := c.store(ctx, k, due, writer)
		if ctx.Err() != nil {
			return
		}
		due, pause = failed, c.opt.Settle
		if len(due.scopes) > 0 {
			pause = min(10*c.opt.Settle, time.Minute)
			q.wake()
		}
	}
}

// store brings the scopes that have changed up to date, and returns those of which it failed.
func (c *Collector) store(
	ctx context.Context,
	k *caches,
	due *changes,
	writer func(scope string) source.Writer,
) *changes {
	failed := newChanges()
	var mu sync.Mutex
	var passes errgroup.Group
	passes.SetLimit(c.Abreast())
	for scope := range due.scopes {
		passes.Go(func() error {
			if err := c.look(ctx, k, scope, due.gone[scope], writer(scope)); err != nil && ctx.Err() == nil {
				c.Log.Error("storing a rollout failed; retrying", "source", c.cfg.Source, "scope", scope, "error", err)
				mu.Lock()
				defer mu.Unlock()
				failed.scopes[scope] = true
				failed.gone[scope] = due.gone[scope]
			}
			return nil
		})
	}
	_ = passes.Wait() // no pass returns an error
	return failed
}

// look stores what is new of a scope.
func (c *Collector) look(ctx context.Context, k *caches, scope string, gone []*lost, w source.Writer) error {
	defer c.lock(scope)()
	views := c.views(k, scope)
	p := &pass{Collector: c, scope: scope, w: w, listed: k.listed}
	if err := p.take(ctx, views, gone); err != nil {
		return err
	}
	for _, v := range views {
		k.witness.forget(v)
	}
	for _, err := range p.bad {
		c.Log.Error(
			"storing a rollout failed; the next collect retries",
			"source",
			c.cfg.Source,
			"scope",
			scope,
			"error",
			err,
		)
	}
	return nil
}
