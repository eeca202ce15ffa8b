package gitlab

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/gitlab/listing"
	"github.com/dxctl/dxctl/collectors/gitlab/mapping"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// jobsState is how far the walk through the jobs' history has come, from the newest to the oldest.
type jobsState struct {
	Begun   bool      `json:"begun,omitempty"`
	Next    string    `json:"next,omitempty"`   // query of the page that is next
	Reached time.Time `json:"reached,omitzero"` // creation of the oldest job read
	Done    bool      `json:"done,omitempty"`   // there are no older ones
	// the newest job that is stored, but for those still pending for history
	Head    int64     `json:"head,omitempty"`
	NoKeys  bool      `json:"no_keys,omitempty"` // the server pages jobs by number only
	Missing time.Time `json:"missing,omitzero"`  // when the server last had no listing of jobs
	// of pipelines that the walk through their history has not come to yet
	Spans map[int64]found `json:"spans,omitempty"`
}

// found is what jobs said of a pipeline before its own listing was read.
type found struct {
	mapping.Span
	Pipeline *mapping.Pipeline `json:"pipeline,omitempty"` // of a child pipeline, which the listing may not show
}

// recheck is how long the listing of jobs is not requested again from a project that has none.
const recheck = 24 * time.Hour

// jobWalk reads jobs in bulk. Jobs have no time of update; they are read by falling id, from the newest to as far as is
// needed, and of single pipelines where that is cheaper.
type jobWalk struct {
	collect *pipelineCollect
	top     map[int64]mapping.Span // of the pipelines whose jobs this collect has read from the top
	topped  time.Time              // creation of the oldest job read from the top
	topNext string
	topAt   time.Time // when the newest page was read, by GitLab's clock
	topDone bool
	broken  bool // GitLab fails at the listing of all jobs: those of each pipeline are requested
}

func (w *jobWalk) state() *jobsState { return &w.collect.state.Jobs }

// off reports whether jobs are not requested: they are not wanted, or the server shows none.
func (w *jobWalk) off() bool {
	since := w.collect.Now().Sub(w.state().Missing)
	return w.collect.cfg.Jobs == NoJobs || since >= 0 && since < recheck
}

func (w *jobWalk) note() string {
	switch {
	case w.collect.cfg.Jobs == NoJobs:
		return "the source is configured with jobs: none"
	case w.off():
		return "the project shows no jobs: CI/CD is switched off there, or the token may not read it"
	}
	return ""
}

// restart begins the walk again, with the history that it goes with.
func (w *jobWalk) restart() {
	s := w.state()
	s.Begun, s.Next, s.Done, s.Reached, s.Spans = false, "", false, time.Time{}, nil
}

// bottom is the creation of a page's oldest pipeline: no job of the page is older. It is zero for the last page.
func (w *jobWalk) bottom(pg listing.Page[mapping.Pipeline]) time.Time {
	if pg.Last {
		return w.collect.state.Floor
	}
	var oldest time.Time
	for _, g := range pg.Records {
		oldest = source.Earliest(oldest, g.CreatedAt.Time)
	}
	return oldest
}

// down walks on until every job of the page's pipelines has been read.
func (w *jobWalk) down(ctx context.Context, pg listing.Page[mapping.Pipeline]) error {
	s := w.state()
	if s.Spans == nil {
		s.Spans = map[int64]found{}
	}
	if len(pg.Records) == 0 && !pg.Last {
		return nil
	}
	bottom := w.bottom(pg)
	if w.broken && !s.Done {
		return w.oneByOne(ctx, pg.Records)
	}
	for !w.off() && !s.Done && (!s.Begun || s.Reached.IsZero() || !s.Reached.Before(bottom)) {
		query := s.Next
		if !s.Begun {
			query = w.query()
		}
		jobs, got, err := w.page(ctx, query)
		if rest.Faulty(err) {
			return w.oneByOne(ctx, pg.Records)
		}
		if err != nil {
			return err
		}
		if w.off() {
			return nil
		}
		if err := w.append(ctx, jobs); err != nil {
			return err
		}
		for _, j := range jobs {
			f := s.Spans[j.Pipeline.ID]
			f.Span = f.With(j)
			if j.Pipeline.Source == mapping.ChildSource {
				g := j.Pipeline
				f.Pipeline = &g
			}
			s.Spans[j.Pipeline.ID] = f
			s.Head = max(s.Head, j.ID)
		}
		s.Reached = source.Earliest(s.Reached, reached(jobs))
		s.Begun, s.Next, s.Done = true, got.Next, got.Next == ""
		if err := w.collect.save(ctx); err != nil {
			return err
		}
	}
	return nil
}

