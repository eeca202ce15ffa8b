package github

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

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// memory is a Writer that keeps everything in maps, by identity, as the store does. It can break after a number of
// calls, before or after it has done what it was asked for: a process that is killed may have either behind it.
type memory struct {
	source.Writer // the methods that this source does not use
	mu            sync.Mutex
	runs          map[string]event.PipelineRun
	jobs          map[string]event.PipelineJob
	changes       map[string]event.Change
	deployments   map[string]event.Deployment
	incidents     map[string]event.Incident
	descriptors   map[string]event.Descriptor
	facts         map[string]event.Fact
	entries       map[event.Kind]event.LedgerEntry
	docs          map[string][]byte
	since         time.Time
	writes        int // calls that change something
	breakAt       int // the call that fails; 0: none
	keepLast      bool
	appended      int  // events
	accept        bool // removals of any size
	reread        bool
}

func newMemory() *memory {
	return &memory{runs: map[string]event.PipelineRun{}, jobs: map[string]event.PipelineJob{}, changes: map[string]event.Change{},
		deployments: map[string]event.Deployment{}, incidents: map[string]event.Incident{}, descriptors: map[string]event.Descriptor{}, facts: map[string]event.Fact{}, entries: map[event.Kind]event.LedgerEntry{}, docs: map[string][]byte{}}
}

var errBroken = errors.New("killed")

// write does what a changing call is to do, unless it is the one that breaks, or comes after it.
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
				m.runs[fmt.Sprintf("%s/%d", e.ID, e.Attempt)] = e
			case event.PipelineJob:
				m.jobs[fmt.Sprintf("%s/%d/%s", e.RunID, e.Attempt, e.ID)] = e
			case event.Change:
				m.changes[e.ID] = e
			case event.Deployment:
				m.deployments[e.ID] = e
			case event.Incident:
				m.incidents[e.ID] = e
			case event.Descriptor:
				m.descriptors[e.Location] = e
			case event.Fact:
				m.facts[e.Name] = e
			case event.LedgerEntry:
				m.entries[e.Of] = e
			}
		}
	})
}

func (m *memory) Update(ctx context.Context, events ...event.Event) error {
	return m.Append(ctx, events...)
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

func (m *memory) Count(_ context.Context, kind event.Kind, from, to time.Time) (stored, open uint64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	in := func(at time.Time) bool {
		return (from.IsZero() || !at.Before(from)) && (to.IsZero() || at.Before(to))
	}
	ids := map[string]bool{}
	switch kind {
	case event.KindPipelineRun:
		for _, e := range m.runs {
			if in(e.CreatedAt) {
				ids[e.ID] = !e.Status.Final()
			}
		}
	case event.KindPipelineJob:
		for id := range m.jobs {
			ids[id] = false
		}
	case event.KindChange:
		for id := range m.changes {
			ids[id] = false
		}
	case event.KindDeployment:
		for id := range m.deployments {
			ids[id] = false
		}
	case event.KindIncident:
		for id := range m.incidents {
			ids[id] = false
		}
	}
	for _, isOpen := range ids {
		if isOpen {
			open++
		}
	}
	return uint64(len(ids)), open, nil
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
		latest := map[string]event.PipelineRun{}
		for _, e := range m.runs {
			if e.Attempt > latest[e.ID].Attempt {
				latest[e.ID] = e
			}
		}
		for id, e := range latest {
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

// Removing has the rule of the real writer.
func (m *memory) Removing(what string, gone, of int) error {
	if !m.accept && gone > 0 && (gone >= of || of >= 10 && 2*gone > of) {
		return fmt.Errorf("%w: %d of %d %s", errRemoval, gone, of, what)
	}
	return nil
}

var errRemoval = errors.New("nothing was removed")

func (m *memory) Reread() bool                    { return m.reread }
func (m *memory) Since() time.Time                { return m.since }
func (m *memory) Progress(string, uint64, uint64) {}

// events is everything stored but the ledger and what depends on the time of reading, as text to compare.
func (m *memory) events(t *testing.T) string {
	t.Helper()
	b, err := json.MarshalIndent([]any{m.runs, m.jobs, m.changes, m.deployments, m.incidents, m.descriptors}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// now is when the tests collect. The fake's records are dated relative to it.
var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const scope = "acme/shop"

// collector returns a collector of the fake that does not wait.
func collector(t testing.TB, s *githubtest.Server, tune func(*Config), at time.Time) *Collector {
	t.Helper()
	cfg := Config{Source: "gh", URL: s.URL, Token: "secret", Repositories: []string{scope}}
	if tune != nil {
		tune(&cfg)
	}
	c, err := New(cfg, source.Options{
		Now:   func() time.Time { return at },
		Tune:  func(r *rest.Config) { r.PerSecond, r.Burst, r.Backoff = 1e6, 1e6, time.Millisecond },
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func collect(t testing.TB, s *githubtest.Server, m *memory, at time.Time, tune func(*Config)) {
	t.Helper()
	if err := collector(t, s, tune, at).Collect(t.Context(), scope, m); err != nil {
		t.Fatal(err)
	}
}

// fake starts a server with one repository.
func fake(t testing.TB, repo *githubtest.Repo) *githubtest.Server {
	t.Helper()
	s := githubtest.New(t)
	s.Repos[scope] = repo
	return s
}

// runsEvery makes n finished runs, the newest an hour before now and each the given time before the next.
func runsEvery(n int, step time.Duration) []githubtest.Run {
	runs := make([]githubtest.Run, n)
	for i := range runs {
		at := now.Add(-time.Hour - time.Duration(i)*step).Truncate(time.Second)
		runs[i] = githubtest.Run{ID: int64(1000000 - i), Attempt: 1, Name: "ci", Branch: "main", Event: "push", Status: "completed",
			Conclusion: "success", Actor: "alice", Created: at, Updated: at.Add(time.Minute)}
	}
	return runs
}

func noJobs(c *Config) { c.Jobs = NoJobs }

// count returns how many of the requests have a path that contains part.
func count(requests []githubtest.Request, part string) int {
	n := 0
	for _, r := range requests {
		if strings.Contains(r.Path+"?"+r.Query, part) {
			n++
		}
	}
	return n
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
