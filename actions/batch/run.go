package batch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/event"
)

// Runner carries out batches. A batch goes through these states:
//
//	          ┌──────────────┐ the last wave is open
//	running ──┤ wave by wave ├──────────────────────▶ succeeded
//	   ▲      └──────┬───────┘
//	   │             ├─ more than the limit are red or declined, or most runs fail ──▶ failed
//	   │             └─ the credentials expired, checks take too long, interrupted ──▶ waiting
//	   └──── resume: failed runs are tried again; what stopped it is accepted ◀──── either
//
// and each of its runs through these:
//
//	queued ─▶ running ─▶ succeeded (opened, updated, unchanged, closed) ─▶ its outcome becomes merged or declined
//	             ├─────▶ succeeded (set: only settings were changed)
//	             ├─────▶ skipped   (declined before, held by a commit of somebody, changed since the plan)
//	             └─────▶ failed    the others go on
//
// A run is stored as running before its first write. One that is found running was interrupted, and is tried again:
// what is proposed a second time is found at the host, so that nothing is opened twice. Of a batch that stops, nothing
// is taken back.
//
// The changes of settings are steps of the run, which are recorded with the plan, before anything is sent: queued, then
// running, then succeeded, failed or skipped. They are made before the pull request is opened, so that its checks run
// with them. A setting that differs from what the plan was made on is skipped.
type Runner struct {
	Host   Host
	Record func(ctx context.Context, events ...event.Event) error
	// Again plans a run again, on a head.
	Again func(ctx context.Context, run event.ActionRun, head github.Head, s Settings) (Item, error)
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error
	// Tell gets a line about each thing that is done.
	Tell func(format string, args ...any)
}

// Start records a plan as a batch and carries it out. The batch has id, action, actor and plan.
func (r *Runner) Start(ctx context.Context, batch event.ActionBatch, p *Plan) (State, error) {
	batch.Source, batch.Status, batch.StartedAt, batch.Waves = actions.Source, event.Running, r.Now(), p.Waves
	runs, steps, err := p.runs(batch)
	if err != nil {
		return State{Batch: batch}, err
	}
	s := NewState(batch, runs, steps)
	w := &work{Runner: r, State: &s, settings: p.Settings, items: map[string]Item{}}
	for _, item := range p.Items {
		w.items[RunID(batch.ID, item.Entity)] = item
	}
	events := make([]event.Event, 0, len(runs)+len(steps))
	for _, step := range steps {
		events = append(events, step)
	}
	for _, run := range runs {
		events = append(events, run)
	}
	// The batch comes last: one that is stored has all of its runs.
	if err := r.Record(ctx, events...); err != nil {
		return s, fmt.Errorf("recording the runs of the batch; nothing was proposed: %w", err)
	}
	if err := w.save(ctx); err != nil {
		return s, fmt.Errorf("recording the batch; nothing was proposed: %w", err)
	}
	return s, w.all(ctx)
}

// Required returns the rights that going on with a batch takes, as far as they were recorded.
func (s State) Required() (github.Needs, error) {
	var of Settings
	if err := json.Unmarshal([]byte(s.Batch.Settings), &of); err != nil {
		return github.Needs{}, fmt.Errorf("reading the settings of the batch %s: %w", s.Batch.ID, err)
	}
	if of.Needs != nil {
		return *of.Needs, nil
	}
	return github.Needs{Pulls: true, Issues: of.Issues, Checks: len(s.Batch.Waves) > 1}, nil
}

// Resume continues a batch. change, which may be nil, adjusts its settings.
func (r *Runner) Resume(ctx context.Context, s State, change func(*Settings)) (State, error) {
	w := &work{Runner: r, State: &s, items: map[string]Item{}}
	if err := json.Unmarshal([]byte(s.Batch.Settings), &w.settings); err != nil {
		return s, fmt.Errorf("reading the settings of the batch %s: %w", s.Batch.ID, err)
	}
	if change != nil {
		change(&w.settings)
	}
	w.accept()
	s.Batch.Status, s.Batch.Note, s.Batch.FinishedAt = event.Running, "", time.Time{}
	if err := w.save(ctx); err != nil {
		return s, fmt.Errorf("recording that the batch goes on: %w", err)
	}
	return s, w.all(ctx)
}

// work is a batch that is carried out.
type work struct {
	*Runner
	*State
	settings Settings
	items    map[string]Item // by run; those of a resumed batch are planned when their turn comes
}

func (w *work) save(ctx context.Context) error {
	text, err := json.Marshal(w.settings)
	if err != nil {
		return fmt.Errorf("writing the settings: %w", err)
	}
	w.Batch.Settings = string(text)
	return w.Record(ctx, w.Batch)
}

