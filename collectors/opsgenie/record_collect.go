package opsgenie

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

const (
	incidentsStream = "incidents"
	// openFor is how long a record is asked for again that nobody closes.
	openFor = 365 * 24 * time.Hour
	// daily is how often missing alerts are looked for.
	daily = 24 * time.Hour
)

// state is the checkpoint of a scope. Every record that was created up to Head, and since Floor, is stored, but for
// those of History.
type state struct {
	ETag    string           `json:"etag,omitempty"` // of the newest page
	Query   string           `json:"query,omitempty"`
	Started bool             `json:"started,omitempty"`
	Head    time.Time        `json:"head,omitzero"`
	History *history         `json:"history,omitempty"` // nil: it has been read
	Floor   time.Time        `json:"floor,omitzero"`
	Total   *uint64          `json:"total,omitempty"`   // of a team's alerts; nil: Opsgenie does not say
	Refill  time.Time        `json:"refilled,omitzero"` // when missing alerts were last looked for
	Known   map[string]known `json:"known,omitempty"`   // by id: records of the newest page, and those that are open
	Failed  *rest.Quarantine `json:"failed,omitzero"`   // records that Opsgenie always answers with an error
}

// history is where the way to the oldest record stands.
type history struct {
	Offset int       `json:"offset,omitempty"`
	Before time.Time `json:"before,omitzero"` // zero: counted from the newest of all; else from the newest before this
}

// known is what was last seen of a record.
type known struct {
	Mark   string    `json:"mark"` // of what is stored
	Opened time.Time `json:"opened,omitzero"`
	Ended  time.Time `json:"ended,omitzero"`
	Open   bool      `json:"open,omitempty"`
	Newest bool      `json:"newest,omitempty"` // it is on the newest page
	Asked  time.Time `json:"asked,omitzero"`
}

// Collect updates the incidents of a service, or the alerts of a team.
func (c *Collector) Collect(ctx context.Context, scope string, w source.Writer) error {
	r := &reader{
		Collector: c,
		scope:     scope,
		alerts:    c.isTeam(scope),
		path:      "v1/incidents",
		what:      "incidents",
		w:         w,
		tried:     map[string]bool{},
	}
	if r.alerts {
		r.path, r.what = "v2/alerts", "alerts"
	}
	if _, err := w.Load(ctx, incidentsStream, &r.state); err != nil {
		return err
	}
	r.prepare()
	if err := r.newest(ctx); err != nil {
		return fmt.Errorf("%s: %w", r.what, err)
	}
	if err := r.history(ctx); err != nil {
		return fmt.Errorf("older %s: %w", r.what, err)
	}
	if err := r.open(ctx); err != nil {
		return fmt.Errorf("open %s: %w", r.what, err)
	}
	if err := r.held(ctx); err != nil {
		return fmt.Errorf("%s that could not be read: %w", r.what, err)
	}
	if err := r.account(ctx); err != nil {
		return err
	}
	return r.state.Failed.Err(parts)
}

// reader is one Collect of one scope.
type reader struct {
	*Collector
	scope  string
	alerts bool
	path   string
	what   string // how people call the records
	w      source.Writer
	state  state
	done   uint64
	tried  map[string]bool // keys that were set aside in this Collect
}

func (r *reader) save(ctx context.Context) error { return r.w.Save(ctx, incidentsStream, &r.state) }

// prepare sets what is read. Further back than before, or with other tags, means that history is read again.
func (r *reader) prepare() {
	s, since := &r.state, r.cfg.Since
	s.Failed = s.Failed.Begin()
	if asked := r.w.Since(); !asked.IsZero() && (since.IsZero() || asked.Before(since)) {
		since = asked
	}
	if s.Known == nil {
		s.Known = map[string]known{}
	}
	tags := strings.Join(r.cfg.Tags, " ")
	switch {
	case !s.Started:
		s.Floor, s.Query = since, tags
	case !s.Floor.IsZero() && (since.IsZero() || since.Before(s.Floor)):
		s.Floor, s.History, s.ETag = since, &history{}, ""
	case s.Query != tags:
		s.Query, s.History, s.ETag = tags, &history{}, ""
	}
}

