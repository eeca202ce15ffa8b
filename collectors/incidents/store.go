package incidents

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
)

// store appends the events of the records that differ from what is known of them.
func (r *reader[R]) store(ctx context.Context, records []R) error {
	var changed []R
	var seen []Seen
	for _, one := range records {
		if before := r.state.Seen[r.listing.ID(one)]; before.Mark != r.listing.Mark(one, before) {
			changed = append(changed, one)
			seen = append(seen, before)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	made, err := r.listing.Events(ctx, changed, seen, heldParts[R]{r})
	if err != nil {
		return err
	}
	events := make([]event.Event, len(made))
	for i, e := range made {
		events[i] = e
	}
	if err := r.w.Append(ctx, events...); err != nil {
		return err
	}
	for i, one := range changed {
		r.state.Seen[r.listing.ID(one)] = Seen{
			Mark:         r.listing.Mark(one, seen[i]),
			Opened:       made[i].OpenedAt,
			Acknowledged: made[i].AcknowledgedAt,
			Ended:        made[i].ResolvedAt,
			Open:         !r.listing.Over(one),
			Newest:       seen[i].Newest,
			At:           r.base.Now().UTC(),
		}
	}
	r.done += uint64(len(changed))
	total := uint64(0)
	if r.state.Total != nil {
		total = *r.state.Total
	}
	r.w.Progress(stream, r.done, total)
	return nil
}

// maxWait is the longest time between two requests for an open record.
const maxWait = 6 * time.Hour

// open asks one by one for the records that are open and not on the newest page, the more rarely the older they are.
func (r *reader[R]) open(ctx context.Context) error {
	s, changed := &r.state, false
	for _, id := range slices.Sorted(maps.Keys(s.Seen)) {
		if s.Failed.Has(id) { // held asks for it
			continue
		}
		k, now := s.Seen[id], r.base.Now().UTC()
		wait := min(max(k.At.Sub(k.Opened)/20, 0), maxWait)
		if !k.Open || k.Newest || now.Sub(k.At) < wait && !now.Before(k.At) {
			continue
		}
		changed = true
		if now.Sub(k.Opened) > openFor {
			delete(s.Seen, id)
			continue
		}
		one, err := r.one(ctx, id)
		switch {
		case r.listing.Gone(err):
			delete(s.Seen, id)
			continue
		case errors.Is(err, errOther): // it is requested again
		case err != nil:
			if err := r.hold(id, err); err != nil {
				return err
			}
			continue
		default:
			if err := r.store(ctx, []R{one}); err != nil {
				return err
			}
		}
		k = s.Seen[id]
		k.At = now
		s.Seen[id] = k
	}
	if !changed {
		return nil
	}
	r.forget()
	return r.save(ctx)
}

// account writes the ledger. Where records are missing, the whole listing is read again, once a day.
func (r *reader[R]) account(ctx context.Context) error {
	s := &r.state
	stored, open, err := r.w.Count(ctx, event.KindIncident, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	since := r.base.Now().Sub(s.Refill)
	if s.Total != nil && stored < *s.Total && r.comparable() && (since >= daily || since < 0) {
		s.Refill, s.History, s.Seen = r.base.Now().UTC(), &Place{}, map[string]Seen{}
		s.ETag = "" // the newest page shows what is on it
		if err := r.save(ctx); err != nil {
			return err
		}
		if err := r.history(ctx); err != nil {
			return fmt.Errorf("%s, to fill a gap: %w", r.cfg.Names.Records, err)
		}
		if stored, open, err = r.w.Count(ctx, event.KindIncident, time.Time{}, time.Time{}); err != nil {
			return err
		}
	}
	e := r.entry(stored, open)
	if note := s.Failed.Note(parts); note != "" {
		e.Expected = max(e.Expected, stored+r.unread())
		e.Note = strings.TrimPrefix(e.Note+"; "+note, "; ")
	}
	return r.w.Append(ctx, e)
}

// comparable reports whether the total counts what is stored: nothing older than the floor.
func (r *reader[R]) comparable() bool { return r.cfg.Count != nil || r.state.Floor.IsZero() }

func (r *reader[R]) entry(stored, open uint64) event.LedgerEntry {
	s := &r.state
	e := r.base.Ledger(r.cfg.Scope, event.KindIncident, s.Floor)
	e.Expected, e.Stored, e.Open = stored, stored, open
	switch {
	case s.Total == nil:
		e.Note = r.cfg.Names.NoTotal
	case !r.comparable():
		e.Expected = min(stored, *s.Total)
		e.Note = fmt.Sprintf("of %d, those opened since %s", *s.Total, s.Floor.Format(time.DateOnly))
	default:
		e.Expected = *s.Total
	}
	return e
}