// all goes through the waves.
func (w *work) all(ctx context.Context) error {
	for wave := uint32(1); int(wave) <= len(w.Batch.Waves); wave++ {
		w.Batch.Wave = wave
		if err := w.save(ctx); err != nil {
			return err
		}
		if err := w.wave(ctx, wave); err != nil {
			return w.pause(ctx, err)
		}
		if int(wave) == len(w.Batch.Waves) {
			break
		}
		if err := w.judge(ctx); errors.Is(err, ErrStopped) {
			return w.end(ctx, event.Failed, err)
		} else if err != nil {
			return w.pause(ctx, err)
		}
	}
	failed := 0
	for _, run := range w.Runs {
		if run.Status == event.Failed {
			failed++
		}
	}
	if failed == 0 {
		return w.end(ctx, event.Succeeded, nil)
	}
	err := w.end(ctx, event.Succeeded, nil)
	return errors.Join(err, fmt.Errorf("%w: %d of %d; `dxctl fix --all --resume %s` tries them again", ErrPartly, failed,
		len(w.Runs), w.Batch.ID))
}

// end records the end of the batch.
func (w *work) end(ctx context.Context, status event.Status, cause error) error {
	w.Batch.Status, w.Batch.FinishedAt, w.Batch.Note = status, w.Now(), ""
	if cause != nil {
		w.Batch.Note = cause.Error()
	}
	return errors.Join(cause, w.save(context.WithoutCancel(ctx)))
}

// pause records that the batch waits, and why.
func (w *work) pause(ctx context.Context, cause error) error {
	w.Batch.Status, w.Batch.Note = event.Waiting, cause.Error()
	if ctx.Err() != nil {
		w.Batch.Note = "it was interrupted"
	}
	paused := &PausedError{Batch: w.Batch.ID, Err: cause}
	return errors.Join(paused, w.save(context.WithoutCancel(ctx)))
}

