package runner

import (
	"context"
	"sync"
)

// maxGathered bounds how many calls become one statement.
const maxGathered = 1000

// gathered makes one statement of the calls that arrive while another statement runs. A call that finds nothing running
// goes through at once, so gathering never waits for company. When a statement of several calls fails, each of them is
// tried on its own: one that the store refuses does not fail the others.
type gathered[Q, A any] struct {
	one  func(ctx context.Context, q Q) (A, error)
	many func(ctx context.Context, qs []Q) ([]A, error) // an answer for each, in their order

	mu      sync.Mutex
	running bool
	queue   []*call[Q, A]
}

// call is one call that waits: until it is answered, or has to lead.
type call[Q, A any] struct {
	q     Q
	a     A
	alone bool          // the statement of several failed
	ready chan struct{} // closed when the call is answered, or alone
	lead  chan struct{} // closed when the call is the first of the next statement
}

func (g *gathered[Q, A]) do(ctx context.Context, q Q) (A, error) {
	g.mu.Lock()
	if !g.running {
		g.running = true
		g.mu.Unlock()
		defer g.next()
		return g.one(ctx, q)
	}
	c := &call[Q, A]{q: q, ready: make(chan struct{}), lead: make(chan struct{})}
	g.queue = append(g.queue, c)
	g.mu.Unlock()
	select {
	case <-c.ready:
		if c.alone {
			return g.one(ctx, q)
		}
		return c.a, nil
	case <-c.lead:
		return g.lead(ctx)
	}
}

// lead answers the calls that wait, of which the caller's is the first.
func (g *gathered[Q, A]) lead(ctx context.Context) (A, error) {
	g.mu.Lock()
	n := min(len(g.queue), maxGathered)
	calls := g.queue[:n:n]
	g.queue = g.queue[n:]
	g.mu.Unlock()
	if n == 1 {
		defer g.next()
		return g.one(ctx, calls[0].q)
	}
	qs := make([]Q, n)
	for i, c := range calls {
		qs[i] = c.q
	}
	answers, err := g.many(ctx, qs)
	g.next()
	for i, c := range calls {
		if c.alone = err != nil; !c.alone {
			c.a = answers[i]
		}
		close(c.ready)
	}
	if err != nil {
		return g.one(ctx, calls[0].q)
	}
	return answers[0], nil
}

// next lets the first call that waits lead.
func (g *gathered[Q, A]) next() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.queue) == 0 {
		g.running = false
		return
	}
	close(g.queue[0].lead)
}
