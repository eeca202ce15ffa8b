package github

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/event"
)

// store appends runs with what belongs to them: jobs, and attempts that were not seen when they were the latest. Jobs are
// appended first and the runs after them, so that a run that is stored as final has its jobs stored: what is still owed
// needs no list of its own, and a crash between the two is made good by reading the run again.
func (c *runCollect) store(ctx context.Context, runs []run) error {
	const chunk = 100 // with jobs, this many requests are behind one append
	size := len(runs)
	if c.cfg.Jobs != NoJobs {
		size = chunk
	}
	for len(runs) > 0 {
		n := min(size, len(runs))
		if err := c.storeChunk(ctx, runs[:n]); err != nil {
			return err
		}
		runs = runs[n:]
		c.w.Progress(runsStream, c.done, c.state.Total)
	}
	return nil
}

func (c *runCollect) storeChunk(ctx context.Context, runs []run) error {
	stored, err := c.storedAttempts(ctx, runs)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var jobs []event.Event
	attempts := make([]event.Event, 0, len(runs))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(16) // goroutines; the client bounds the requests
	for _, g := range runs {
		c.seen[g.id()] = true
		c.done++
		had := stored[g.id()]
		if c.unchanged(g, had) {
			continue
		}
		if !c.wantsJobs(g) && g.attempt() == 1 {
			mu.Lock()
			attempts = append(attempts, c.toEvent(g, time.Time{}))
			mu.Unlock()
			continue
		}
		group.Go(func() error {
			runEvents, jobEvents, err := c.whole(groupCtx, g, had)
			mu.Lock()
			defer mu.Unlock()
			attempts, jobs = append(attempts, runEvents...), append(jobs, jobEvents...)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if len(jobs) > 0 {
		if err := c.w.Append(ctx, jobs...); err != nil {
			return err
		}
	}
	if len(attempts) == 0 {
		return nil
	}
	return c.w.Append(ctx, attempts...)
}

// storedAttempts looks up what is stored of the runs, where that makes a difference.
func (c *runCollect) storedAttempts(ctx context.Context, runs []run) (map[string]map[uint16]event.PipelineRun, error) {
	ids := make([]string, 0, len(runs))
	for _, g := range runs {
		if c.cfg.Jobs != NoJobs || g.attempt() > 1 {
			ids = append(ids, g.id())
		}
	}
	found, err := c.w.Runs(ctx, ids)
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

// unchanged reports whether this attempt is stored as it is. A final attempt does not change any more.
func (c *runCollect) unchanged(g run, had map[uint16]event.PipelineRun) bool {
	if c.state.Reread && c.wantsJobs(g) {
		return false
	}
	e, ok := had[g.attempt()]
	mapped, raw, _ := runStatus(g.Status, g.Conclusion)
	return ok && mapped.Final() && e.Status == mapped && e.StatusRaw == raw
}

func (c *runCollect) wantsJobs(g run) bool {
	switch c.cfg.Jobs {
	case AllJobs:
		return true
	case DefaultBranchJobs:
		return c.defaultBranch != "" && g.HeadBranch == c.defaultBranch
	}
	return false
}

// whole returns the events of a run: the attempt at hand, the earlier ones that are not stored as final, and the jobs of
// all of them.
func (c *runCollect) whole(ctx context.Context, g run, had map[uint16]event.PipelineRun) (runs, jobs []event.Event, err error) {
	finished := map[uint16]time.Time{} // of each attempt, by its last job
	if c.wantsJobs(g) {
		read, err := c.jobs(ctx, g)
		if err != nil {
			return nil, nil, err
		}
		for _, j := range read {
			jobs = append(jobs, c.jobEvent(g.id(), j))
			finished[j.attempt()] = later(finished[j.attempt()], instant(j.CompletedAt))
		}
	}
	runs = append(runs, c.toEvent(g, finished[g.attempt()]))
	if _, again := had[g.attempt()]; again {
		return runs, jobs, nil // the earlier attempts were asked for when this one was first seen
	}
	for n := uint16(1); n < g.attempt(); n++ {
		if had[n].Status.Final() {
			continue
		}
		earlier, ok, err := c.attempt(ctx, g, n)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			runs = append(runs, c.toEvent(earlier, finished[n]))
		}
	}
	return runs, jobs, nil
}

// attempt reads an earlier attempt of a run; false when GitHub no longer has it.
func (c *runCollect) attempt(ctx context.Context, g run, n uint16) (run, bool, error) {
	var earlier run
	_, err := c.get(ctx, "repos/"+c.scope+"/actions/runs/"+g.id()+"/attempts/"+strconv.Itoa(int(n)), "", &earlier)
	if code := status(err); code == http.StatusNotFound || code == http.StatusGone {
		return run{}, false, nil
	}
	if err == nil && (earlier.ID != g.ID || earlier.attempt() != n) {
		return run{}, false, fmt.Errorf("asked for attempt %d of run %d and was given attempt %d of run %d", n, g.ID, earlier.RunAttempt, earlier.ID)
	}
	return earlier, err == nil, err
}

// jobs reads the jobs of all attempts of a run, each once. A run that says it has more than its pages show is read again,
// and noted for the ledger if that does not help.
func (c *runCollect) jobs(ctx context.Context, g run) ([]job, error) {
	var all []job
	seen := map[int64]int{}
	total := 0
	for range 2 {
		for page := 1; page > 0; {
			var p jobPage
			got, err := c.get(ctx, fmt.Sprintf("repos/%s/actions/runs/%d/jobs?filter=all&per_page=100&page=%d", c.scope, g.ID, page), "", &p)
			if code := status(err); code == http.StatusNotFound || code == http.StatusGone { // the run was deleted meanwhile
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			total = p.TotalCount
			for _, j := range p.Jobs {
				if i, again := seen[j.ID]; again {
					all[i] = j
					continue
				}
				seen[j.ID] = len(all)
				all = append(all, j)
			}
			page = got.next
			if len(p.Jobs) == 0 {
				page = 0
			}
		}
		if len(all) >= total {
			break
		}
	}
	c.short(g.id(), max(total-len(all), 0))
	return all, nil
}

// short notes how many jobs of a run are missing.
func (c *runCollect) short(id string, missing int) {
	c.shortMu.Lock()
	defer c.shortMu.Unlock()
	delete(c.state.Short, id)
	if missing > 0 {
		c.state.Short[id] = missing
	}
}
