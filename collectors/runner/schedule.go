package runner

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// Schedule says how [Runner.Serve] collects.
type Schedule struct {
	// between the ends and beginnings of two runs of a source; 0: only what is asked for with Trigger
	Interval time.Duration
	// Ended is told the result of every run of a source, from several goroutines; may be nil.
	Ended func(source string, s Summary, err error)
}

const (
	firstRetry = time.Minute     // after a run that failed; doubled up to the interval
	gather     = 2 * time.Second // triggers that come together are one run
)

// Serve collects until ctx ends: every source on its own, at once and then at every interval. A source that fails is
// tried again after a minute, then after two, and so on up to the interval, and holds up nobody. Scopes that
// [Runner.Trigger] names are collected without waiting for the interval.
func (r *Runner) Serve(ctx context.Context, plan Schedule) error {
	if err := r.stats.load(ctx, r.store); err != nil {
		return err
	}
	if err := r.loadProblems(ctx); err != nil {
		return err
	}
	var wg sync.WaitGroup
	for _, s := range r.sources {
		wg.Go(func() { r.serve(ctx, s, plan) })
		if w, ok := s.Collector.(source.Watcher); ok {
			wg.Go(func() { r.watch(ctx, s, w) })
		}
	}
	wg.Wait()
	return ctx.Err()
}

// serve is the loop of one source.
func (r *Runner) serve(ctx context.Context, s *runnable, plan Schedule) {
	run := func(scopes []string) error {
		summary, err := r.Run(ctx, RunOptions{Source: s.Source(), Scopes: scopes})
		if ctx.Err() != nil {
			return err
		}
		if !s.derived() && anything(summary) {
			r.derive()
		}
		if plan.Ended != nil {
			plan.Ended(s.Source(), summary, err)
		}
		return err
	}
	failures := 0
	timer := time.NewTimer(0)
	defer timer.Stop()
	if plan.Interval <= 0 {
		timer.Stop()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			if err := run(nil); err == nil || rest.OnlySkipped(err) { // what was skipped waits by itself
				failures = 0
			} else {
				failures++
			}
			timer.Reset(pauseAfter(failures, plan.Interval))
		case <-s.pending.wake:
			if wait(ctx, gather) != nil {
				return
			}
			if scopes, all := s.pending.take(); all || len(scopes) > 0 {
				_ = run(scopes) // what failed is read by the next run
			}
		}
	}
}

// derive asks the sources that read what others store to look again.
func (r *Runner) derive() {
	for _, s := range r.sources {
		if s.derived() {
			s.pending.addAll()
		}
	}
}

// anything reports whether a run stored something that others could read.
func anything(s Summary) bool {
	events := s.Events()
	return events[event.KindDeployment]+events[event.KindChange] > 0
}

// pauseAfter is how long a source is left alone after so many failures in a row.
func pauseAfter(failures int, interval time.Duration) time.Duration {
	if failures == 0 {
		return interval
	}
	return min(firstRetry<<min(failures-1, 10), interval)
}

// watch keeps a [source.Watcher] going: one that ends with an error is started again, later each time.
func (r *Runner) watch(ctx context.Context, s *runnable, w source.Watcher) {
	scoped := func(scope string) source.Writer {
		return &writer{
			store:    r.store,
			source:   s.Source(),
			scope:    scope,
			provider: s.Provider(),
			stats:    r.stats,
			tally:    &s.tally,
			report:   r.opt.Report,
		}
	}
	for failures := 1; ; failures++ {
		began := r.opt.Now()
		err := w.Watch(ctx, scoped)
		if ctx.Err() != nil {
			return
		}
		if r.opt.Now().Sub(began) > 10*time.Minute {
			failures = 1
		}
		pause := pauseAfter(failures, 15*time.Minute)
		r.failed(ctx, s.Source(), "", err)
		r.opt.Logger.Warn("watch failed; restarting", "source", s.Source(), "in", pause)
		if wait(ctx, pause) != nil {
			return
		}
	}
}

// Trigger asks for scopes of a source to be collected by a running [Runner.Serve] without waiting for the interval. It
// reports whether there is such a source; a scope that the source does not have is left out when it is collected.
func (r *Runner) Trigger(source, scope string) bool {
	i := slices.IndexFunc(r.sources, func(s *runnable) bool { return s.Source() == source })
	if i >= 0 {
		r.sources[i].pending.add(scope)
	}
	return i >= 0
}

// pending is a set of scopes to collect without waiting for the interval.
type pending struct {
	mu     *sync.Mutex
	scopes map[string]bool
	all    bool
	wake   chan struct{}
}

func newPending() pending {
	return pending{mu: new(sync.Mutex), scopes: map[string]bool{}, wake: make(chan struct{}, 1)}
}

func (p *pending) add(scope string) {
	p.mu.Lock()
	p.scopes[scope] = true
	p.mu.Unlock()
	p.wakeUp()
}

func (p *pending) addAll() {
	p.mu.Lock()
	p.all = true
	p.mu.Unlock()
	p.wakeUp()
}

func (p *pending) wakeUp() {
	select {
	case p.wake <- struct{}{}:
	default: // it has been woken already
	}
}

// take empties the set. scopes is nil when all are pending.
func (p *pending) take() (scopes []string, all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if all = p.all; !all {
		scopes = slices.Sorted(maps.Keys(p.scopes))
	}
	clear(p.scopes)
	p.all = false
	return scopes, all
}

// wait returns after d, or with the context's error.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
