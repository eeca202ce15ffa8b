package gitlab

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/dxctl/dxctl/collectors/gitlab/listing"
	"github.com/dxctl/dxctl/collectors/gitlab/mapping"
	"github.com/dxctl/dxctl/event"
)

const (
	pipelinesStream = "pipelines"
	// detailsFor is how old a pipeline without jobs (an external CI's) may be for its times to be requested one by one,
	// and details is how many of those a collect asks for.
	detailsFor = 30 * 24 * time.Hour
	details    = 20
)

// pipelinesState is the checkpoint of the pipelines stream: the listing, the one of child pipelines, and the jobs.
type pipelinesState struct {
	listing.State
	Children listing.State `json:"children"`
	NoFilter bool          `json:"no_filter,omitempty"` // the server does not list child pipelines by themselves
	Jobs     jobsState     `json:"jobs"`
	JobsMode Jobs          `json:"jobs_mode"`       // of which pipelines jobs were stored
	Rules    string        `json:"rules,omitempty"` // digest of the deployment rules that jobs were judged by
}

// pipelines updates the pipelines and their jobs.
func (p *project) pipelines(ctx context.Context) error {
	s := &pipelinesState{}
	if _, err := p.Writer.Load(ctx, pipelinesStream, s); err != nil {
		return err
	}
	c := &pipelineCollect{project: p, state: s, left: details}
	c.walk.collect = c
	// jobs are wanted that were not before: read history again
	if s.Started && (p.cfg.Jobs.more(s.JobsMode) || s.Rules != p.cfg.digest()) {
		*s = pipelinesState{NoFilter: s.NoFilter, State: listing.State{Failed: s.Failed}}
	}
	s.JobsMode, s.Rules = p.cfg.Jobs, p.cfg.digest()
	c.feed = listing.Feed[mapping.Pipeline]{
		Of:        p.Project,
		State:     &s.State,
		Path:      p.path + "/pipelines",
		Newest:    fmt.Sprintf("order_by=id&sort=desc&per_page=%d", listing.PerPage),
		Kind:      event.KindPipelineRun,
		Stream:    pipelinesStream,
		Store:     c.store,
		Save:      c.save,
		Restarted: c.again,
	}
	changed, err := c.feed.Update(ctx)
	if refused(err) { // the project has CI/CD switched off
		none := uint64(0)
		return p.WriteLedger(ctx, event.KindPipelineRun, s.Floor, &none, "the project shows no pipelines: CI/CD is switched "+
			"off there, or the token may not read it")
	}
	if err != nil {
		return err
	}
	if err := c.retryJobs(ctx); err != nil {
		return err
	}
	if err := c.children(ctx, changed); err != nil {
		return fmt.Errorf("child pipelines: %w", err)
	}
	if err := c.feed.Account(ctx, c.expected()); err != nil {
		return err
	}
	if err := c.accountJobs(ctx); err != nil {
		return err
	}
	failed := c.failures()
	if failed == nil {
		return nil
	}
	return errors.Join(c.save(ctx), failed)
}

