// Package preview plans the fixes of services in the background, and keeps the plans for a while: whoever looks at a
// page waits a moment at most.
package preview

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/dxctl/dxctl/actions/fix"
)

const (
	// Fresh is how long a plan of unchanged files counts: it rests on rules, golden paths and facts, too. Then the next
	// look starts another one, and shows the old one until it is made.
	Fresh = 10 * time.Minute
	// moment is how long a look waits for a plan where there is none yet.
	moment = 400 * time.Millisecond
	// asking is how long the question for the version of the files may take.
	asking = 10 * time.Second
	// atOnce is how many ask at a time: each is a walk over files, a process or a request.
	atOnce = 4
	// within is how long a plan may take.
	within = 3 * time.Minute
	// most is how many plans are kept, or are being made.
	most = 200
)

// Key is what a plan is made of.
type Key struct {
	Service    string // ref
	GoldenPath string // that somebody chose; empty: that of the lock file, or the only one for the language
}

// Preview is what is known of the fixes of a service.
type Preview struct {
	Planning bool      // a plan is being made
	Plan     *fix.Plan // the latest; nil: there is none
	Err      error     // why there is none; nil with a plan, and before the first one is made
	At       time.Time // when Plan or Err came about; zero: not yet
}

// Previews has the plans of services. It is safe for concurrent use.
//
// The plan of a service is absent, planning, or known (a plan, or the reason why there is none). A look starts planning
// if it is absent or not fresh; one plan is made at a time, the others wait. What is known stays while another one is
// made. A look at a fresh plan asks for the version of the files, and starts planning if it is another one: what was
// pushed is seen at the next look.
type Previews struct {
	plan    func(ctx context.Context, of Key) (*fix.Plan, error)
	version func(ctx context.Context, of Key) (string, error)
	now     func() time.Time

	ctx  context.Context //nolint:containedctx // of the goroutines, which outlive the look that started them
	stop context.CancelFunc
	wait sync.WaitGroup
	turn chan struct{} // held by whoever plans
	asks chan struct{} // held by whoever asks for a version

	mu      sync.Mutex
	entries map[Key]*entry
}

type entry struct {
	Preview
	version string        // of the files that the plan rests on; "" if nothing tells
	done    chan struct{} // is closed when looking for changes, and planning, end; nil: nobody does
}

// New returns previews that are made by plan. version identifies the files that a plan would rest on, cheaply; it is ""
// where nothing tells.
func New(plan func(ctx context.Context, of Key) (*fix.Plan, error),
	version func(ctx context.Context, of Key) (string, error), now func() time.Time,
) *Previews {
	ctx, stop := context.WithCancel(context.Background())
	return &Previews{
		plan: plan, version: version, now: now, ctx: ctx, stop: stop, turn: make(chan struct{}, 1),
		asks: make(chan struct{}, atOnce), entries: map[Key]*entry{},
	}
}

// Close ends planning.
func (p *Previews) Close() {
	p.stop()
	p.wait.Wait()
}

// Of returns what is known of the fixes of a service, and sees to it that they are planned.
func (p *Previews) Of(ctx context.Context, of Key) Preview {
	e, done := p.look(of) //nolint:contextcheck // planning outlives the request that asks first
	if done == nil {
		return e
	}
	timer := time.NewTimer(moment)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now, ok := p.entries[of]; ok {
		return now.Preview
	}
	return e
}

// look returns what is known, and what is closed when more is: nil if it is not worth waiting.
func (p *Previews) look(of Key) (Preview, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.entries[of]
	if e == nil {
		if !p.room() {
			return Preview{Planning: true}, nil // the next look may find room
		}
		e = &entry{}
		p.entries[of] = e
	}
	if e.done == nil && p.ctx.Err() == nil {
		e.done = make(chan struct{})
		e.Planning = !p.fresh(e)
		p.wait.Go(func() { p.make(of, e) })
	}
	if e.done == nil || e.Planning && !e.At.IsZero() {
		return e.Preview, nil
	}
	return e.Preview, e.done
}

// fresh reports whether a plan counts as long as its files do not change. It is called with the lock held.
func (p *Previews) fresh(e *entry) bool { return !e.At.IsZero() && p.now().Sub(e.At).Abs() <= Fresh }

// room lets the oldest plan go if there are too many, and reports whether there is room for one more. It is called with
// the lock held.
func (p *Previews) room() bool {
	if len(p.entries) < most {
		return true
	}
	var oldest Key
	for of, e := range p.entries {
		if e.done == nil && (oldest == Key{} || e.At.Before(p.entries[oldest].At)) {
			oldest = of
		}
	}
	delete(p.entries, oldest)
	return oldest != Key{}
}

// make looks for changes of the files, and makes a plan unless the one that there is still counts.
func (p *Previews) make(of Key, e *entry) {
	version := p.present(of)
	p.mu.Lock()
	counts := p.fresh(e) && (version == "" || version == e.version)
	e.Planning = !counts
	p.mu.Unlock()
	var plan *fix.Plan
	var err error
	if !counts {
		plan, err = p.once(of)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !counts {
		e.Plan, e.Err, e.At, e.version = plan, err, p.now(), version
	}
	close(e.done)
	e.done, e.Planning = nil, false
}

// present returns the version of the files; "" if nothing tells. It waits until few others ask.
func (p *Previews) present(of Key) string {
	select {
	case p.asks <- struct{}{}:
		defer func() { <-p.asks }()
	case <-p.ctx.Done():
		return ""
	}
	ctx, cancel := context.WithTimeout(p.ctx, asking)
	defer cancel()
	version, err := p.version(ctx, of)
	if err != nil {
		return ""
	}
	return version
}

// once makes a plan when its turn comes. Parsers of strangers' files may panic, and that must not end the dashboard.
func (p *Previews) once(of Key) (plan *fix.Plan, err error) {
	defer func() {
		if r := recover(); r != nil {
			plan, err = nil, fmt.Errorf("planning the fixes of %s: a defect of dxctl: %v", of.Service, r)
		}
	}()
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-p.ctx.Done():
		return nil, p.ctx.Err()
	}
	ctx, cancel := context.WithTimeout(p.ctx, within)
	defer cancel()
	return p.plan(ctx, of)
}
