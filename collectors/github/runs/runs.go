// Package runs collects the workflow runs of a repository with their attempts and jobs. The type state explains how;
// each part of it has a file of its own.
package runs

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/dxctl/dxctl/collectors/github/stream"
)

// streamName is the name of the stream in its checkpoint and in the progress.
const streamName = "runs"

// daily is how often the checks that find nothing on most days are made.
const daily = 24 * time.Hour

// state is the checkpoint of the stream. GitHub lists runs by the time of their creation, newest first, shows at most
// 1,000 per query, and changes runs after their creation. So a run is first seen in one of four ways, each with a part
// of the state, and what costs a request per run waits in a fifth part:
//
//	newest page ─┐
//	history      ├─→ stored, noted in details ─→ jobs and earlier attempts stored ─→ done
//	open runs    │
//	held runs   ─┘
//
// Invariants, at every checkpoint:
//
//   - Every run that was created in [Floor, Head] is stored, except for those in spans of Pending, those that GitHub
//     hides (Crowded), and those that cannot be read (Failed, Holes).
//   - A stored run is in PendingDetails until its jobs and earlier attempts are stored, too, if they are wanted.
//   - Head never moves back.
type state struct {
	newestState
	historyState
	openState
	detailState
	heldState
	Started bool `json:"started,omitempty"` // false before the first collect
}

// Collect reads the runs that are new or have changed since the checkpoint, and their jobs. Each step saves a
// checkpoint from which an interrupted collect continues. The jobs, which cost a request per run, come when all runs
// are stored. The error is a [rest.SkippedError] if only single records cannot be read.
func Collect(ctx context.Context, r *stream.Repository, wanted Jobs) error {
	wanted = cmp.Or(wanted, AllJobs)
	s, err := load(ctx, r, wanted)
	if err != nil {
		return err
	}
	c := &collector{Repository: r, wanted: wanted, state: s, due: s.Failed.Due(r.Now())}
	steps := []func(context.Context) error{
		c.newest,       // what is new
		c.pending,      // what was never read, or may have changed below the newest page
		c.retryDue,     // what could not be read before
		c.open,         // what is not final
		c.refillGaps,   // what is missing for no known reason
		c.account,      // the ledger, before the details, which may take hours
		c.fetchPending, // jobs and earlier attempts
	}
	if s.Jobs != NoJobs {
		steps = append(steps, c.accountJobs)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return s.Failed.Err(record)
}

// load returns the checkpoint, adapted to the configuration.
func load(ctx context.Context, r *stream.Repository, wanted Jobs) (*state, error) {
	s := &state{}
	if _, err := r.Writer.Load(ctx, streamName, s); err != nil {
		return nil, err
	}
	branch := ""
	if wanted == DefaultBranchJobs {
		branch = r.DefaultBranch
	}
	if s.Started && (s.Jobs != wanted || s.Branch != branch) && wanted != NoJobs {
		// Jobs are wanted that were not before. What is stored does not show which: read the runs again.
		again := &state{heldState: s.heldState, Started: true}
		again.Floor, again.Trailed = s.Floor, s.Trailed
		again.PendingDetails.Attempts = s.PendingDetails.Attempts
		again.Reread = true
		s = again
	}
	if !s.Started {
		s.Floor, s.Trailed, s.Started = r.Since, r.Now().UTC(), true
	}
	s.Jobs, s.Branch, s.Failed = wanted, branch, s.Failed.Begin()
	if s.Open == nil {
		s.Open = map[string]string{}
	}
	if s.Gone == nil {
		s.Gone = map[string]bool{}
	}
	if s.Short == nil {
		s.Short = map[string]int{}
	}
	if s.Crowded == nil {
		s.Crowded = map[string]uint64{}
	}
	return s, nil
}

// collector is one collect of the runs of a repository.
type collector struct {
	*stream.Repository
	wanted Jobs
	state  *state
	due    []string        // what failed before and was due for a retry when the collect began
	seen   map[string]bool // runs that this collect has read
	done   uint64          // how many it has read, for the progress

	mu      sync.Mutex      // guards state.Short, state.Approved, state.Holes, oddJobs
	oddJobs map[int64]error // of runs some of whose jobs cannot be read, why
}

// save saves the checkpoint.
func (c *collector) save(ctx context.Context) error { return c.Writer.Save(ctx, streamName, c.state) }

// orEpoch returns the time, or the source's epoch for the zero time.
func (c *collector) orEpoch(t time.Time) time.Time {
	if t.IsZero() {
		return c.Base.Epoch
	}
	return t
}
