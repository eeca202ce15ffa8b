package pagerduty

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

const (
	incidentsStream = "incidents"
	// logsFor is how old an incident may be for its log to be asked when it was first acknowledged: one request each.
	logsFor = 180 * 24 * time.Hour
	// window is the longest stretch of time that PagerDuty lists at once, with a margin.
	window = 180 * 24 * time.Hour
	// openFor is how long an incident is asked for again that nobody resolves.
	openFor = 365 * 24 * time.Hour
	// daily is how often missing incidents are looked for.
	daily = 24 * time.Hour
	// atOnce is how many logs are read side by side.
	atOnce = 6
)

// state is the checkpoint of a service. Every incident with a number up to Head, opened since Floor, is stored, but for
// those of History.
type state struct {
	ETag    string           `json:"etag,omitempty"` // of the newest page
	Started bool             `json:"started,omitempty"`
	Head    uint64           `json:"head,omitempty"`
	History *history         `json:"history,omitempty"` // nil: it has been read
	Floor   time.Time        `json:"floor,omitzero"`
	Total   *uint64          `json:"total,omitempty"`   // nil: PagerDuty does not say
	Refill  time.Time        `json:"refilled,omitzero"` // when missing incidents were last looked for
	Known   map[string]known `json:"known,omitempty"`   // by id: incidents of the newest page, and those that are open
	Failed  *rest.Quarantine `json:"failed,omitzero"`   // incidents that PagerDuty always answers with an error
}

// history is where the way to the oldest incident stands.
type history struct {
	Offset int       `json:"offset,omitempty"`
	Until  time.Time `json:"until,omitzero"` // zero: counted from the newest of all; else from the newest before this
}

// known is what was last seen of an incident.
type known struct {
	Mark   string    `json:"mark"`
	Opened time.Time `json:"opened,omitzero"`
	Ack    time.Time `json:"ack,omitzero"`
	Open   bool      `json:"open,omitempty"`
	Newest bool      `json:"newest,omitempty"` // it is on the newest page
	Asked  time.Time `json:"asked,omitzero"`
}

// Collect updates a service.
func (c *Collector) Collect(ctx context.Context, scope string, w source.Writer) error {
	r := &reader{Collector: c, scope: scope, w: w, tried: map[string]bool{}}
	if _, err := w.Load(ctx, incidentsStream, &r.state); err != nil {
		return err
	}
	r.prepare()
	if err := r.newest(ctx); err != nil {
		return fmt.Errorf("incidents: %w", err)
	}
	if err := r.history(ctx); err != nil {
		return fmt.Errorf("older incidents: %w", err)
	}
	if err := r.open(ctx); err != nil {
		return fmt.Errorf("open incidents: %w", err)
	}
	if err := r.held(ctx); err != nil {
		return fmt.Errorf("incidents that could not be read: %w", err)
	}
	if err := r.account(ctx); err != nil {
		return err
	}
	return r.state.Failed.Err(parts)
}

// reader is one Collect of one service.
type reader struct {
	*Collector
	scope string
	w     source.Writer
	state state
	done  uint64

	mu    sync.Mutex
	tried map[string]bool // keys that were set aside in this Collect
}

func (r *reader) save(ctx context.Context) error { return r.w.Save(ctx, incidentsStream, &r.state) }

// prepare sets how far back is read. Further back than before means that history is read again.
func (r *reader) prepare() {
	s, since := &r.state, r.cfg.Since
	s.Failed = s.Failed.Begin()
	if asked := r.w.Since(); !asked.IsZero() && (since.IsZero() || asked.Before(since)) {
		since = asked
	}
	if s.Known == nil {
		s.Known = map[string]known{}
	}
	switch {
	case !s.Started:
		s.Floor = since
	case !s.Floor.IsZero() && (since.IsZero() || since.Before(s.Floor)):
		s.Floor, s.History = since, &history{}
	}
}

// query is a page of the service's incidents, newest first: so many from the offset on.
func (r *reader) query(h history, limit int) string {
	q := fmt.Sprintf(
		"incidents?service_ids[]=%s&sort_by=created_at:desc&total=true&limit=%d&offset=%d",
		url.QueryEscape(r.scope),
		limit,
		h.Offset,
	)
	if h.Until.IsZero() {
		return q + "&date_range=all"
	}
	from := h.Until.Add(-window)
	return q + "&since=" + url.QueryEscape(from.Format(time.RFC3339)) + "&until=" + url.QueryEscape(
		h.Until.Format(time.RFC3339),
	)
}

