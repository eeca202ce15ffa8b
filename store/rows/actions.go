package rows

import (
	"time"

	"github.com/dxctl/dxctl/event"
)

// ActionRun is the row of an action run.
type ActionRun struct {
	Source     string     `ch:"source"`
	ID         string     `ch:"id"`
	URL        string     `ch:"url"`
	Kind       string     `ch:"kind"`
	Entity     string     `ch:"entity"`
	Actor      string     `ch:"actor"`
	Plan       string     `ch:"plan"`
	Batch      string     `ch:"batch"`
	Wave       uint32     `ch:"wave"`
	Repository string     `ch:"repository"`
	Rules      []string   `ch:"rules"`
	Outcome    string     `ch:"outcome"`
	Patch      string     `ch:"patch"`
	Pull       uint64     `ch:"pull"`
	Note       string     `ch:"note"`
	Status     string     `ch:"status"`
	StartedAt  *time.Time `ch:"started_at"`
	FinishedAt *time.Time `ch:"finished_at"`
}

// NewActionRun returns the row of an event, which it points into: it is valid as long as the event is not changed.
func NewActionRun(a *event.ActionRun) ActionRun {
	return ActionRun{
		Source: a.Source, ID: a.ID, URL: a.URL, Kind: a.Action, Entity: a.Entity, Actor: a.Actor, Plan: a.Plan,
		Batch: a.Batch, Wave: a.Wave, Repository: a.Repository, Rules: a.Rules, Outcome: a.Outcome, Patch: a.Patch,
		Pull: a.Pull, Note: a.Note, Status: string(a.Status), StartedAt: nullable(&a.StartedAt),
		FinishedAt: nullable(&a.FinishedAt),
	}
}

// Event returns the event that the row was made of.
func (r ActionRun) Event() event.ActionRun {
	run := event.ActionRun{
		Source: r.Source, ID: r.ID, URL: r.URL, Action: r.Kind, Entity: r.Entity, Actor: r.Actor, Plan: r.Plan,
		Batch: r.Batch, Wave: r.Wave, Repository: r.Repository, Outcome: r.Outcome, Patch: r.Patch, Pull: r.Pull,
		Note: r.Note, Status: event.Status(r.Status), StartedAt: Known(r.StartedAt), FinishedAt: Known(r.FinishedAt),
	}
	if len(r.Rules) > 0 {
		run.Rules = r.Rules
	}
	return run
}

// ActionStep is the row of a step of an action run.
type ActionStep struct {
	Source string     `ch:"source"`
	Run    string     `ch:"run"`
	Number uint32     `ch:"number"`
	Name   string     `ch:"name"`
	Status string     `ch:"status"`
	At     *time.Time `ch:"at"`
	URL    string     `ch:"url"`
	Note   string     `ch:"note"`
	Undo   string     `ch:"undo"`
}

// NewActionStep returns the row of an event, which it points into: it is valid as long as the event is not changed.
func NewActionStep(s *event.ActionStep) ActionStep {
	return ActionStep{
		Source: s.Source, Run: s.Run, Number: s.Number, Name: s.Name, Status: string(s.Status), At: nullable(&s.At),
		URL: s.URL, Note: s.Note, Undo: s.Undo,
	}
}

// Event returns the event that the row was made of.
func (r ActionStep) Event() event.ActionStep {
	return event.ActionStep{
		Source: r.Source, Run: r.Run, Number: r.Number, Name: r.Name, Status: event.Status(r.Status), At: Known(r.At),
		URL: r.URL, Note: r.Note, Undo: r.Undo,
	}
}

// ActionBatch is the row of a batch of action runs.
type ActionBatch struct {
	Source     string     `ch:"source"`
	ID         string     `ch:"id"`
	Kind       string     `ch:"kind"`
	Actor      string     `ch:"actor"`
	Plan       string     `ch:"plan"`
	Settings   string     `ch:"settings"`
	Status     string     `ch:"status"`
	Wave       uint32     `ch:"wave"`
	Waves      []uint32   `ch:"waves"`
	Note       string     `ch:"note"`
	StartedAt  *time.Time `ch:"started_at"`
	FinishedAt *time.Time `ch:"finished_at"`
}

// NewActionBatch returns the row of an event, which it points into: it is valid as long as the event is not changed.
func NewActionBatch(b *event.ActionBatch) ActionBatch {
	return ActionBatch{
		Source: b.Source, ID: b.ID, Kind: b.Action, Actor: b.Actor, Plan: b.Plan, Settings: b.Settings,
		Status: string(b.Status), Wave: b.Wave, Waves: b.Waves, Note: b.Note, StartedAt: nullable(&b.StartedAt),
		FinishedAt: nullable(&b.FinishedAt),
	}
}

// Event returns the event that the row was made of.
func (r ActionBatch) Event() event.ActionBatch {
	b := event.ActionBatch{
		Source: r.Source, ID: r.ID, Action: r.Kind, Actor: r.Actor, Plan: r.Plan, Settings: r.Settings,
		Status: event.Status(r.Status), Wave: r.Wave, Note: r.Note, StartedAt: Known(r.StartedAt),
		FinishedAt: Known(r.FinishedAt),
	}
	if len(r.Waves) > 0 {
		b.Waves = r.Waves
	}
	return b
}
