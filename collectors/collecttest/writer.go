// Package collecttest is what the tests of all sources share: a Writer in memory that can fail at every write, and the
// suite of hardships that every source has to pass ([Suite]).
package collecttest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// ErrKilled is the error of a write that fails because of [Writer.FailAt].
var ErrKilled = errors.New("killed")

// ErrRemoval is what [Writer.Removing] refuses with.
var ErrRemoval = errors.New("nothing was removed")

// Writer is a [source.Writer] of one scope that keeps everything in memory, by identity, as the store does. It can
// fail at a write, before or after it has done what it was asked for: a process that is killed may have either behind
// it.
type Writer struct {
	// RepositoryReader answers that nothing is bound to any repository, unless a test sets another one.
	source.RepositoryReader

	// FailAt is the number of the write (Append, Update, Save) that fails, and those after it; 0: none.
	FailAt int
	// Once makes only the write with the number FailAt fail, as a store does that was out of reach for a moment.
	Once bool
	// KeepLast makes the write with the number FailAt store what it was given before it fails.
	KeepLast bool

	From   time.Time // what Since returns
	Again  bool      // what Reread returns
	Accept bool      // removals of any size

	Facts bool // Text contains the values of facts

	// KeepHistory makes History return something.
	KeepHistory bool

	mu       sync.Mutex
	history  []*Writer
	writes   int
	appended int
	events   map[string]event.Event // by key
	ledger   map[event.Kind]event.LedgerEntry
	states   map[string][]byte // by stream
}

// NewWriter returns an empty Writer.
func NewWriter() *Writer {
	return &Writer{
		RepositoryReader: unbound{},

		events: map[string]event.Event{},
		ledger: map[event.Kind]event.LedgerEntry{},
		states: map[string][]byte{},
	}
}

// unbound is a [source.RepositoryReader] of a catalog that describes no service.
type unbound struct{}

func (unbound) RepositoryDeployments(context.Context, string, string) ([]event.Deployment, error) {
	return nil, nil
}

func (unbound) RepositoryServices(context.Context, string, string) ([]catalog.PathBinding, error) {
	return nil, nil
}

func (unbound) Compared(context.Context) (map[event.DeploymentKey]event.DeployedCommits, error) {
	return nil, nil
}

// Services are what [Bound] binds to a repository: directories by the ref of a service, "" for the whole repository.
type Services map[string][]string

// Bound is a [source.RepositoryReader] of a catalog that binds services to whatever repository is asked for.
type Bound struct {
	unbound
	Services Services
}

// RepositoryServices returns the bindings, by service.
func (b Bound) RepositoryServices(_ context.Context, provider, repository string) ([]catalog.PathBinding, error) {
	var all []catalog.PathBinding
	for _, service := range slices.Sorted(maps.Keys(b.Services)) {
		for _, dir := range b.Services[service] {
			all = append(all, catalog.PathBinding{Provider: provider, Scope: repository, Path: dir, Service: service})
		}
	}
	return all, nil
}

// Key is the identity of an event within a kind and a scope: a run's is "id/attempt", a job's "run/attempt/id".
func Key(e event.Event) string {
	switch e := e.(type) {
	case event.PipelineRun:
		return fmt.Sprintf("%s/%d", e.ID, e.Attempt)
	case event.PipelineJob:
		return fmt.Sprintf("%s/%d/%s", e.RunID, e.Attempt, e.ID)
	case event.Deployment:
		return e.ID
	case event.Change:
		return e.ID
	case event.Incident:
		return e.ID
	case event.Descriptor:
		return e.Location
	case event.Fact:
		if strings.HasPrefix(e.Entity, "unmapped:") { // the entity is the scope
			return e.Name
		}
		return e.Entity + " " + e.Name
	}
	panic(fmt.Sprintf("collecttest: %T has no key", e))
}

func keyOf(kind event.Kind, key string) string { return string(kind) + " " + key }

// write does what a changing call is to do, unless it is one that fails.
func (w *Writer) write(do func()) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.KeepHistory {
		w.history = append(w.history, w.clone())
	}
	w.writes++
	fails := w.FailAt > 0 && (w.writes == w.FailAt || w.writes > w.FailAt && !w.Once)
	if !fails || w.writes == w.FailAt && w.KeepLast {
		do()
	}
	if fails {
		return ErrKilled
	}
	return nil
}

