// Package incidents is the reader that the sources of incidents share: PagerDuty, Opsgenie, and others with a listing
// that is read newest first, by offset. A source implements how its listing is requested and what its records mean (a
// [Listing]); everything else is the same for all of them.
//
// A read has four parts. The newest page is requested, conditionally, and the pages after it as far as what is stored.
// The first time, and where the listing gives no more by offset, the rest is history: it is read backward in time, page
// by page, with a checkpoint after each. Records that are open and not on the newest page are requested one by one. A
// record at which the source always fails is set aside and requested again later, while its neighbors are stored.
package incidents

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// PerPage is how many records a page has: the most that PagerDuty and Opsgenie give at once.
const PerPage = 100

const (
	// stream is the checkpoint, of a scope.
	stream = "incidents"
	// openFor is how long an open record is requested again.
	openFor = 365 * 24 * time.Hour
	// daily is how often missing records are looked for.
	daily = 24 * time.Hour
)

// Listing is one scope's listing of a source. R is a record, as the source shows it.
type Listing[R any] interface {
	// Page reads so many records of the listing, newest first, from a place on. etag is that of an earlier answer, or
	// empty.
	Page(ctx context.Context, at Place, limit int, etag string) (Page, rest.Answer, error)
	// One reads the record with an id.
	One(ctx context.Context, id string) (json.RawMessage, error)
	// Gone reports whether the source answered One that it does not have, or does not show, the record.
	Gone(err error) bool

	// ID returns the id of a record; empty: it has none, and cannot be stored.
	ID(r R) string
	// Created returns when the source created a record, by which the listing is sorted; zero: not known.
	Created(r R) time.Time
	// Over reports whether the incident has ended.
	Over(r R) bool
	// Wanted reports whether a record of the listing belongs to the scope.
	Wanted(r R) bool
	// Mark returns a text that changes when what Events makes of a record does. seen is what was last seen of it.
	Mark(r R, seen Seen) string
	// Events makes the events of records, in their order. seen is what was last seen of each. Where a part of a record has
	// to be requested and cannot be read, it sets the part aside and makes the event without it.
	Events(ctx context.Context, records []R, seen []Seen, parts Parts) ([]event.Incident, error)
}

// Parts notes which parts of records could not be read. It is safe for use from several goroutines.
type Parts interface {
	// Hold sets the part of a record aside. It returns err where that is not about the part alone.
	Hold(id string, err error) error
	// Done notes that the part of a record has been read.
	Done(id string)
}

// Place is where in a listing a page begins. The zero Place is the newest record.
type Place struct {
	Offset int       `json:"offset,omitempty"`
	Before time.Time `json:"before,omitzero"` // counted from the newest record that was created before it; zero: of all
	Since  time.Time `json:"-"`               // nothing older is wanted; zero: everything is
}

// Seen is what was last seen of a record.
type Seen struct {
	Mark         string    `json:"mark"` // of what is stored
	Opened       time.Time `json:"opened,omitzero"`
	Acknowledged time.Time `json:"ack,omitzero"`
	Ended        time.Time `json:"ended,omitzero"`
	Open         bool      `json:"open,omitempty"`
	Newest       bool      `json:"newest,omitempty"` // it is on the newest page
	At           time.Time `json:"asked,omitzero"`   // when it was seen
}

// Config has the properties of a source and a scope.
type Config struct {
	Scope string
	Names Names
	Since time.Time // how far back is read; zero: everything
	// Query changes when other records of the scope are wanted than before: then everything is read again.
	Query string

	// Depth is how many records the source counts by offset. What is older is listed by time.
	Depth int
	// Window is the longest stretch of time before Place.Before that the source lists at once; 0: there is no limit.
	Window time.Duration
	// Precision is that of the times that the source takes in Place.
	Precision time.Duration

	// Count requests the number of records of the scope since a time, where the pages do not have it; nil: they do, or
	// nobody does. A nil count is not known.
	Count func(ctx context.Context, since time.Time) (*uint64, error)
}

// Names is how messages and the ledger call what is read.
type Names struct {
	Records string // "incidents"
	Record  string // "incident"
	Article string // of Record: "an"
	Part    string // of a record, set aside by itself: "log"; empty: there is none
	NoTotal string // the note of the ledger where the source gives no total
}

// state is the checkpoint of a scope. Every record that was created up to Head, and since Floor, is stored, but for
// those of History.
type state struct {
	ETag    string           `json:"etag,omitempty"`  // of the newest page
	Query   string           `json:"query,omitempty"` // Config.Query
	Started bool             `json:"started,omitempty"`
	Head    time.Time        `json:"newest,omitzero"`
	History *Place           `json:"history,omitempty"` // nil: it has been read
	Floor   time.Time        `json:"floor,omitzero"`
	Total   *uint64          `json:"total,omitempty"`   // nil: not known
	Refill  time.Time        `json:"refilled,omitzero"` // when missing records were last looked for
	Seen    map[string]Seen  `json:"known,omitempty"`   // by id: records of the newest page, and those that are open
	Failed  *rest.Quarantine `json:"failed,omitzero"`   // what the source always answers with an error
}

// reader is one read of one scope.
type reader[R any] struct {
	base    *source.Base
	listing Listing[R]
	cfg     Config
	w       source.Writer
	state   state
	done    uint64 // records that were stored

	mu    sync.Mutex
	tried map[string]bool // keys that were set aside in this read
}

// Read stores what is new of a scope: see the package. What could not be read is in the error.
func Read[R any](ctx context.Context, base *source.Base, listing Listing[R], cfg Config, w source.Writer) error {
	r := &reader[R]{base: base, listing: listing, cfg: cfg, w: w, tried: map[string]bool{}}
	if _, err := w.Load(ctx, stream, &r.state); err != nil {
		return err
	}
	r.prepare()
	what := cfg.Names.Records
	if err := r.newest(ctx); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err := r.history(ctx); err != nil {
		return fmt.Errorf("older %s: %w", what, err)
	}
	if err := r.open(ctx); err != nil {
		return fmt.Errorf("open %s: %w", what, err)
	}
	if err := r.held(ctx); err != nil {
		return fmt.Errorf("%s that could not be read: %w", what, err)
	}
	if err := r.account(ctx); err != nil {
		return err
	}
	return r.state.Failed.Err(parts)
}

func (r *reader[R]) save(ctx context.Context) error { return r.w.Save(ctx, stream, &r.state) }

// prepare sets what is read. Further back than before, or with another query, everything is read again.
func (r *reader[R]) prepare() {
	s, since := &r.state, r.cfg.Since
	s.Failed = s.Failed.Begin()
	if asked := r.w.Since(); !asked.IsZero() && (since.IsZero() || asked.Before(since)) {
		since = asked
	}
	if s.Seen == nil {
		s.Seen = map[string]Seen{}
	}
	switch {
	case !s.Started:
		s.Floor, s.Query = since, r.cfg.Query
	case !s.Floor.IsZero() && (since.IsZero() || since.Before(s.Floor)):
		s.Floor, s.History, s.ETag = since, &Place{}, ""
	case s.Query != r.cfg.Query:
		s.Query, s.History, s.ETag = r.cfg.Query, &Place{}, ""
	}
}
