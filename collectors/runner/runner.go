package runner

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

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// Runner collects sources: all of them side by side, and the scopes of each side by side within the source's own
// budget.
type Runner struct {
	store   *gatheringStore
	sources []*runnable
	opt     Options
	stats   *stats
}

// runnable is a collector with what the Runner knows of it.
type runnable struct {
	source.Collector
	running sync.Mutex // runs of one source follow one another
	tally   tally      // of the run at hand
	pending pending    // scopes to collect without waiting for the interval
}

// derived reports whether the source reads what the others stored.
func (s *runnable) derived() bool {
	d, ok := s.Collector.(source.Derived)
	return ok && d.Derived()
}

// Options are what a Runner needs from outside; each may be left out.
type Options struct {
	Logger      *slog.Logger
	Registerer  prometheus.Registerer
	Now         func() time.Time
	Concurrency int            // scopes of one source at a time; default 4
	TimeSlice   time.Duration  // for how long a scope may hold up others that wait; default 5s
	Quiet       bool           // failures are not logged: whoever runs it shows them
	Report      func(Progress) // is called from several goroutines, one call at a time
}

// RunOptions say what one run collects.
type RunOptions struct {
	Source string    // only this one; empty: all
	Scopes []string  // of the source, only these; nil: all
	Since  time.Time // read back to here, if that is further than was read before; zero: as each source is configured
	// Until makes the run a re-read of what was created before it (and at or after Since): everything is asked for
	// again, with checkpoints of its own, so that it can be interrupted too. Zero: no bound.
	Until time.Time
	// AcceptRemovals lets the answers of this run remove what they do not name, however much that is; see RemovalError.
	// Source must be set.
	AcceptRemovals bool
	// Backfill makes the run a re-read of everything since Since, as if nothing had been collected.
	Backfill bool
}

// reread names the re-read that the options ask for; the empty string when they ask for what is new.
func (o RunOptions) reread() string {
	if !o.Backfill && o.Until.IsZero() {
		return ""
	}
	stamp := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	return "reread " + stamp(o.Since) + ".." + stamp(o.Until)
}

// Summary says what a run did.
type Summary struct {
	Started, Finished time.Time
	Scopes            []ScopeSummary // in the order of sources and scopes
	Requests          map[string]int // by source
}

// ScopeSummary says what a run did for one scope of a source. Scope is empty when the source's scopes could not be
// listed.
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