// query says which records are meant: those of a team with certain tags, created since Floor.
func (r *reader) query(before time.Time) string {
	terms := []string{fmt.Sprintf("createdAt > %d", max(0, r.state.Floor.UnixMilli()-1))}
	if r.alerts {
		terms = append(terms, ofTeam(r.scope))
	}
	if len(r.cfg.Tags) > 0 {
		terms = append(terms, ofTags(r.cfg.Tags))
	}
	if !before.IsZero() {
		terms = append(terms, fmt.Sprintf("createdAt < %d", before.UnixMilli()))
	}
	return url.QueryEscape(strings.Join(terms, " AND "))
}

// listing is a page of records.
type listing struct {
	records         []record  // of the scope
	lowest, highest time.Time // when the oldest and the newest of the page were created, of this scope or not
	more            bool
	rest.Answer
}

// list reads a page, newest first.
func (r *reader) list(ctx context.Context, h history, etag string) (listing, error) {
	p, got, err := r.page(ctx, h, etag)
	if err != nil || got.NotModified {
		return listing{Answer: got}, err
	}
	all, odd := decodeAll(p.Data)
	for _, one := range all {
		r.state.Failed.Done(one.ID)
	}
	for id, err := range odd {
		if err := r.hold(id, err); err != nil {
			return listing{}, err
		}
	}
	l := listing{Answer: got, more: p.Paging.Next != "" && len(p.Data) > 0}
	for _, one := range all {
		if at := one.CreatedAt.Time; !at.IsZero() {
			if l.lowest.IsZero() || at.Before(l.lowest) {
				l.lowest = at
			}
			if at.After(l.highest) {
				l.highest = at
			}
		}
		if r.wanted(one) {
			l.records = append(l.records, one)
		}
	}
	return l, nil
}

// newest reads the listing from the newest record to what is known.
func (r *reader) newest(ctx context.Context) error {
	s, head, etag := &r.state, r.state.Head, ""
	first := map[string]bool{}
	for h := (history{}); ; h.Offset += perPage {
		conditional := ""
		if h.Offset == 0 {
			conditional = s.ETag
		}
		page, err := r.list(ctx, h, conditional)
		if err != nil || page.NotModified {
			return err
		}
		if h.Offset == 0 {
			etag = page.ETag
			for _, one := range page.records {
				first[one.ID] = true
			}
		}
		if err := r.store(ctx, page.records); err != nil {
			return err
		}
		if page.highest.After(head) {
			head = page.highest
		}
		if !page.more {
			break
		}
		met := s.Started && !page.lowest.IsZero() && page.lowest.Before(s.Head)
		if !s.Started {
			s.History = &history{Offset: perPage}
			break
		}
		if met {
			break
		}
		if h.Offset+2*perPage > r.depth && !page.lowest.IsZero() { // more is new than Opsgenie counts
			s.History = &history{Before: page.lowest.Add(time.Millisecond)}
			break
		}
	}
	s.Started, s.Head, s.ETag = true, head, etag
	for id, k := range s.Known {
		k.Newest = first[id]
		s.Known[id] = k
	}
	if err := r.count(ctx); err != nil {
		return err
	}
	r.forget()
	return r.save(ctx)
}

// count asks how many alerts there are, when the newest page has changed or nobody has said yet.
func (r *reader) count(ctx context.Context) error {
	if !r.alerts || r.done == 0 && r.state.Total != nil {
		return nil
	}
	var answer struct {
		Data struct {
			Count *uint64 `json:"count"`
		} `json:"data"`
	}
	_, err := r.Get(ctx, "v2/alerts/count?query="+r.query(time.Time{}), "", &answer)
	if rest.Unusable(err) { // the records are read anyway
		r.Log.Warn("Opsgenie does not tell how many alerts there are", "source", r.cfg.Source, "team", r.scope, "error", err)
		return nil
	}
	r.state.Total = answer.Data.Count
	return err
}

// forget drops what need not be known anymore.
func (r *reader) forget() {
	maps.DeleteFunc(r.state.Known, func(_ string, k known) bool { return !k.Open && !k.Newest })
}

// history reads on to the oldest record: by offset as far as Opsgenie counts, and from there by time.
func (r *reader) history(ctx context.Context) error {
	s := &r.state
	for s.History != nil {
		h := s.History
		page, err := r.list(ctx, *h, "")
		if err != nil {
			return err
		}
		if err := r.store(ctx, page.records); err != nil {
			return err
		}
		r.forget()
		next := page.lowest.Add(time.Millisecond)
		switch {
		case !page.more:
			s.History = nil
		case h.Offset+2*perPage <= r.depth:
			h.Offset += perPage
		case page.lowest.IsZero() || !h.Before.IsZero() && !next.Before(h.Before):
			return fmt.Errorf("no more than %d records are listed at once, and the last of them do not differ in time", r.depth)
		default:
			h.Before, h.Offset = next, 0
		}
		if err := r.save(ctx); err != nil {
			return err
		}
	}
	return nil
}

