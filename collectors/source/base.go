package source

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// Options are what every collector needs from outside; each may be left out.
type Options struct {
	Logger    *slog.Logger
	Now       func() time.Time // default time.Now
	UserAgent string           // "dxctl/1.2.3"
	Dir       string           // what relative names of files are relative to: the configuration's directory
	CloneDir  string           // where clones of repositories are kept
	// Configured is a digest of the settings that say which scopes are collected: while it is the same, a much shorter
	// list of scopes is implausible.
	Configured string
	// Production are the names that sources use for environments of production.
	Production []string
	// Machine reports whether people.rules or the people's records say that a login is a machine's; nil: nothing is said.
	// A review by it is not a person's.
	Machine func(provider, login string) bool

	// Entities returns what scorecards grade: services, and the libraries, systems and others that a filter takes. It is
	// for sources that are asked about each, which must not change the slice; nil: there are none.
	Entities func() []descriptor.Entity
	// Fact returns the current fact of an entity, false if there is none; nil: there are none.
	Fact func(ctx context.Context, entity, name string) (event.Fact, bool, error)

	Tune  func(*rest.Config)                         // adjusts the HTTP client's budget and patience
	Sleep func(context.Context, time.Duration) error // how the HTTP client waits; default: a timer
}

// WithFacts returns the options with Fact set.
func (o Options) WithFacts(fact func(ctx context.Context, entity, name string) (event.Fact, bool, error)) Options {
	o.Fact = fact
	return o
}

// REST returns the options of the source's HTTP client.
func (o Options) REST() rest.Options { return rest.Options{Now: o.Now, Sleep: o.Sleep, Tune: o.Tune} }

// Profile is what all sources of a kind have in common.
type Profile struct {
	Provider string    // the kind, as events, catalog bindings and the configuration name it: "github"
	Product  string    // its name in messages: "GitHub"
	Epoch    time.Time // before any record of any such source: the start of a ledger window that has no other
}

// Base is what every collector has: a name, a log and a clock. Collectors embed it.
type Base struct {
	Profile
	Log *slog.Logger
	Now func() time.Time
	// Production are the names that sources use for environments of production.
	Production []string

	machine    func(provider, login string) bool
	name       string
	configured string
	warned     sync.Map // the texts of Once
}

// Base returns the base of the collector of the source with a name.
func (o Options) Base(p Profile, name string) *Base {
	b := &Base{
		Profile:    p,
		Log:        o.Logger,
		Now:        o.Now,
		Production: o.Production,
		machine:    o.Machine,
		name:       name,
		configured: o.Configured,
	}
	if b.Log == nil {
		b.Log = slog.New(slog.DiscardHandler)
	}
	if b.Now == nil {
		b.Now = time.Now
	}
	return b
}

// Source is the source's name in the configuration.
func (b *Base) Source() string { return b.name }

// Provider is the source's kind.
func (b *Base) Provider() string { return b.Profile.Provider }

// Machine reports whether a login is known to be a machine's, whatever the source says; see [Options].
func (b *Base) Machine(login string) bool {
	return b.machine != nil && b.machine(b.Profile.Provider, login)
}

// Configured is the digest that the source was made with; see [Options].
func (b *Base) Configured() string { return b.configured }

// Unrecognized logs, once for each word, that the source uses a status that its documentation does not have. what names
// where: "status of a job". The word is stored as it is; see [Words.Read].
func (b *Base) Unrecognized(what, word string) {
	if b.Once(what + " " + word) {
		b.Log.Warn("unrecognized status; stored as is",
			"product", b.Product, "source", b.name, "what", what, "word", word)
	}
}

// OddType logs, once, that a field of the source has another type than it documents, so that it is left unknown.
func (b *Base) OddType(field, value string) {
	if b.Once("type of " + field + " " + value) {
		b.Log.Warn("a field has another type than documented; it is left unknown",
			"product", b.Product, "source", b.name, "field", field, "type", value)
	}
}

// LeftOut logs, once for each number, that so many records of a page were left out. what says why: "pipelines without
// an id".
func (b *Base) LeftOut(what string, n int) {
	if b.Once(what + " " + strconv.Itoa(n)) {
		b.Log.Warn("records were left out", "product", b.Product, "source", b.name, "what", what, "number", n)
	}
}

// Once reports whether it is called with the text for the first time, so that a message is logged once for a source.
func (b *Base) Once(text string) bool {
	_, seen := b.warned.LoadOrStore(text, true)
	return !seen
}

// Origin returns the origin of a record of a scope.
func (b *Base) Origin(scope, id, url string) event.Origin {
	return event.Origin{Source: b.name, Provider: b.Profile.Provider, Scope: scope, ID: id, URL: url}
}

// Ledger returns the ledger entry of a scope's records of a kind, created since from, as of now; zero: since the
// epoch. It counts nothing.
func (b *Base) Ledger(scope string, of event.Kind, from time.Time) event.LedgerEntry {
	now := b.Now().UTC()
	if from.IsZero() {
		from = b.Epoch
	}
	return event.LedgerEntry{Source: b.name, Scope: scope, Of: of, WindowStart: from, WindowEnd: now, CheckedAt: now}
}
