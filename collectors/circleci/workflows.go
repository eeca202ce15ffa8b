package circleci

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

const (
	// youngFor is how long a pipeline that has not ended is asked for by every collect. After it the intervals grow.
	youngFor = time.Hour
	// openFor is how long a pipeline is watched that does not end: approvals can wait forever.
	openFor = 30 * 24 * time.Hour
	// emptyFor is how long a pipeline is watched that has no workflows; the configuration may want none.
	emptyFor = 24 * time.Hour
	// A pipeline that has ended is asked for again when it is six times as old as it was the last time, at first after
	// again, and not after againFor. What failed is run again sooner, and more often, than what succeeded.
	againFailed, againFailedFor = 15 * time.Minute, 5 * 24 * time.Hour
	again, againFor             = 6 * time.Hour, 2 * 24 * time.Hour
)

// watch is a pipeline that is asked for again.
type watch struct {
	Pipeline brief           `json:"p"`
	Born     time.Time       `json:"born"` // when it was created, or first seen
	Asked    time.Time       `json:"asked"`
	Open     bool            `json:"open,omitempty"`   // a workflow has not ended
	Failed   bool            `json:"failed,omitempty"` // a workflow has not succeeded
	Flows    map[string]flow `json:"flows,omitempty"`  // its workflows, by id
	Error    bool            `json:"error,omitempty"`  // it failed before it had workflows, and that is stored
}

// flow is a workflow as it is stored.
type flow struct {
	Name    string `json:"name"`
	Attempt uint16 `json:"attempt"`
	Status  string `json:"status"` // CircleCI's word; empty where the workflow could not be read
}

// runs is how many runs the pipeline is, attempts of one counted once.
func (w *watch) runs() uint64 {
	names := map[string]bool{}
	for _, f := range w.Flows {
		if f.Status != "" {
			names[f.Name] = true
		}
	}
	if w.Error {
		names[buildError] = true
	}
	return uint64(len(names))
}

// due says when the pipeline is to be asked for again, if it ever is.
func (w *watch) due() (at time.Time, ever bool) {
	age := w.Asked.Sub(w.Born)
	if w.Open {
		limit := openFor
		if len(w.Flows) == 0 {
			limit = emptyFor
		}
		if age < youngFor {
			return w.Asked, true
		}
		return w.Asked.Add(min(age/20, time.Hour)), age < limit
	}
	after, limit := again, againFor
	if w.Failed {
		after, limit = againFailed, againFailedFor
	}
	next := max(6*age, age+after)
	return w.Born.Add(next), next <= limit
}

// reading is what was read of a pipeline.
type reading struct {
	before  []event.Event // jobs and deployments
	runs    []event.Event
	watch   *watch // nil: nothing could be read
	expired bool   // CircleCI does not show its workflows anymore
}

// read asks for the workflows of a pipeline, and for the jobs of those that have changed. Whole: of all. With an error
// the reading has what could be read; its watch is nil where nothing could be.
func (r *reader) read(ctx context.Context, p brief, whole bool) (reading, error) {
	known := r.state.Watched[p.Number]
	if known == nil {
		known = &watch{}
	}
	got := reading{watch: &watch{Pipeline: p, Born: p.Created, Asked: r.Now().UTC(), Flows: map[string]flow{}}}
	if got.watch.Born.IsZero() {
		if got.watch.Born = known.Born; got.watch.Born.IsZero() {
			got.watch.Born = got.watch.Asked
		}
	}
	workflows, err := list[workflow](ctx, r.Collector, "pipeline/"+url.PathEscape(p.ID)+"/workflow")
	if rest.IsGone(err) {
		if !p.errored() {
			got.watch.Flows, got.watch.Error = known.Flows, known.Error
			got.expired = true
			return got, nil
		}
		workflows, err = nil, nil
	}
	if err != nil && len(workflows) == 0 {
		return reading{}, err
	}
	inOrder(workflows)
	attempts := number(workflows, known.Flows)
	for _, w := range workflows {
		if w.ID == "" {
			continue
		}
		f := flow{Name: w.Name, Attempt: attempts[w.ID], Status: w.Status}
		got.watch.Flows[w.ID] = f
		mapped := statuses.Of(w.Status)
		got.watch.Open = got.watch.Open || !mapped.Final()
		got.watch.Failed = got.watch.Failed || mapped != event.Succeeded
		if old, ok := known.Flows[w.ID]; !whole && ok && mapped.Final() && old == f {
			continue
		}
		if failure := r.workflow(ctx, p, w, f.Attempt, &got); failure != nil {
			if !rest.Unusable(failure) {
				return reading{}, failure
			}
			f.Status = ""
			got.watch.Flows[w.ID] = f
			err = errors.Join(err, fmt.Errorf("workflow %s: %w", w.Name, failure))
		}
	}
	if len(got.watch.Flows) == 0 {
		r.withoutWorkflows(p, &got)
	}
	return got, err
}

// withoutWorkflows is a pipeline that failed before it had any, that has none yet, or whose configuration wants none.
func (r *reader) withoutWorkflows(p brief, got *reading) {
	if p.errored() {
		got.watch.Error, got.watch.Failed = true, true
		got.runs = append(got.runs, r.failedPipeline(p))
		return
	}
	got.watch.Open = true
}

// workflow reads the jobs of a workflow and makes its events.
func (r *reader) workflow(ctx context.Context, p brief, w workflow, attempt uint16, got *reading) error {
	jobs, err := list[job](ctx, r.Collector, "workflow/"+url.PathEscape(w.ID)+"/job")
	odd := rest.Broken(err) && len(jobs) > 0 // some can be read
	if err != nil && !rest.IsGone(err) && !odd {
		return err
	}
	events, hand := r.jobEvents(p, w, attempt, jobs), startedByHand(w, jobs)
	run := r.runEvent(p, w, attempt, events, hand)
	got.before = append(got.before, r.deployments(p, w, run, events, hand)...)
	for _, e := range events {
		if hand.has(e.ID) {
			e.CreatedAt = time.Time{} // it waited for a person, which is no time in a queue
		}
		got.before = append(got.before, e)
	}
	got.runs = append(got.runs, run)
	if odd {
		return err
	}
	return nil
}

// number gives every workflow its attempt, by id: a known one keeps its own, and the others follow in their order.
func number(workflows []workflow, known map[string]flow) map[string]uint16 {
	last := map[string]uint16{}
	for f := range maps.Values(known) {
		last[f.Name] = max(last[f.Name], f.Attempt)
	}
	attempts := make(map[string]uint16, len(workflows))
	for _, w := range workflows {
		if f, ok := known[w.ID]; ok && f.Name == w.Name {
			attempts[w.ID] = f.Attempt
		} else if attempts[w.ID] == 0 {
			last[w.Name]++
			attempts[w.ID] = last[w.Name]
		}
	}
	return attempts
}