// oneByOne reads the jobs of those pipelines of a page that the walk has not come to.
func (w *jobWalk) oneByOne(ctx context.Context, pipelines []mapping.Pipeline) error {
	s := w.state()
	w.broken = true
	for _, g := range pipelines {
		if s.Begun && g.CreatedAt.After(s.Reached) {
			continue
		}
		read, some, err := w.single(ctx, g)
		if err != nil {
			return err
		}
		if some {
			s.Spans[g.ID] = found{Span: read}
		}
	}
	return w.collect.save(ctx)
}

// of reads the jobs of pipelines that were updated, and returns their spans. From the top it reads what is new, and
// further as long as that is cheaper than asking for each of the pipelines that are left.
func (w *jobWalk) of(ctx context.Context, pipelines []mapping.Pipeline) (map[int64]mapping.Span, error) {
	spans := map[int64]mapping.Span{}
	if w.off() || len(pipelines) == 0 {
		return spans, nil
	}
	var stale map[int64]bool
	if w.top != nil {
		stale = w.stale(pipelines)
	}
	if err := w.fromTop(ctx, pipelines, stale); rest.Faulty(err) {
		w.broken = true
	} else if err != nil || w.off() {
		return spans, err
	}
	for _, g := range pipelines {
		if stale[g.ID] || !w.covers(g) {
			s, ok, err := w.single(ctx, g)
			if err != nil {
				return nil, err
			}
			if ok {
				spans[g.ID] = s
			}
		} else if s, ok := w.top[g.ID]; ok {
			spans[g.ID] = s
		}
	}
	return spans, nil
}

// covers reports whether every job of the pipeline has been read from the top.
func (w *jobWalk) covers(g mapping.Pipeline) bool {
	return w.topDone || !w.topped.IsZero() && g.CreatedAt.After(w.topped)
}

// stale returns the pipelines that were updated after this collect read their jobs: one may have ended since.
func (w *jobWalk) stale(pipelines []mapping.Pipeline) map[int64]bool {
	found := map[int64]bool{}
	for _, g := range pipelines {
		if w.topAt.IsZero() || !g.Updated().Before(w.topAt.Add(-listing.Overlap)) {
			found[g.ID] = true
		}
	}
	return found
}

func (w *jobWalk) fromTop(ctx context.Context, pipelines []mapping.Pipeline, stale map[int64]bool) error {
	s := w.state()
	if w.top == nil {
		w.top, w.topNext = map[int64]mapping.Span{}, w.query()
	}
	head, extra := s.Head, 0
	for !w.topDone && !w.broken {
		uncovered := 0
		for _, g := range pipelines {
			if !stale[g.ID] && !w.covers(g) {
				uncovered++
			}
		}
		if uncovered == 0 || extra > 0 && extra >= uncovered {
			break
		}
		jobs, got, err := w.page(ctx, w.topNext)
		if err != nil || w.off() {
			return err
		}
		if w.topAt.IsZero() {
			w.topAt = got.At
		}
		if err := w.append(ctx, jobs); err != nil {
			return err
		}
		reachedHead := false
		for _, j := range jobs {
			w.top[j.Pipeline.ID] = w.top[j.Pipeline.ID].With(j)
			reachedHead = reachedHead || j.ID <= head
			s.Head = max(s.Head, j.ID)
		}
		w.topped = source.Earliest(w.topped, reached(jobs))
		if reachedHead {
			extra++
		}
		w.topNext, w.topDone = got.Next, got.Next == ""
	}
	return nil
}

// reached is the creation of the job with the lowest id on a page: how far back its jobs go. A single job whose time is
// odd would otherwise end the walk before its pipelines have all of theirs.
func reached(jobs []mapping.Job) time.Time {
	var lowest mapping.Job
	for _, j := range jobs {
		if lowest.ID == 0 || j.ID < lowest.ID && !j.CreatedAt.IsZero() {
			lowest = j
		}
	}
	return lowest.CreatedAt.Time
}

