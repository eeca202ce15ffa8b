package actions

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dxctl/dxctl/event"
)

// Source is the source of the recorded runs.
const Source = "dxctl"

// ErrChanged is the error of applying a plan that is no longer what the action would do.
var ErrChanged = errors.New("what the plan was made on has changed; look at the new plan")

// ErrReadOnly is the error of applying an action that changes nothing.
var ErrReadOnly = errors.New("the action changes nothing, so it cannot be applied")

// RunOptions are who starts an action, when, and where that is recorded.
type RunOptions struct {
	ID     string // unique; the same one when an interrupted run goes on
	Actor  string // empty: not known
	Now    func() time.Time
	Record func(ctx context.Context, events ...event.Event) error // nil: nowhere
	// Progress gets each step when it begins and when it is done. It may be nil.
	Progress  func(Step)
	StartedAt time.Time // of a run that goes on; zero: now

	Repository string   // owner/name at the host; may be empty
	Rules      []string // that it should make pass
}

// Run plans an action again, compares the plan with the digest that was shown, and applies it. It returns [ErrChanged],
// and does nothing, if they differ. The run is recorded before the first change and when it has ended; a run that
// cannot be recorded does not begin.
func Run(ctx context.Context, a Applier, in Input, digest string, opt RunOptions) (event.ActionRun, error) {
	p, err := a.Plan(ctx, in)
	if err != nil {
		return event.ActionRun{}, err
	}
	d := a.Descriptor()
	switch {
	case d.ReadOnly:
		return event.ActionRun{}, fmt.Errorf("applying %s: %w", d.Name, ErrReadOnly)
	case p.Digest() != digest:
		return event.ActionRun{}, fmt.Errorf("applying %s: the plan is now %s, and %s was shown: %w", d.Name, p.Digest(),
			digest, ErrChanged)
	}
	run := event.ActionRun{
		Source: Source, ID: opt.ID, Action: d.Name, Entity: p.Entity, Actor: opt.Actor, Plan: digest, Status: event.Running,
		StartedAt: opt.StartedAt, Repository: opt.Repository, Rules: opt.Rules,
	}
	if run.StartedAt.IsZero() {
		run.StartedAt = opt.Now()
	}
	if err := opt.record(ctx, run); err != nil {
		return run, fmt.Errorf("recording that %s begins; nothing was changed: %w", d.Name, err)
	}
	progress := opt.Progress
	if progress == nil {
		progress = func(Step) {}
	}
	run.URL, err = a.Apply(ctx, p, progress)
	run.Status, run.FinishedAt = ended(ctx, err), opt.Now()
	// The end is recorded even if the action was interrupted.
	kept, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if recordErr := opt.record(kept, run); recordErr != nil {
		recordErr = fmt.Errorf("recording that %s %s: %w", d.Name, run.Status, recordErr)
		err = errors.Join(err, recordErr)
	}
	return run, err
}

func (o RunOptions) record(ctx context.Context, run event.ActionRun) error {
	if o.Record == nil {
		return nil
	}
	return o.Record(ctx, run)
}

// ended is the status of a run.
func ended(ctx context.Context, err error) event.Status {
	switch {
	case err == nil:
		return event.Succeeded
	case errors.Is(err, context.Canceled) || errors.Is(ctx.Err(), context.Canceled):
		return event.Cancelled
	}
	return event.Failed
}
