package kubernetes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/dxctl/dxctl/collectors/kubernetes/cluster"
	"github.com/dxctl/dxctl/collectors/kubernetes/workload"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

const (
	rolloutsStream = "rollouts"
	unreadStream   = "unread" // of the source: the listings that failed
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

// track is what is known of a workload: of each rollout that the cluster remembers the event that was stored, or nil
// for one that is none.
type track struct {
	Last     int64                       `json:"last"`
	Rollouts map[int64]*event.Deployment `json:"rollouts"`
	Gone     time.Time                   `json:"gone,omitzero"` // when it was first not there anymore
}

// goneFor is how long a workload that is not there is remembered. It may come back with all its revisions: rights,
// labels and selectors change, and the stored outcomes of its past rollouts are not in the cluster.
const goneFor = 30 * daily

// Scopes lists the cluster's services. It is the one pass over the cluster; Collect reads what it has seen. What cannot
// be read is a scope too, of which Collect returns why; it is listed once more when it can be read again.
func (c *Collector) Scopes(ctx context.Context, m source.StateStore) ([]string, error) {
	s, err := c.list(ctx)
	if err != nil {
		return nil, err
	}
	gone, err := c.believe(ctx, m, s)
	if err != nil {
		return nil, err
	}
	for name, err := range s.Odd {
		s.Unread[name] = errors.Join(s.Unread[name], err)
	}
	var before []string
	if _, err := m.Load(ctx, unreadStream, &before); err != nil {
		return nil, err
	}
	unread := slices.Sorted(maps.Keys(s.Unread))
	if !slices.Equal(unread, before) {
		if err := m.Save(ctx, unreadStream, unread); err != nil {
			return nil, err
		}
	}
	for _, name := range before {
		if s.Unread[name] == nil {
			s.Unread[name] = errReadAgain
		}
	}
	c.mu.Lock()
	c.seen = s
	c.mu.Unlock()
	scopes := slices.AppendSeq(slices.Collect(maps.Keys(s.Scopes)), maps.Keys(s.Unread))
	scopes = append(scopes, gone...)
	slices.Sort(scopes)
	return slices.Compact(scopes), nil
}

// Abreast is how many services are collected side by side: they share the statements of the store.
func (c *Collector) Abreast() int { return 256 }

// Collect stores the rollouts of a service.
func (c *Collector) Collect(ctx context.Context, scope string, w source.Writer) error {
	c.mu.Lock()
	s, live := c.seen, c.live
	c.mu.Unlock()
	if s == nil {
		var err error
		if s, err = c.list(ctx); err != nil {
			return err
		}
	}
	if err := s.Unread[scope]; err != nil {
		return c.accountUnread(ctx, scope, err, w)
	}
	defer c.lock(scope)()
	p := &pass{Collector: c, scope: scope, w: w, listed: s.Listed}
	views := s.Scopes[scope]
	if live != nil { // which may have stored something newer than the listing
		views, p.listed = live.Views(scope), live.Listed
	}
	if err := p.take(ctx, views, nil); err != nil {
		return err
	}
	return errors.Join(append(p.bad, p.account(ctx))...)
}

// lock lets one pass over a scope happen at a time, be it of a collect or of a watch.
func (c *Collector) lock(scope string) (unlock func()) {
	l, _ := c.taking.LoadOrStore(scope, new(sync.Mutex))
	taking, _ := l.(*sync.Mutex)
	taking.Lock()
	return taking.Unlock
}

// pass is one look at a scope.
type pass struct {
	*Collector
	scope   string
	w       source.Writer
	listed  func(kind, namespace string) bool // what is not shown of these is not there
	careful bool                              // there are rollouts in the store of which the checkpoint is gone
	s       state
	events  []event.Event
	bad     []error // rollouts that cannot be stored
}

// take stores what the workloads of the scope show that was not stored before. gone are those that were deleted, in
// their last state.
func (p *pass) take(ctx context.Context, views []*workload.View, gone []*cluster.Gone) error {
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
	for _, g := range gone {
		p.deleted(g)
	}
	for _, v := range views {
		present[v.Key()] = true
		p.workload(v)
	}
	p.absent(present)
	p.s.Rules = p.environments.Digest()
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
func (p *pass) workload(v *workload.View) {
	environment := p.environments.Of(v.Workload)
	list, ok := v.Rollouts(p.origin, environment)
	if !ok {
		return // the next look will show it
	}
	t := p.s.Workloads[v.Key()]
	if t == nil {
		t = &track{Rollouts: map[int64]*event.Deployment{}}
		p.s.Workloads[v.Key()] = t
	}
	t.Gone = time.Time{}
	p.forgotten(t, list)
	kept := make(map[int64]*event.Deployment, len(list))
	for _, r := range list {
		e := r.Event
		was, known := t.Rollouts[r.Number]
		if !known && !e.CreatedAt.IsZero() && !p.s.Floor.IsZero() && e.CreatedAt.Before(p.s.Floor) {
			continue
		}
		switch {
		case known && was == nil, !known && r.Restart,
			!known && !r.Current && !r.Seen && p.careful: // what is stored may have its outcome, and the cluster does not
			kept[r.Number] = nil
			continue
		case known && !r.Current && !r.Seen:
			e = unseen(*was)
		case known:
			e = moved(*was, e, v)
		}
		e.Environment = environment
		if !known || e != *was {
			if err := e.Validate(); err != nil { // it is tried again, and does not block the others
				p.bad = append(p.bad, fmt.Errorf("rollout %s cannot be stored: %w", e.ID, err))
				if known {
					kept[r.Number] = was
				}
				continue
			}
			p.events = append(p.events, e)
		}
		kept[r.Number] = &e
		t.Last = max(t.Last, r.Number)
	}
	t.Rollouts = kept
	if n := len(list); n > 0 {
		t.Last = max(t.Last, list[n-1].Number)
	}
}

func (p *pass) origin(id string) event.Origin {
	return event.Origin{Source: p.cfg.Source, Provider: Provider, Scope: p.scope, ID: id}
}

// forgotten counts the revisions that came and went between the last look and this one. The cluster keeps ten old ones,
// unless the workload sets revisionHistoryLimit.
func (p *pass) forgotten(t *track, list []workload.Rollout) {
	expected := t.Last + 1
	for _, r := range list {
		if r.Number < expected {
			continue
		}
		missing := uint64(r.Number - expected)
		if t.Last == 0 {
			p.s.Before += missing
		} else {
			p.s.Lost += missing
		}
		expected = r.Number + 1
	}
}

// unseen returns a past rollout whose end was not observed: its outcome is not known.
func unseen(was event.Deployment) event.Deployment {
	if !was.Status.Final() {
		was.Status = event.Skipped
	}
	return was
}

// moved is what a rollout has become since it was last seen. A success stays one. A failure does not become open again,
// unless a person retries a Rollout, but can still become a success: Kubernetes goes on trying after the deadline. When
// a rollout began, and who began it, is best known by who saw it first.
func moved(was, is event.Deployment, v *workload.View) event.Deployment {
	told := was.Status.Final() && was.Status != event.Skipped // skipped: nobody saw it
	if v.Kind == workload.KindRollout && was.Status == event.Failed &&
		(is.StatusRaw == "Progressing" || is.StatusRaw == "Paused") {
		told = false // it is retried after an abort
	}
	if was.Status == event.Succeeded || told && is.Status != event.Succeeded {
		is.Status, is.StatusRaw, is.FinishedAt = was.Status, was.StatusRaw, was.FinishedAt
	}
	if !was.StartedAt.IsZero() {
		is.StartedAt, is.CreatedAt = was.StartedAt, was.CreatedAt
	}
	if was.Trigger != "" {
		is.Trigger = was.Trigger
	}
	if is.RollbackOf == "" { // what it was compared with may be forgotten by now
		is.RollbackOf = was.RollbackOf
	}
	if !was.Status.Final() && is.Status.Final() && is.Status != event.Cancelled && is.FinishedAt.IsZero() &&
		!v.Touched.Before(is.StartedAt) {
		is.FinishedAt = v.Touched // it was under way, and now it is not: the status changed at the end
	}
	return is
}
