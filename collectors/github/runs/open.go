package runs

import (
	"context"
	"net/http"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/github/stream"
	"github.com/dxctl/dxctl/event"
)

// openState is the part of the checkpoint for runs that are not final. One that the newest page does not show is
// requested by id, with its ETag, until it is final, is gone, or is older than [stream.OpenFor].
type openState struct {
	Open map[string]string `json:"open,omitempty"` // ETag of each run that was requested by id
	Gone map[string]bool   `json:"gone,omitempty"` // runs that GitHub no longer has
}

// open reads the runs that are not final one by one, except for those that the newest page shows.
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
