package gitlab

import (
	"context"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

const (
	// openFor is how long a record that is not final keeps being asked for though nothing else has changed.
	openFor = 35 * 24 * time.Hour
	// daily is how often what the newest page cannot show is asked for: updates of old records, and gaps.
	daily = 24 * time.Hour
	// overlap is read again behind the cursor: of two updates in one instant only one may have been seen.
	overlap = 2 * time.Second
	perPage = 100
)

// record is what a feed needs to know of what it lists.
type record interface {
	Key() int64
	Created() time.Time
	Updated() time.Time // when it was last updated; its creation where GitLab gives no update
}

// feedState is how far a listing has been read. Everything that was updated up to Cursor is stored, but for what is on
// History and the pages after it.
type feedState struct {
	Started bool      `json:"started,omitempty"`
	ETag    string    `json:"etag,omitempty"`    // of the newest page, the probe
	Whole   bool      `json:"whole,omitempty"`   // the probe showed all there is
	Oldest  int64     `json:"oldest,omitempty"`  // the lowest id on the probe
	Total   *uint64   `json:"total,omitempty"`   // of the listing; nil: GitLab does not say
	Cursor  time.Time `json:"cursor,omitzero"`   // the latest update seen
	Behind  string    `json:"behind,omitempty"`  // ETag of the updates after Cursor, asked in full and found empty
	History string    `json:"history,omitempty"` // query of the page of history that is next; empty: it has been read
	Floor   time.Time `json:"floor,omitzero"`    // how far back history is read; zero: everything
	Trailed time.Time `json:"trailed,omitzero"`  // when updates of old records were last asked for
	Refill  time.Time `json:"refilled,omitzero"` // when history was last begun again because records were missing

	Failed *rest.Quarantine `json:"failed,omitzero"` // what GitLab always answers with an error
	Holes  map[string]hole  `json:"holes,omitempty"` // of what is held there, the places of records that no page shows
}

// page is one page of a listing, with what follows from where it stands.
type page[T record] struct {
	records []T
	history bool // of the walk from the newest to the oldest; otherwise of the updates
	last    bool // of history: nothing older is wanted
}

// feed is a listing that is brought up to date.
type feed[T record] struct {
	p     *project
	state *feedState
	path  string // below the API: projects/1/pipelines
	list  string // query of the newest page: newest first by id or creation, or by update
	walk  string // query of history, newest first by creation; empty: list
	fresh string // query of the updates, without order and bound

	kind   event.Kind
	stream string
	store  func(ctx context.Context, pg page[T]) error // appends; the checkpoint is saved after it
	save   func(ctx context.Context) error
	again  func() // resets what goes with a history that is begun again; may be nil
	done   uint64
	gaps   int // records that the page read last lacks
}

// update brings the listing up to date and reports whether anything was read that was not there before.
func (f *feed[T]) update(ctx context.Context) (changed bool, err error) {
	s := f.state
	s.Failed = s.Failed.Begin()
	newest, got, err := f.read(ctx, f.list, s.ETag)
	if err != nil {
		return false, err
	}
	if got.total != nil {
		s.Total = got.total
	}
	if err := f.retry(ctx); err != nil {
		return false, err
	}
	if !s.Started {
		s.Started, s.Floor, s.Trailed, s.History = true, f.p.since, f.p.Now().UTC(), f.first()
	} else if !s.Floor.IsZero() && (f.p.since.IsZero() || f.p.since.Before(s.Floor)) {
		s.Floor = f.p.since
		f.restart()
	}
	if got.notModified {
		return f.quiet(ctx)
	}
	newest = sound(f.p, f.stream, newest)
	s.Total, s.Whole, s.Oldest = got.total, got.next == "", lowest(newest)
	switch {
	case s.Cursor.IsZero(): // what is on this page is all that is known until now
		if err := f.put(ctx, page[T]{records: f.wanted(newest), history: true, last: s.Whole}); err != nil {
			return false, err
		}
		if s.Whole {
			s.History = ""
		} else if f.walk == "" && s.History == f.first() {
			s.History = f.following(newest, got.next)
		}
	case s.Whole && s.History == "":
		if err := f.put(ctx, page[T]{records: f.wanted(touched(newest, s.Cursor))}); err != nil {
			return false, err
		}
	case !s.Whole:
		if err := f.updates(ctx); err != nil {
			return false, err
		}
	}
	s.ETag, s.Cursor = got.etag, newestUpdate(s.Cursor, newest) // only now: a crash before this reads the page again
	if err := f.save(ctx); err != nil {
		return false, err
	}
	return true, f.history(ctx)
}

// quiet is what is left to do when the newest page has not changed: older records may have.
func (f *feed[T]) quiet(ctx context.Context) (bool, error) {
	s := f.state
	changed := s.History != ""
	due, err := f.due(ctx)
	if err != nil {
		return false, err
	}
	if due {
		before := s.Cursor
		if err := f.updates(ctx); err != nil {
			return false, err
		}
		changed = changed || !s.Cursor.Equal(before)
	}
	return changed, f.history(ctx)
}

// due reports whether old records are to be asked for: daily, and while one of them is not final.
func (f *feed[T]) due(ctx context.Context) (bool, error) {
	s := f.state
	if s.Whole || s.Cursor.IsZero() {
		return false, nil
	}
	if since := f.p.Now().Sub(s.Trailed); since >= daily || since < 0 {
		return true, nil
	}
	if f.kind == event.KindChange { // listed by update: the newest page shows every one
		return false, nil
	}
	open, err := f.p.w.Open(ctx, f.kind, f.p.Now().Add(-openFor))
	if err != nil {
		return false, err
	}
	for id := range open {
		if older(id, s.Oldest) {
			return true, nil
		}
	}
	return false, nil
}

// updates reads what was updated after the cursor, oldest update first. The next page is asked by the time of the last
// record, not by number: a record that is updated while the pages are read moves to the end, and would pull others
// past the page that is read next.
func (f *feed[T]) updates(ctx context.Context) error {
	s := f.state
	after, number := s.Cursor.Add(-overlap), 1
	reach, stuck := s.Cursor, false
	for {
		etag := ""
		if number == 1 && after.Equal(s.Cursor.Add(-overlap)) {
			etag = s.Behind
		}
		records, got, err := f.read(ctx, updatesQuery(f.fresh, after, number), etag)
		if err != nil {
			return err
		}
		stuck = stuck || f.gaps > 0
		if got.notModified {
			break
		}
		records = sound(f.p, f.stream, records)
		if err := f.put(ctx, page[T]{records: records}); err != nil {
			return err
		}
		latest := newestUpdate(reach, records)
		switch {
		case stuck: // what could not be read is asked for again with all that came after it
			s.Behind = ""
		case !latest.Equal(s.Cursor):
			s.Cursor, s.Behind = latest, ""
		case number == 1 && got.next == "":
			s.Behind = got.etag
		}
		reach = latest
		if got.next == "" || len(records) == 0 {
			break
		}
		if err := f.save(ctx); err != nil {
			return err
		}
		if reached := latest.Add(-overlap); reached.After(after) {
			after, number = reached, 1
		} else {
			number++
		}
	}
	s.Trailed = f.p.Now().UTC()
	return f.save(ctx)
}

// history reads on from the newest to the oldest, and then what was updated meanwhile.
func (f *feed[T]) history(ctx context.Context) error {
	s := f.state
	if s.History == "" {
		return nil
	}
	for s.History != "" {
		records, got, err := f.read(ctx, s.History, "")
		if err != nil {
			return err
		}
		next := f.following(records, got.next)
		records = sound(f.p, f.stream, records)
		if err := f.put(ctx, page[T]{records: f.wanted(records), history: true, last: next == ""}); err != nil {
			return err
		}
		if got.total != nil && f.walk == "" {
			s.Total = got.total
		}
		s.History = next
		if err := f.save(ctx); err != nil {
			return err
		}
	}
	if s.Cursor.IsZero() {
		return nil
	}
	return f.updates(ctx)
}

// following is the page of history after one; empty when that was the last that is wanted.
func (f *feed[T]) following(records []T, next string) string {
	if len(records) == 0 {
		return ""
	}
	for _, r := range records {
		if f.state.Floor.IsZero() || r.Created().IsZero() || !r.Created().Before(f.state.Floor) {
			return next
		}
	}
	return ""
}

// wanted leaves out what is older than history is read.
func (f *feed[T]) wanted(records []T) []T {
	floor := f.state.Floor
	if floor.IsZero() {
		return records
	}
	kept := make([]T, 0, len(records))
	for _, r := range records {
		if r.Created().IsZero() || !r.Created().Before(floor) {
			kept = append(kept, r)
		}
	}
	return kept
}

// put stores a page.
func (f *feed[T]) put(ctx context.Context, pg page[T]) error {
	if err := f.store(ctx, pg); err != nil {
		return err
	}
	f.done += uint64(len(pg.records))
	total := uint64(0)
	if f.state.Total != nil {
		total = *f.state.Total
	}
	f.p.w.Progress(f.stream, f.done, total)
	return nil
}

// account writes the ledger. Where fewer are stored than GitLab says, history is begun again by the next collect, once
// a day: what went missing (a deletion while pages were read pulls others past the next page) is found then.
func (f *feed[T]) account(ctx context.Context, expected *uint64) error {
	s := f.state
	if expected != nil && s.History == "" && s.Floor.IsZero() {
		stored, _, err := f.p.w.Count(ctx, f.kind, time.Time{}, time.Time{})
		if err != nil {
			return err
		}
		known := uint64(len(s.Holes))
		if since := f.p.Now().Sub(s.Refill); stored+known < *expected && (since >= daily || since < 0) {
			s.Refill = f.p.Now().UTC()
			f.restart()
			if err := f.save(ctx); err != nil {
				return err
			}
		}
	}
	return f.p.ledger(ctx, f.kind, s.Floor, expected, s.Failed.Note("record"))
}

func (f *feed[T]) restart() {
	f.state.History = f.first()
	if f.again != nil {
		f.again()
	}
}

func (f *feed[T]) first() string {
	if f.walk != "" {
		return f.walk
	}
	return f.list
}
