package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/event"
)

var errFull = errors.New("no space left on device")

// memory is a source.Writer that keeps what it is given by identity, as the store does, and can fail at any write.
type memory struct {
	source.Writer // the methods that this source does not use
	mu            sync.Mutex
	docs          map[string][]byte
	events        map[string]event.Deployment // by id
	ledger        event.LedgerEntry
	since         time.Time
	writes        int
	failAt        int  // the write that fails; 0: none
	after         bool // it fails after it has written
	stored        int  // deployments appended, also again
	accept        bool // removals are accepted
}

func newMemory() *memory {
	return &memory{docs: map[string][]byte{}, events: map[string]event.Deployment{}}
}

func (m *memory) fails() (before, after bool) {
	m.writes++
	hit := m.writes == m.failAt
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
		switch e := e.(type) {
		case event.LedgerEntry:
			m.ledger = e
		case event.Deployment:
			m.events[e.ID] = e
			m.stored++
		}
	}
	if after {
		return errFull
	}
	return nil
}

func (m *memory) Count(_ context.Context, kind event.Kind, from, to time.Time) (stored, open uint64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.events {
		if e.Kind() != kind || !from.IsZero() && e.CreatedAt.Before(from) || !to.IsZero() && !e.CreatedAt.Before(to) {
			continue
		}
		stored++
		if !e.Status.Final() {
			open++
		}
	}
	return stored, open, nil
}

func (m *memory) Since() time.Time                { return m.since }
func (m *memory) Progress(string, uint64, uint64) {}

func (m *memory) ids() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.events))
}

func (m *memory) get(id string) event.Deployment {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.events[id]
}

// Removing has the rule of the real writer.
func (m *memory) Removing(what string, gone, of int) error {
	if !m.accept && gone > 0 && (gone >= of || of >= 10 && 2*gone > of) {
		return fmt.Errorf("%w: %d of %d %s", errRemoval, gone, of, what)
	}
	return nil
}

var errRemoval = errors.New("nothing was removed")
