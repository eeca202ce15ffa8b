package circleci

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

const (
	pipelinesStream = "pipelines"
	// daily is how often missing runs are looked for.
	daily = 24 * time.Hour
	// atOnce is how many pipelines are read side by side.
	atOnce = 6
)

var (
	errCircle   = errors.New("the pages lead in a circle")
	errNameless = errors.New("it has no id or no number")
)

// state is the checkpoint of a project. Every pipeline with a number up to Top, created since Floor, is stored, but for
// those on the page Resume and after it.
type state struct {
	ETag     string           `json:"etag,omitempty"` // of the newest page
	Top      int64            `json:"top,omitempty"`
	Resume   string           `json:"resume,omitempty"` // page token; empty: nothing is left
	Seen     spans            `json:"seen,omitempty"`   // numbers of the pipelines that have been read
	Floor    time.Time        `json:"floor,omitzero"`
	Listed   uint64           `json:"listed,omitempty"`  // runs that CircleCI has shown, each once
	Expired  uint64           `json:"expired,omitempty"` // pipelines whose workflows CircleCI does not show anymore
	Rules    string           `json:"rules,omitempty"`   // digest of the deployment rules that they were read with
	Refilled time.Time        `json:"refilled,omitzero"` // when missing runs were last looked for
	Watched  map[int64]*watch `json:"watched,omitempty"` // by number: pipelines that are asked for again
	// pipelines and workflows that CircleCI always answers with an error
	Failed *rest.Quarantine `json:"failed,omitzero"`
	// by number: those pipelines, and the pipelines of those workflows
	Broken map[int64]brief `json:"broken,omitempty"`
}

// afresh makes every pipeline pending once more.
func (s *state) afresh() {
	s.walkAgain()
	s.Seen, s.Listed, s.Expired, s.Broken = nil, 0, 0, nil
}

// walkAgain makes the list pending once more, in which pipelines that have been read are passed over.
func (s *state) walkAgain() { s.ETag, s.Top, s.Resume = "", 0, "" }

// Collect updates a project.
func (c *Collector) Collect(ctx context.Context, scope string, w source.Writer) error {
	r := &reader{Collector: c, mapper: mapper{c.cfg.Source, scope, c.web, c.Unrecognized}, w: w, tried: map[string]bool{}}
	found, err := w.Load(ctx, pipelinesStream, &r.state)
	if err != nil {
		return err
	}
	r.prepare()
	if err := r.walk(ctx); err != nil {
		return fmt.Errorf("pipelines: %w", err)
	}
	if err := r.refresh(ctx); err != nil {
		return fmt.Errorf("pipelines that are watched: %w", err)
	}
	if err := r.broken(ctx); err != nil {
		return fmt.Errorf("pipelines that could not be read: %w", err)
	}
	if err := r.account(ctx, found); err != nil {
		return err
	}
	return r.state.Failed.Err(parts)
}

// reader is one Collect of one project.
type reader struct {
	*Collector
	mapper
	w     source.Writer
	state state
	done  uint64

	mu    sync.Mutex
	tried map[string]bool // keys that were set aside in this Collect
}

func (r *reader) save(ctx context.Context) error { return r.w.Save(ctx, pipelinesStream, &r.state) }

// prepare sets what is to be read again because the configuration has changed.
func (r *reader) prepare() {
	s, since := &r.state, r.cfg.Since
	s.Failed = s.Failed.Begin()
	if asked := r.w.Since(); !asked.IsZero() && (since.IsZero() || asked.Before(since)) {
		since = asked
	}
	if s.Watched == nil {
		s.Watched = map[int64]*watch{}
	}
	switch first := len(s.Seen) == 0 && s.Top == 0; {
	case first:
		s.Floor, s.Rules = since, r.digest
	case s.Rules != r.digest:
		s.Rules = r.digest
		s.afresh()
	}
	if !s.Floor.IsZero() && (since.IsZero() || since.Before(s.Floor)) {
		s.Floor = since
		s.walkAgain()
	}
}

// walk reads the list of pipelines from the newest to what is known, and from where it was left to the oldest.
func (r *reader) walk(ctx context.Context) error {
	s := &r.state
	w := &walk{reader: r, visited: map[string]bool{}}
	etag := s.ETag
	for {
		if w.deep && !r.due(olderPages) {
			return w.save(ctx)
		}
		var p page
		got, err := r.Get(r.patience(ctx, w), withToken("project/"+escapeSlug(r.scope)+"/pipeline", w.token), etag, &p)
		switch {
		case refused(err) && w.token != "" && !w.restarted: // the token is too old
			s.walkAgain()
			*w = walk{reader: r, visited: map[string]bool{}, restarted: true}
			etag = ""
			continue
		case err != nil:
			return w.page(ctx, err)
		case got.NotModified && s.Resume == "":
			return nil
		case got.NotModified:
			w.token, w.deep, etag = s.Resume, true, ""
			continue
		}
		etag = ""
		s.Failed.Done(olderPages)
		if w.token == "" {
			w.etag = got.ETag
		}
		if p.Next != "" && (w.visited[p.Next] || p.Next == w.token) {
			return errCircle
		}
		w.visited[p.Next] = true
		more, err := w.step(ctx, p)
		if err != nil || !more {
			return err
		}
	}
}

