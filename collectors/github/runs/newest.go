package runs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/source"
)

// newestState is the part of the checkpoint for the newest page, which is requested with its ETag: if it has not
// changed, there is no new run. If the page does not reach back to Head, the span between them is added to the history.
type newestState struct {
	ETag   string    `json:"etag,omitempty"`  // of the newest page
	Total  uint64    `json:"total"`           // how many runs GitHub has, back to Floor
	Oldest time.Time `json:"oldest,omitzero"` // when the oldest run of that page was created; zero: it has all runs
	Head   time.Time `json:"head,omitzero"`   // when the newest run that was seen was created
	Floor  time.Time `json:"floor,omitzero"`  // how far back was read, or is in Pending; zero: everything
}

// newest reads the newest page if it has changed, and plans what else is to be read.
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

// total sets how many runs GitHub has. If only a part of the history is wanted, that costs a request.
func (c *collector) total(ctx context.Context, all uint64) error {
	c.state.Total = all
	if c.state.Floor.IsZero() || all == 0 {
		return nil
	}
	counted, err := c.countRuns(ctx, span{From: c.state.Floor, To: c.Now().UTC().Add(daily)})
	c.state.Total = counted
	return err
}

// advance moves Head to the newest run of the page, and adds a pending span if the page does not reach back to the old
// Head.
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
	whole := page.TotalCount <= uint64(len(page.Runs)) // the page has all runs
	if !whole && !oldest.Before(reach) {
		s.Pending = slices.Insert(s.Pending, 0, span{From: reach, To: oldest})
	}
	s.Head, s.Oldest = source.Latest(s.Head, newest), oldest
	if whole {
		s.Oldest = time.Time{}
	}
}
