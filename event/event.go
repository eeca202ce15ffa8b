// Package event describes what happened: a deployment, a run of a pipeline, a change, an incident, an observed fact, a
// grade, an action. Collectors make events, the store keeps them, everything after that reads them back through the
// public views.
//
// Identity. Two events with the same [Identity] are two observations of one thing, and the later observation wins.
// Reading a source twice therefore changes nothing.
//
// Time. Every time is an instant with millisecond precision, stored in UTC. The zero [time.Time] means "not known"; it
// is stored as NULL and never as a date.
package event

import (
	"errors"
	"fmt"
	"time"
)

// Kind names a sort of event. It is also the kind that the completeness ledger counts.
type Kind string

// The kinds of events.
const (
	KindDeployment  Kind = "deployment"
	KindPipelineRun Kind = "pipeline_run"
	KindPipelineJob Kind = "pipeline_job"
	KindChange      Kind = "change"
	KindIncident    Kind = "incident"
	KindFact        Kind = "fact"
	KindGrade       Kind = "grade"
	KindLedger      Kind = "ledger"
)

// Event is anything that the store appends. Implementations are plain structs of this package, passed by value.
type Event interface {
	// Kind returns the sort of the event; it decides the table.
	Kind() Kind
	// Identity returns what makes two events observations of one thing.
	Identity() Identity
	// Began returns when what the event is about began or was created at its source. It is zero when that is not known,
	// and for kinds that have no beginning: facts, grades, descriptors, deployed commits, ledger entries.
	Began() time.Time
	// Validate reports every reason why the event cannot be stored, joined, or nil.
	Validate() error
	// normalized returns the event as [Normalize] does.
	normalized() Event
}

// Identity is what an event is known by. Parts that a kind does not have are empty.
type Identity struct {
	Kind        Kind
	Source      string
	Scope       string // of a fact and of a grade: the entity
	Parent      string // a job's run, a grade's scorecard, a ledger entry's window, the deployment that commits belong to
	ID          string // the source's own id; the name of a fact, the rule of a grade, the location of a descriptor
	Attempt     uint16
	Environment string // of a deployment whose producer may use one id for several: [Deployment].EnvironmentKey
}

// Origin says where an event was read and is the first part of its identity.
type Origin struct {
	Source   string // name of the source in the configuration: "gh"
	Provider string // kind of the source: "github", "jenkins", "circleci"; catalog bindings and logins are per provider
	Scope    string // what of the source: a repository "myorg/payment-service", a job, a project
	ID       string // the source's own id within the scope
	URL      string // where a person can look at it; may be empty
	Service  string // entity ref when the source itself names it; empty: the catalog decides by provider and scope
	// MergeState is what the merge of pushed deliveries keeps of a record, see collectors/webhook; empty for what was
	// collected. It is no part of what happened, and no view shows it.
	MergeState string
}

// identity returns the identity of an event that needs no more than its origin.
func (o *Origin) identity(kind Kind) Identity {
	return Identity{Kind: kind, Source: o.Source, Scope: o.Scope, ID: o.ID}
}

func (o Origin) validate(kind Kind) error {
	var errs []error
	for _, f := range []struct{ name, value string }{
		{"source", o.Source}, {"provider", o.Provider}, {"scope", o.Scope}, {"id", o.ID},
	} {
		if f.value == "" {
			errs = append(errs, fmt.Errorf("%s %s/%s/%s: no %s", kind, o.Source, beginning(o.Scope), beginning(o.ID), f.name))
		}
	}
	errs = append(errs, bounded(kind, o.ID, limited{"source", o.Source, MaxID}, limited{"provider", o.Provider, MaxID},
		limited{"scope", o.Scope, MaxScope}, limited{"id", o.ID, MaxID}, limited{"service", o.Service, MaxScope}))
	return errors.Join(errs...)
}

// The range of instants that an event may carry. Anything outside is a broken clock or a unit mistaken for another
// (seconds for milliseconds), and ClickHouse's DateTime64 would silently wrap it.
var (
	earliest = time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2199, 12, 31, 0, 0, 0, 0, time.UTC)
)

// ValidTime reports whether t can be stored: it is zero (not known) or lies between 1970-01-02 and 2199-12-31.
func ValidTime(t time.Time) bool {
	return t.IsZero() || (!t.Before(earliest) && !t.After(latest))
}

type namedTime struct {
	name string
	at   time.Time
}

func validateTimes(kind Kind, id string, times ...namedTime) error {
	var errs []error
	for _, t := range times {
		if !ValidTime(t.at) {
			errs = append(
				errs,
				fmt.Errorf("%s %s: %s %s is outside 1970 to 2199", kind, beginning(id), t.name, t.at.Format(time.RFC3339)),
			)
		}
	}
	return errors.Join(errs...)
}
