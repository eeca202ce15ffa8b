package runs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// listed is how many results GitHub shows of a filtered listing, however many there are.
const listed = 1000

// trailing is the stretch that is read again once a day, because re-running an old run leaves its place in the listing
// as it was. GitHub allows a re-run for 30 days.
const trailing = 30 * 24 * time.Hour

// historyState is the part of the checkpoint for runs below the newest page. It consists of spans of time that are to
// be read. A span enters Pending when the newest page does not reach back to Head, when Floor moves back, and once a
// day for the trailing stretch. Reading the first span replaces it by what remains of it ([span.remaining]), until
// nothing does. Gaps that appear although nothing is pending are looked for once a day (refillGaps).
type historyState struct {
	Pending  []span    `json:"pending,omitempty"` // to be read, newest first
	Trailed  time.Time `json:"trailed,omitzero"`  // when the trailing stretch was last read
	Refilled time.Time `json:"refilled,omitzero"` // when gaps were last looked for
	// seconds with more runs than a listing shows, and how many it hides
	Crowded map[string]uint64 `json:"crowded,omitempty"`
}

// list reads one page of the runs that were created in the span.
func (c *collector) list(ctx context.Context, s span, page, perPage int) (client.RunPage, error) {
	var p client.RunPage
	got, err := c.Get(
		ctx,
		fmt.Sprintf("repos/%s/actions/runs?per_page=%d&page=%d&created=%s", c.Scope, perPage, page, s.query()),
		"",
		&p,
	)
	return p, errors.Join(err, c.holdOdd(got.Odd))
}

// page reads a page of a hundred runs that were created in the span, except for those at which GitHub fails.
func (c *collector) page(ctx context.Context, s span, number int) (client.RunPage, error) {
	return c.around(
		ctx,
		s,
		number,
		func(ctx context.Context, number, size int) (client.RunPage, error) {
			return c.list(ctx, s, number, size)
		},
	)
}

// extend adds the spans for a Floor that moves back, and once a day for the trailing stretch.
func (c *collector) extend() {
	s := c.state
	if !s.Floor.IsZero() && !s.Head.IsZero() && (c.Since.IsZero() || c.Since.Before(s.Floor)) {
		s.Pending = append(s.Pending, span{From: c.orEpoch(c.Since), To: s.Floor})
		s.Floor, s.ETag = c.Since, "" // the next collect requests the total of the longer stretch
	}
	now := c.Now().UTC()
	if since := now.Sub(s.Trailed); since >= 0 && since < daily { // negative: the clock was set back
		return
	}
	s.Trailed = now
	if from := source.Latest(now.Add(-trailing), s.Floor); s.Oldest.After(from) {
		s.Pending = append(s.Pending, span{From: from.Truncate(time.Second), To: s.Oldest})
	}
}

// pending reads the pending spans, the newest first.
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

// readSpan reads the newest pending span and replaces it in the checkpoint by what remains of it.
func (c *collector) readSpan(ctx context.Context) error {
	s := c.state.Pending[0]
	if s.From.After(s.To) {
		return c.replace(ctx)
	}
	runs, total, err := c.readListing(ctx, s)
	if err != nil {
		return err
	}
	remaining, err := c.verify(ctx, s, total)
	if err != nil {
		return err
	}
	if err := c.store(ctx, runs); err != nil {
		return err
	}
	c.Writer.Progress(streamName, c.done, c.state.Total)
	if total > listed && s.second() {
		c.state.Crowded[s.From.UTC().Format(time.RFC3339)] = total - min(total, uint64(len(runs)))
		c.Base.Log.Warn("more runs in one second than GitHub lists", "repository", c.Scope, "second", s.From, "runs", total)
	}
	return c.replace(ctx, append(remaining, s.remaining(runs, total)...)...)
}

// replace puts spans in the place of the first pending one.
func (c *collector) replace(ctx context.Context, spans ...span) error {
	c.state.Pending = slices.Replace(c.state.Pending, 0, 1, spans...)
	return c.save(ctx)
}

// verify checks, for a span that remained of a longer one, that both parts together have as many runs as the longer one
// had. There are fewer if runs were deleted meanwhile, or if the listing of the upper part lacked some: its count shows
// which. verify returns the upper part if it is to be read again.
func (c *collector) verify(ctx context.Context, s span, total uint64) ([]span, error) {
	if s.Above == nil || total >= s.Above.Left {
		return nil, nil
	}
	upper := span{From: s.To.Add(time.Second), To: s.Above.To, Split: true}
	count, err := c.countRuns(ctx, upper)
	if err != nil || count <= s.Above.Seen {
		return nil, err
	}
	return []span{upper}, nil
}

// readListing reads every page that GitHub shows of a span, and returns the runs, each once, in the order of the
// listing, and how many the span has. If a run is deleted while the pages are read, the following ones move forward,
// past the page that is read next; the count shows it, and the listing is then read a second time.
func (c *collector) readListing(ctx context.Context, s span) ([]mapping.Run, uint64, error) {
	var runs []mapping.Run
	var total uint64
	for range 2 {
		pages := make([][]mapping.Run, 1)
		holes := c.holes()
		first, err := c.page(ctx, s, 1)
		if err != nil {
			return nil, 0, err
		}
		total, pages[0] = first.TotalCount, first.Runs
		shown := min(total, listed)
		pages = append(pages, make([][]mapping.Run, max(int(shown+99)/100-1, 0))...)
		group, groupCtx := errgroup.WithContext(ctx)
		for i := 1; i < len(pages); i++ {
			group.Go(func() error {
				p, err := c.page(groupCtx, s, i+1)
				pages[i] = p.Runs
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return nil, 0, err
		}
		runs = unique(append(runs, slices.Concat(pages...)...))
		if uint64(len(runs)) >= shown || c.holes() > holes || c.state.Failed.Len() > 0 {
			break // what is missing is known
		}
	}
	return runs, total, nil
}

// refillGaps reads the runs that are missing for no known reason, once a day.
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

// hidden returns how many runs GitHub has but does not list.
func (c *collector) hidden() uint64 {
	hidden := uint64(0)
	for _, n := range c.state.Crowded {
		hidden += n
	}
	return hidden + uint64(len(c.state.Holes))
}

// refill finds, by halving, the stretches in which GitHub has more runs than are stored, and reads those. A complete
// stretch costs one request, however long it is.
func (c *collector) refill(ctx context.Context, s span) error {
	count, err := c.countRuns(ctx, s)
	if err != nil {
		return err
	}
	stored, _, err := c.Writer.Count(ctx, event.KindPipelineRun, s.From, s.To.Add(time.Second))
	if err != nil || stored >= count {
		return err
	}
	if count <= listed || s.second() {
		runs, _, err := c.readListing(ctx, s)
		if err != nil {
			return err
		}
		return c.store(ctx, runs)
	}
	upper, lower := s.halves()
	if err := c.refill(ctx, upper); err != nil {
		return err
	}
	return c.refill(ctx, lower)
}
