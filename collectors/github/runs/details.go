package runs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

const (
	// jobsStream is the name of the jobs in the progress.
	jobsStream = "jobs"
	// pendingChunk is of how many runs the details are read between two checkpoints.
	pendingChunk = 100
)

// detailState is the part of the checkpoint for what costs a request per run: jobs, and the attempts before the listed
// one. It waits until all runs are stored, and is then read newest first. A run leaves PendingDetails after its details
// are stored.
type detailState struct {
	Jobs           Jobs           `json:"jobs"`             // of which runs the jobs were read
	Branch         string         `json:"branch,omitempty"` // the default branch then, if Jobs depends on it
	Reread         bool           `json:"reread,omitempty"` // jobs of runs that are stored already are wanted now
	PendingDetails pendingDetails `json:"owed,omitzero"`    // of runs that are stored
	Short          map[string]int `json:"short,omitempty"`  // how many jobs a run did not show of those it counts
	// jobs that waited for somebody's approval, of runs that are not final: the run of each
	Approved map[int64]int64 `json:"approved,omitempty"`
}

// pendingDetails is what is still to be read of stored runs. The lists are newest first, because ids rise with time.
type pendingDetails struct {
	Jobs     []int64 `json:"jobs,omitempty"`     // runs whose jobs are to be read
	Attempts []int64 `json:"attempts,omitempty"` // runs whose earlier attempts are to be read
}

// len returns how many requests are pending at least.
func (o pendingDetails) len() int { return len(o.Jobs) + len(o.Attempts) }

// with returns a list with more ids, newest first and each id once.
func with(list, ids []int64) []int64 {
	list = append(list, ids...)
	slices.SortFunc(list, func(a, b int64) int { return cmp.Compare(b, a) })
	return slices.Compact(list)
}

// next returns the newest ids with pending details, at most n.
func (o pendingDetails) next(n int) []int64 {
	return limitTo(with(slices.Concat(limitTo(o.Jobs, n), limitTo(o.Attempts, n)), nil), n)
}

// limitTo returns the first n ids.
func limitTo(ids []int64, n int) []int64 { return ids[:min(n, len(ids))] }

// fetchPending reads the pending details of stored runs: jobs, which also show when an attempt ended, and the attempts
// before the listed one.
//
// Jobs come from REST, one request per run. GraphQL could return them in batches, as the check runs of a check suite,
// but those have neither a time of creation, and so no time in the queue, nor the runner, nor the attempt.
func (c *collector) fetchPending(ctx context.Context) error {
	o := &c.state.PendingDetails
	if c.wanted == NoJobs {
		o.Jobs = nil
	}
	fetched, total := uint64(0), uint64(len(o.Jobs))
	for o.len() > 0 {
		ids := o.next(pendingChunk)
		if err := c.fetchPendingChunk(ctx, ids); err != nil {
			// so many fail that it may be GitHub: what is held is saved, and the next collect tries others
			if rest.Unusable(err) {
				err = errors.Join(err, c.save(ctx))
			}
			return err
		}
		done := func(id int64) bool { return slices.Contains(ids, id) }
		before := len(o.Jobs)
		o.Jobs, o.Attempts = slices.DeleteFunc(o.Jobs, done), slices.DeleteFunc(o.Attempts, done)
		if err := c.save(ctx); err != nil {
			return err
		}
		if fetched += uint64(before - len(o.Jobs)); total > 0 {
			c.Writer.Progress(jobsStream, fetched, total)
		}
	}
	return nil
}

