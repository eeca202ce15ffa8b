package event

import (
	"errors"
	"fmt"
	"time"
)

// KindActionRun is the kind of [ActionRun].
const KindActionRun Kind = "action_run"

// ActionRun is an action that somebody started: a fix, the creation of a service, a deployment, a promotion.
type ActionRun struct {
	Source     string // who ran it: "dxctl"
	ID         string // unique in the source
	URL        string // where a person can look at its result; may be empty
	Action     string // what was done: "fix", "create", "deploy", "promote"
	Entity     string // entity ref of what it was done to
	Actor      string // who started it; empty: not known
	Plan       string // digest of the plan that was shown and applied; empty: the action has no plan
	Status     Status
	StartedAt  time.Time
	FinishedAt time.Time
}

// Kind returns KindActionRun.
func (ActionRun) Kind() Kind { return KindActionRun }

// Identity returns the source's id.
func (a ActionRun) Identity() Identity {
	return Identity{Kind: KindActionRun, Source: a.Source, ID: a.ID}
}

// Began returns StartedAt.
func (a ActionRun) Began() time.Time { return a.StartedAt }

// Validate checks that the run is named, its status is known and its times can be stored.
func (a ActionRun) Validate() error {
	var errs []error
	for _, f := range []struct{ name, value string }{
		{"source", a.Source}, {"id", a.ID}, {"action", a.Action}, {"entity", a.Entity},
	} {
		if f.value == "" {
			errs = append(errs, fmt.Errorf("action_run %s/%s: no %s", beginning(a.Source), beginning(a.ID), f.name))
		}
	}
	return errors.Join(append(errs,
		bounded(KindActionRun, a.ID, limited{"source", a.Source, MaxID}, limited{"id", a.ID, MaxID},
			limited{"action", a.Action, MaxWord}, limited{"entity", a.Entity, MaxScope}, limited{"plan", a.Plan, MaxWord}),
		a.Status.validate(KindActionRun, a.ID),
		validateTimes(KindActionRun, a.ID, namedTime{"started_at", a.StartedAt}, namedTime{"finished_at", a.FinishedAt}))...)
}

func (a ActionRun) normalized() Event {
	a.URL = address(a.URL)
	cutAll(MaxName, &a.Actor)
	inMillis(&a.StartedAt, &a.FinishedAt)
	return a
}
