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
	"github.com/dxctl/dxctl/event"
)

// listed is how many results GitHub shows of a filtered listing, however many there are.
const listed = 1000

// span is a stretch of time, both ends included, whose runs are to be read. Its ends are whole seconds, as GitHub's
// are.
type span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Above is set where the span is what remained below the newest thousand of a longer one: how many runs should be
	// left here if those were all there is above, and where the longer span ended.
	Above *above `json:"above,omitempty"`
	// Split: take the span in halves while it holds more than a listing shows, rather than from the top.
	Split bool `json:"split,omitempty"`
}

type above struct {
	To   time.Time `json:"to"`
	Seen uint64    `json:"seen"`
	Left uint64    `json:"left"`
}

func (s span) query() string {
	const layout = "2006-01-02T15:04:05Z"
	return s.From.UTC().Format(layout) + ".." + s.To.UTC().Format(layout)
}

// list reads one page of the runs created in the span.
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

// page reads a page of a hundred runs created in the span, around those at which GitHub fails.
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

// readSpan reads the newest pending span and replaces it in the checkpoint by what remains of it.
//
// A span of up to a thousand runs is read whole. A longer one gives its newest thousand, every page of them full, and
// the span below the oldest of those remains: that costs a request per hundred runs whatever their density, where
// halving the span costs the pages of the listings that turn out too long. It relies on the listing being sorted, which
// is checked, and the totals of both spans must add up; where they do not, the upper part is read again by halving.
func (c *collector) readSpan(ctx context.Context) error {
	s := c.state.Pending[0]
	if s.From.After(s.To) {
		return c.replace(ctx)
	}
	runs, total, err := c.readListing(ctx, s)
	if err != nil {
		return err
	}
	verify, err := c.verify(ctx, s, total)
	if err != nil {
		return err
	}
	if err := c.store(ctx, runs); err != nil {
		return err
	}
	c.Writer.Progress(streamName, c.done, c.state.Total)
	switch {
	case total <= listed:
		return c.replace(ctx, verify...)
	case !s.From.Before(s.To):
		c.state.Crowded[s.From.UTC().Format(time.RFC3339)] = total - min(total, uint64(len(runs)))
		c.Base.Log.Warn("more runs in one second than GitHub lists", "repository", c.Scope, "second", s.From, "runs", total)
		return c.replace(ctx, verify...)
	case s.Split || !newestFirst(runs):
		middle := s.From.Add(s.To.Sub(s.From) / 2).Truncate(time.Second)
		return c.replace(
			ctx,
			append(
				verify,
				span{From: middle.Add(time.Second), To: s.To, Split: true},
				span{From: s.From, To: middle, Split: true},
			)...)
	}
	oldest := runs[len(runs)-1].CreatedAt
	if !oldest.Before(s.To) { // a thousand runs of the last second: it is taken by itself
		return c.replace(ctx, append(verify, span{From: s.To, To: s.To}, span{From: s.From, To: s.To.Add(-time.Second)})...)
	}
	seen := uint64(0)
	for _, g := range runs {
		if g.CreatedAt.After(oldest) {
			seen++
		}
	}
	return c.replace(
		ctx,
		append(verify, span{From: s.From, To: oldest, Above: &above{To: s.To, Seen: seen, Left: total - seen}})...)
}

// replace puts spans in the place of the first pending one.
func (c *collector) replace(ctx context.Context, spans ...span) error {
	c.state.Pending = slices.Replace(c.state.Pending, 0, 1, spans...)
	return c.save(ctx)
}

// verify checks, for a span that remained of a longer one, that both together hold what the longer one was said to
// hold. Fewer are left when runs were deleted meanwhile, or when the listing had passed over some: the count of the
// upper part tells which.
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

// readListing reads every page that GitHub shows of a span, and returns the runs, each once, in the listing's order.
// Deleting a run while the pages are read pulls the following ones forward, past the page that is read next; the count
// shows it, and the listing is then read a second time.
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

// unique keeps the latest observation of each run, at the place of the first.
func unique(runs []mapping.Run) []mapping.Run {
	at := make(map[int64]int, len(runs))
	kept := runs[:0]
	for _, g := range runs {
		i, again := at[g.ID]
		switch {
		case !again:
			at[g.ID] = len(kept)
			kept = append(kept, g)
		case later(g, kept[i]):
			kept[i] = g
		}
	}
	return kept
}

// later reports whether a is a later observation of the same run than b.
func later(a, b mapping.Run) bool {
	if a.Attempt() != b.Attempt() {
		return a.Attempt() > b.Attempt()
	}
	return !a.UpdatedAt.Before(b.UpdatedAt)
}

func newestFirst(runs []mapping.Run) bool {
	return slices.IsSortedFunc(runs, func(a, b mapping.Run) int { return b.CreatedAt.Compare(a.CreatedAt) })
}

// refill finds the stretches in which the source has more runs than are stored, by halving, and reads those. A stretch
// that is complete costs one request, however long it is.
func (c *collector) refill(ctx context.Context, s span) error {
	count, err := c.countRuns(ctx, s)
	if err != nil {
		return err
	}
	stored, _, err := c.Writer.Count(ctx, event.KindPipelineRun, s.From, s.To.Add(time.Second))
	if err != nil || stored >= count {
		return err
	}
	if count <= listed || !s.From.Before(s.To) {
		runs, _, err := c.readListing(ctx, s)
		if err != nil {
			return err
		}
		return c.store(ctx, runs)
	}
	middle := s.From.Add(s.To.Sub(s.From) / 2).Truncate(time.Second)
	if err := c.refill(ctx, span{From: middle.Add(time.Second), To: s.To}); err != nil {
		return err
	}
	return c.refill(ctx, span{From: s.From, To: middle})
}