// History returns what was stored before each write: what a process may leave that is killed.
func (w *Writer) History() []*Writer {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.history
}

// Clone returns a Writer that has the same stored.
func (w *Writer) Clone() *Writer {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clone()
}

func (w *Writer) clone() *Writer {
	return &Writer{
		RepositoryReader: w.RepositoryReader,
		From:             w.From,
		Again:            w.Again,
		Accept:           w.Accept,
		Facts:            w.Facts,
		events:           maps.Clone(w.events),
		ledger:           maps.Clone(w.ledger),
		states:           maps.Clone(w.states),
	}
}

// Append stores events. One that the store would refuse is an error.
func (w *Writer) Append(_ context.Context, events ...event.Event) error {
	for _, e := range events {
		if err := e.Validate(); err != nil {
			return err
		}
	}
	return w.write(func() {
		for _, e := range events {
			if entry, ok := e.(event.LedgerEntry); ok {
				w.ledger[entry.Of] = entry
				continue
			}
			w.appended++
			w.events[keyOf(e.Kind(), Key(e))] = e
		}
	})
}

// Update stores events, as Append does.
func (w *Writer) Update(ctx context.Context, events ...event.Event) error {
	return w.Append(ctx, events...)
}

// Load returns the state of a stream.
func (w *Writer) Load(_ context.Context, stream string, into any) (bool, error) {
	doc, ok := w.State(stream)
	if !ok {
		return false, nil
	}
	return true, json.Unmarshal(doc, into)
}

// Save keeps the state of a stream, as JSON.
func (w *Writer) Save(_ context.Context, stream string, state any) error {
	doc, err := json.Marshal(state)
	if err != nil {
		return err
	}
	return w.write(func() { w.states[stream] = doc })
}

// Count counts records as the store does: the attempts of one are one, and the latest says whether it is open.
func (w *Writer) Count(_ context.Context, kind event.Kind, from, to time.Time) (stored, open uint64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.latest(kind) {
		if r.created.IsZero() && (!from.IsZero() || !to.IsZero()) {
			continue // SQL compares nothing with NULL
		}
		if !from.IsZero() && r.created.Before(from) || !to.IsZero() && !r.created.Before(to) {
			continue
		}
		stored++
		if r.open {
			open++
		}
	}
	return stored, open, nil
}

// record is what Count and Open need of a stored record.
type record struct {
	attempt uint16
	created time.Time
	open    bool
}

// latest returns the latest attempt of each record of a kind, by id.
func (w *Writer) latest(kind event.Kind) map[string]record {
	all := map[string]record{}
	for _, e := range w.events {
		if e.Kind() != kind {
			continue
		}
		var id string
		var r record
		switch e := e.(type) {
		case event.PipelineRun:
			id, r = e.ID, record{e.Attempt, e.CreatedAt, !e.Status.Final()}
		case event.PipelineJob:
			id, r = Key(e), record{0, e.CreatedAt, !e.Status.Final()}
		case event.Deployment:
			id, r = e.ID, record{e.Attempt, e.CreatedAt, !e.Status.Final()}
		case event.Change:
			id, r = e.ID, record{0, e.CreatedAt, e.ClosedAt.IsZero() && e.MergedAt.IsZero()}
		case event.Incident:
			id, r = e.ID, record{0, e.OpenedAt, !e.Resolved()}
		}
		if before, ok := all[id]; !ok || before.attempt < r.attempt {
			all[id] = r
		}
	}
	return all
}

// Runs returns the stored attempts of the runs with these ids.
func (w *Writer) Runs(_ context.Context, ids []string) ([]event.PipelineRun, error) {
	var found []event.PipelineRun
	for _, e := range Stored[event.PipelineRun](w) {
		if slices.Contains(ids, e.ID) {
			found = append(found, e)
		}
	}
	return found, nil
}

// Open returns the records of a kind that are not final.
func (w *Writer) Open(_ context.Context, kind event.Kind, since time.Time) (map[string]time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	open := map[string]time.Time{}
	for id, r := range w.latest(kind) {
		if r.open && !r.created.IsZero() && !r.created.Before(since) {
			open[id] = r.created
		}
	}
	return open, nil
}

