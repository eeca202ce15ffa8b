package incidents

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
)

// listed is a page whose records have been decoded.
type listed[R any] struct {
	records         []R       // of the scope
	lowest, highest time.Time // when the oldest and the newest of the page were created, of the scope or not
	more            bool
	old             bool // all of it was created before the floor
	total           *uint64
	rest.Answer
}

// list reads a page.
func (r *reader[R]) list(ctx context.Context, at Place, etag string) (listed[R], error) {
	at.Since = r.state.Floor
	p, got, err := r.page(ctx, at, etag)
	if err != nil || got.NotModified {
		return listed[R]{Answer: got}, err
	}
	all, odd := r.decode(p.Records)
	for _, one := range all {
		r.state.Failed.Done(r.listing.ID(one))
	}
	for id, err := range odd {
		if err := r.hold(id, err); err != nil {
			return listed[R]{}, err
		}
	}
	l := listed[R]{Answer: got, more: p.More, total: p.Total}
	floor := r.state.Floor
	l.old = len(all) > 0 && !floor.IsZero()
	for _, one := range all {
		created := r.listing.Created(one)
		l.lowest, l.highest = source.Earliest(l.lowest, created), source.Latest(l.highest, created)
		if !floor.IsZero() && !created.IsZero() && created.Before(floor) {
			continue
		}
		l.old = false
		if r.listing.Wanted(one) {
			l.records = append(l.records, one)
		}
	}
	return l, nil
}

// newest reads the listing from the newest record to what is stored.
func (r *reader[R]) newest(ctx context.Context) error {
	s, head, etag := &r.state, r.state.Head, ""
	first := map[string]bool{}
	for at := (Place{}); ; at.Offset += PerPage {
		conditional := ""
		if at.Offset == 0 {
			conditional = s.ETag
		}
		page, err := r.list(ctx, at, conditional)
		if err != nil || page.NotModified {
			return err
		}
		if at.Offset == 0 {
			etag = page.ETag
			if r.cfg.Count == nil {
				s.Total = page.total
			}
			for _, one := range page.records {
				first[r.listing.ID(one)] = true
			}
		}
		if err := r.store(ctx, page.records); err != nil {
			return err
		}
		if now := r.base.Now(); page.highest.After(now) { // one odd time must not hide what is new from then on
			page.highest = now.UTC()
		}
		head = source.Latest(head, page.highest)
		if !page.more || page.old {
			break
		}
		if !s.Started {
			s.History = &Place{Offset: PerPage}
			break
		}
		if !page.lowest.IsZero() && page.lowest.Before(s.Head) { // what follows is stored
			break
		}
		if r.deep(at) && !page.lowest.IsZero() { // more is new than the source counts
			s.History = &Place{Before: r.after(page.lowest)}
			break
		}
	}
	s.Started, s.Head, s.ETag = true, head, etag
	for id, k := range s.Seen {
		k.Newest = first[id]
		s.Seen[id] = k
	}
	if err := r.count(ctx); err != nil {
		return err
	}
	r.forget()
	return r.save(ctx)
}

// deep reports whether the page after one is beyond what the source counts.
func (r *reader[R]) deep(at Place) bool { return at.Offset+2*PerPage > r.cfg.Depth }

// after returns the first time, as the source takes it, before which records of the given time are listed.
func (r *reader[R]) after(t time.Time) time.Time {
	return t.Truncate(r.cfg.Precision).Add(r.cfg.Precision)
}

// count requests the number of records, when the newest page has changed or it is not known yet.
func (r *reader[R]) count(ctx context.Context) error {
	if r.cfg.Count == nil || r.done == 0 && r.state.Total != nil {
		return nil
	}
	total, err := r.cfg.Count(ctx, r.state.Floor)
	if rest.Unusable(err) { // the records are read anyway
		r.base.Log.Warn(
			"the source does not report how many records there are",
			"product",
			r.base.Product,
			"source",
			r.base.Source(),
			"scope",
			r.cfg.Scope,
			"error",
			err,
		)
		return nil
	}
	r.state.Total = total
	return err
}

// forget drops what need not be known anymore.
func (r *reader[R]) forget() {
	maps.DeleteFunc(r.state.Seen, func(_ string, k Seen) bool { return !k.Open && !k.Newest })
}

// history reads on to the oldest record: by offset as far as the source counts, and from there by time.
func (r *reader[R]) history(ctx context.Context) error {
	for r.state.History != nil {
		page, err := r.list(ctx, *r.state.History, "")
		if err != nil {
			return err
		}
		if err := r.store(ctx, page.records); err != nil {
			return err
		}
		r.forget()
		if err := r.advance(page); err != nil {
			return err
		}
		if err := r.save(ctx); err != nil {
			return err
		}
	}
	return nil
}

// advance moves History past a page; to nil when that was the last that is wanted.
func (r *reader[R]) advance(page listed[R]) error {
	s := &r.state
	h, next := s.History, r.after(page.lowest)
	switch {
	case page.old, !page.more && (h.Before.IsZero() || r.cfg.Window == 0):
		s.History = nil
	case !page.more: // the window has been read
		h.Before, h.Offset = h.Before.Add(-r.cfg.Window), 0
		if h.Before.Before(r.base.Epoch) || h.Before.Before(s.Floor) {
			s.History = nil
		}
	case !r.deep(*h):
		h.Offset += PerPage
	case page.lowest.IsZero() || !h.Before.IsZero() && !next.Before(h.Before): // no time to go on from
		return fmt.Errorf("no more than %d records are listed at once, and the last of them do not differ in time",
			r.cfg.Depth)
	default:
		h.Before, h.Offset = next, 0
	}
	return nil
}

// errOther is about an answer that has another record than the one that was requested.
var errOther = errors.New("the answer is about another one")