// store appends the records of which something else is to be stored than is known.
func (r *reader) store(ctx context.Context, records []record) error {
	changed := map[string]known{}
	var events []event.Event
	for _, one := range records {
		before := r.state.Known[one.ID]
		e := r.incidentEvent(one, before)
		k := known{
			Mark:   mark(e, r.over(one)),
			Opened: e.OpenedAt,
			Ended:  e.ResolvedAt,
			Open:   !r.over(one),
			Newest: before.Newest,
			Asked:  r.Now().UTC(),
		}
		if k.Mark != before.Mark {
			events = append(events, e)
			changed[one.ID] = k
		}
	}
	if len(events) == 0 {
		return nil
	}
	if err := r.w.Append(ctx, events...); err != nil {
		return err
	}
	maps.Copy(r.state.Known, changed)
	r.done += uint64(len(events))
	total := uint64(0)
	if r.state.Total != nil {
		total = *r.state.Total
	}
	r.w.Progress(incidentsStream, r.done, total)
	return nil
}

// mark changes when what is stored of a record does.
func mark(e event.Incident, over bool) string {
	return fmt.Sprintf(
		"%s %d %d %d %t",
		e.Severity,
		e.OpenedAt.UnixMilli(),
		e.AcknowledgedAt.UnixMilli(),
		e.ResolvedAt.UnixMilli(),
		over,
	)
}

// open asks one by one for the records that are open and not on the newest page, the more rarely the older they are.
func (r *reader) open(ctx context.Context) error {
	s, changed := &r.state, false
	for _, id := range slices.Sorted(maps.Keys(s.Known)) {
		if s.Failed.Has(id) { // held asks for it
			continue
		}
		k, now := s.Known[id], r.Now().UTC()
		wait := min(max(k.Asked.Sub(k.Opened)/20, 0), 6*time.Hour)
		if !k.Open || k.Newest || now.Sub(k.Asked) < wait && !now.Before(k.Asked) {
			continue
		}
		changed = true
		if now.Sub(k.Opened) > openFor {
			delete(s.Known, id)
			continue
		}
		var one struct {
			Data record `json:"data"`
		}
		_, err := r.Get(ctx, r.path+"/"+url.PathEscape(id), "", &one)
		if rest.IsGone(err) {
			delete(s.Known, id)
			continue
		}
		if err != nil {
			if err := r.hold(id, err); err != nil {
				return err
			}
			continue
		}
		k.Asked = now
		s.Known[id] = k
		if one.Data.ID != id {
			continue
		}
		if err := r.store(ctx, []record{one.Data}); err != nil {
			return err
		}
	}
	if !changed {
		return nil
	}
	r.forget()
	return r.save(ctx)
}

// account writes the ledger. Where alerts are missing, the whole listing is read again, once a day.
func (r *reader) account(ctx context.Context) error {
	s := &r.state
	stored, open, err := r.w.Count(ctx, event.KindIncident, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	since := r.Now().Sub(s.Refill)
	if s.Total != nil && stored < *s.Total && (since >= daily || since < 0) {
		s.Refill, s.History, s.Known, s.ETag = r.Now().UTC(), &history{}, map[string]known{}, ""
		if err := r.save(ctx); err != nil {
			return err
		}
		if err := r.history(ctx); err != nil {
			return fmt.Errorf("%s, to fill a gap: %w", r.what, err)
		}
		if stored, open, err = r.w.Count(ctx, event.KindIncident, time.Time{}, time.Time{}); err != nil {
			return err
		}
	}
	e := r.Ledger(r.scope, event.KindIncident, s.Floor)
	e.Expected, e.Stored, e.Open = stored, stored, open
	e.Note = "Opsgenie gives no total of incidents; every page of their listing was read"
	if s.Total != nil {
		e.Expected, e.Note = *s.Total, ""
	}
	if note := s.Failed.Note(parts); note != "" {
		e.Expected = max(e.Expected, stored+uint64(s.Failed.Len()))
		e.Note = strings.TrimPrefix(e.Note+"; "+note, "; ")
	}
	return r.w.Append(ctx, e)
}