// Descriptors returns the revisions of the documents that are not gone, by location.
func (w *Writer) Descriptors(context.Context) (map[string]string, error) {
	revisions := map[string]string{}
	for location, d := range Stored[event.Descriptor](w) {
		if d.Document != "" {
			revisions[location] = d.Revision
		}
	}
	return revisions, nil
}

// Removing has the rule of the store's writer: all of the objects, or more than half of ten and more, is too much.
func (w *Writer) Removing(what string, gone, of int) error {
	if !w.Accept && gone > 0 && (gone >= of || of >= 10 && 2*gone > of) {
		return fmt.Errorf("%w: %d of %d %s", ErrRemoval, gone, of, what)
	}
	return nil
}

// Since returns From.
func (w *Writer) Since() time.Time { return w.From }

// Reread returns Again.
func (w *Writer) Reread() bool { return w.Again }

// Progress does nothing.
func (w *Writer) Progress(string, uint64, uint64) {}

// Stored returns the stored events of a type, by [Key].
func Stored[E event.Event](w *Writer) map[string]E {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[string]E{}
	for _, stored := range w.events {
		if e, ok := stored.(E); ok {
			all[Key(e)] = e
		}
	}
	return all
}

// Find returns a stored event of a type by its [Key], and fails the test when there is none.
func Find[E event.Event](t testing.TB, w *Writer, key string) E {
	t.Helper()
	e, ok := Stored[E](w)[key]
	if !ok {
		t.Fatalf("%T %s is not stored", e, key)
	}
	return e
}

// Events returns all stored events but those of the ledger.
func (w *Writer) Events() []event.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Values(w.events))
}

// Run returns the latest stored attempt of a run; the zero value when there is none.
func (w *Writer) Run(id string) (latest event.PipelineRun) {
	for _, e := range Stored[event.PipelineRun](w) {
		if e.ID == id && e.Attempt > latest.Attempt {
			latest = e
		}
	}
	return latest
}

// Ledger returns the ledger entry of a kind; the zero value when there is none.
func (w *Writer) Ledger(kind event.Kind) event.LedgerEntry {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ledger[kind]
}

// Put stores an event as somebody else did before: an earlier version, or a webhook. It is not checked.
func (w *Writer) Put(e event.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events[keyOf(e.Kind(), Key(e))] = e
}

// Remove makes the store lose an event.
func (w *Writer) Remove(kind event.Kind, key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.events, keyOf(kind, key))
}

// Keys returns the keys of the stored events of a kind, sorted.
func (w *Writer) Keys(kind event.Kind) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var keys []string
	for _, e := range w.events {
		if e.Kind() == kind {
			keys = append(keys, Key(e))
		}
	}
	slices.Sort(keys)
	return keys
}

// Number returns how many events of a kind are stored.
func (w *Writer) Number(kind event.Kind) int { return len(w.Keys(kind)) }

// Writes returns how many calls changed something, or would have.
func (w *Writer) Writes() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.writes
}

// Appended returns how many events were appended, those of the ledger not counted.
func (w *Writer) Appended() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.appended
}

// States returns how many streams have a state.
func (w *Writer) States() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.states)
}

// State returns the saved state of a stream, as JSON.
func (w *Writer) State(stream string) (doc []byte, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	doc, ok = w.states[stream]
	return doc, ok
}

// Forget removes the state of a stream; of all of them without one.
func (w *Writer) Forget(streams ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(streams) == 0 {
		clear(w.states)
	}
	for _, s := range streams {
		delete(w.states, s)
	}
}

// Text is everything that is stored as text to compare, a line an event; but for the ledger and facts, which depend on
// when they were read.
func (w *Writer) Text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var text []byte
	for _, key := range slices.Sorted(maps.Keys(w.events)) {
		e := w.events[key]
		switch d := e.(type) {
		case event.Fact:
			if !w.Facts || d.Error != "" {
				continue
			}
			d.ObservedAt, d.ExpiresAt = time.Time{}, time.Time{}
			e = d
		case event.Descriptor:
			d.ObservedAt = time.Time{}
			e = d
		}
		doc, err := json.Marshal(e)
		if err != nil {
			return err.Error()
		}
		text = append(append(append(append(text, key...), ' '), doc...), '\n')
	}
	return string(text)
}
