package gitlab

import (
	"context"
	"fmt"

	"github.com/dxctl/dxctl/collectors/gitlab/mapping"
	"github.com/dxctl/dxctl/event"
)

const changesStream = "changes"

// changes brings the merge requests up to date. Commits, reviews and approvals are not in the listing, and one request
// for each merge request is not made for them: those times stay unknown.
func (p *project) changes(ctx context.Context) error {
	s := &feedState{}
	if _, err := p.w.Load(ctx, changesStream, s); err != nil {
		return err
	}
	every := "state=all&scope=all"
	f := feed[mapping.MergeRequest]{
		p:      p,
		state:  s,
		path:   p.path + "/merge_requests",
		fresh:  every,
		kind:   event.KindChange,
		stream: changesStream,
		list:   fmt.Sprintf("%s&order_by=updated_at&sort=desc&per_page=%d", every, perPage),
		walk:   fmt.Sprintf("%s&order_by=created_at&sort=desc&per_page=%d", every, perPage),
	}
	f.save = func(ctx context.Context) error { return p.w.Save(ctx, changesStream, s) }
	f.store = func(ctx context.Context, pg page[mapping.MergeRequest]) error {
		events := make([]event.Event, len(pg.records))
		for i, m := range pg.records {
			events[i] = p.ChangeEvent(m)
		}
		return p.w.Append(ctx, events...)
	}
	_, err := f.update(ctx)
	if refused(err) { // the project has merge requests switched off
		none := uint64(0)
		return p.ledger(ctx, event.KindChange, s.Floor, &none, "the project shows no merge requests: they are switched "+
			"off there, or the token may not read them")
	}
	if err != nil {
		return err
	}
	if err := f.account(ctx, s.Total); err != nil {
		return err
	}
	return s.Failed.Err("merge request")
}