// accountJobs writes the ledger of the jobs. A pipeline whose jobs cannot be read has one at least.
func (c *pipelineCollect) accountJobs(ctx context.Context) error {
	held := uint64(c.heldJobs())
	if held == 0 {
		return c.WriteLedger(ctx, event.KindPipelineJob, c.state.Floor, nil, c.walk.note())
	}
	stored, _, err := c.Writer.Count(ctx, event.KindPipelineJob, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	expected := stored + held
	return c.WriteLedger(ctx, event.KindPipelineJob, time.Time{}, &expected, c.state.Failed.Note("record"))
}

// pipelineCollect is one pass over the pipelines of a project.
type pipelineCollect struct {
	*project
	state *pipelinesState
	feed  listing.Feed[mapping.Pipeline]
	walk  jobWalk
	left  int // requests for single pipelines that this collect may still make
}

func (c *pipelineCollect) save(ctx context.Context) error {
	return c.Writer.Save(ctx, pipelinesStream, c.state)
}

// again begins the histories again that go with that of the pipelines.
func (c *pipelineCollect) again() {
	c.walk.restart()
	if c.state.Children.Started {
		c.state.Children.History = childList
	}
}

// expected returns how many pipelines GitLab reports, children among them; nil: it does not report it.
func (c *pipelineCollect) expected() *uint64 {
	s := c.state
	if s.Total == nil {
		return nil
	}
	total := *s.Total
	if !s.NoFilter && s.Children.Started {
		if s.Children.Total == nil {
			return nil
		}
		total += *s.Children.Total
	}
	return &total
}

// childList asks for child pipelines, newest first.
var childList = fmt.Sprintf("source=%s&order_by=id&sort=desc&per_page=%d", mapping.ChildSource, listing.PerPage)

// children reads the listing of child pipelines, when something has changed among the others: what starts a child is
// one of them. A server without the filter answers with all pipelines; then this listing is not read.
func (c *pipelineCollect) children(ctx context.Context, changed bool) error {
	s := c.state
	if s.NoFilter {
		return nil
	}
	if !changed && s.Children.Started && s.Children.History == "" {
		open, err := c.Writer.Open(ctx, event.KindPipelineRun, c.Now().Add(-listing.OpenFor))
		if err != nil || len(open) == 0 {
			return err
		}
	}
	child := listing.Feed[mapping.Pipeline]{
		Of:      c.Project,
		State:   &s.Children,
		Path:    c.path + "/pipelines",
		Kind:    event.KindPipelineRun,
		Stream:  "child pipelines",
		Newest:  childList,
		Updates: "source=" + mapping.ChildSource,
		Save:    c.save,
	}
	child.Store = func(ctx context.Context, pg listing.Page[mapping.Pipeline]) error {
		for _, g := range pg.Records {
			if g.Source != "" && g.Source != mapping.ChildSource {
				s.NoFilter = true
			}
		}
		if s.NoFilter {
			return nil
		}
		return c.storeChildren(ctx, pg)
	}
	if _, err := child.Update(ctx); err != nil || !s.NoFilter {
		return err
	}
	s.Children = listing.State{}
	return c.save(ctx)
}

// store appends a page of pipelines with the times of their jobs, and those jobs.
func (c *pipelineCollect) store(ctx context.Context, pg listing.Page[mapping.Pipeline]) error {
	if pg.History {
		if err := c.walk.down(ctx, pg); err != nil {
			return err
		}
		return c.appendHistory(ctx, pg)
	}
	return c.storeUpdated(ctx, pg)
}

// appendHistory appends what the walk through the jobs has completed: the page's pipelines, and child pipelines of the
// same time, which the jobs name.
func (c *pipelineCollect) appendHistory(ctx context.Context, pg listing.Page[mapping.Pipeline]) error {
	runs := make([]event.PipelineRun, 0, len(pg.Records))
	spans := c.state.Jobs.Spans
	var without []mapping.Pipeline
	listed := map[int64]bool{}
	for _, g := range pg.Records {
		listed[g.ID] = true
		s, ok := spans[g.ID]
		if !ok {
			without = append(without, g)
			continue
		}
		runs = append(runs, c.RunEvent(g, s.Span))
	}
	rest, err := c.withoutJobs(ctx, without)
	if err != nil {
		return err
	}
	runs = append(runs, rest...)
	bottom := c.walk.bottom(pg)
	for id, s := range spans {
		if g := s.Pipeline; !listed[id] && g != nil && !g.CreatedAt.IsZero() && !g.CreatedAt.Before(bottom) {
			runs = append(runs, c.RunEvent(*g, s.Span))
			listed[id] = true
		}
	}
	if err := c.appendRuns(ctx, runs); err != nil {
		return err
	}
	for id := range listed {
		delete(spans, id)
	}
	if pg.Last {
		clear(spans)
	}
	return nil
}

// storeUpdated appends pipelines that were updated, and their jobs.
func (c *pipelineCollect) storeUpdated(ctx context.Context, pg listing.Page[mapping.Pipeline]) error {
	updated, err := c.updated(ctx, pg.Records)
	if err != nil {
		return err
	}
	spans, err := c.walk.of(ctx, updated)
	if err != nil {
		return err
	}
	var runs []event.PipelineRun
	var without []mapping.Pipeline
	for _, g := range updated {
		if s, ok := spans[g.ID]; ok {
			runs = append(runs, c.RunEvent(g, s))
		} else {
			without = append(without, g)
		}
	}
	rest, err := c.withoutJobs(ctx, without)
	if err != nil {
		return err
	}
	return c.appendRuns(ctx, append(runs, rest...))
}

// updated leaves out the pipelines that are listed once more because they lie at the cursor, and are stored as they
// are: looking for jobs of theirs would cost a request.
func (c *pipelineCollect) updated(ctx context.Context, pipelines []mapping.Pipeline) ([]mapping.Pipeline, error) {
	stored, err := c.stored(ctx, pipelines)
	if err != nil {
		return nil, err
	}
	var updated []mapping.Pipeline
	for _, g := range pipelines {
		cursor := c.state.Cursor
		if g.Source == mapping.ChildSource {
			cursor = c.state.Children.Cursor
		}
		old, ok := stored[g.ID]
		if ok && old.Status.Final() && (!old.FinishedAt.IsZero() || old.Duration > 0) && old.StatusRaw == g.Status &&
			!g.Updated().After(cursor) {
			continue
		}
		updated = append(updated, g)
	}
	return updated, nil
}

// storeChildren appends child pipelines. Of history only those are new that have no jobs: the others came with theirs.
func (c *pipelineCollect) storeChildren(ctx context.Context, pg listing.Page[mapping.Pipeline]) error {
	if !pg.History {
		return c.storeUpdated(ctx, pg)
	}
	stored, err := c.stored(ctx, pg.Records)
	if err != nil {
		return err
	}
	var fresh []mapping.Pipeline
	for _, g := range pg.Records {
		if old, ok := stored[g.ID]; !ok || old.StatusRaw != g.Status {
			fresh = append(fresh, g)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	return c.storeUpdated(ctx, listing.Page[mapping.Pipeline]{Records: fresh})
}

// withoutJobs makes the events of pipelines that have no jobs, or whose jobs were not requested: with the times that
// are stored, else with GitLab's own where the pipeline is young and the collect's allowance lasts, else without.
func (c *pipelineCollect) withoutJobs(ctx context.Context, pipelines []mapping.Pipeline) ([]event.PipelineRun, error) {
	if len(pipelines) == 0 {
		return nil, nil
	}
	stored, err := c.stored(ctx, pipelines)
	if err != nil {
		return nil, err
	}
	runs := make([]event.PipelineRun, 0, len(pipelines))
	for _, g := range pipelines {
		var s mapping.Span
		if old, ok := stored[g.ID]; ok && !c.Writer.Reread() {
			s = mapping.Span{
				Start:    old.StartedAt,
				Finish:   old.FinishedAt,
				Duration: old.Duration,
				Actor:    old.Actor,
				Bot:      old.Bot,
			}
		}
		if mapping.IsFinal(g.Status) && s.Finish.IsZero() && s.Duration == 0 && c.left > 0 &&
			c.Now().Sub(g.CreatedAt.Time) < detailsFor {
			c.left--
			_, err := c.state.Failed.Do(ctx, fmt.Sprintf("pipeline %d", g.ID), c.Now(), func(ctx context.Context) (err error) {
				s, err = c.detail(ctx, g.ID)
				return err
			})
			if err != nil {
				return nil, err
			}
		}
		runs = append(runs, c.RunEvent(g, s))
	}
	return runs, nil
}

// detail asks for one pipeline, which then has times. One that is gone has none.
func (c *pipelineCollect) detail(ctx context.Context, id int64) (mapping.Span, error) {
	var one mapping.PipelineDetail
	_, err := c.Read(ctx, fmt.Sprintf("%s/pipelines/%d", c.path, id), "", &one)
	if refused(err) {
		return mapping.Span{}, nil
	}
	return one.Span(), err
}

func (c *pipelineCollect) stored(
	ctx context.Context,
	pipelines []mapping.Pipeline,
) (map[int64]event.PipelineRun, error) {
	ids := make([]string, len(pipelines))
	for i, g := range pipelines {
		ids[i] = strconv.FormatInt(g.ID, 10)
	}
	runs, err := c.Writer.Runs(ctx, ids)
	if err != nil {
		return nil, err
	}
	stored := make(map[int64]event.PipelineRun, len(runs))
	for _, r := range runs {
		if id, err := strconv.ParseInt(r.ID, 10, 64); err == nil {
			stored[id] = r
		}
	}
	return stored, nil
}

func (c *pipelineCollect) appendRuns(ctx context.Context, runs []event.PipelineRun) error {
	events := make([]event.Event, len(runs))
	for i, r := range runs {
		events[i] = r
	}
	return c.Writer.Append(ctx, events...)
}
