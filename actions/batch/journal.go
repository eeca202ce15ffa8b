package batch

import (
	"context"
	"encoding/json"
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
	Back  map[string][]event.ActionStep // steps of each run that took back what others of it had set
	Files map[string]string             // what takes back the changes of files of each run; see [github.Inverse]
}

// NewState returns a batch with the runs and steps that are stored of it.
func NewState(b event.ActionBatch, runs []event.ActionRun, steps []event.ActionStep) State {
	s := State{Batch: b, Runs: runs, Steps: map[string]uint32{}, Set: map[string][]event.ActionStep{},
		Back: map[string][]event.ActionStep{}, Files: map[string]string{}}
	slices.SortStableFunc(steps, func(a, b event.ActionStep) int { return int(a.Number) - int(b.Number) })
	for _, step := range steps {
		s.Steps[step.Run] = max(s.Steps[step.Run], step.Number)
		switch {
		case settings.Sets(step):
			s.Set[step.Run] = append(s.Set[step.Run], step)
		case settings.Restores(step):
			s.Back[step.Run] = append(s.Back[step.Run], step)
		case step.Undo != "":
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
	job := &settings.Job{Host: w.Host, Repository: run.Repository, Record: w.Record, Now: w.Now,
		Still: func(c settings.Change) (settings.Change, string) { return still(c, item) }}
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

// still returns what of a planned change an item that was planned again still needs, and why if it needs nothing of it.
// What it needs besides is left to another batch: nobody has seen it in the plan.
func still(c settings.Change, item Item) (settings.Change, string) {
	i := slices.IndexFunc(item.Changes, func(now settings.Change) bool { return now.Setting == c.Setting })
	if i < 0 {
		return c, firstOf(declined(c, item.Left), "no rule needs it now")
	}
	now := item.Changes[i]
	isIn := func(rules []string) func(string) bool {
		return func(rule string) bool { return !slices.Contains(rules, rule) }
	}
	switch {
	case !slices.ContainsFunc(c.Rules, isIn(now.Rules)):
		return c, ""
	case !slices.ContainsFunc(now.Rules, isIn(c.Rules)):
		return now, ""
	}
	return c, "other rules need it now than when it was planned; plan another batch"
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
	Unread     []settings.Left   `json:"unread"`  // settings that could not be read, and that may have to be restored
	Why        string            `json:"why"`     // it could not be planned
	run        int               // index
}

// planRestoring plans how the settings of a run are taken back; nil if it set none.
func planRestoring(ctx context.Context, host settings.Host, s State, i int) (*Restoring, error) {
	run := s.Runs[i]
	r := &Restoring{Entity: run.Entity, Repository: run.Repository, Changes: []settings.Change{}, Met: []string{},
		Left: []settings.Left{}, Unread: []settings.Left{}, run: i}
	changes, err := settings.Recorded(slices.Concat(s.Set[run.ID], s.Back[run.ID]))
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
	r.Changes, r.Met = append(r.Changes, p.Changes...), append(r.Met, p.Met...)
	r.Left, r.Unread = append(r.Left, p.Left...), append(r.Unread, p.Unread...)
	return r, nil
}

// restore carries out what was planned. A setting that somebody changed since the plan is left, and added to Left.
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
		return fmt.Errorf("restoring the settings of %s: %w", run.Repository, err)
	}
	restored := len(r.Met)
	for i, step := range steps {
		if step.Status == event.Succeeded {
			restored++
		} else {
			r.Left = append(r.Left, settings.Left{Rule: r.Changes[i].Setting, Reason: step.Note})
		}
	}
	var met []event.Event // so that undoing the batch again leaves what somebody sets afterwards
	for _, step := range settings.RestoredSteps(r.Met, run.ID, w.Steps[run.ID], w.Now()) {
		met = append(met, step)
	}
	w.Steps[run.ID] += uint32(len(met))
	if err := w.Record(context.WithoutCancel(ctx), met...); err != nil {
		return fmt.Errorf("recording that the settings of %s are restored: %w", run.Repository, err)
	}
	left := len(r.Left) + len(r.Unread)
	switch {
	case left == 0 && run.Outcome == Set:
		run.Outcome, run.Note = Restored, "its settings are as they were before"
	case left > 0 && run.Outcome == Set:
		run.Note = fmt.Sprintf("%d of %d settings are as they were before", restored, restored+left)
	}
	w.Tell("%s: %d of %d settings of %s are as they were before", run.Entity, restored, restored+left, run.Repository)
	return w.finish(ctx, run, nil)
}
