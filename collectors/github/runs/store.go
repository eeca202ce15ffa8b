package runs

import (
	"context"
	"time"

	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/event"
)

// store appends runs as a listing shows them, and adds them to PendingDetails. That is saved before the runs are
// stored: whenever a crash comes, a stored run has its details stored or is in PendingDetails.
func (c *collector) store(ctx context.Context, runs []mapping.Run) error {
	ids := make([]string, len(runs))
	for i, g := range runs {
		ids[i] = g.Key()
	}
	stored, err := c.lookUp(ctx, ids)
	if err != nil {
		return err
	}
	events := make([]event.Event, 0, len(runs))
	var more pendingDetails
	for _, g := range runs {
		again := c.Writer.Reread() && !c.seen[g.Key()]
		c.seen[g.Key()] = true
		c.done++
		if c.state.Failed.Has(failedRun + g.Key()) {
			c.state.Failed.Done(failedRun + g.Key())
		}
		had := stored[g.Key()]
		if !again && c.unchanged(g, had) {
			continue
		}
		events = append(events, c.RunEvent(g, time.Time{}))
		if c.wantsJobs(g) {
			more.Jobs = append(more.Jobs, g.ID)
		}
		if _, again := had[g.Attempt()]; g.Attempt() > 1 && !again { // else they were added when the attempt was first seen
			more.Attempts = append(more.Attempts, g.ID)
		}
	}
	if more.len() > 0 {
		o := &c.state.PendingDetails
		o.Jobs, o.Attempts = with(o.Jobs, more.Jobs), with(o.Attempts, more.Attempts)
		if err := c.save(ctx); err != nil {
			return err
		}
	}
	if err := c.Append(ctx, events); err != nil {
		return err
	}
	c.Writer.Progress(streamName, c.done, c.state.Total)
	return nil
}

// lookUp returns what is stored of the runs with these ids, by id and attempt.
func (c *collector) lookUp(ctx context.Context, ids []string) (map[string]map[uint16]event.PipelineRun, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := c.Writer.Runs(ctx, ids)
	if err != nil {
		return nil, err
	}
	stored := make(map[string]map[uint16]event.PipelineRun, len(found))
	for _, e := range found {
		if stored[e.ID] == nil {
			stored[e.ID] = map[uint16]event.PipelineRun{}
		}
		stored[e.ID][e.Attempt] = e
	}
	return stored, nil
}

// unchanged reports whether the attempt is stored as it is. A final attempt never changes.
func (c *collector) unchanged(g mapping.Run, had map[uint16]event.PipelineRun) bool {
	if c.state.Reread && c.wantsJobs(g) {
		return false
	}
	e, ok := had[g.Attempt()]
	mapped, raw := mapping.RunStatus(g.Status, g.Conclusion)
	return ok && mapped.Final() && e.Status == mapped && e.StatusRaw == raw
}

// wantsJobs reports whether the jobs of a run are read.
func (c *collector) wantsJobs(g mapping.Run) bool {
	switch c.wanted {
	case AllJobs:
		return true
	case DefaultBranchJobs:
		return c.DefaultBranch != "" && g.HeadBranch == c.DefaultBranch
	}
	return false
}
