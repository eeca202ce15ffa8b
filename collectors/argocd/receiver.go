package argocd

import (
	"slices"
	"strings"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/event"
)

// Receiver reads what Argo CD Notifications sends with the template that docs/sources/argocd.md gives: an Application
// as Argo CD's API has it, cut down to what is used. A deployment is the application's latest operation, with the
// identity that the collector gives the same sync.
type Receiver struct{ Config Config }

// Protocol returns how Argo CD sends notifications.
func (Receiver) Protocol() delivery.Protocol {
	return delivery.Protocol{
		Kind:         Provider,
		Sign:         delivery.Bearer,
		Unauthorized: delivery.BearerMissing,
		Unsupported:  delivery.JSON,
		Headers:      []string{"content-type"},
	}
}

// Parse reads one notification.
func (r Receiver) Parse(s delivery.Source, d delivery.Delivery) ([]delivery.Update, delivery.Verdict) {
	var a application
	misfits, err := delivery.Decode(d.Body, &a)
	if err != nil {
		return delivery.Refuse("the notification cannot be read: %v; use the template that docs/sources/argocd.md gives", err)
	}
	a.readRecords(func(raw []byte, place string, into any) error {
		left, err := delivery.Decode(raw, into)
		for _, m := range left {
			misfits.Add(place+"."+m.Field, "%s", m.Reason)
		}
		if err != nil {
			misfits.Add(place, "%v", err)
		}
		return err
	})
	updates, v := r.read(s, a)
	v.Misfits = misfits
	return updates, v
}

func (r Receiver) read(s delivery.Source, a application) ([]delivery.Update, delivery.Verdict) {
	if a.Metadata.Name == "" {
		return delivery.Refuse("the notification has no metadata.name; use the template that docs/sources/argocd.md gives")
	}
	scope, environment, taken := r.Config.place(a)
	if taken {
		scope, taken = s.Scope(scope)
	}
	if !taken {
		return delivery.Ignore("the application %.140s is not among those of the source", a.Metadata.Name)
	}
	o := a.operation
	switch {
	case o == nil:
		return delivery.Ignore("the application %.140s was not synced", a.Metadata.Name)
	case o.dryRun():
		return delivery.Ignore("a dry run deploys nothing")
	case a.withoutOwn().operationHeals():
		return delivery.Ignore("a self-heal deploys nothing new: what runs is repaired")
	}
	m := mapper{source: s.Name, scope: scope, unrecognized: s.Unrecognized}
	if base := strings.TrimRight(r.Config.URL, "/"); base != "" {
		m.url = delivery.Link(page(base+"/", a.Metadata))
	}
	e := m.operationEvent(a)
	e.Environment = environment
	if e.Status == event.Succeeded {
		e.RollbackOf = a.rollbackOf()
	}
	// Argo CD forgets a failure at the next sync, perhaps before the collector reads it.
	lost := e.Status == event.Failed || e.Status == event.Cancelled
	if s.Polled && !lost {
		return s.CollectSoon(scope, "the application was synced, and the collector reads its history")
	}
	updates := []delivery.Update{
		{Event: e, At: delivery.FirstKnown(e.FinishedAt, e.StartedAt), CollectedEnvironment: true},
	}
	if s.Polled {
		return delivery.Accept(updates, delivery.Target{Source: s.Name, Scope: scope})
	}
	return delivery.Accept(updates)
}

// own reports whether an entry of the history is that of the operation.
func (a application) own(e entry) bool { return e.StartedAt.Equal(a.operation.StartedAt.Time) }

// withoutOwn is the application as it was before its operation.
func (a application) withoutOwn() application {
	a.history = slices.DeleteFunc(slices.Clone(a.history), a.own)
	return a
}

// rollbackOf returns the id of the sync that the operation, which has succeeded, undoes; empty when it undoes none. Its
// entry may not be in the history yet.
func (a application) rollbackOf() string {
	i := slices.IndexFunc(a.history, a.own)
	if i < 0 && len(a.history) > 0 {
		i = len(a.history)
		a.history = append(
			slices.Clone(a.history),
			entry{revision: a.operation.revision(a), ID: a.history[i-1].ID + 1, StartedAt: a.operation.StartedAt},
		)
	}
	if i < 0 || !a.rollback(i) {
		return ""
	}
	return a.history[i-1].id()
}