// New returns a Runner over the collectors. Its metrics are registered with opt.Registerer when there is one.
func New(store Store, collectors []source.Collector, opt Options) *Runner {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Concurrency <= 0 {
		opt.Concurrency = 4
	}
	if opt.TimeSlice <= 0 {
		opt.TimeSlice = 5 * time.Second
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
	r := &Runner{store: gathering(store), opt: opt, stats: newStats(opt.Registerer, opt.Logger)}
	for _, c := range collectors {
		s := &runnable{Collector: c, pending: newPending()}
		r.sources = append(r.sources, s)
		c.Observe(r.observer(s))
	}
	return r
}

func (r *Runner) observer(s *runnable) rest.Observer {
	name := s.Source()
	return rest.Observer{
		Request: func(q rest.Request) {
			r.stats.requested(name, q.Status)
			s.tally.requested()
			if q.Budget.Known {
				r.opt.Report(Progress{Source: name, Budget: q.Budget})
			}
		},
		Waiting: func(w rest.Waiting) {
			left := w.Until.Sub(r.opt.Now())
			r.stats.waited(name, left)
			r.opt.Logger.Info("waiting", "source", name, "until", w.Until.UTC().Format(time.RFC3339), "reason", w.Reason)
			r.opt.Report(Progress{Source: name, WaitUntil: w.Until, Reason: w.Reason})
		},
	}
}

// Run collects once: sources that read what others store after those others. A scope that fails does not hold up the
// others; the error joins what went wrong ([Summary.Err]). When ctx ends, Run returns promptly with its error; what
// was stored until then stays. Runs of one source follow one another.
func (r *Runner) Run(ctx context.Context, opt RunOptions) (Summary, error) {
	chosen, err := r.choose(opt.Source)
	if err != nil {
		return Summary{}, err
	}
	summary := Summary{Started: r.opt.Now(), Requests: map[string]int{}}
	results, requests := make([][]ScopeSummary, len(chosen)), make([]int, len(chosen))
	for _, derived := range []bool{false, true} {
		var wg sync.WaitGroup
		for i, s := range chosen {
			if s.derived() != derived {
				continue
			}
			wg.Go(func() {
				s.running.Lock()
				defer s.running.Unlock()
				s.tally.reset()
				results[i] = r.collect(ctx, s, opt)
				requests[i] = s.tally.asked()
			})
		}
		wg.Wait()
	}
	for i, s := range chosen {
		summary.Requests[s.Source()] = requests[i]
	}
	summary.Scopes = slices.Concat(results...)
	summary.Finished = r.opt.Now()
	if ctx.Err() != nil {
		return summary, ctx.Err()
	}
	return summary, summary.Err()
}

func (r *Runner) choose(name string) ([]*runnable, error) {
	if name == "" {
		return r.sources, nil
	}
	var names []string
	for _, s := range r.sources {
		if s.Source() == name {
			return []*runnable{s}, nil
		}
		names = append(names, s.Source())
	}
	return nil, fmt.Errorf("no source that is collected is named %q; configured are: %s", name, strings.Join(names, ", "))
}

// collect updates the scopes of one source, and keeps what is wrong with it.
func (r *Runner) collect(ctx context.Context, s *runnable, opt RunOptions) []ScopeSummary {
	results := r.collectScopes(ctx, s, opt)
	if ctx.Err() != nil {
		return results // an interrupted run proves nothing
	}
	if err := r.keepProblems(ctx, s, results, opt.Scopes == nil); err != nil {
		results = append(results, r.unlisted(ctx, s, err))
	}
	if opt.Scopes == nil && !slices.ContainsFunc(results, func(s ScopeSummary) bool { return s.Err != nil }) {
		r.stats.succeeded(s.Source(), r.opt.Now())
	}
	return results
}

// collectScopes lists the scopes of a source and collects them. A list that lacks some, or too many, is an error of the
// source, and what is on it is still collected.
func (r *Runner) collectScopes(ctx context.Context, s *runnable, opt RunOptions) []ScopeSummary {
	scopes, err := r.scopes(ctx, s, opt)
	if err != nil && !rest.OnlySkipped(err) {
		return []ScopeSummary{r.unlisted(ctx, s, fmt.Errorf("listing what to collect: %w", err))}
	}
	var doubtful []ScopeSummary
	if err != nil {
		doubtful = append(doubtful, r.unlisted(ctx, s, fmt.Errorf("listing what to collect: %w", err)))
	}
	if err := r.retractScopes(ctx, s, scopes, opt); err != nil {
		if !errors.As(err, new(*RemovalError)) {
			return []ScopeSummary{r.unlisted(ctx, s, err)}
		}
		doubtful = append(doubtful, r.unlisted(ctx, s, err))
	}
	if opt.Scopes != nil {
		scopes = slices.DeleteFunc(slices.Clone(scopes), func(scope string) bool {
			return !slices.ContainsFunc(opt.Scopes, func(asked string) bool { return strings.EqualFold(asked, scope) })
		})
	}
	return append(doubtful, r.collectInSlices(ctx, s, scopes, opt)...)
}

// unlisted is the result of a source whose list of scopes is in trouble.
func (r *Runner) unlisted(ctx context.Context, s *runnable, err error) ScopeSummary {
	r.failed(ctx, s.Source(), "", err)
	r.opt.Report(Progress{Source: s.Source(), Finished: true, Err: err})
	return ScopeSummary{Source: s.Source(), Err: err}
}

func (r *Runner) scopes(ctx context.Context, s *runnable, opt RunOptions) ([]string, error) {
	return s.Scopes(
		ctx,
		&writer{store: r.store, source: s.Source(), stats: r.stats, tally: &s.tally, acceptRemovals: opt.AcceptRemovals},
	)
}

func (r *Runner) failed(ctx context.Context, source, scope string, err error) {
	if ctx.Err() != nil {
		return
	}
	r.stats.failed(source)
	if r.opt.Quiet {
		return
	}
	r.opt.Logger.Error("collecting failed", "source", source, "scope", scope, "error", err)
}
