package store

import (
	"context"
	"fmt"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/rows"
)

// ActionBatch returns a batch by its id; found is false if there is none.
func (s *Store) ActionBatch(ctx context.Context, id string) (b event.ActionBatch, found bool, err error) {
	all, err := selectRows[rows.ActionBatch](ctx, s, `raw_action_batches FINAL WHERE id = {id:String}`,
		map[string]any{"id": id})
	if err != nil {
		return b, false, fmt.Errorf("reading the batch %s: %w", id, err)
	}
	if len(all) == 0 {
		return b, false, nil
	}
	return all[0].Event(), true, nil
}

// ActionRuns returns the runs of a batch, by wave and then in the order of their ids.
func (s *Store) ActionRuns(ctx context.Context, batch string) ([]event.ActionRun, error) {
	return s.actionRuns(ctx, `batch = {batch:String} ORDER BY wave, id`, map[string]any{"batch": batch})
}

// ActionRunsOf returns the runs of an action that have an outcome, the last one first: what is remembered of each
// repository.
func (s *Store) ActionRunsOf(ctx context.Context, action string) ([]event.ActionRun, error) {
	return s.actionRuns(ctx, `kind = {kind:String} AND outcome != '' ORDER BY finished_at DESC, id`,
		map[string]any{"kind": action})
}

// ActionStepsNamed returns the steps whose names begin with a text, by run, of the runs of an action, and these runs.
func (s *Store) ActionStepsNamed(ctx context.Context, action, prefix string) (
	[]event.ActionStep, map[string]event.ActionRun, error) {
	found, err := selectRows[rows.ActionStep](ctx, s,
		`raw_action_steps FINAL WHERE startsWith(name, {prefix:String}) ORDER BY run, number`, map[string]any{"prefix": prefix})
	if err != nil {
		return nil, nil, fmt.Errorf("reading the steps of runs of actions: %w", err)
	}
	var ids []string
	for _, r := range found {
		ids = append(ids, r.Run)
	}
	list, err := s.actionRuns(ctx, `kind = {kind:String} AND id IN {ids:Array(String)}`,
		map[string]any{"kind": action, "ids": ids})
	if err != nil {
		return nil, nil, err
	}
	runs := map[string]event.ActionRun{}
	for _, run := range list {
		runs[run.ID] = run
	}
	var steps []event.ActionStep
	for _, r := range found {
		if _, of := runs[r.Run]; of {
			steps = append(steps, r.Event())
		}
	}
	return steps, runs, nil
}

// restoring begins the names of the steps that took back a setting of a repository.
const restoring = "restore: "

// LastActions returns when dxctl last did something to each entity by one of the actions. Taking back the settings of a
// repository counts for each entity of it.
func (s *Store) LastActions(ctx context.Context, names ...string) (map[string]time.Time, error) {
	runs, err := s.actionRuns(ctx, `kind IN {kinds:Array(String)}`, map[string]any{"kinds": names})
	if err != nil {
		return nil, err
	}
	last := map[string]time.Time{}
	for _, run := range runs {
		for _, at := range []time.Time{run.StartedAt, run.FinishedAt} {
			if at.After(last[run.Entity]) {
				last[run.Entity] = at
			}
		}
	}
	back := map[string]time.Time{} // when settings of each repository were taken back
	for _, name := range names {
		steps, of, err := s.ActionStepsNamed(ctx, name, restoring)
		if err != nil {
			return nil, err
		}
		for _, step := range steps {
			if repository := of[step.Run].Repository; step.At.After(back[repository]) {
				back[repository] = step.At
			}
		}
	}
	for _, run := range runs {
		if at := back[run.Repository]; at.After(last[run.Entity]) {
			last[run.Entity] = at
		}
	}
	return last, nil
}

func (s *Store) actionRuns(ctx context.Context, where string, params map[string]any) ([]event.ActionRun, error) {
	found, err := selectRows[rows.ActionRun](ctx, s, `raw_action_runs FINAL WHERE `+where, params)
	if err != nil {
		return nil, fmt.Errorf("reading runs of actions: %w", err)
	}
	runs := make([]event.ActionRun, len(found))
	for i, r := range found {
		runs[i] = r.Event()
	}
	return runs, nil
}

// ActionSteps returns the steps of runs, each run's in their order.
func (s *Store) ActionSteps(ctx context.Context, runs []string) ([]event.ActionStep, error) {
	found, err := selectRows[rows.ActionStep](ctx, s,
		`raw_action_steps FINAL WHERE run IN {runs:Array(String)} ORDER BY run, number`, map[string]any{"runs": runs})
	if err != nil {
		return nil, fmt.Errorf("reading the steps of runs of actions: %w", err)
	}
	steps := make([]event.ActionStep, len(found))
	for i, r := range found {
		steps[i] = r.Event()
	}
	return steps, nil
}
