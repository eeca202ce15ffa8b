// Package stream has what the streams of a repository share while it is collected: how they reach the API, convert
// records and write events, and how far back they read.
//
// A stream is a kind of record of one repository: runs, changes, deployments, incidents. Each has a package with one
// function Collect, which reads what is new since the checkpoint of the stream and can be stopped anywhere. During a
// collect, the streams run concurrently.
package stream

import (
	"context"
	"time"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/servicefacts"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// OpenFor is how long a record that is not final is read again. GitHub ends a run after 35 days at the latest.
const OpenFor = 35 * 24 * time.Hour

// Repository is one repository during one collect. The streams only read its fields.
type Repository struct {
	*client.Client
	mapping.Mapper
	Base          *source.Base
	Writer        source.Writer // of the repository's scope
	Since         time.Time     // how far back this collect reads; zero: everything
	DefaultBranch string        // empty: not known
	// Subjects are what facts of the repository are about: services in it, or the repository itself.
	Subjects []servicefacts.Subject
}

// New returns a repository. scope is its name, owner/name; since is how far back the configuration asks to read, zero
// for everything. The run that w belongs to may ask to read further back.
func New(base *source.Base, api *client.Client, scope string, since time.Time, w source.Writer) *Repository {
	if asked := w.Since(); !asked.IsZero() && (since.IsZero() || asked.Before(since)) {
		since = asked
	}
	return &Repository{
		Client: api,
		Mapper: mapping.Mapper{Source: base.Source(), Scope: scope, Unrecognized: base.Unrecognized, Machine: base.Machine},
		Base:   base,
		Writer: w,
		Since:  since,

		Subjects: servicefacts.Subjects(nil, base.Provider(), scope),
	}
}

// Now returns the time of the source's clock.
func (r *Repository) Now() time.Time { return r.Base.Now() }

// Append stores events, if there are any.
func (r *Repository) Append(ctx context.Context, events []event.Event) error {
	if len(events) == 0 {
		return nil
	}
	return r.Writer.Append(ctx, events...)
}

// WriteLedger stores how many records of a kind GitHub has and how many of them are stored, of those created at or
// after from; zero: of all. note explains a difference.
func (r *Repository) WriteLedger(
	ctx context.Context,
	of event.Kind,
	from time.Time,
	expected uint64,
	note string,
) error {
	stored, open, err := r.Writer.Count(ctx, of, from, time.Time{})
	if err != nil {
		return err
	}
	e := r.Base.Ledger(r.Scope, of, from)
	e.Expected, e.Stored, e.Open = expected, stored, open
	e.URL, e.Note = r.URL, note
	return r.Writer.Append(ctx, e)
}

// Pass is an unfinished walk through a listing, newest first. It is part of a checkpoint.
type Pass struct {
	After string    `json:"after,omitempty"` // cursor of GraphQL behind the last page that was read; empty: at the top
	Until time.Time `json:"until,omitzero"`  // the walk ends at records older than this; zero: at the end
}
