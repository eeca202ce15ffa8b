package batch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/event"
)

// State is a batch as it is stored.
type State struct {
	Batch event.ActionBatch
	Runs  []event.ActionRun             // sorted by wave
	Steps map[string]uint32             // number of the last step of each run
	Set   map[string][]event.ActionStep // steps of each run that set something at the host, in their order
	Files map[string]string             // what takes back the changes of files of each run; see [github.Inverse]
}

// NewState returns a batch with the runs and steps that are stored of it.
func NewState(b event.ActionBatch, runs []event.ActionRun, steps []event.ActionStep) State {
	s := State{Batch: b, Runs: runs, Steps: map[string]uint32{}, Set: map[string][]event.ActionStep{},
		Files: map[string]string{}}
	slices.SortStableFunc(steps, func(a, b event.ActionStep) int { return int(a.Number) - int(b.Number) })
	for _, step := range steps {
		s.Steps[step.Run] = max(s.Steps[step.Run], step.Number)
		switch {
		case settings.Sets(step):
			s.Set[step.Run] = append(s.Set[step.Run], step)
		case step.Undo != "" && !settings.Restores(step):
			s.Files[step.Run] = step.Undo
		}
	}
	return s
}

func isWorkflow(f actions.FileChange) bool { return strings.HasPrefix(f.Path, ".github/workflows/") }

// set changes the settings of a run that are pending, and returns how many are set by now. item has been planned again
// if the repository moved: what is then no longer planned, because somebody declined it, is left.
func (w *work) set(ctx context.Context, run *event.ActionRun, item Item) (set int, err error) {
	steps := w.Set[run.ID]
	job := &settings.Job{Host: w.Host, Repository: run.Repository, Record: w.Record, Now: w.Now}
	var at []int // places of the job's steps
	for i, step := range steps {
		if step.Status == event.Succeeded {
			set++
		}
		if !settings.Pending(step) {
			continue
		}
		var c settings.Change
		if err := json.Unmarshal([]byte(step.Undo), &c); err != nil {
			return set, fmt.Errorf("reading step %d of the run %s: %w", step.Number, run.ID, err)
		}
		if reason := declined(c, item.Left); reason != "" && step.Status == event.Queued {
			step.Status, step.Note, step.Undo, step.At = event.Skipped, reason, "", w.Now()
			steps[i] = step
			if err := w.Record(ctx, step); err != nil {
				return set, fmt.Errorf("recording a setting that is left: %w", err)
			}
			continue
		}
		job.Changes, job.Steps, at = append(job.Changes, c), append(job.Steps, step), append(at, i)
	}
	err = job.Resume(ctx)
	for k, i := range at {
		if steps[i] = job.Steps[k]; steps[i].Status == event.Succeeded {
			set++
		}
	}
	if err != nil {
		err = fmt.Errorf("setting up %s: %w", run.Repository, err)
	}
	return set, err
}

// declined returns why no rule of a change is to be met by it any longer; "" if one is.
func declined(c settings.Change, left []settings.Left) string {
	reason := ""
	for _, rule := range c.Rules {
		i := slices.IndexFunc(left, func(l settings.Left) bool { return l.Rule == rule })
		if i < 0 {
			return ""
		}
		reason = left[i].Reason
	}
	return reason
}

// Restoring is what undoing a batch does to the settings of a repository.
type Restoring struct {
	Entity     string            `json:"entity"`
	Repository string            `json:"repository"`
	Changes    []settings.Change `json:"changes"` // that restore what was there before
	Met        []string          `json:"met"`     // settings that are as they were before
	Left       []settings.Left   `json:"left"`    // settings that somebody changed since: they stay as they are
	Why        string            `json:"why"`     // it could not be planned
	run        int               // index
}

// planRestoring plans how the settings of a run are taken back; nil if it set none.
func planRestoring(ctx context.Context, host settings.Host, s State, i int) (*Restoring, error) {
	run := s.Runs[i]
	r := &Restoring{Entity: run.Entity, Repository: run.Repository, Changes: []settings.Change{}, Met: []string{},
		Left: []settings.Left{}, run: i}
	changes, err := settings.Recorded(s.Set[run.ID])
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	keys := make([]string, len(changes))
	for i, c := range changes {
		keys[i] = c.Setting
	}
	now, err := host.Values(ctx, run.Repository, keys)
	if err != nil {
		r.Why = err.Error()
		return r, err
	}
	p := settings.Undo(now, changes)
	r.Changes, r.Met, r.Left = append(r.Changes, p.Changes...), append(r.Met, p.Met...), append(r.Left, p.Left...)
	return r, nil
}

// restore carries out what was planned. A setting that somebody changed since the plan is left.
func (w *work) restore(ctx context.Context, r *Restoring) error {
	run := &w.Runs[r.run]
	steps, err := settings.PlannedSteps(r.Changes, run.ID, w.Steps[run.ID], w.Now(), true)
	if err != nil {
		return err
	}
	job := &settings.Job{Host: w.Host, Repository: run.Repository, Changes: r.Changes, Steps: steps, Record: w.Record,
		Now: w.Now}
	w.Steps[run.ID] += uint32(len(steps))
	if err := job.Resume(ctx); err != nil {
		return errors.Join(fmt.Errorf("restoring the settings of %s: %w", run.Repository, err))
	}
	if run.Outcome == Set {
		run.Outcome, run.Note = Restored, "its settings are as they were before"
	}
	w.Tell("%s: restored the settings of %s", run.Entity, run.Repository)
	return w.finish(ctx, run, nil)
}