// wave carries out the runs of a wave that are not done. An error is one that concerns all of them.
func (w *work) wave(ctx context.Context, wave uint32) error {
	var open []*event.ActionRun
	for i := range w.Runs {
		run := &w.Runs[i]
		if run.Wave == wave && (run.Status == event.Queued || run.Status == event.Running || run.Status == event.Failed) {
			open = append(open, run)
		}
	}
	for some := range slices.Chunk(open, github.PerQuery) {
		names := make([]string, len(some))
		for i, run := range some {
			names[i] = run.Repository
		}
		heads, err := w.Host.Heads(ctx, names)
		if err != nil {
			return err
		}
		for i, run := range some {
			if err := w.run(ctx, run, heads[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// run carries out a run. An error is one that concerns the others, too; the run can then be tried again.
func (w *work) run(ctx context.Context, run *event.ActionRun, head github.Head) error {
	// Answers can be lost: what such a run finds at the host may be its own.
	tried := run.Status == event.Running || run.Status == event.Failed
	run.Status, run.Note, run.FinishedAt = event.Running, "", time.Time{}
	if err := w.Record(ctx, *run); err != nil {
		return fmt.Errorf("recording the run of %s; nothing was proposed to it: %w", run.Entity, err)
	}
	steps, err := w.propose(ctx, run, head, tried)
	if ends(ctx, err) {
		run.Status = event.Running
		return errors.Join(err, w.finish(ctx, run, steps))
	}
	if err != nil {
		run.Status, run.Note = event.Failed, err.Error()
		run.Outcome = firstOf(run.Outcome, Failed) // a pull request that was opened stays so if its issues fail
		steps = append(steps, event.ActionStep{Name: "failed", Status: event.Failed, Note: err.Error()})
	}
	run.FinishedAt = w.Now()
	w.Tell("%s: %s %s", run.Entity, run.Outcome, firstOf(run.URL, run.Note))
	return w.finish(ctx, run, steps)
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// finish records a run and its steps.
func (w *work) finish(ctx context.Context, run *event.ActionRun, steps []event.ActionStep) error {
	var events []event.Event
	for _, step := range steps {
		w.Steps[run.ID]++
		step.Source, step.Run, step.Number, step.At = run.Source, run.ID, w.Steps[run.ID], w.Now()
		events = append(events, step)
	}
	return w.Record(context.WithoutCancel(ctx), append(events, *run)...)
}

// propose plans a run again if its repository has moved, and proposes it. tried is whether it was proposed before, with
// an end that is not known.
func (w *work) propose(ctx context.Context, run *event.ActionRun, head github.Head, tried bool) (
	steps []event.ActionStep, err error) {
	run.Outcome = ""
	if head.Problem != "" {
		return nil, errors.New(head.Problem)
	}
	run.Repository = head.Repository // it may have been renamed or transferred
	item, planned := w.items[run.ID]
	at := item.Proposal
	if !planned || at.On != head.Commit || at.Base != head.Branch || at.Repository != head.Repository {
		if item, err = w.again(ctx, run, head); err != nil {
			return nil, err
		}
	}
	steps = append(steps, event.ActionStep{Name: "plan", Status: event.Succeeded, Note: "at " + head.Commit})
	set, failed := w.set(ctx, run, item)
	if ends(ctx, failed) {
		return steps, failed
	}
	steps, err = w.pull(ctx, run, item, steps, tried)
	if set > 0 && run.Outcome == string(github.Nothing) {
		run.Status, run.Outcome, run.Note = event.Succeeded, Set, words(set)
	}
	if item.SetWith != "" && run.Outcome == string(github.Nothing) {
		run.Note = "its settings are set with those of " + item.SetWith
	}
	return steps, errors.Join(failed, err)
}

func words(set int) string {
	if set == 1 {
		return "1 setting was changed"
	}
	return fmt.Sprintf("%d settings were changed", set)
}

// pull proposes the changes of files.
func (w *work) pull(ctx context.Context, run *event.ActionRun, item Item, steps []event.ActionStep, tried bool) (
	[]event.ActionStep, error) {
	if patch := item.Proposal.Patch(); patch != run.Patch {
		if tried && run.Patch != "" {
			found, err := w.Host.PullWithPatch(ctx, run.Repository, run.Patch)
			if err != nil {
				return steps, err
			}
			if found.Number > 0 {
				adopt(run, found)
				run.Status = event.Succeeded
				step := event.ActionStep{Name: "pull request", Status: run.Status, URL: run.URL, Note: run.Outcome}
				return append(steps, step), nil
			}
		}
		run.Status, run.Outcome, run.Note = event.Skipped, Changed, "the repository changed, and so would the changes; plan "+
			"another batch"
		return append(steps, event.ActionStep{Name: "plan", Status: event.Skipped, Note: "the patch is now " + patch}), nil
	}
	done, err := w.Host.Propose(ctx, item.Proposal)
	if err != nil {
		return steps, err
	}
	if tried && done.Fate == github.Unchanged {
		done.Fate = github.Opened // by this run, before it was interrupted or lost the answer
	}
	run.Status, run.Outcome, run.Note = event.Succeeded, string(done.Fate), done.Reason
	if done.Fate == github.Declined || done.Fate == github.Held {
		run.Status = event.Skipped
	}
	if n := done.Pull.Number; n > 0 {
		run.URL, run.Pull = done.Pull.URL, uint64(n)
	}
	step := event.ActionStep{Name: "pull request", Status: run.Status, URL: run.URL}
	step.Note = firstOf(done.Reason, run.Outcome)
	if step.Undo, err = github.Inverse(item.Proposal.Files); err != nil {
		return steps, err
	}
	steps = append(steps, step)
	if len(item.Issues)+len(item.Closings) == 0 {
		return steps, nil
	}
	return w.issues(ctx, run, item, steps)
}

// adopt records a pull request that an earlier attempt of the run opened.
func adopt(run *event.ActionRun, pull github.Pull) {
	run.Outcome, run.URL, run.Pull = string(github.Opened), pull.URL, uint64(max(0, pull.Number))
}

// IssueStep and ClosingStep begin the names of the steps about an issue; the rule follows.
const (
	IssueStep   = "issue "
	ClosingStep = "close issue "
)

// issues opens and closes the issues of a run. Where issues are switched off, there is nothing to try again.
func (w *work) issues(ctx context.Context, run *event.ActionRun, item Item, steps []event.ActionStep) (
	[]event.ActionStep, error) {
	note := func(name string, issues []github.OpenedIssue) {
		for _, issue := range issues {
			steps = append(steps, event.ActionStep{Name: name + issue.Rule, Status: event.Succeeded, URL: issue.URL,
				Note: issue.Result})
		}
	}
	var errs []error
	if len(item.Issues) > 0 {
		opened, err := w.Host.OpenIssues(ctx, item.Proposal.Repository, item.Issues)
		note(IssueStep, opened)
		errs = append(errs, err)
	}
	if len(item.Closings) > 0 && !ends(ctx, errors.Join(errs...)) {
		closed, err := w.Host.CloseIssues(ctx, item.Proposal.Repository, item.Closings)
		note(ClosingStep, closed)
		errs = append(errs, err)
	}
	err := errors.Join(errs...)
	if errors.Is(err, github.ErrNoIssues) {
		run.Note = err.Error()
		return append(steps, event.ActionStep{Name: "issues", Status: event.Skipped, Note: run.Note}), nil
	}
	return steps, err
}
