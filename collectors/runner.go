package collectors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// Runner collects sources: all of them side by side, and the scopes of each side by side within the source's own budget.
type Runner struct {
	store      Store
	collectors []Collector
	opt        RunnerOptions
	stats      *stats
	running    sync.Mutex
}

// RunnerOptions are what a Runner needs from outside; each may be left out.
type RunnerOptions struct {
	Logger      *slog.Logger
	Registerer  prometheus.Registerer
	Now         func() time.Time
	Concurrency int            // scopes of one source at a time; default 4
	Report      func(Progress) // is called from several goroutines, one call at a time
}

// RunOptions say what one run collects.
type RunOptions struct {
	Source string    // only this one; empty: all
	Since  time.Time // read back to here, if that is further than was read before; zero: as each source is configured
	// Until makes the run a re-read of what was created before it (and at or after Since): everything is asked for
	// again and checkpoints are neither used nor moved. Zero: an ordinary run.
	Until time.Time
}

// Summary says what a run did.
type Summary struct {
	Started, Finished time.Time
	Scopes            []ScopeSummary // in the order of sources and scopes
	Requests          map[string]int // by source
}

// ScopeSummary says what a run did for one scope of a source. Scope is empty when the source's scopes could not be listed.
type ScopeSummary struct {
	Source, Scope string
	Events        map[event.Kind]uint64 // appended
	Took          time.Duration
	Err           error
}

// Err joins what went wrong, each with the source and scope it happened in; nil when nothing did.
func (s Summary) Err() error {
	var errs []error
	for _, scope := range s.Scopes {
		if scope.Err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", strings.TrimSpace(scope.Source+" "+scope.Scope), scope.Err))
		}
	}
	return errors.Join(errs...)
}

// Events returns how many events were appended, by kind.
func (s Summary) Events() map[event.Kind]uint64 {
	all := map[event.Kind]uint64{}
	for _, scope := range s.Scopes {
		for kind, n := range scope.Events {
			all[kind] += n
		}
	}
	return all
}

// NewRunner returns a Runner over the collectors. Its metrics are registered with opt.Registerer when there is one.
func NewRunner(store Store, collectors []Collector, opt RunnerOptions) *Runner {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Concurrency <= 0 {
		opt.Concurrency = 4
	}
	if report := opt.Report; report != nil {
		var one sync.Mutex
		opt.Report = func(p Progress) {
			one.Lock()
			defer one.Unlock()
			report(p)
		}
	} else {
		opt.Report = func(Progress) {}
	}
	r := &Runner{store: store, collectors: collectors, opt: opt, stats: newStats(opt.Registerer)}
	for _, c := range collectors {
		if o, ok := c.(Observed); ok {
			o.Observe(r.observer(c.Source()))
		}
	}
	return r
}

func (r *Runner) observer(source string) rest.Observer {
	return rest.Observer{
		Request: func(q rest.Request) { r.stats.requested(source, q.Status) },
		Waiting: func(w rest.Waiting) {
			left := w.Until.Sub(r.opt.Now())
			r.stats.waited(source, left)
			r.opt.Logger.Info("waiting", "source", source, "until", w.Until.UTC().Format(time.RFC3339), "reason", w.Reason)
			r.opt.Report(Progress{Source: source, WaitUntil: w.Until, Reason: w.Reason})
		},
	}
}

// Run collects once. A scope that fails does not hold up the others; the error joins what went wrong ([Summary.Err]). When
// ctx ends, Run returns promptly with its error; what was stored until then stays. Runs of one Runner follow one another.
func (r *Runner) Run(ctx context.Context, opt RunOptions) (Summary, error) {
	r.running.Lock()
	defer r.running.Unlock()
	chosen, err := r.choose(opt.Source)
	if err != nil {
		return Summary{}, err
	}
	r.stats.reset()
	summary := Summary{Started: r.opt.Now()}
	results := make([][]ScopeSummary, len(chosen))
	var wg sync.WaitGroup
	for i, c := range chosen {
		wg.Go(func() { results[i] = r.source(ctx, c, opt) })
	}
	wg.Wait()
	summary.Scopes = slices.Concat(results...)
	summary.Finished = r.opt.Now()
	summary.Requests = r.stats.requestsOfRun()
	if ctx.Err() != nil {
		return summary, ctx.Err()
	}
	return summary, summary.Err()
}

func (r *Runner) choose(name string) ([]Collector, error) {
	if name == "" {
		return r.collectors, nil
	}
	var names []string
	for _, c := range r.collectors {
		if c.Source() == name {
			return []Collector{c}, nil
		}
		names = append(names, c.Source())
	}
	return nil, fmt.Errorf("no source is named %q; configured are: %s", name, strings.Join(names, ", "))
}

// source collects the scopes of one source.
func (r *Runner) source(ctx context.Context, c Collector, opt RunOptions) []ScopeSummary {
	scopes, err := r.scopes(ctx, c)
	if err != nil {
		r.failed(c.Source(), "", err)
		return []ScopeSummary{{Source: c.Source(), Err: fmt.Errorf("listing what to collect: %w", err)}}
	}
	results := make([]ScopeSummary, len(scopes))
	var group errgroup.Group
	group.SetLimit(r.opt.Concurrency)
	for i, scope := range scopes {
		group.Go(func() error {
			results[i] = r.scope(ctx, c, scope, opt)
			return nil // a scope's error is its own
		})
	}
	_ = group.Wait()
	if !slices.ContainsFunc(results, func(s ScopeSummary) bool { return s.Err != nil }) {
		r.stats.succeeded(c.Source(), r.opt.Now())
	}
	return results
}

func (r *Runner) scopes(ctx context.Context, c Collector) ([]string, error) {
	if d, ok := c.(Discoverer); ok {
		return d.Discover(ctx, &writer{store: r.store, source: c.Source(), stats: r.stats})
	}
	return c.Scopes(ctx)
}

func (r *Runner) scope(ctx context.Context, c Collector, scope string, opt RunOptions) ScopeSummary {
	result := ScopeSummary{Source: c.Source(), Scope: scope}
	if result.Err = ctx.Err(); result.Err != nil {
		return result
	}
	start := r.opt.Now()
	w := &writer{store: r.store, source: c.Source(), scope: scope, since: opt.Since, until: opt.Until,
		unbound: !opt.Until.IsZero(), stats: r.stats, report: r.opt.Report}
	result.Err = c.Collect(ctx, scope, w)
	result.Took = r.opt.Now().Sub(start)
	result.Events = r.stats.eventsOf(c.Source(), scope)
	if result.Err != nil && ctx.Err() == nil {
		r.failed(c.Source(), scope, result.Err)
	}
	r.opt.Report(Progress{Source: c.Source(), Scope: scope, Finished: true, Err: result.Err})
	return result
}

func (r *Runner) failed(source, scope string, err error) {
	r.stats.failed(source)
	r.opt.Logger.Error("collecting failed", "source", source, "scope", scope, "error", err)
}
