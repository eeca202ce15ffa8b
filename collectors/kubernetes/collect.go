package kubernetes

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
)

const (
	rolloutsStream = "rollouts"
	daily          = 24 * time.Hour
)

// state is the checkpoint of a scope. It is saved after what it speaks of has been stored.
type state struct {
	Workloads map[string]*track `json:"workloads,omitempty"` // by key
	Rules     string            `json:"rules,omitempty"`     // digest of what decided the environment
	Floor     time.Time         `json:"floor,omitzero"`      // rollouts that began before it are left out
	Total     uint64            `json:"total,omitzero"`      // rollouts that the store has had
	Refill    time.Time         `json:"refill,omitzero"`     // when what the store lacked was last stored again
	Lost      uint64            `json:"lost,omitzero"`       // rollouts that the cluster forgot between two reads
	Before    uint64            `json:"before,omitzero"`     // and those that it had forgotten before the first
}

// track is what is known of a workload: of each rollout that the cluster remembers the event that was stored, or nil for
// one that is none.
type track struct {
	Last     int64                       `json:"last"`
	Rollouts map[int64]*event.Deployment `json:"rollouts"`
}

// Scopes lists the cluster's services. It is the one pass over the cluster; Collect reads what it has seen.
func (c *Collector) Scopes(ctx context.Context, _ Memory) ([]string, error) {
	views, err := c.list(ctx)
	if err != nil {
		return nil, err
	}
	seen := map[string][]*view{}
	var scopes []string
	for _, v := range views {
		scope := v.scope()
		if seen[scope] == nil {
			scopes = append(scopes, scope)
		}
		seen[scope] = append(seen[scope], v)
	}
	slices.Sort(scopes)
	c.mu.Lock()
	c.seen = seen
	c.mu.Unlock()
	return scopes, nil
}

// Collect stores the rollouts of a service.
func (c *Collector) Collect(ctx context.Context, scope string, w Writer) error {
	c.mu.Lock()
	views, listed := c.seen[scope]
	live := c.live
	c.mu.Unlock()
	if !listed || live != nil { // a watch may have stored something newer than the listing
		all, err := c.list(ctx)
		if err != nil {
			return err
		}
		views = of(all, scope)
	}
	c.taking.Lock()
	defer c.taking.Unlock()
	p := &pass{Collector: c, scope: scope, w: w}
	if err := p.take(ctx, views); err != nil {
		return err
	}
	return p.account(ctx)
}

func of(all []*view, scope string) []*view {
	var views []*view
	for _, v := range all {
		if v.scope() == scope {
			views = append(views, v)
		}
	}
	return views
}

// pass is one look at a scope.
type pass struct {
	*Collector
	scope    string
	w        Writer
	careful  bool // there are rollouts in the store of which the checkpoint is gone
	watching bool // nothing has happened between the last look and this one that was not seen
	s        state
	events   []event.Event
}

// take stores what the workloads of the scope show that was not stored before.
func (p *pass) take(ctx context.Context, views []*view) error {
	found, err := p.w.Load(ctx, rolloutsStream, &p.s)
	if err != nil {
		return err
	}
	before, err := json.Marshal(p.s)
	if err != nil {
		return fmt.Errorf("encoding the checkpoint: %w", err)
	}
	if p.s.Workloads == nil {
		p.s.Workloads = map[string]*track{}
	}
	p.floor(found)
	if !found {
		stored, _, err := p.w.Count(ctx, event.KindDeployment, time.Time{}, time.Time{})
		if err != nil {
			return err
		}
		p.careful = stored > 0
	}
	present := map[string]bool{}
	for _, v := range views {
		present[v.key()] = true
		p.workload(v)
	}
	for key, t := range p.s.Workloads {
		if !present[key] { // it was deleted
			p.close(t, time.Time{})
			delete(p.s.Workloads, key)
		}
	}
	p.s.Rules = p.rulesOf
	if len(p.events) > 0 {
		if err := p.w.Append(ctx, p.events...); err != nil {
			return err
		}
		p.w.Progress(rolloutsStream, uint64(len(p.events)), 0)
	}
	if now, err := json.Marshal(p.s); err != nil || !bytes.Equal(before, now) {
		return p.w.Save(ctx, rolloutsStream, p.s)
	}
	return nil
}

// floor takes over how far back is read.
func (p *pass) floor(found bool) {
	since := p.cfg.Since
	if s := p.w.Since(); !s.IsZero() && (since.IsZero() || s.Before(since)) {
		since = s
	}
	if !found || !p.s.Floor.IsZero() && (since.IsZero() || since.Before(p.s.Floor)) {
		p.s.Floor = since
	}
}

// workload takes the rollouts of one workload into the checkpoint, and what is new of them into the events.
func (p *pass) workload(v *view) {
	environment := p.environment(v.workload)
	list, ok := v.rollouts(func(id string) event.Origin {
		return event.Origin{Source: p.cfg.Source, Provider: Provider, Scope: p.scope, ID: id}
	}, environment)
	if !ok {
		return // the next look will show it
	}
	t := p.s.Workloads[v.key()]
	if t == nil {
		t = &track{Rollouts: map[int64]*event.Deployment{}}
		p.s.Workloads[v.key()] = t
	}
	p.forgotten(t, list)
	kept := make(map[int64]*event.Deployment, len(list))
	for i, r := range list {
		e := r.event
		was, known := t.Rollouts[r.number]
		if !known && !e.CreatedAt.IsZero() && !p.s.Floor.IsZero() && e.CreatedAt.Before(p.s.Floor) {
			continue
		}
		switch {
		case known && was == nil, !known && r.restart,
			!known && !r.current && p.careful: // what is stored may say how it went, and the cluster does not
			kept[r.number] = nil
			continue
		case known && !r.current:
			e = p.ended(*was, next(list, i))
		case known:
			e = p.moved(*was, e, v)
		}
		e.Environment = environment
		if !known || e != *was {
			p.events = append(p.events, e)
		}
		kept[r.number] = &e
		t.Last = max(t.Last, r.number)
	}
	t.Rollouts = kept
	if n := len(list); n > 0 {
		t.Last = max(t.Last, list[n-1].number)
	}
}

