package jenkins

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
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
	for _, e := range m.events {
		if e.Kind() != kind {
			continue
		}
		stored++
		if r, ok := e.(event.PipelineRun); ok && !r.Status.Final() {
			open++
		}
	}
	return stored, open, nil
}

func (m *memory) Runs(_ context.Context, ids []string) ([]event.PipelineRun, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []event.PipelineRun
	for _, e := range m.events {
		if r, ok := e.(event.PipelineRun); ok && slices.Contains(ids, r.ID) {
			found = append(found, r)
		}
	}
	return found, nil
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

func (m *memory) run(id string) event.PipelineRun {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.events {
		if r, ok := e.(event.PipelineRun); ok && r.ID == id {
			return r
		}
	}
	return event.PipelineRun{}
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

// text is everything stored but the ledger, as text to compare.
func (m *memory) text() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := json.MarshalIndent(m.events, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(b)
}
