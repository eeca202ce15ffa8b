package argocd

import (
	"slices"
	"strings"

	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// baselineID names the record of what ran in an application before its first sync.
const baselineID = "baseline"

// synced is the word for an application whose cluster has what its sources say.
const synced = "Synced"

// phases are the words for where an operation stands.
var phases = source.Words[event.Status]{
	Meaning: map[string]event.Status{
		"running":     event.Running,
		"terminating": event.Running,
		"succeeded":   event.Succeeded,
		"failed":      event.Failed,
		"error":       event.Failed,
	},
	Otherwise: event.Running, // so that it is read again
}

// status returns the status of an operation. One with an unrecognized phase that is finished has ended without a
// verdict.
func (m mapper) status(o *operation) event.Status {
	mapped := phases.Read("phase of an operation", o.Phase, m.unrecognized)
	switch {
	case strings.EqualFold(o.Phase, "failed") && strings.HasPrefix(o.Message, "Operation terminated"): // by a person
		return event.Cancelled
	case !phases.Has(o.Phase) && !o.FinishedAt.IsZero():
		return event.Skipped
	}
	return mapped
}

// events returns the events of an application that are to be stored, oldest first, and the sync that is running.
func (p *pass) events(a application, again bool) (events []event.Event, running *open) {
	environment := p.environment(a)
	add := func(d event.Deployment) {
		if d.CreatedAt.IsZero() || p.s.Floor.IsZero() || !d.CreatedAt.Before(p.s.Floor) {
			d.Environment = environment
			events = append(events, d)
		}
	}
	if len(a.history) == 0 && a.operation == nil {
		if d, is := p.baseline(a); is {
			add(d)
		}
		return events, nil
	}
	inHistory := false
	for i, e := range a.history {
		current := a.operation != nil && a.operation.StartedAt.Equal(e.StartedAt.Time)
		inHistory = inHistory || current
		if (e.ID > p.s.LastID || again) && !slices.Contains(p.s.Healed, e.id()) {
			add(p.entryEvent(a, i))
		}
	}
	o := a.operation
	if o == nil || inHistory || o.dryRun() || a.operationHeals() ||
		a.legacy() && (o.Phase == "Running" || o.Phase == "Succeeded") {
		return events, nil
	}
	d := p.operationEvent(a)
	before := len(events)
	if add(d); len(events) > before && !d.Status.Final() {
		d.Environment = environment
		running = &open{Sync: d, Selective: o.selective()}
	}
	return events, running
}

// legacy reports whether the history does not say when a sync began: then an operation cannot be found in it again.
func (a application) legacy() bool {
	n := len(a.history)
	return n > 0 && a.history[n-1].StartedAt.IsZero()
}

// judge finds the self-heals and the rollbacks among the entries of the history. What was found of an entry before
// stays: the entries that it was compared with may have left the history.
func (p *pass) judge(a application) {
	var healed []string
	undid := map[string]string{}
	for i, e := range a.history {
		if slices.Contains(p.s.Healed, e.id()) || p.selfHeal(a, i) {
			healed = append(healed, e.id())
		}
		if was := p.s.Undid[e.id()]; was != "" {
			undid[e.id()] = was
		} else if a.rollback(i) {
			undid[e.id()] = a.history[i-1].id()
		}
	}
	p.s.Healed, p.s.Undid = healed, undid
}

// selfHeal reports whether an entry of the history deployed nothing: the same as the one before it, and not because
// somebody asked for it.
func (p *pass) selfHeal(a application, i int) bool {
	e := a.history[i]
	if by := a.initiator(i); !by.Automated && by.Username != "" {
		return false
	}
	before, known := p.keyBefore(a, i)
	return known && before == e.key()
}

// keyBefore is what the entry before one deployed; not known when the history has forgotten it.
func (p *pass) keyBefore(a application, i int) (key string, known bool) {
	e := a.history[i]
	if i > 0 && a.history[i-1].ID == e.ID-1 {
		return a.history[i-1].key(), true
	}
	return p.s.LastKey, i == 0 && p.s.LastKey != "" && p.s.LastID == e.ID-1
}

// initiator says who started the sync of an entry. Older servers tell it of the latest operation only.
func (a application) initiator(i int) initiator {
	e := a.history[i]
	if o := a.operation; e.By == (initiator{}) && o != nil && o.StartedAt.Equal(e.StartedAt.Time) {
		return o.Operation.By
	}
	return e.By
}

// operationHeals reports whether the latest operation only repairs what had drifted.
func (a application) operationHeals() bool {
	o := a.operation
	if !o.Operation.By.Automated {
		return false
	}
	if o.selective() || o.Operation.Sync != nil && o.Operation.Sync.SelfHeals > 0 {
		return true
	}
	n := len(a.history)
	return n > 0 && a.history[n-1].key() == o.revision(a).key()
}

func (p *pass) entryEvent(a application, i int) event.Deployment {
	e := a.history[i]
	d := p.deployment(e.id(), e.revision, a.initiator(i))
	d.Status, d.StatusRaw = event.Succeeded, "Succeeded"
	d.CreatedAt, d.StartedAt, d.FinishedAt = e.StartedAt.Time, e.StartedAt.Time, e.Deployed.Time
	if d.CreatedAt.IsZero() {
		d.CreatedAt = e.Deployed.Time // the entry itself is of that time
	}
	d.RollbackOf = p.s.Undid[d.ID]
	return d
}

// rollback reports whether a sync deployed exactly what an earlier one had, and undid what was deployed in between.
func (a application) rollback(i int) bool {
	if i < 2 || a.history[i-1].ID != a.history[i].ID-1 {
		return false
	}
	key := a.history[i].key()
	if a.history[i-1].key() == key {
		return false
	}
	for _, e := range a.history[:i-1] {
		if e.key() == key {
			return true
		}
	}
	return false
}

// mapper makes the deployments of an application, of what is collected and of what Argo CD sends.
type mapper struct {
	source       string
	scope        string
	url          string // where a person can look at the application
	unrecognized func(what, word string)
}

func (m mapper) operationEvent(a application) event.Deployment {
	o := a.operation
	d := m.deployment(operationID(o.StartedAt.Time), o.revision(a), o.Operation.By)
	mapped := m.status(o)
	d.Status, d.StatusRaw = mapped, o.Phase
	d.CreatedAt, d.StartedAt = o.StartedAt.Time, o.StartedAt.Time
	if mapped.Final() { // while a retry is awaited, the end is that of the attempt before
		d.FinishedAt = o.FinishedAt.Time
	}
	return d
}

// deployment is what the event of an entry and that of an operation have in common.
func (m mapper) deployment(id string, w revision, by initiator) event.Deployment {
	d := event.Deployment{
		Origin:  event.Origin{Source: m.source, Provider: Provider, Scope: m.scope, ID: id, URL: m.url},
		Attempt: 1, Actor: by.Username, Bot: machine(by.Username),
	}
	d.SHA, d.Ref, d.Version = w.version()
	switch {
	case by.Automated:
		d.Trigger = "automated"
	case by.Username != "":
		d.Trigger = "manual"
	}
	return d
}

// machine reports whether a user is the role of a project, which only tokens have.
func machine(username string) bool {
	return strings.HasPrefix(username, "proj:") || strings.HasSuffix(username, "[bot]")
}

// baseline is what runs in an application that is in sync and was never synced: it was there before Argo CD was. When
// it was deployed there is not known.
func (p *pass) baseline(a application) (event.Deployment, bool) {
	s := a.Status.Sync
	w := revision{Revision: s.Revision, Revisions: s.Revisions, Source: a.Spec.Source, Sources: a.Spec.Sources}
	if s.Status != synced || w.first() == "" || a.Metadata.Created.IsZero() {
		return event.Deployment{}, false
	}
	d := p.deployment(baselineID, w, initiator{})
	d.Status, d.StatusRaw, d.Baseline = event.Succeeded, s.Status, true
	d.CreatedAt = a.Metadata.Created.Time
	return d, true
}