// next is when the rollout after one began; zero when that is not known.
func next(list []rollout, i int) time.Time {
	if i+1 < len(list) {
		return list[i+1].event.StartedAt
	}
	return time.Time{}
}

// forgotten counts the revisions that the cluster had before this look and after the last, and has no more. It keeps ten
// old ones, if the workload does not say otherwise (revisionHistoryLimit).
func (p *pass) forgotten(t *track, list []rollout) {
	expected := t.Last + 1
	for _, r := range list {
		if r.number < expected {
			continue
		}
		missing := uint64(r.number - expected)
		if t.Last == 0 {
			p.s.Before += missing
		} else {
			p.s.Lost += missing
		}
		expected = r.number + 1
	}
}

// ended is what a rollout that is no longer the current one has become. One that was under way when it was last seen was
// overtaken. Where nobody watched, it may have ended well before: that is not known.
func (p *pass) ended(was event.Deployment, overtaken time.Time) event.Deployment {
	if was.Status.Final() {
		return was
	}
	was.Status = event.Skipped
	if p.watching {
		was.Status, was.FinishedAt = event.Cancelled, overtaken
	}
	return was
}

// moved is what the current rollout has become since it was last seen. A success stays one. A failure does not become
// open again, but can still become a success: Kubernetes goes on trying after the deadline.
func (p *pass) moved(was, is event.Deployment, v *view) event.Deployment {
	if was.Status == event.Succeeded || was.Status.Final() && !is.Status.Final() {
		return was
	}
	if is.StartedAt.IsZero() {
		is.StartedAt, is.CreatedAt = was.StartedAt, was.CreatedAt
	}
	if is.Trigger == "" || was.Trigger != "" {
		is.Trigger = was.Trigger
	}
	if is.RollbackOf == "" { // what it was compared with may be forgotten by now
		is.RollbackOf = was.RollbackOf
	}
	if is.Status.Final() && is.FinishedAt.IsZero() && !v.touched.Before(is.StartedAt) {
		is.FinishedAt = v.touched // it was under way, and now it is not: the status changed at the end
	}
	return is
}

// close ends the rollouts of a workload that is no more.
func (p *pass) close(t *track, at time.Time) {
	for n, e := range t.Rollouts {
		if e != nil && !e.Status.Final() {
			closed := p.ended(*e, at)
			t.Rollouts[n] = &closed
			p.events = append(p.events, closed)
		}
	}
}

// account writes the ledger, and stores again what the store has lost.
func (p *pass) account(ctx context.Context) error {
	changed := false
	stored, open, err := p.w.Count(ctx, event.KindDeployment, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	since := p.now().Sub(p.s.Refill)
	if shown := p.shown(); stored < p.s.Total && len(shown) > 0 && (since >= daily || since < 0) {
		if err := p.w.Append(ctx, shown...); err != nil {
			return err
		}
		if stored, open, err = p.w.Count(ctx, event.KindDeployment, time.Time{}, time.Time{}); err != nil {
			return err
		}
		p.s.Refill, changed = p.now().UTC(), true
	}
	if stored > p.s.Total {
		p.s.Total, changed = stored, true
	}
	if changed {
		if err := p.w.Save(ctx, rolloutsStream, p.s); err != nil {
			return err
		}
	}
	if p.careful {
		return nil // what the ledger says knows more than this pass; the next one has a checkpoint
	}
	now := p.now().UTC()
	var notes []string
	if p.s.Lost > 0 {
		notes = append(notes, fmt.Sprintf("the cluster forgot %d rollouts before they were read; they cannot be read again. Collect more often, or raise the workload's revisionHistoryLimit", p.s.Lost))
	}
	if p.s.Before > 0 {
		notes = append(notes, fmt.Sprintf("it had forgotten %d before the first read", p.s.Before))
	}
	if !p.s.Floor.IsZero() {
		notes = append(notes, "those since "+p.s.Floor.Format(time.DateOnly))
	}
	return p.w.Append(ctx, event.LedgerEntry{Source: p.cfg.Source, Scope: p.scope, Of: event.KindDeployment, WindowStart: genesis, WindowEnd: now,
		Expected: p.s.Total + p.s.Lost, Stored: stored, Open: open, CheckedAt: now, Note: strings.Join(notes, "; ")})
}

// shown returns the events of the rollouts that the cluster remembers.
func (p *pass) shown() []event.Event {
	var shown []event.Event
	for _, t := range p.s.Workloads {
		for _, e := range t.Rollouts {
			if e != nil {
				shown = append(shown, *e)
			}
		}
	}
	return shown
}

// genesis is before Kubernetes kept revisions: the beginning of a window that has none.
var genesis = time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)
