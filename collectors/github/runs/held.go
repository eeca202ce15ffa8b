package runs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/rest"
)

// Prefixes of the names in Failed, before the id of a run or the stretch.
const (
	failedRun     = "run "
	failedJobs    = "jobs of run "
	failedStretch = "run created " // a stretch of time with a run that no page shows
)

// record is what an error calls a held object.
const record = "record"

// heldState is the part of the checkpoint for what GitHub always answers with an error. It is retried with growing
// pauses, and does not hold up the others.
type heldState struct {
	Failed *rest.Quarantine `json:"failed,omitzero"`
	Holes  map[string]span  `json:"holes,omitempty"` // stretches of Failed in which one run is missing, by name
}

// stretchName returns the name under which a stretch is held.
func stretchName(s span) string { return failedStretch + s.query() }

// retryDue reads what earlier collects could not read and is due for a retry. Jobs are added to PendingDetails.
func (c *collector) retryDue(ctx context.Context) error {
	for _, key := range c.due {
		var read func(context.Context) error
		switch {
		case strings.HasPrefix(key, failedJobs):
			if id, err := strconv.ParseInt(strings.TrimPrefix(key, failedJobs), 10, 64); err == nil {
				c.state.PendingDetails.Jobs = with(c.state.PendingDetails.Jobs, []int64{id})
				c.state.PendingDetails.Attempts = with(c.state.PendingDetails.Attempts, []int64{id})
			}
			continue
		case strings.HasPrefix(key, failedStretch):
			read = func(ctx context.Context) error { return c.readStretch(ctx, key) }
		default:
			read = func(ctx context.Context) error { return c.readRun(ctx, strings.TrimPrefix(key, failedRun)) }
		}
		if _, err := c.state.Failed.Do(ctx, key, c.Now(), read); err != nil {
			return err
		}
	}
	if len(c.due) == 0 {
		return nil
	}
	return c.save(ctx)
}

// readStretch reads a stretch of time in which a run was missing. If its page fails again, the stretch stays held.
func (c *collector) readStretch(ctx context.Context, key string) error {
	s, ok := c.state.Holes[key]
	if !ok {
		return nil
	}
	page, err := c.list(ctx, s, 1, 100)
	if err != nil {
		return err
	}
	if err := c.store(ctx, page.Runs); err != nil {
		return err
	}
	delete(c.state.Holes, key)
	return nil
}

// readRun reads one run. One that is gone, or has no id to request it by, is no longer held: its page shows it again.
func (c *collector) readRun(ctx context.Context, id string) error {
	if _, err := strconv.ParseInt(id, 10, 64); err != nil {
		return nil //nolint:nilerr // it is known by its place on a page only, and that page is read again
	}
	var g mapping.Run
	_, err := c.Get(ctx, "repos/"+c.Scope+"/actions/runs/"+id, "", &g)
	if client.Status(err) == http.StatusNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	return c.store(ctx, []mapping.Run{g})
}

// holdOdd holds the runs of a page that cannot be read.
func (c *collector) holdOdd(odd map[string]error) error {
	var errs []error
	for id, err := range odd {
		errs = append(errs, c.state.Failed.Hold(failedRun+id, c.Now(), err))
	}
	return errors.Join(errs...)
}

// around reads a page of runs, or if GitHub always fails at it, its runs one by one. A run that cannot be read was
// created between its neighbors, whose times bound the stretch that is held.
func (c *collector) around(
	ctx context.Context,
	s span,
	number int,
	read func(ctx context.Context, number, size int) (client.RunPage, error),
) (client.RunPage, error) {
	if c.holes() > 0 { // it has failed before
		ctx = rest.WithMaxAttempts(ctx, 2)
	}
	var whole client.RunPage
	at := map[int]mapping.Run{} // by place in the listing
	holes, err := rest.Around(ctx, number, 100, func(ctx context.Context, number, size int) error {
		page, err := read(ctx, number, size)
		if err != nil {
			return err
		}
		whole.TotalCount = page.TotalCount
		whole.Runs = append(whole.Runs, page.Runs...)
		for i, g := range page.Runs {
			at[(number-1)*size+i] = g
		}
		return nil
	})
	if err != nil {
		return client.RunPage{}, err
	}
	for _, place := range holes {
		if uint64(place) >= whole.TotalCount {
			continue
		}
		if err := c.holdStretch(c.between(s, at, place)); err != nil {
			return client.RunPage{}, err
		}
	}
	return whole, nil
}

// between returns the stretch between the runs before and after a place in a listing that is newest first; if one of
// them is unknown, the end of the listed span.
func (c *collector) between(s span, at map[int]mapping.Run, place int) span {
	hole := span{From: c.orEpoch(s.From), To: s.To}
	if hole.To.IsZero() {
		hole.To = c.Now().UTC().Add(time.Minute).Truncate(time.Second)
	}
	for i := place - 1; i >= max(place-100, 0); i-- {
		if g, ok := at[i]; ok {
			hole.To = g.CreatedAt
			break
		}
	}
	for i := place + 1; i < place+100; i++ {
		if g, ok := at[i]; ok {
			hole.From = g.CreatedAt
			break
		}
	}
	return hole
}

// holes returns in how many stretches a run is missing.
func (c *collector) holes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.state.Holes)
}

// holdStretch holds a stretch with a run that cannot be read, unless one that overlaps it is held.
func (c *collector) holdStretch(s span) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := stretchName(s)
	if c.state.Holes == nil {
		c.state.Holes = map[string]span{}
	}
	for known, h := range c.state.Holes { // the same run, between neighbors that have changed
		if !h.From.After(s.To) && !s.From.After(h.To) && c.state.Failed.Has(known) {
			return nil
		}
	}
	c.state.Holes[key] = s
	return c.state.Failed.Hold(
		key,
		c.Now(),
		&rest.AnswerError{Status: http.StatusInternalServerError, Err: fmt.Errorf("%s does not list it", c.Source)},
	)
}

// countRuns returns how many runs the span has. Every page shows the count, so if GitHub fails at one run, the next
// page is requested.
func (c *collector) countRuns(ctx context.Context, s span) (uint64, error) {
	var whole error
	for number := 1; number <= 3; number++ {
		page, err := c.list(ctx, s, number, 1)
		if err == nil || !rest.Faulty(err) {
			return page.TotalCount, err
		}
		if whole == nil {
			whole, ctx = err, rest.WithMaxAttempts(ctx, 2)
		}
	}
	return 0, whole
}

// holdOddJobs holds a run some of whose jobs cannot be read; the others are stored.
func (c *collector) holdOddJobs(id int64) error {
	c.mu.Lock()
	err := c.oddJobs[id]
	c.mu.Unlock()
	if err == nil {
		return nil
	}
	return c.state.Failed.Hold(failedJobs+strconv.FormatInt(id, 10), c.Now(), err)
}

// settled deletes the holes that are no longer held, and the held jobs if jobs are no longer wanted.
func (c *collector) settled() {
	for key := range c.state.Holes {
		if !c.state.Failed.Has(key) {
			delete(c.state.Holes, key)
		}
	}
	if c.wanted == NoJobs {
		c.state.Failed.Forget(func(key string) bool { return !strings.HasPrefix(key, failedJobs) })
	}
}

// failedJobsOf returns the number of runs whose jobs are held.
func (c *collector) failedJobsOf() int {
	n := 0
	for _, key := range c.state.Failed.Keys() {
		if strings.HasPrefix(key, failedJobs) {
			n++
		}
	}
	return n
}
