package store

import (
	"context"
	"fmt"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/rows"
)

// ActionRun returns a run by its id; found is false if there is none.
func (s *Store) ActionRun(ctx context.Context, id string) (run event.ActionRun, found bool, err error) {
	all, err := selectRows[rows.ActionRun](ctx, s, `raw_action_runs FINAL WHERE id = {id:String}`,
		map[string]any{"id": id})
	if err != nil {
		return run, false, fmt.Errorf("reading the run %s: %w", id, err)
	}
	if len(all) == 0 {
		return run, false, nil
	}
	return all[0].Event(), true, nil
}

// StepsOf returns the steps of a run in their order, with what restores what they changed.
func (s *Store) StepsOf(ctx context.Context, run string) ([]event.ActionStep, error) {
	found, err := selectRows[rows.ActionStep](ctx, s, `raw_action_steps FINAL WHERE run = {run:String} ORDER BY number`,
		map[string]any{"run": run})
	if err != nil {
		return nil, fmt.Errorf("reading the steps of the run %s: %w", run, err)
	}
	steps := make([]event.ActionStep, len(found))
	for i, r := range found {
		steps[i] = r.Event()
	}
	return steps, nil
}