// list reads a page. Old: all of it was opened before Floor.
func (r *reader) list(
	ctx context.Context,
	h history,
	etag string,
) (incidents []incident, p page, old bool, got rest.Answer, err error) {
	if p, got, err = r.page(ctx, h, etag); err != nil || got.NotModified {
		return nil, p, false, got, err
	}
	all, odd := decodeAll(p.Incidents)
	for _, i := range all {
		r.state.Failed.Done(i.ID)
	}
	for id, err := range odd {
		if err := r.hold(id, err); err != nil {
			return nil, p, false, got, err
		}
	}
	floor := r.state.Floor
	old = len(all) > 0 && !floor.IsZero()
	for _, i := range all {
		if !floor.IsZero() && !i.CreatedAt.IsZero() && i.CreatedAt.Before(floor) {
			continue
		}
		old = false
		if strings.EqualFold(i.Service.ID, r.scope) {
			incidents = append(incidents, i)
		}
	}
	return incidents, p, old, got, nil
}

// newest reads the listing from the newest incident to what is known.
func (r *reader) newest(ctx context.Context) error {
	s, top, etag := &r.state, r.state.Head, ""
	var first map[string]bool
	for h := (history{}); ; h.Offset += perPage {
		conditional := ""
		if h.Offset == 0 {
			conditional = s.ETag
		}
		incidents, p, old, got, err := r.list(ctx, h, conditional)
		if err != nil || got.NotModified {
			return err
		}
		if h.Offset == 0 {
			etag, s.Total, first = got.ETag, p.Total, map[string]bool{}
			for _, i := range incidents {
				first[i.ID] = true
			}
		}
		if err := r.store(ctx, incidents); err != nil {
			return err
		}
		met, lowest := false, time.Time{}
		for _, i := range incidents {
			top, lowest = max(top, i.Number), source.Earliest(lowest, i.CreatedAt.Time)
			met = met || i.Number <= s.Head
		}
		if !p.More || old {
			break
		}
		if !s.Started {
			s.History = &history{Offset: perPage}
			break
		}
		if met {
			break
		}
		if h.Offset+2*perPage > r.depth && !lowest.IsZero() { // more is new than PagerDuty counts
			s.History = &history{Until: below(lowest)}
			break
		}
	}
	s.Started, s.Head, s.ETag = true, top, etag
	for id, k := range s.Known {
		k.Newest = first[id]
		s.Known[id] = k
	}
	r.forget()
	return r.save(ctx)
}

// forget drops what need not be known anymore.
func (r *reader) forget() {
	maps.DeleteFunc(r.state.Known, func(_ string, k known) bool { return !k.Open && !k.Newest })
}

// history reads on to the oldest incident: by offset as far as PagerDuty counts, and from there in windows of time.
func (r *reader) history(ctx context.Context) error {
	s := &r.state
	for s.History != nil {
		h := s.History
		incidents, p, old, _, err := r.list(ctx, *h, "")
		if err != nil {
			return err
		}
		if err := r.store(ctx, incidents); err != nil {
			return err
		}
		r.forget()
		lowest := h.Until
		for _, i := range incidents {
			lowest = source.Earliest(lowest, i.CreatedAt.Time)
		}
		switch {
		case old || !p.More && h.Until.IsZero():
			s.History = nil
		case !p.More: // the window has been read
			h.Until, h.Offset = h.Until.Add(-window), 0
			if h.Until.Before(r.Epoch) || h.Until.Before(s.Floor) {
				s.History = nil
			}
		case h.Offset+2*perPage <= r.depth:
			h.Offset += perPage
		case lowest.IsZero() || lowest.Equal(h.Until): // a full page that tells no time to go on from
			return fmt.Errorf(
				"no more than %d incidents are listed at once, and the last of them do not differ in time",
				r.depth,
			)
		default:
			h.Until, h.Offset = below(lowest), 0
		}
		if err := r.save(ctx); err != nil {
			return err
		}
	}
	return nil
}

// below is the end of a window that holds what was created at the time: PagerDuty takes full seconds.
func below(t time.Time) time.Time { return t.Add(time.Second).Truncate(time.Second) }

