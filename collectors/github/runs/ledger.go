package runs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
)

// account writes the ledger of the runs, and that of the jobs if reading them will take a while.
func (c *collector) account(ctx context.Context) error {
	c.settled()
	s, note := c.state, c.state.Failed.Note(record)
	if len(s.Crowded) > 0 {
		note = strings.TrimPrefix(note+"; ", "; ") + fmt.Sprintf("%d seconds have more than %d runs each, of which GitHub "+
			"does not list more", len(s.Crowded), listed)
	}
	err := c.WriteLedger(ctx, event.KindPipelineRun, s.Floor, s.Total, note)
	if s.Jobs == NoJobs || len(s.PendingDetails.Jobs) <= pendingChunk {
		return err
	}
	return errors.Join(err, c.accountJobs(ctx))
}

// accountJobs writes the ledger of the jobs. GitHub has no count of all jobs, so the expected number is what is stored
// and what is known to be missing.
func (c *collector) accountJobs(ctx context.Context) error {
	stored, _, err := c.Writer.Count(ctx, event.KindPipelineJob, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	var notes []string
	missing := len(c.state.PendingDetails.Jobs) // a run has at least one
	if missing > 0 {
		notes = append(notes, fmt.Sprintf("the jobs of %d runs are still to be read", missing))
	}
	if n := c.failedJobsOf(); n > 0 {
		missing += n
		notes = append(notes, c.state.Failed.Note(record))
	}
	for _, n := range c.state.Short {
		missing += n
	}
	if len(c.state.Short) > 0 {
		notes = append(notes, fmt.Sprintf("%d runs listed fewer jobs than they said they have", len(c.state.Short)))
	}
	return c.WriteLedger(ctx, event.KindPipelineJob, time.Time{}, stored+uint64(missing), strings.Join(notes, "; "))
}
