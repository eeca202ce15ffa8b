package collectors

import (
	"context"
	"fmt"

	"github.com/dxctl/dxctl/event"
)

// withdraw takes back the descriptors of scopes that a source does not list any more: a repository that was deleted,
// archived or moved elsewhere does not describe services here. A source that lists nothing at all is not believed: its
// token may have lost its rights.
func (r *Runner) withdraw(ctx context.Context, s *runnable, scopes []string) error {
	if len(scopes) == 0 {
		return nil
	}
	var rows []struct {
		Scope    string `ch:"scope"`
		Location string `ch:"location"`
		URL      string `ch:"url"`
	}
	const sql = `SELECT scope, location, url FROM raw_descriptors FINAL
WHERE source = {source:String} AND document != '' AND NOT has({scopes:Array(String)}, scope)`
	if err := r.store.Select(ctx, &rows, sql, map[string]any{"source": s.Source(), "scopes": scopes}); err != nil {
		return fmt.Errorf("looking for descriptors of what %s does not list any more: %w", s.Source(), err)
	}
	if len(rows) == 0 {
		return nil
	}
	gone := make([]event.Event, len(rows))
	for i, d := range rows {
		gone[i] = event.Descriptor{Source: s.Source(), Provider: s.Provider(), Scope: d.Scope, Location: d.Location, URL: d.URL, ObservedAt: r.opt.Now().UTC()}
	}
	if err := r.store.Append(ctx, gone...); err != nil {
		return fmt.Errorf("taking back %d descriptors of what %s does not list any more: %w", len(gone), s.Source(), err)
	}
	r.opt.Logger.Info("descriptors taken back", "source", s.Source(), "descriptors", len(gone))
	return nil
}