// store appends the incidents that differ from what is known of them.
func (r *reader) store(ctx context.Context, incidents []incident) error {
	var changed []incident
	for _, i := range incidents {
		if r.state.Known[i.ID].Mark != i.mark() {
			changed = append(changed, i)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	acks, logs := make([]time.Time, len(changed)), make([][]logEntry, len(changed))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for n, i := range changed {
		acks[n] = source.Earliest(r.state.Known[i.ID].Ack, i.acknowledged())
		told := !acks[n].IsZero() && !i.ResolvedAt.IsZero()
		if !told && len(i.Log) == 0 && r.resolved(i) && r.Now().Sub(i.CreatedAt.Time) < logsFor {
			group.Go(func() (err error) {
				logs[n], err = r.entries(groupCtx, i.ID)
				acks[n] = source.Earliest(acks[n], firstOf("acknowledge_log_entry", logs[n]))
				if err != nil { // the incident is stored without it
					return r.hold(logOf+i.ID, err)
				}
				r.state.Failed.Done(logOf + i.ID)
				return nil
			})
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	events := make([]event.Event, len(changed))
	for n, i := range changed {
		events[n] = r.incidentEvent(i, acks[n], logs[n])
	}
	if err := r.w.Append(ctx, events...); err != nil {
		return err
	}
	for n, i := range changed {
		r.state.Known[i.ID] = known{
			Mark:   i.mark(),
			Opened: i.CreatedAt.Time,
			Ack:    acks[n],
			Open:   !r.resolved(i),
			Newest: r.state.Known[i.ID].Newest,
			Asked:  r.Now().UTC(),
		}
	}
	r.done += uint64(len(changed))
	total := uint64(0)
	if r.state.Total != nil {
		total = *r.state.Total
	}
	r.w.Progress(incidentsStream, r.done, total)
	return nil
}

// entries asks for the log of an incident, which a resolved incident does not tell itself: who acknowledged it first,
// if anybody did, and when it was resolved.
func (r *reader) entries(ctx context.Context, id string) ([]logEntry, error) {
	var p struct {
		Entries []logEntry `json:"log_entries"`
	}
	_, err := r.Get(
		ctx,
		fmt.Sprintf("incidents/%s/log_entries?is_overview=true&limit=%d", url.PathEscape(id), perPage),
		"",
		&p,
	)
	if gone(err) {
		return nil, nil
	}
	return p.Entries, err
}

// open asks one by one for the incidents that are open and not on the newest page, the more rarely the older they are.
func (r *reader) open(ctx context.Context) error {
	s, changed := &r.state, false
	for _, id := range slices.Sorted(maps.Keys(s.Known)) {
		if s.Failed.Has(id) { // held asks for it
			continue
		}
		k, now := s.Known[id], r.Now().UTC()
		age := k.Asked.Sub(k.Opened)
		if !k.Open || k.Newest || now.Sub(k.Asked) < min(max(age/20, 0), 6*time.Hour) && !now.Before(k.Asked) {
			continue
		}
		changed = true
		var one struct {
			Incident incident `json:"incident"`
		}
		_, err := r.Get(ctx, "incidents/"+url.PathEscape(id), "", &one)
		switch {
		case gone(err) || now.Sub(k.Opened) > openFor:
			delete(s.Known, id)
			continue
		case err != nil:
			if err := r.hold(id, err); err != nil {
				return err
			}
			continue
		}
		k.Asked = now
		s.Known[id] = k
		if one.Incident.ID != id {
			continue
		}
		if err := r.store(ctx, []incident{one.Incident}); err != nil {
			return err
		}
	}
	if !changed {
		return nil
	}
	r.forget()
	return r.save(ctx)
}

// account writes the ledger. Where incidents are missing, the whole listing is read again, once a day.
func (r *reader) account(ctx context.Context) error {
	s := &r.state
	stored, open, err := r.w.Count(ctx, event.KindIncident, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	since := r.Now().Sub(s.Refill)
	if s.Total != nil && stored < *s.Total && s.Floor.IsZero() && (since >= daily || since < 0) {
		s.Refill, s.History, s.Known = r.Now().UTC(), &history{}, map[string]known{}
		s.ETag = "" // the newest page says what is known of it
		if err := r.save(ctx); err != nil {
			return err
		}
		if err := r.history(ctx); err != nil {
			return fmt.Errorf("incidents, to fill a gap: %w", err)
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

func (r *reader) entry(stored, open uint64) event.LedgerEntry {
	s := &r.state
	e := r.Ledger(r.scope, event.KindIncident, s.Floor)
	e.Expected, e.Stored, e.Open = stored, stored, open
	switch {
	case s.Total == nil:
		e.Note = "PagerDuty gives no total here; every page of its listing was read"
	case !s.Floor.IsZero():
		e.Expected, e.Note = min(stored, *s.Total), fmt.Sprintf(
			"of %d, those opened since %s",
			*s.Total,
			s.Floor.Format(time.DateOnly),
		)
	default:
		e.Expected = *s.Total
	}
	return e
}
