package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/event"
)

// Appender stores events; when it returns without an error they are durable. The store is one.
type Appender interface {
	Append(ctx context.Context, events ...event.Event) error
}

// ApplierOptions are what an Applier needs from outside; each may be left out.
type ApplierOptions struct {
	Logger *slog.Logger
	// Probe returns nil when the store can be written to. Without it a delivery that fails is set aside only when others
	// are applied next to it.
	Probe func(ctx context.Context) error
	// Collect is told of a scope that should be collected soon, once for each batch; it must not wait for the collect.
	Collect func(delivery.Target)
}

// Applier applies deliveries to the store: it folds what they say into what is stored and appends the result. It is
// the handler of the inbox.
type Applier struct {
	receivers *Receivers
	store     Appender
	lookup    Lookup
	opt       ApplierOptions
}

// NewApplier returns an Applier.
func NewApplier(r *Receivers, store Appender, lookup Lookup, opt ApplierOptions) *Applier {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Collect == nil {
		opt.Collect = func(delivery.Target) {}
	}
	return &Applier{receivers: r, store: store, lookup: lookup, opt: opt}
}

// Probe returns nil when the store can be written to, so that a delivery which fails is at fault itself.
func (a *Applier) Probe(ctx context.Context) error {
	if a.opt.Probe == nil {
		return errors.New("it is not known whether the store can be written to")
	}
	return a.opt.Probe(ctx)
}

// Handle applies a batch: one lookup, one append. Rejected are the deliveries that can no longer be read, because the
// configuration has changed since they were received.
func (a *Applier) Handle(ctx context.Context, batch [][]byte) (map[int]string, error) {
	rejected := map[int]string{}
	var updates []delivery.Update
	var targets []delivery.Target
	asked := map[delivery.Target]bool{}
	for i, record := range batch {
		d, err := decodeRecord(record)
		if err != nil {
			rejected[i] = "it is not a delivery"
			continue
		}
		told, verdict := a.receivers.Parse(d)
		if verdict.Outcome == delivery.Refused {
			rejected[i] = verdict.Reason
			continue
		}
		updates = append(updates, told...)
		for _, t := range verdict.Collect {
			if !asked[t] {
				asked[t] = true
				targets = append(targets, t)
			}
		}
	}
	changed, err := a.changed(ctx, updates)
	if err != nil {
		return nil, err
	}
	if len(changed) > 0 {
		if err := a.store.Append(ctx, changed...); err != nil {
			return nil, fmt.Errorf("storing %d events that were pushed: %w", len(changed), err)
		}
	}
	a.opt.Logger.Debug(
		"deliveries applied",
		"deliveries",
		len(batch),
		"updates",
		len(updates),
		"appended",
		len(changed),
		"rejected",
		len(rejected),
	)
	for _, t := range targets {
		a.opt.Collect(t)
	}
	return rejected, nil
}

// changed returns the records that are different from what is stored once the updates are folded in.
func (a *Applier) changed(ctx context.Context, updates []delivery.Update) ([]event.Event, error) {
	if len(updates) == 0 {
		return nil, nil
	}
	events := make([]event.Event, len(updates))
	for i, u := range updates {
		events[i] = u.Event
	}
	stored, err := a.lookup.Stored(ctx, events)
	if err != nil {
		return nil, err
	}
	k := newRecords(stored)
	for _, u := range updates {
		k.apply(u)
	}
	return k.changed(), nil
}

// records are the records that a batch touches, as they are stored and as they become.
type records struct {
	stored, now map[event.Identity]event.Event
	order       []event.Identity          // of the touched ones
	runOf       map[event.Identity]string // the run under which a job is stored
}

func newRecords(stored []event.Event) *records {
	k := &records{
		stored: map[event.Identity]event.Event{},
		now:    map[event.Identity]event.Event{},
		runOf:  map[event.Identity]string{},
	}
	for _, e := range stored {
		id := e.Identity()
		k.stored[id], k.now[id] = e, e
		k.noteRun(id)
	}
	return k
}

// noteRun remembers which run a job belongs to. A job that names its run goes before one of which it is not known.
func (k *records) noteRun(id event.Identity) {
	if id.Kind != event.KindPipelineJob {
		return
	}
	of := withoutRun(id)
	if was, ok := k.runOf[of]; !ok || was == id.ID {
		k.runOf[of] = id.Parent
	}
}

func withoutRun(id event.Identity) event.Identity {
	id.Parent = ""
	return id
}

func (k *records) apply(u delivery.Update) {
	if u.ExternalAttempt != "" {
		u.Event = k.numbered(u.Event, u.ExternalAttempt)
	}
	id := u.Event.Identity()
	if u.NeedsPriorFinal && !k.earlierFinal(id) {
		return
	}
	if job, ok := u.Event.(event.PipelineJob); ok {
		// A row's key cannot be changed: a job that is stored stays under the run that it was first stored under.
		if run, stored := k.runOf[withoutRun(id)]; stored && (u.RunUnknown || run == id.ID) {
			job.RunID = run
			u.Event, id = job, job.Identity()
		}
	}
	k.order = append(k.order, id)
	k.now[id] = fold(k.now[id], u)
	k.noteRun(id)
}

// numbered gives an event the attempt of its run: the one that is known by the sender's id, else the next.
func (k *records) numbered(e event.Event, own string) event.Event {
	switch e := e.(type) {
	case event.PipelineRun:
		e.Attempt = k.attemptOf(e.Source, e.Scope, e.ID, own)
		return e
	case event.PipelineJob:
		e.Attempt = k.attemptOf(e.Source, e.Scope, e.RunID, own)
		return e
	}
	return e
}

func (k *records) attemptOf(source, scope, run, own string) uint16 {
	id := event.Identity{Kind: event.KindPipelineRun, Source: source, Scope: scope, ID: run, Attempt: 1}
	for ; id.Attempt < math.MaxUint16; id.Attempt++ { // attempts are numbered without a gap
		known, ok := k.now[id].(event.PipelineRun)
		if !ok || strings.HasSuffix(known.URL, "/"+own) {
			break
		}
	}
	return id.Attempt
}

// earlierFinal reports whether every earlier attempt of a run is stored as final.
func (k *records) earlierFinal(id event.Identity) bool {
	before := id
	for n := uint16(1); n < id.Attempt; n++ {
		before.Attempt = n
		run, ok := k.now[before].(event.PipelineRun)
		if !ok || !run.Status.Final() {
			return false
		}
	}
	return true
}

func (k *records) changed() []event.Event {
	var out []event.Event
	done := map[event.Identity]bool{}
	for _, id := range k.order {
		if done[id] {
			continue
		}
		done[id] = true
		if was, ok := k.stored[id]; !ok || !same(was, k.now[id]) {
			out = append(out, k.now[id])
		}
	}
	return out
}
