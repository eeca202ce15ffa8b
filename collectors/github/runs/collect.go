// Package runs collects the workflow runs of a repository with their attempts and jobs.
package runs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/github/stream"
	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

const (
	streamName = "runs"
	// trailing is the stretch that is read again once a day, because re-running an old run leaves its place in the
	// listing as it was. GitHub allows a re-run for 30 days.
	trailing = 30 * 24 * time.Hour
	daily    = 24 * time.Hour
)

// state is the checkpoint of the runs stream. GitHub lists runs newest first, at most 1,000 per query, and changes
// them afterwards; the state therefore tracks four kinds of work:
//
//   - New runs: the newest page is read with a conditional request (ETag). Where it does not reach back to Head, the
//     span between becomes Pending. A span with more runs than a query lists is halved until it fits, or until it is
//     one second, which is then Crowded.
//   - History: Pending holds the spans that were never read, newest first. A Floor that moves back appends one, and so
//     does the trailing stretch once a day, because a re-run leaves its place in the listing.
//   - Runs that are not final: each is asked for by id until it ends, is Gone, or is older than openFor.
//   - Jobs: PendingDetails holds the runs whose jobs are not stored yet.
//
// Invariants: everything created in (Floor, Head] is stored, but for Pending, Crowded, Holes and Failed; Head never
// moves back; a run leaves PendingDetails only after its jobs are stored.
type state struct {
	ETag           string            `json:"etag,omitempty"`    // of the newest page
	Total          uint64            `json:"total"`             // runs that the source has, back to Floor
	Oldest         time.Time         `json:"oldest,omitzero"`   // of the newest page
	Head           time.Time         `json:"head,omitzero"`     // the newest run seen
	Floor          time.Time         `json:"floor,omitzero"`    // how far back was read, or is pending; zero: everything
	Pending        []span            `json:"pending,omitempty"` // to be read, newest first
	Open           map[string]string `json:"open,omitempty"`    // ETags of runs that are asked for one by one
	Gone           map[string]bool   `json:"gone,omitempty"`    // open runs that the source no longer has
	PendingDetails pendingDetails    `json:"owed,omitzero"`     // of runs that are stored
	Short          map[string]int    `json:"short,omitempty"`   // jobs that a run was said to have and did not show
	// jobs that waited for somebody's approval, of runs that are not final: the run of each
	Approved map[int64]int64 `json:"approved,omitempty"`
	// seconds with more runs than a listing shows, and how many it hides
	Crowded map[string]uint64 `json:"crowded,omitempty"`
	Failed  *rest.Quarantine  `json:"failed,omitzero"` // what GitHub always answers with an error
	// of what is held there, the stretches in which a run is missing
	Holes    map[string]span `json:"holes,omitempty"`
	Trailed  time.Time       `json:"trailed,omitzero"`  // when the trailing stretch was last read
	Refilled time.Time       `json:"refilled,omitzero"` // when gaps were last looked for
	Jobs     Jobs            `json:"jobs"`              // of which runs the jobs were read
	Branch   string          `json:"branch,omitempty"`  // the default branch at that time, where that decides
	Started  bool            `json:"started,omitempty"`
	Reread   bool            `json:"reread,omitempty"` // jobs of runs that are stored already are wanted now
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
		c.newest,
		c.pending,
		c.retryDue,
		c.open,
		c.refillGaps,
		c.account,
		c.fetchPending,
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
		*s = state{
			Floor:          s.Floor,
			Trailed:        s.Trailed,
			Started:        true,
			Reread:         true,
			PendingDetails: pendingDetails{Attempts: s.PendingDetails.Attempts},
			Failed:         s.Failed,
			Holes:          s.Holes,
		}
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

// collector is one pass over the runs of a repository.
type collector struct {
	*stream.Repository
	wanted Jobs
	state  *state
	due    []string        // objects that failed before and whose retry was due when the pass began
	seen   map[string]bool // runs that this pass has read
	done   uint64

	mu      sync.Mutex      // guards state.Short, state.Approved, state.Holes, oddJobs
	oddJobs map[int64]error // of runs some of whose jobs cannot be read, why
}

func (c *collector) save(ctx context.Context) error { return c.Writer.Save(ctx, streamName, c.state) }

// newest reads the newest page if it has changed, and works out what else is to be read.
func (c *collector) newest(ctx context.Context) error {
	s := c.state
	c.seen = map[string]bool{}
	var got client.Answer
	page, err := c.around(ctx, span{}, 1, func(ctx context.Context, number, size int) (p client.RunPage, err error) {
		path, etag := fmt.Sprintf("repos/%s/actions/runs?per_page=%d", c.Scope, size), ""
		if number > 1 || size != 100 {
			path += fmt.Sprintf("&page=%d", number)
		} else {
			etag = s.ETag
		}
		if got, err = c.Get(ctx, path, etag, &p); size != 100 || len(got.Odd) > 0 {
			got.ETag = "" // the page is not whole
		}
		return p, errors.Join(err, c.holdOdd(got.Odd))
	})
	if err != nil {
		return err
	}
	if !got.NotModified {
		if err := c.store(ctx, page.Runs); err != nil {
			return err
		}
		if err := c.total(ctx, page.TotalCount); err != nil {
			return err
		}
		c.advance(page)
		s.ETag = got.ETag
	}
	c.extend()
	if got.NotModified && len(s.Pending) == 0 {
		return nil
	}
	return c.save(ctx)
}

// total notes how many runs the source has. Where only a part of the history is wanted, that takes a request.
func (c *collector) total(ctx context.Context, all uint64) error {
	c.state.Total = all
	if c.state.Floor.IsZero() || all == 0 {
		return nil
	}
	counted, err := c.countRuns(ctx, span{From: c.state.Floor, To: c.Now().UTC().Add(daily)})
	c.state.Total = counted
	return err
}

// advance moves the head over the newest page and leaves a pending span where the page does not reach the old head.
func (c *collector) advance(page client.RunPage) {
	s := c.state
	if len(page.Runs) == 0 {
		return
	}
	newest, oldest := page.Runs[0].CreatedAt, page.Runs[0].CreatedAt
	for _, g := range page.Runs {
		newest, oldest = source.Latest(newest, g.CreatedAt), source.Earliest(oldest, g.CreatedAt)
	}
	reach := s.Head
	if reach.IsZero() {
		reach = c.orEpoch(s.Floor)
	}
	whole := page.TotalCount <= uint64(len(page.Runs)) // the page is all there is
	if !whole && !oldest.Before(reach) {
		s.Pending = slices.Insert(s.Pending, 0, span{From: reach, To: oldest})
	}
	s.Head, s.Oldest = source.Latest(s.Head, newest), oldest
	if whole {
		s.Oldest = time.Time{}
	}
}

// extend adds the spans that are due: an older floor than before, and once a day the trailing stretch.
func (c *collector) extend() {
	s := c.state
	if !s.Floor.IsZero() && !s.Head.IsZero() && (c.Since.IsZero() || c.Since.Before(s.Floor)) {
		s.Pending = append(s.Pending, span{From: c.orEpoch(c.Since), To: s.Floor})
		s.Floor, s.ETag = c.Since, "" // the total is that of the longer stretch: ask for it with the next collect
	}
	now := c.Now().UTC()
	if since := now.Sub(s.Trailed); since >= 0 && since < daily { // less than none: the clock was set back
		return
	}
	s.Trailed = now
	if from := source.Latest(now.Add(-trailing), s.Floor); s.Oldest.After(from) {
		s.Pending = append(s.Pending, span{From: from.Truncate(time.Second), To: s.Oldest})
	}
}

func (c *collector) pending(ctx context.Context) error {
	for len(c.state.Pending) > 0 {
		if err := c.readSpan(ctx); err != nil {
			return err
		}
	}
	if !c.state.Reread {
		return nil
	}
	c.state.Reread = false
	return c.save(ctx)
}

// open asks again for the runs that are not final, one by one, unless the newest page shows them.
func (c *collector) open(ctx context.Context) error {
	s := c.state
	open, err := c.Writer.Open(ctx, event.KindPipelineRun, c.Now().Add(-stream.OpenFor))
	if err != nil {
		return err
	}
	changed := false
	for id := range s.Open {
		if _, still := open[id]; !still {
			delete(s.Open, id)
			changed = true
		}
	}
	for id, created := range open {
		if c.seen[id] || s.Gone[id] || created.After(s.Oldest) {
			continue
		}
		var g mapping.Run
		var got client.Answer
		read, err := s.Failed.Do(ctx, failedRun+id, c.Now(), func(ctx context.Context) (err error) {
			got, err = c.Get(ctx, "repos/"+c.Scope+"/actions/runs/"+id, s.Open[id], &g)
			if client.Status(err) == http.StatusNotFound {
				s.Gone[id], changed = true, true
				return nil
			}
			return err
		})
		if err != nil {
			return err
		}
		if changed = changed || !read; !read || s.Gone[id] || got.NotModified {
			continue
		}
		if err := c.store(ctx, []mapping.Run{g}); err != nil {
			return err
		}
		s.Open[id], changed = got.ETag, true
	}
	if changed {
		return c.save(ctx)
	}
	return nil
}

// refillGaps looks for the records that are missing for no known reason, once a day.
func (c *collector) refillGaps(ctx context.Context) error {
	s := c.state
	stored, _, err := c.Writer.Count(ctx, event.KindPipelineRun, s.Floor, time.Time{})
	if since := c.Now().Sub(s.Refilled); err != nil || stored+c.hidden() >= s.Total || since >= 0 && since < daily {
		return err
	}
	s.Refilled = c.Now().UTC()
	if err := c.refill(
		ctx,
		span{From: c.orEpoch(s.Floor), To: c.Now().UTC().Add(time.Minute).Truncate(time.Second)},
	); err != nil {
		return err
	}
	return c.save(ctx)
}

// hidden is how many runs GitHub has and does not list.
func (c *collector) hidden() uint64 {
	hidden := uint64(0)
	for _, n := range c.state.Crowded {
		hidden += n
	}
	return hidden + uint64(len(c.state.Holes))
}

// account writes the ledger of the runs, and of the jobs where reading them will take a while.
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

func (c *collector) accountJobs(ctx context.Context) error {
	stored, _, err := c.Writer.Count(ctx, event.KindPipelineJob, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	var notes []string
	missing := len(c.state.PendingDetails.Jobs) // a run has one at least
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

// orEpoch returns the time, or the source's epoch for the zero time.
func (c *collector) orEpoch(t time.Time) time.Time {
	if t.IsZero() {
		return c.Base.Epoch
	}
	return t
}
