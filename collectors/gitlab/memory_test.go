package gitlab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/event"
)

// memory is a Writer that keeps everything in maps, by identity, as the store does. It can break at a call, before or
// after it has done what it was asked for: a process that is killed may have either behind it.
type memory struct {
	source.Writer // the methods that this source does not use
	mu            sync.Mutex
	runs          map[string]event.PipelineRun
	jobs          map[string]event.PipelineJob
	changes       map[string]event.Change
	deployments   map[string]event.Deployment
	facts         map[string]event.Fact
	entries       map[event.Kind]event.LedgerEntry
	docs          map[string][]byte
	reread        bool
	since         time.Time
	writes        int // calls that change something
	breakAt       int // the call that fails, and those after it; 0: none
	keepLast      bool
	appended      int // events, but for the ledger
}

func newMemory() *memory {
	return &memory{runs: map[string]event.PipelineRun{}, jobs: map[string]event.PipelineJob{}, changes: map[string]event.Change{},
		deployments: map[string]event.Deployment{}, facts: map[string]event.Fact{}, entries: map[event.Kind]event.LedgerEntry{}, docs: map[string][]byte{}}
}

var errBroken = errors.New("killed")

func (m *memory) write(do func()) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	if m.breakAt > 0 && m.writes >= m.breakAt {
		if m.writes == m.breakAt && m.keepLast {
			do()
		}
		return errBroken
	}
	do()
	return nil
}

func (m *memory) Append(_ context.Context, events ...event.Event) error {
	for _, e := range events {
		if err := e.Validate(); err != nil {
			return err
		}
	}
	return m.write(func() {
		for _, e := range events {
			m.appended++
			switch e := e.(type) {
			case event.PipelineRun:
				m.runs[e.ID] = e
			case event.PipelineJob:
				m.jobs[e.RunID+"/"+e.ID] = e
			case event.Change:
				m.changes[e.ID] = e
			case event.Deployment:
				m.deployments[e.ID] = e
			case event.Fact:
				m.facts[e.Name] = e
			case event.LedgerEntry:
				m.appended--
				m.entries[e.Of] = e
			}
		}
	})
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
	doc, err := json.Marshal(state)
	if err != nil {
		return err
	}
	return m.write(func() { m.docs[stream] = doc })
}

func (m *memory) Count(_ context.Context, kind event.Kind, _, _ time.Time) (stored, open uint64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch kind {
	case event.KindPipelineRun:
		for _, e := range m.runs {
			if stored++; !e.Status.Final() {
				open++
			}
		}
	case event.KindPipelineJob:
		stored = uint64(len(m.jobs))
	case event.KindChange:
		stored = uint64(len(m.changes))
	case event.KindDeployment:
		for _, e := range m.deployments {
			if stored++; !e.Status.Final() {
				open++
			}
		}
	}
	return stored, open, nil
}

func (m *memory) Runs(_ context.Context, ids []string) ([]event.PipelineRun, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []event.PipelineRun
	for _, e := range m.runs {
		if slices.Contains(ids, e.ID) {
			found = append(found, e)
		}
	}
	return found, nil
}

func (m *memory) Open(_ context.Context, kind event.Kind, since time.Time) (map[string]time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	open := map[string]time.Time{}
	switch kind {
	case event.KindPipelineRun:
		for id, e := range m.runs {
			if !e.Status.Final() && !e.CreatedAt.Before(since) {
				open[id] = e.CreatedAt
			}
		}
	case event.KindDeployment:
		for id, e := range m.deployments {
			if !e.Status.Final() && !e.CreatedAt.Before(since) {
				open[id] = e.CreatedAt
			}
		}
	}
	return open, nil
}

func (m *memory) Reread() bool                    { return m.reread }
func (m *memory) Since() time.Time                { return m.since }
func (m *memory) Progress(string, uint64, uint64) {}

// events is everything stored but facts and ledger, which depend on the time of reading, as text to compare.
func (m *memory) events(t *testing.T) string {
	t.Helper()
	b, err := json.MarshalIndent([]any{m.runs, m.jobs, m.changes, m.deployments}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (m *memory) counts() string {
	return fmt.Sprintf("%d runs, %d jobs, %d changes, %d deployments", len(m.runs), len(m.jobs), len(m.changes), len(m.deployments))
}
