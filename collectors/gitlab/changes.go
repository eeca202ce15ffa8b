package gitlab

import (
	"context"
	"fmt"

	"github.com/dxctl/dxctl/collectors/gitlab/listing"
	"github.com/dxctl/dxctl/collectors/gitlab/mapping"
	"github.com/dxctl/dxctl/event"
)

const changesStream = "changes"

// changes updates the merge requests. Commits, reviews and approvals are not in the listing, and one request
// for each merge request is not made for them: those times stay unknown.
func (p *project) changes(ctx context.Context) error {
	s := &listing.State{}
	if _, err := p.Writer.Load(ctx, changesStream, s); err != nil {
		return err
	}
	every := "state=all&scope=all"
	f := listing.Feed[mapping.MergeRequest]{
		Of:      p.Project,
		State:   s,
		Path:    p.path + "/merge_requests",
		Updates: every,
		Kind:    event.KindChange,
		Stream:  changesStream,
		Newest:  fmt.Sprintf("%s&order_by=updated_at&sort=desc&per_page=%d", every, listing.PerPage),
		History: fmt.Sprintf("%s&order_by=created_at&sort=desc&per_page=%d", every, listing.PerPage),
	}
	f.Save = func(ctx context.Context) error { return p.Writer.Save(ctx, changesStream, s) }
	f.Store = func(ctx context.Context, pg listing.Page[mapping.MergeRequest]) error {
		events := make([]event.Event, len(pg.Records))
		for i, m := range pg.Records {
			events[i] = p.ChangeEvent(m)
		}
		return p.Writer.Append(ctx, events...)
	}
	_, err := f.Update(ctx)
	if refused(err) { // the project has merge requests switched off
		none := uint64(0)
		return p.WriteLedger(ctx, event.KindChange, s.Floor, &none, "the project shows no merge requests: they are switched "+
			"off there, or the token may not read them")
	}
	if err != nil {
		return err
	}
	if err := f.Account(ctx, s.Total); err != nil {
		return err
	}
	return s.Failed.Err("merge request")
}
