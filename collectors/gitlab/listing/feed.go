package listing

import (
	"context"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

const (
	// OpenFor is how long a record that is not final is requested again although nothing else has changed.
	OpenFor = 35 * 24 * time.Hour
	// daily is how often the collector requests what the newest page cannot show: updates of old records, and gaps.
	daily = 24 * time.Hour
	// Overlap is read again behind the cursor: of two updates in one instant only one may have been seen.
	Overlap = 2 * time.Second
	// PerPage is the number of records that a request asks for, the most that GitLab gives.
	PerPage = 100
)

// Record is what a feed uses of a record that it lists.
type Record interface {
	Key() int64         // its id, greater than that of every older record
	Created() time.Time // zero: not known
	Updated() time.Time // when it was last updated; its creation where GitLab gives no update
}

// State is how far a listing has been read. Everything that was updated up to Cursor is stored, but for what is on
// History and the pages after it.
type State struct {
	Started bool      `json:"started,omitempty"`
	ETag    string    `json:"etag,omitempty"`    // of the newest page, the probe
	Whole   bool      `json:"whole,omitempty"`   // the probe showed all there is
	Oldest  int64     `json:"oldest,omitempty"`  // the lowest id on the probe
	Total   *uint64   `json:"total,omitempty"`   // of the listing; nil: not known
	Cursor  time.Time `json:"cursor,omitzero"`   // the latest update seen
	Behind  string    `json:"behind,omitempty"`  // ETag of the updates after Cursor, asked in full and found empty
	History string    `json:"history,omitempty"` // query of the page of history that is next; empty: it has been read
	Floor   time.Time `json:"floor,omitzero"`    // how far back history is read; zero: everything
	Trailed time.Time `json:"trailed,omitzero"`  // when updates of old records were last requested
	Refill  time.Time `json:"refilled,omitzero"` // when history was last begun again because records were missing

	Failed *rest.Quarantine `json:"failed,omitzero"` // what GitLab always answers with an error
	Holes  map[string]hole  `json:"holes,omitempty"` // of what is held there, the places of records that no page shows
}

// Page is one page of a listing, with the place that it has in it.
type Page[T Record] struct {
	Records []T
	History bool // of the walk from the newest to the oldest record; otherwise of the updates
	Last    bool // of history: nothing older is wanted
}

// Feed reads one listing of a project: what is new, what was updated, and once its history.
type Feed[T Record] struct {
	Of      *Project
	State   *State // the checkpoint, which Save saves
	Path    string // below the API: projects/1/pipelines
	Newest  string // query of the newest page: newest first by id or creation, or by update
	History string // query of history, newest first by creation; empty: Newest
	Updates string // query of the updates, without order and bound

	Kind      event.Kind                                  // of the events that Store appends
	Stream    string                                      // names the records in messages: "pipelines"
	Store     func(ctx context.Context, pg Page[T]) error // appends the events of a page; the checkpoint is saved after it
	Save      func(ctx context.Context) error             // saves the checkpoint
	Restarted func()                                      // is called when history is read again; may be nil

	done uint64 // records that were stored
	gaps int    // records that the page read last lacks
}

// Update reads what is new and continues with the history. It reports whether it read anything that was not there
// before. Where GitLab always fails at a record, Update reads around it and holds it in State.Failed; other failures
// end it, and the next call continues at the checkpoint.
func (f *Feed[T]) Update(ctx context.Context) (changed bool, err error) {
	s := f.State
	s.Failed = s.Failed.Begin()
	newest, got, err := f.read(ctx, f.Newest, s.ETag)
	if err != nil {
		return false, err
	}
	if got.Total != nil {
		s.Total = got.Total
	}
	if err := f.retry(ctx); err != nil {
		return false, err
	}
	if !s.Started {
		s.Started, s.Floor, s.Trailed, s.History = true, f.Of.Since, f.Of.Now().UTC(), f.first()
	} else if !s.Floor.IsZero() && (f.Of.Since.IsZero() || f.Of.Since.Before(s.Floor)) {
		s.Floor = f.Of.Since
		f.restart()
	}
	if got.NotModified {
		return f.quiet(ctx)
	}
	newest = WithID(f.Of.Base, f.Stream, newest)
	s.Total, s.Whole, s.Oldest = got.Total, got.Next == "", lowest(newest)
	switch {
	case s.Cursor.IsZero(): // what is on this page is all that is known until now
		if err := f.put(ctx, Page[T]{Records: f.wanted(newest), History: true, Last: s.Whole}); err != nil {
			return false, err
		}
		if s.Whole {
			s.History = ""
		} else if f.History == "" && s.History == f.first() {
			s.History = f.following(newest, got.Next)
		}
	case s.Whole && s.History == "":
		if err := f.put(ctx, Page[T]{Records: f.wanted(touched(newest, s.Cursor))}); err != nil {
			return false, err
		}
	case !s.Whole:
		if err := f.updates(ctx); err != nil {
			return false, err
		}
	}
	s.ETag, s.Cursor = got.ETag, newestUpdate(s.Cursor, newest) // only now: a crash before this reads the page again
	if err := f.Save(ctx); err != nil {
		return false, err
	}
	return true, f.history(ctx)
}

// quiet is what is left to do when the newest page has not changed: older records may have.
func (f *Feed[T]) quiet(ctx context.Context) (bool, error) {
	s := f.State
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

// due reports whether to request updates of old records: daily, and while one of them is not final.
func (f *Feed[T]) due(ctx context.Context) (bool, error) {
	s := f.State
	if s.Whole || s.Cursor.IsZero() {
		return false, nil
	}
	if since := f.Of.Now().Sub(s.Trailed); since >= daily || since < 0 {
		return true, nil
	}
	if f.Kind == event.KindChange { // listed by update: the newest page shows every one
		return false, nil
	}
	open, err := f.Of.Writer.Open(ctx, f.Kind, f.Of.Now().Add(-OpenFor))
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

// updates reads what was updated after the cursor, oldest update first. The next page is requested by the time of the
// last record, not by number: a record that is updated while the pages are read moves to the end, and would pull others
// past the page that is read next.
func (f *Feed[T]) updates(ctx context.Context) error {
	s := f.State
	after, number := s.Cursor.Add(-Overlap), 1
	reach, stuck := s.Cursor, false
	for {
		etag := ""
		if number == 1 && after.Equal(s.Cursor.Add(-Overlap)) {
			etag = s.Behind
		}
		records, got, err := f.read(ctx, updatesQuery(f.Updates, after, number), etag)
		if err != nil {
			return err
		}
		stuck = stuck || f.gaps > 0
		if got.NotModified {
			break
		}
		records = WithID(f.Of.Base, f.Stream, records)
		if err := f.put(ctx, Page[T]{Records: records}); err != nil {
			return err
		}
		latest := newestUpdate(reach, records)
		switch {
		case stuck: // what could not be read is requested again with all that came after it
			s.Behind = ""
		case !latest.Equal(s.Cursor):
			s.Cursor, s.Behind = latest, ""
		case number == 1 && got.Next == "":
			s.Behind = got.ETag
		}
		reach = latest
		if got.Next == "" || len(records) == 0 {
			break
		}
		if err := f.Save(ctx); err != nil {
			return err
		}
		if reached := latest.Add(-Overlap); reached.After(after) {
			after, number = reached, 1
		} else {
			number++
		}
	}
	s.Trailed = f.Of.Now().UTC()
	return f.Save(ctx)
}

// history reads on from the newest to the oldest, and then what was updated meanwhile.
func (f *Feed[T]) history(ctx context.Context) error {
	s := f.State
	if s.History == "" {
		return nil
	}
	for s.History != "" {
		records, got, err := f.read(ctx, s.History, "")
		if err != nil {
			return err
		}
		next := f.following(records, got.Next)
		records = WithID(f.Of.Base, f.Stream, records)
		if err := f.put(ctx, Page[T]{Records: f.wanted(records), History: true, Last: next == ""}); err != nil {
			return err
		}
		if got.Total != nil && f.History == "" {
			s.Total = got.Total
		}
		s.History = next
		if err := f.Save(ctx); err != nil {
			return err
		}
	}
	if s.Cursor.IsZero() {
		return nil
	}
	return f.updates(ctx)
}

// following is the page of history after one; empty when that was the last that is wanted.
func (f *Feed[T]) following(records []T, next string) string {
	if len(records) == 0 {
		return ""
	}
	for _, r := range records {
		if f.State.Floor.IsZero() || r.Created().IsZero() || !r.Created().Before(f.State.Floor) {
			return next
		}
	}
	return ""
}

// wanted leaves out what is older than history is read.
func (f *Feed[T]) wanted(records []T) []T {
	floor := f.State.Floor
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
func (f *Feed[T]) put(ctx context.Context, pg Page[T]) error {
	if err := f.Store(ctx, pg); err != nil {
		return err
	}
	f.done += uint64(len(pg.Records))
	total := uint64(0)
	if f.State.Total != nil {
		total = *f.State.Total
	}
	f.Of.Writer.Progress(f.Stream, f.done, total)
	return nil
}

// Account writes the ledger; expected is how many records GitLab reports; nil: it does not report it. Where fewer are
// stored than GitLab reports, history restarts with the next collect, once a day: what went missing (a deletion while
// pages were read pulls others past the next page) is found then.
func (f *Feed[T]) Account(ctx context.Context, expected *uint64) error {
	s := f.State
	if expected != nil && s.History == "" && s.Floor.IsZero() {
		stored, _, err := f.Of.Writer.Count(ctx, f.Kind, time.Time{}, time.Time{})
		if err != nil {
			return err
		}
		known := uint64(len(s.Holes))
		if since := f.Of.Now().Sub(s.Refill); stored+known < *expected && (since >= daily || since < 0) {
			s.Refill = f.Of.Now().UTC()
			f.restart()
			if err := f.Save(ctx); err != nil {
				return err
			}
		}
	}
	return f.Of.WriteLedger(ctx, f.Kind, s.Floor, expected, s.Failed.Note("record"))
}

func (f *Feed[T]) restart() {
	f.State.History = f.first()
	if f.Restarted != nil {
		f.Restarted()
	}
}

func (f *Feed[T]) first() string {
	if f.History != "" {
		return f.History
	}
	return f.Newest
}
