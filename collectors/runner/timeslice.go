package runner

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dxctl/dxctl/collectors/source"
)

// timeSlice is a scope that is collected for a limited time, and how far that has come.
type timeSlice struct {
	scope  string
	length time.Duration // doubled every time, so that a long history does not pay for its many time slices
	took   time.Duration
	result *ScopeSummary
}

// collectInSlices collects scopes side by side. A scope whose time slice is over while others wait goes to the end of
// the queue at its next checkpoint. Every source reads the newest first, so all scopes show their latest records soon,
// and the long histories follow.
func (r *Runner) collectInSlices(ctx context.Context, s *runnable, scopes []string, opt RunOptions) []ScopeSummary {
	results := make([]ScopeSummary, len(scopes))
	queue := make(chan *timeSlice, len(scopes)) // holds every scope at most once
	var left, waiting atomic.Int64
	left.Store(int64(len(scopes)))
	for i, scope := range scopes {
		results[i] = ScopeSummary{Source: s.Source(), Scope: scope}
		queue <- &timeSlice{scope: scope, length: r.opt.TimeSlice, result: &results[i]}
		waiting.Add(1)
	}
	if len(scopes) == 0 {
		return nil
	}
	var wg sync.WaitGroup
	for range min(r.abreast(s), len(scopes)) {
		wg.Go(func() {
			for t := range queue {
				waiting.Add(-1)
				if again := r.take(ctx, s, t, opt, &waiting); again {
					waiting.Add(1)
					queue <- t
				} else if left.Add(-1) == 0 {
					close(queue)
				}
			}
		})
	}
	wg.Wait()
	return results
}

// abreast is how many scopes of a source are collected side by side.
func (r *Runner) abreast(s *runnable) int {
	if w, ok := s.Collector.(source.Wide); ok && w.Abreast() > 0 {
		return w.Abreast()
	}
	return r.opt.Concurrency
}

// take collects a scope for one time slice and reports whether it needs another.
func (r *Runner) take(
	ctx context.Context,
	s *runnable,
	t *timeSlice,
	opt RunOptions,
	waiting *atomic.Int64,
) (again bool) {
	if err := ctx.Err(); err != nil {
		t.result.Err, t.result.Took, t.result.Events = err, t.took, s.tally.of(t.scope) // of the time slices it had
		return false
	}
	start := r.opt.Now()
	over := start.Add(t.length)
	t.length *= 2
	w := &writer{
		store:          r.store,
		source:         s.Source(),
		scope:          t.scope,
		provider:       s.Provider(),
		since:          opt.Since,
		until:          opt.Until,
		reread:         opt.reread(),
		acceptRemovals: opt.AcceptRemovals,
		stats:          r.stats,
		tally:          &s.tally,
		report:         r.opt.Report,
		sliceOver:      func() bool { return waiting.Load() > 0 && !r.opt.Now().Before(over) },
	}
	err := s.Collect(ctx, t.scope, w)
	t.took += r.opt.Now().Sub(start)
	if err != nil && w.yielded.Load() && ctx.Err() == nil {
		return true // whatever else went wrong goes wrong again, in the time slice that is not cut short
	}
	if err == nil && w.reread != "" {
		err = w.forget(ctx)
	}
	t.result.Err, t.result.Took, t.result.Events = err, t.took, s.tally.of(t.scope)
	if err != nil {
		r.failed(ctx, s.Source(), t.scope, err)
	}
	r.opt.Report(Progress{Source: s.Source(), Scope: t.scope, Finished: true, Err: err})
	return false
}