// single reads the jobs of one pipeline, retried ones too. One at which GitLab fails is held, and has none for now.
func (w *jobWalk) single(ctx context.Context, g mapping.Pipeline) (s mapping.Span, some bool, err error) {
	key := failedJobs + strconv.FormatInt(g.ID, 10)
	read, err := w.collect.state.Failed.Do(ctx, key, w.collect.Now(), func(ctx context.Context) (err error) {
		s, some, err = w.readSingle(ctx, g)
		return err
	})
	if !read {
		return mapping.Span{}, false, err
	}
	return s, some, nil
}

func (w *jobWalk) readSingle(ctx context.Context, g mapping.Pipeline) (mapping.Span, bool, error) {
	var s mapping.Span
	some := false
	query := "include_retried=true&per_page=" + strconv.Itoa(listing.PerPage)
	for query != "" {
		var jobs []mapping.Job
		got, err := w.collect.Read(ctx, fmt.Sprintf("%s/pipelines/%d/jobs?%s", w.collect.path, g.ID, query), "", &jobs)
		if refused(err) {
			return s, false, nil
		}
		if err != nil {
			return s, false, err
		}
		jobs = listing.WithID(w.collect.Base, "jobs", jobs)
		for i := range jobs {
			if jobs[i].Pipeline.ID == 0 {
				jobs[i].Pipeline = g
			}
			s, some = s.With(jobs[i]), true
		}
		if err := w.append(ctx, jobs); err != nil {
			return s, false, err
		}
		query = got.Next
	}
	return s, some, nil
}

// query asks for the newest jobs. Keyset paging costs the server the same for every page; servers before 15.9 refuse
// it.
func (w *jobWalk) query() string {
	if w.state().NoKeys {
		return fmt.Sprintf("per_page=%d", listing.PerPage)
	}
	return fmt.Sprintf("pagination=keyset&order_by=id&sort=desc&per_page=%d", listing.PerPage)
}

// page reads a page of jobs. Where the server shows no jobs it notes so, and nothing is returned.
func (w *jobWalk) page(ctx context.Context, query string) ([]mapping.Job, listing.Answer, error) {
	s := w.state()
	var jobs []mapping.Job
	got, err := w.collect.Read(ctx, w.collect.path+"/jobs?"+query, "", &jobs)
	if !s.NoKeys && rest.HasStatus(err, http.StatusMethodNotAllowed, http.StatusBadRequest) {
		s.NoKeys = true
		got, err = w.collect.Read(ctx, w.collect.path+"/jobs?"+w.query(), "", &jobs)
	}
	if refused(err) {
		s.Missing = w.collect.Now().UTC()
		return nil, listing.Answer{}, nil
	}
	return listing.WithID(w.collect.Base, "jobs", jobs), got, err
}

// refused reports whether GitLab answers that there is nothing to see: 404, or 403 where CI/CD is switched off.
func refused(err error) bool {
	var said *rest.StatusError
	if errors.As(err, &said) && strings.Contains(said.Message, "insufficient_scope") {
		return false
	}
	return rest.HasStatus(err, http.StatusNotFound, http.StatusForbidden)
}

// append stores jobs, and the deployments that the configured rules see in them.
func (w *jobWalk) append(ctx context.Context, jobs []mapping.Job) error {
	c := w.collect
	var events []event.Event
	for _, j := range jobs {
		if j.Pipeline.ID == 0 {
			continue
		}
		if c.cfg.Jobs == AllJobs || j.Ref == c.info.DefaultBranch {
			events = append(events, c.JobEvent(j))
		}
		if d, ok := c.RuledDeployment(c.cfg.Deployments, j); ok {
			events = append(events, d)
		}
	}
	return c.Writer.Append(ctx, events...)
}

// digest changes when the rules do.
func (c Config) digest() string {
	if len(c.Deployments) == 0 {
		return ""
	}
	h := fnv.New64a()
	for _, r := range c.Deployments {
		_, _ = fmt.Fprintf(h, "%q %q %q\n", r.Job, r.Workflow, r.Environment) // a hash does not fail
	}
	return strconv.FormatUint(h.Sum64(), 36)
}
