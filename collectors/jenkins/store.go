package jenkins

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
)

// take stores builds and notes them in the state. What belongs to a build is stored before it, so that a build that is
// stored as final is stored whole. counted says which builds are shown for the first time; again: also those are
// stored that are stored already.
func (p *pass) take(ctx context.Context, builds []build, counted func(build) bool, again bool) error {
	var wanted []build
	for _, b := range builds {
		p.seen[b.Number] = true
		if p.s.wants(b) {
			wanted = append(wanted, b)
		}
	}
	if err := p.store(ctx, wanted, again); err != nil {
		return err
	}
	for _, b := range wanted {
		held := p.state.Failed.Has(p.heldKey(b.Number))
		if counted(b) || held {
			p.s.Listed++
		}
		if held {
			p.state.Failed.Done(p.heldKey(b.Number))
		}
		if mapped, _ := buildStatus(b, nil); mapped.Final() {
			delete(p.s.Open, b.Number)
			continue
		}
		if p.s.Open == nil {
			p.s.Open = map[int]int64{}
		}
		p.s.Open[b.Number] = b.Timestamp
		if b.started().IsZero() {
			p.s.Open[b.Number] = p.Now().UnixMilli() // it is asked for as long as if it had begun now
		}
	}
	for _, b := range builds {
		if b.Number > p.s.Head {
			p.s.Head, p.s.HeadAt = b.Number, b.Timestamp
		}
	}
	p.done += uint64(len(wanted))
	p.w.Progress(buildsStream, p.done, 0)
	return nil
}

// store appends builds with what belongs to them. A build that is stored as it is, is left alone.
func (p *pass) store(ctx context.Context, builds []build, again bool) error {
	if len(builds) == 0 {
		return nil
	}
	ids := make([]string, len(builds))
	for i, b := range builds {
		ids[i] = p.job.runID(b)
	}
	found, err := p.w.Runs(ctx, ids)
	if err != nil {
		return err
	}
	stored := make(map[string]event.PipelineRun, len(found))
	for _, e := range found {
		stored[e.ID] = e
	}
	var changed []build
	var runs []event.PipelineRun
	var before []event.Event // what belongs to the runs
	for i, b := range builds {
		id := ids[i]
		old, ok := stored[id]
		if ok && another(old, b) {
			// The job was made anew and counts from 1 again: the build that is stored under this number is another one.
			id, ok = id+"@"+strconv.FormatInt(b.Timestamp, 10), false
		}
		e := p.runEvent(p.job, b, id)
		if ok && !again && e.Status.Final() && same(old, e, b.asked()) {
			continue
		}
		changed, runs = append(changed, b), append(runs, e)
		if d, is := p.deploymentEvent(p.job, b, e); is {
			before = append(before, d)
		}
	}
	if p.cfg.Stages {
		stages, err := p.stages(ctx, changed, runs)
		if err != nil {
			return fmt.Errorf("stages: %w", err)
		}
		before = append(before, stages...)
	}
	if len(before) > 0 {
		if err := p.w.Append(ctx, before...); err != nil {
			return err
		}
	}
	if len(runs) == 0 {
		return nil
	}
	events := make([]event.Event, len(runs))
	for i, e := range runs {
		events[i] = e
	}
	return p.w.Append(ctx, events...)
}

// same reports whether a final run is stored as its build is now. Of a build that waited for a person only its stages,
// which are not asked for here, tell the end.
func same(old, e event.PipelineRun, asked bool) bool {
	return old.Status == e.Status && old.StatusRaw == e.StatusRaw && old.CreatedAt.Equal(e.CreatedAt) &&
		old.Duration == e.Duration && (asked || old.FinishedAt.Equal(e.FinishedAt))
}

// another reports whether a stored run is another build of the same number: a build's beginning does not change.
func another(old event.PipelineRun, b build) bool {
	return !old.StartedAt.IsZero() && !b.started().IsZero() && !old.StartedAt.Equal(b.started())
}

// account writes the ledger. Where builds are missing, they are looked for, once a day.
func (r *reader) account(ctx context.Context, t target) error {
	listed := r.listed()
	stored, open, err := r.w.Count(ctx, event.KindPipelineRun, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	// less than none: the clock was set back
	if since := r.Now().Sub(r.state.Refilled); stored < listed && (since >= daily || since < 0) {
		if err := r.refill(ctx, t); err != nil {
			return err
		}
		listed = r.listed()
		if stored, open, err = r.w.Count(ctx, event.KindPipelineRun, time.Time{}, time.Time{}); err != nil {
			return err
		}
	}
	runs := r.entry(event.KindPipelineRun, listed+r.unread(), stored, open)
	runs.Note = r.state.Failed.Note("part")
	entries := []event.Event{runs}
	kinds := []event.Kind{}
	if r.cfg.Stages {
		kinds = append(kinds, event.KindPipelineJob)
	}
	if len(r.rules) > 0 {
		kinds = append(kinds, event.KindDeployment)
	}
	for _, kind := range kinds { // Jenkins does not count these; they are complete as the builds are
		stored, open, err := r.w.Count(ctx, kind, time.Time{}, time.Time{})
		if err != nil {
			return err
		}
		if stored > 0 || kind == event.KindPipelineJob {
			entries = append(entries, r.entry(kind, stored, stored, open))
		}
	}
	return r.w.Append(ctx, entries...)
}

func (r *reader) listed() uint64 {
	n := r.state.Vanished
	for _, s := range r.state.Jobs {
		n += s.Listed
	}
	return n
}

// unread is how many builds at least are missing because they, or their branches, could not be read.
func (r *reader) unread() (n uint64) {
	for _, key := range r.state.Failed.Keys() {
		if !strings.HasPrefix(key, stagesOf) {
			n++
		}
	}
	return n
}

// refill reads every job of the scope from its newest build to its oldest.
func (r *reader) refill(ctx context.Context, t target) error {
	r.state.Refilled, r.state.Vanished = r.Now().UTC(), 0
	for _, s := range r.state.Jobs {
		s.reread(false)
	}
	if err := r.save(ctx); err != nil {
		return err
	}
	return r.each(ctx, t, func(ctx context.Context, j job) error {
		s := r.state.Jobs[j.key()]
		p := &pass{reader: r, job: j, s: s, seen: map[int]bool{}}
		for s != nil && len(s.Pending) > 0 {
			if err := p.pending(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *reader) entry(of event.Kind, expected, stored, open uint64) event.LedgerEntry {
	var from time.Time
	for _, s := range r.state.Jobs {
		if !s.Floor.IsZero() {
			from = s.Floor
		}
	}
	e := r.Ledger(r.scope, of, from)
	e.Expected, e.Stored, e.Open, e.URL = expected, stored, open, r.scopeURL()
	return e
}

func (r *reader) scopeURL() string { return r.BaseURL() + jobPath(strings.Split(r.scope, "/")) }