// fetchPendingChunk reads and stores the details of runs.
func (c *collector) fetchPendingChunk(ctx context.Context, ids []int64) error {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(id, 10)
	}
	stored, err := c.lookUp(ctx, texts)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var found [3][]event.Event // jobs, attempts that were not stored, attempts whose end is known better
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(16) // goroutines; the client bounds the requests
	for _, id := range ids {
		if len(stored[strconv.FormatInt(id, 10)]) == 0 {
			continue // a crash came before it was stored; it was read again since, or is gone
		}
		group.Go(func() error {
			var jobs, attempts, ended []event.Event
			_, err := c.state.Failed.Do(
				groupCtx,
				failedJobs+strconv.FormatInt(id, 10),
				c.Now(),
				func(ctx context.Context) (err error) {
					jobs, attempts, ended, err = c.details(ctx, id, stored[strconv.FormatInt(id, 10)])
					return err
				},
			)
			err = errors.Join(err, c.holdOddJobs(id))
			mu.Lock()
			defer mu.Unlock()
			for i, events := range [][]event.Event{jobs, attempts, ended} {
				found[i] = append(found[i], events...)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := c.Append(ctx, append(found[0], found[1]...)); err != nil || len(found[2]) == 0 {
		return err
	}
	return c.Writer.Update(ctx, found[2]...)
}

// details returns the events of the pending details of a run: its jobs of all attempts, the attempts that are not
// stored as final, and the stored ones whose end its jobs show.
func (c *collector) details(
	ctx context.Context,
	id int64,
	had map[uint16]event.PipelineRun,
) (jobs, attempts, ended []event.Event, err error) {
	finished := map[uint16]time.Time{} // of each attempt, by its last job
	if slices.Contains(c.state.PendingDetails.Jobs, id) {
		read, err := c.jobs(ctx, id)
		if err != nil {
			return nil, nil, nil, err
		}
		approved := c.approved(id, read)
		for _, j := range read {
			e := c.JobEvent(strconv.FormatInt(id, 10), j)
			if approved[j.ID] && !e.StartedAt.IsZero() {
				e.CreatedAt = time.Time{} // it waited for a person, not in a queue: how long it queued is not known
			} else {
				finished[j.Attempt()] = source.Latest(finished[j.Attempt()], mapping.Time(j.CompletedAt))
			}
			jobs = append(jobs, e)
		}
	}
	latest := uint16(1)
	for n, e := range had {
		latest = max(latest, n)
		if at := finished[n]; e.Status.Final() && !at.IsZero() && !at.Equal(e.FinishedAt) {
			e.FinishedAt = at
			ended = append(ended, e)
		}
	}
	if !slices.Contains(c.state.PendingDetails.Attempts, id) {
		return jobs, attempts, ended, nil
	}
	for n := uint16(1); n < latest; n++ {
		if had[n].Status.Final() {
			continue
		}
		earlier, ok, err := c.attempt(ctx, id, n)
		if err != nil {
			return nil, nil, nil, err
		}
		if ok {
			attempts = append(attempts, c.RunEvent(earlier, finished[n]))
		}
	}
	return jobs, attempts, ended, nil
}

// approved returns the jobs that waited for an approval during this collect or an earlier one, and remembers those of
// runs that are not over. Somebody starts such a job later, so its end is not that of the run. GitHub does not show of
// a finished job that it has waited.
func (c *collector) approved(run int64, jobs []mapping.Job) map[int64]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	approved, over := map[int64]bool{}, true
	for _, j := range jobs {
		mapped, _ := mapping.RunStatus(j.Status, j.Conclusion)
		over = over && mapped.Final()
		if _, seen := c.state.Approved[j.ID]; seen || mapped == event.Waiting {
			approved[j.ID] = true
		}
	}
	for id := range approved {
		if c.state.Approved == nil {
			c.state.Approved = map[int64]int64{}
		}
		if c.state.Approved[id] = run; over {
			delete(c.state.Approved, id)
		}
	}
	return approved
}

// attempt reads an earlier attempt of a run; false if GitHub no longer has it.
func (c *collector) attempt(ctx context.Context, id int64, n uint16) (mapping.Run, bool, error) {
	var earlier mapping.Run
	_, err := c.Get(
		ctx,
		"repos/"+c.Scope+"/actions/runs/"+strconv.FormatInt(id, 10)+"/attempts/"+strconv.Itoa(int(n)),
		"",
		&earlier,
	)
	if code := client.Status(err); code == http.StatusNotFound || code == http.StatusGone {
		return mapping.Run{}, false, nil
	}
	if err == nil && (earlier.ID != id || earlier.Attempt() != n) {
		return mapping.Run{}, false, fmt.Errorf(
			"asked for attempt %d of run %d and was given attempt %d of run %d",
			n,
			id,
			earlier.RunAttempt,
			earlier.ID,
		)
	}
	return earlier, err == nil, err
}

// jobs reads the jobs of all attempts of a run, each once. If the pages show fewer than the run counts, they are read
// again; what is still missing is recorded in Short.
func (c *collector) jobs(ctx context.Context, id int64) ([]mapping.Job, error) {
	var all []mapping.Job
	seen := map[int64]int{}
	total := 0
	for range 2 {
		for page := 1; page > 0; {
			var p client.JobPage
			got, err := c.Get(
				ctx,
				fmt.Sprintf("repos/%s/actions/runs/%d/jobs?filter=all&per_page=100&page=%d", c.Scope, id, page),
				"",
				&p,
			)
			// the run was deleted meanwhile
			if code := client.Status(err); code == http.StatusNotFound || code == http.StatusGone {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			c.noteOdd(id, got.Odd)
			total = p.TotalCount - len(got.Odd)
			for _, j := range p.Jobs {
				if i, again := seen[j.ID]; again {
					all[i] = j
					continue
				}
				seen[j.ID] = len(all)
				all = append(all, j)
			}
			page = got.Next
			if len(p.Jobs) == 0 {
				page = 0
			}
		}
		if len(all) >= total {
			break
		}
	}
	c.short(strconv.FormatInt(id, 10), max(total-len(all), 0))
	return all, nil
}

// noteOdd records the jobs of a run that cannot be read.
func (c *collector) noteOdd(id int64, odd map[string]error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for job, err := range odd {
		if c.oddJobs == nil {
			c.oddJobs = map[int64]error{}
		}
		c.oddJobs[id] = fmt.Errorf("job %s: %w", job, err)
	}
}

// short records how many jobs of a run are missing.
func (c *collector) short(id string, missing int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.state.Short, id)
	if missing > 0 {
		c.state.Short[id] = missing
	}
}