// page says what becomes of a walk whose next page cannot be read. Newer pipelines are stored by then, unless it is the
// newest page: the older ones are asked for again by later runs, because only a page names the next.
func (w *walk) page(ctx context.Context, err error) error {
	if w.token == "" || !w.deep {
		return err
	}
	w.tried[olderPages] = true
	if err := w.state.Failed.Hold(olderPages, w.Now(), err); err != nil {
		return err
	}
	return w.save(ctx)
}

// walk is one way down the list.
type walk struct {
	*reader
	token     string
	etag      string // of the newest page
	top       int64  // highest number met
	deep      bool   // below what the newest pages have to connect to
	waited    bool   // one page was read beyond that point
	restarted bool
	visited   map[string]bool
}

// step stores a page and says whether there is another to read.
func (w *walk) step(ctx context.Context, p page) (more bool, err error) {
	s := &w.state
	pipelines, err := w.decode(p.Items)
	if err != nil {
		return false, err
	}
	low, old, fresh := w.sift(pipelines)
	if err := w.take(ctx, fresh, true); err != nil {
		return false, err
	}
	end := p.Next == "" || old
	switch {
	case w.deep || s.Top == 0:
		if !w.deep {
			s.Top, s.ETag, w.deep = w.top, w.etag, true
		}
		if s.Resume = p.Next; end {
			s.Resume = ""
		}
		w.token = s.Resume
		return !end, w.save(ctx)
	case end || low <= s.Top && (w.waited || s.Seen.covers(s.Top, w.top)):
		// Everything down to what was known is stored. A deeper page may be left from before, unless there is none.
		s.Top, s.ETag = max(s.Top, w.top), w.etag
		if end {
			s.Resume = ""
		}
		w.token, w.deep, w.visited = s.Resume, true, map[string]bool{}
		return s.Resume != "", w.save(ctx)
	}
	// Pipelines that were created at one moment can be listed out of order: where a number is missing, one page more is
	// read.
	w.waited, w.token = low <= s.Top, p.Next
	return true, w.save(ctx)
}

// sift returns the lowest number, whether all are older than what is wanted, and which are to be read.
func (w *walk) sift(pipelines []pipeline) (low int64, old bool, fresh []brief) {
	low, old = w.state.Top+1, len(pipelines) > 0 && !w.state.Floor.IsZero()
	for i, p := range pipelines {
		if i == 0 || p.Number < low {
			low = p.Number
		}
		w.top = max(w.top, p.Number)
		if !w.state.Floor.IsZero() && !p.CreatedAt.IsZero() && p.CreatedAt.Before(w.state.Floor) {
			continue
		}
		old = false
		if p.ID == "" || p.Number <= 0 {
			continue // decode has told of it
		}
		if !w.state.Seen.has(p.Number) && !slices.ContainsFunc(fresh, func(b brief) bool { return b.Number == p.Number }) {
			fresh = append(fresh, p.brief())
		}
	}
	return low, old, fresh
}

// take reads the workflows of pipelines, stores what they are, and notes in the state what has been read. Anew: the
// pipelines have not been counted before.
func (r *reader) take(ctx context.Context, pipelines []brief, anew bool) error {
	results := make([]reading, len(pipelines))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, p := range pipelines {
		group.Go(func() (err error) {
			results[i], err = r.read(groupCtx, p, anew)
			return r.hold(p, err)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	var before, runs []event.Event
	for _, got := range results {
		before, runs = append(before, got.before...), append(runs, got.runs...)
	}
	for _, events := range [][]event.Event{before, runs} { // a run that is stored has its jobs stored
		if len(events) == 0 {
			continue
		}
		if err := r.w.Append(ctx, events...); err != nil {
			return err
		}
	}
	for i, p := range pipelines {
		if results[i].watch == nil { // it was set aside; it is counted when it is read
			r.state.Seen = r.state.Seen.with(p.Number)
			continue
		}
		r.note(p, results[i], anew)
	}
	r.done += uint64(len(runs))
	if len(runs) > 0 {
		r.w.Progress(pipelinesStream, r.done, 0)
	}
	return nil
}

// note keeps in the state what was read of a pipeline.
func (r *reader) note(p brief, got reading, anew bool) {
	s := &r.state
	if known := s.Watched[p.Number]; known != nil && !anew {
		s.Listed -= min(s.Listed, known.runs())
	}
	if got.expired {
		delete(s.Watched, p.Number)
		if anew {
			s.Expired++
		} else { // what it had before remains stored
			s.Listed += got.watch.runs()
		}
	} else {
		s.Listed += got.watch.runs()
		s.Watched[p.Number] = got.watch
		if _, ever := got.watch.due(); !ever && !s.Failed.Has(heldKey(p)) {
			delete(s.Watched, p.Number)
		}
	}
	s.Seen = s.Seen.with(p.Number)
}

// refresh asks once more for the pipelines that are watched and whose time has come.
func (r *reader) refresh(ctx context.Context) error {
	var due []brief
	for number, w := range r.state.Watched {
		if r.state.Failed.Has(heldKey(w.Pipeline)) { // broken asks for it
			continue
		}
		at, ever := w.due()
		if !ever {
			delete(r.state.Watched, number)
			continue
		}
		if now := r.Now(); !now.Before(at) || now.Before(w.Asked) { // or the clock went back
			due = append(due, w.Pipeline)
		}
	}
	slices.SortFunc(due, func(a, b brief) int { return cmp.Compare(b.Number, a.Number) })
	for part := range slices.Chunk(due, 20) {
		if err := r.take(ctx, part, false); err != nil {
			return err
		}
		if err := r.save(ctx); err != nil {
			return err
		}
	}
	return nil
}
