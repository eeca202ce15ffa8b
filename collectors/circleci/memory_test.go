package circleci

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/event"
)

// memory is a Writer for one scope that keeps events by their identity, and can fail at a call.
type memory struct {
	source.Writer // the methods that this source does not use
	mu            sync.Mutex
	docs          map[string][]byte
	events        map[string]event.Event
	ledger        map[event.Kind]event.LedgerEntry
	since         time.Time
	calls         int // of Append and Save
	failAt        int // the call with this number fails; with after, it fails when its work is done
	after         bool
	appends       int // events appended, but for the ledger
}

var errFull = errors.New("the disk is full")

func newMemory() *memory {
	return &memory{docs: map[string][]byte{}, events: map[string]event.Event{}, ledger: map[event.Kind]event.LedgerEntry{}}
}

func (m *memory) fails() (before, after bool) {
	m.calls++
	hit := m.failAt > 0 && m.calls == m.failAt
	return hit && !m.after, hit && m.after
}

func (m *memory) Load(_ context.Context, stream string, into any) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	doc, ok := m.docs[stream]
	if !ok {
		return false, nil
	}
	return true, json.Unmarshal(doc, into)
}

func (m *memory) Save(_ context.Context, stream string, state any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, after := m.fails()
	if before {
		return errFull
	}
	doc, err := json.Marshal(state)
	if err != nil {
		return err
	}
	m.docs[stream] = doc
	if after {
		return errFull
	}
	return nil
}

func (m *memory) Append(_ context.Context, events ...event.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, after := m.fails()
	if before {
		return errFull
	}
	for _, e := range events {
		if err := e.Validate(); err != nil {
			return err
		}
		if l, ok := e.(event.LedgerEntry); ok {
			m.ledger[l.Of] = l
			continue
		}
		m.appends++
		m.events[identity(e)] = e
	}
	if after {
		return errFull
	}
	return nil
}

func identity(e event.Event) string {
	switch e := e.(type) {
	case event.PipelineRun:
		return fmt.Sprintf("run %s %s %d", e.Scope, e.ID, e.Attempt)
	case event.PipelineJob:
		return fmt.Sprintf("job %s %s %d %s", e.Scope, e.RunID, e.Attempt, e.ID)
	case event.Deployment:
		return fmt.Sprintf("deployment %s %s %d", e.Scope, e.ID, e.Attempt)
	}
	return fmt.Sprintf("%T", e)
}

func (m *memory) Count(_ context.Context, kind event.Kind, _, _ time.Time) (stored, open uint64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ids := map[string]bool{}
	for id, e := range m.events {
		if e.Kind() != kind {
			continue
		}
		if r, ok := e.(event.PipelineRun); ok {
			id = r.ID
			if !r.Status.Final() {
				open++
			}
		}
		ids[id] = true
	}
	return uint64(len(ids)), open, nil
}

func (m *memory) Since() time.Time                { return m.since }
func (m *memory) Progress(string, uint64, uint64) {}

// all returns the identities of what is kept, sorted.
func (m *memory) all() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []string
	for id := range m.events {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// find returns the event with the identity; it fails the test when there is none.
func find[E event.Event](t *testing.T, m *memory, id string) E {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.events[id].(E)
	if !ok {
		t.Fatalf("%q is not stored", id)
	}
	return e
}

func (m *memory) count(kind string) int {
	n := 0
	for _, id := range m.all() {
		if strings.HasPrefix(id, kind+" ") {
			n++
		}
	}
	return n
}
