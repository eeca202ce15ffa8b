package event

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// KindActionRun is the kind of [ActionRun].
const KindActionRun Kind = "action_run"

// ActionRun is an action that somebody started: a fix, the creation of a service, a deployment, a promotion.
type ActionRun struct {
	Source     string   // who ran it: "dxctl"
	ID         string   // unique in the source
	URL        string   // where a person can look at its result; may be empty
	Action     string   // what was done: "fix", "create", "deploy", "promote"
	Entity     string   // entity ref of what it was done to
	Actor      string   // who started it; empty: not known
	Plan       string   // digest of the plan that was shown and applied; empty: the action has no plan
	Batch      string   // id of its batch; empty: none
	Wave       uint32   // of the batch, from 1; 0: none
	Repository string   // owner/name at the host; empty: none, or not known
	Rules      []string // that it should make pass
	Outcome    string   // what became of it, such as opened, merged or declined; empty: not known
	Patch      string   // digest of the changes of files; empty: none
	Pull       uint64   // number of its pull request; 0: none
	Note       string   // why it failed or has its outcome; may be empty
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

// maxRules bounds the rules of a run.
const maxRules = 1000

// Validate checks that the run is named, its status is known and its times can be stored.
func (a ActionRun) Validate() error {
	errs := []error{required(KindActionRun, a.Source+"/"+a.ID, limited{"source", a.Source, MaxID},
		limited{"id", a.ID, MaxID}, limited{"action", a.Action, MaxWord}, limited{"entity", a.Entity, MaxScope})}
	if len(a.Rules) > maxRules {
		errs = append(errs, fmt.Errorf("%s %s: %d rules, more than the limit of %d", KindActionRun, beginning(a.ID),
			len(a.Rules), maxRules))
	}
	for _, rule := range a.Rules {
		errs = append(errs, bounded(KindActionRun, a.ID, limited{"rule", rule, MaxWord}))
	}
	return errors.Join(append(errs,
		bounded(KindActionRun, a.ID, limited{"plan", a.Plan, MaxWord}, limited{"batch", a.Batch, MaxID},
			limited{"repository", a.Repository, MaxScope}, limited{"outcome", a.Outcome, MaxWord},
			limited{"patch", a.Patch, MaxWord}),
		a.Status.validate(KindActionRun, a.ID),
		validateTimes(KindActionRun, a.ID, namedTime{"started_at", a.StartedAt}, namedTime{"finished_at", a.FinishedAt}))...)
}

func (a ActionRun) normalized() Event {
	a.URL = address(a.URL)
	cutAll(MaxName, &a.Actor)
	cutAll(MaxText, &a.Note)
	inMillis(&a.StartedAt, &a.FinishedAt)
	return a
}

// required reports the texts that are empty or longer than their limit.
func required(kind Kind, id string, texts ...limited) error {
	errs := []error{bounded(kind, id, texts...)}
	for _, t := range texts {
		if t.value == "" {
			errs = append(errs, fmt.Errorf("%s %s: no %s", kind, beginning(id), t.name))
		}
	}
	return errors.Join(errs...)
}

// KindActionStep is the kind of [ActionStep].
const KindActionStep Kind = "action_step"

// ActionStep is an entry of the journal of an [ActionRun].
type ActionStep struct {
	Source string // of the run
	Run    string // id of the run
	Number uint32 // its place in the run, from 1
	Name   string // what was done, such as "open the pull request"
	Status Status
	At     time.Time // when it ended
	URL    string    // where a person can look at its result; may be empty
	Note   string    // its result, or why it failed; may be empty
	Undo   string    // requests that restore what it changed, as JSON; empty: none. Views leave it out
}

// Kind returns KindActionStep.
func (ActionStep) Kind() Kind { return KindActionStep }

// Identity returns the run and the number.
func (s ActionStep) Identity() Identity {
	return Identity{Kind: KindActionStep, Source: s.Source, Scope: s.Run, ID: strconv.FormatUint(uint64(s.Number), 10)}
}

// Began returns At.
func (s ActionStep) Began() time.Time { return s.At }

// Validate checks that the step is named, its status is known and its time can be stored.
func (s ActionStep) Validate() error {
	id := s.Source + "/" + s.Run
	errs := []error{
		required(KindActionStep, id, limited{"source", s.Source, MaxID}, limited{"run", s.Run, MaxID},
			limited{"name", s.Name, MaxWord}),
		bounded(KindActionStep, id, limited{"undo", s.Undo, MaxValue}),
		s.Status.validate(KindActionStep, id),
		validateTimes(KindActionStep, id, namedTime{"at", s.At}),
	}
	if s.Number == 0 {
		errs = append(errs, fmt.Errorf("%s %s: numbers of steps begin with 1", KindActionStep, beginning(id)))
	}
	return errors.Join(errs...)
}

func (s ActionStep) normalized() Event {
	s.URL = address(s.URL)
	cutAll(MaxText, &s.Note)
	inMillis(&s.At)
	return s
}

// KindActionBatch is the kind of [ActionBatch].
const KindActionBatch Kind = "action_batch"

// ActionBatch is an action on many repositories, in waves: the next wave begins when the one before is good. Its runs
// name it.
type ActionBatch struct {
	Source   string   // who runs it: "dxctl"
	ID       string   // unique in the source
	Action   string   // of its runs
	Actor    string   // who started it; empty: not known
	Plan     string   // digest of the plan that was shown and applied
	Settings string   // selection and limits as JSON, by which it goes on
	Status   Status   // waiting: it goes on when it is resumed; failed: it stopped at a limit; cancelled: it was undone
	Wave     uint32   // that it has reached, from 1; 0: none
	Waves    []uint32 // number of runs of each wave
	Note     string   // why it waits or stopped; may be empty

	StartedAt  time.Time
	FinishedAt time.Time
}

// Kind returns KindActionBatch.
func (ActionBatch) Kind() Kind { return KindActionBatch }

// Identity returns the source's id.
func (b ActionBatch) Identity() Identity {
	return Identity{Kind: KindActionBatch, Source: b.Source, ID: b.ID}
}

// Began returns StartedAt.
func (b ActionBatch) Began() time.Time { return b.StartedAt }

// Validate checks that the batch is named, its status is known and its times can be stored.
func (b ActionBatch) Validate() error {
	return errors.Join(
		required(KindActionBatch, b.Source+"/"+b.ID, limited{"source", b.Source, MaxID}, limited{"id", b.ID, MaxID},
			limited{"action", b.Action, MaxWord}),
		bounded(KindActionBatch, b.ID, limited{"plan", b.Plan, MaxWord}, limited{"settings", b.Settings, MaxValue}),
		b.Status.validate(KindActionBatch, b.ID),
		validateTimes(KindActionBatch, b.ID, namedTime{"started_at", b.StartedAt}, namedTime{"finished_at", b.FinishedAt}))
}

func (b ActionBatch) normalized() Event {
	cutAll(MaxName, &b.Actor)
	cutAll(MaxText, &b.Note)
	inMillis(&b.StartedAt, &b.FinishedAt)
	return b
}
