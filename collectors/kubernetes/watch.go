package kubernetes

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/dxctl/dxctl/collectors/kubernetes/cluster"
	"github.com/dxctl/dxctl/collectors/source"
	"golang.org/x/sync/errgroup"
)

// Watch keeps the informers running and stores changes as they come, until ctx ends; then it returns nil. The writer of
// a scope is asked for each time that something is stored, and shares its checkpoints with [Collector.Collect], which
// may be called at the same time. What cannot be stored is tried again. An error is returned only when the cluster
// cannot be read at all: it does not answer, or refuses. A connection that is lost later is taken up again.
func (c *Collector) Watch(ctx context.Context, writer func(scope string) source.Writer) error {
	k, err := c.cluster.Caches()
	if err != nil {
		return err
	}
	q := newQueue()
	if err := k.Notify(q); err != nil {
		return err
	}
	informing, cancel := context.WithCancel(ctx)
	wait := k.Run(informing)
	defer wait()
	defer cancel()
	if err := k.Fill(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if err := k.Err(0); err != nil {
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

// follow stores what changes, a moment after it has: a rollout changes its status several times a second.
func (c *Collector) follow(ctx context.Context, k *cluster.Caches, q *queue, writer func(scope string) source.Writer) {
	due := newChanges()
	for pause := c.opt.Settle; q.wait(ctx, pause); {
		// What changes from here on is in the queue again, whether or not the views show it.
		due.add(q.take())
		c.withhold(k, due, writer)
		for uid := range due.uids {
			if scope := k.ScopeOf(uid); scope != "" { // else its workload is not there yet, or not anymore
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

// store updates the scopes that have changed, and returns those of which it failed.
func (c *Collector) store(
	ctx context.Context,
	k *cluster.Caches,
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
func (c *Collector) look(
	ctx context.Context,
	k *cluster.Caches,
	scope string,
	gone []*cluster.Gone,
	w source.Writer,
) error {
	defer c.lock(scope)()
	views := k.Views(scope)
	p := &pass{Collector: c, scope: scope, w: w, listed: k.Listed}
	if err := p.take(ctx, views, gone); err != nil {
		return err
	}
	for _, v := range views {
		k.Forget(v)
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
