package batch_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/batch"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/github/hosttest"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/rest/resttest"
	"github.com/dxctl/dxctl/event"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// journal is what was recorded, as a store keeps it.
type journal struct {
	batch event.ActionBatch
	runs  map[string]event.ActionRun
	steps map[string]event.ActionStep // by run and number
	last  event.ActionStep            // that was recorded

	mutex sync.Mutex // a request kills while others end
	fail  error      // of the next record
}

// kill makes each further record fail; nil: no longer.
func (j *journal) kill(err error) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.fail = err
}

func (j *journal) killed() error {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.fail
}

func (j *journal) record(_ context.Context, events ...event.Event) error {
	if err := j.killed(); err != nil {
		return err
	}
	for _, e := range events {
		e = event.Normalize(e)
		if err := e.Validate(); err != nil {
			return err
		}
		switch e := e.(type) {
		case event.ActionBatch:
			j.batch = e
		case event.ActionRun:
			j.runs[e.ID] = e
		case event.ActionStep:
			j.steps[fmt.Sprint(e.Run, " ", e.Number)], j.last = e, e
		}
	}
	return nil
}

// state is what another process reads.
func (j *journal) state() batch.State {
	var runs []event.ActionRun
	for _, id := range slices.Sorted(maps.Keys(j.runs)) {
		runs = append(runs, j.runs[id])
	}
	return batch.NewState(j.batch, runs, slices.Collect(maps.Values(j.steps)))
}

func (j *journal) outcomes() map[string]int {
	n := map[string]int{}
	for _, run := range j.runs {
		n[run.Outcome]++
	}
	return n
}

// world is an organization at a host, and a clock.
type world struct {
	*hosttest.Server
	*journal
	host  *github.Host
	clock *resttest.Clock
	said  []string
}

func newWorld(t *testing.T, repositories int) *world {
	t.Helper()
	w := &world{Server: hosttest.New(t), journal: &journal{runs: map[string]event.ActionRun{},
		steps: map[string]event.ActionStep{}}, clock: resttest.At(noon)}
	w.attempts(t, 1)
	for i := range repositories {
		r := github.Repository{Owner: "acme", Name: fmt.Sprintf("s%03d", i)}
		if _, err := w.host.Create(t.Context(), r, "Organization"); err != nil {
			t.Fatal(err)
		}
	}
	w.Reads, w.Writes = nil, nil
	return w
}

// attempts sets how often a request is sent that a server fails to answer.
func (w *world) attempts(t *testing.T, n int) {
	t.Helper()
	var err error
	w.host, err = github.New(github.Config{URL: w.URL, AllowPrivateNetwork: true}, w.Token, "test", rest.Options{
		Now: w.clock.Now, Sleep: w.clock.Sleep, Tune: func(c *rest.Config) { c.Attempts, c.PerSecond, c.Burst = n, 1e6, 1e6 },
	})
	if err != nil {
		t.Fatal(err)
	}
}

// worlds makes worlds of one kind: see newWorld.
type worlds func(t *testing.T, repositories int) *world

// both takes the steps of a test on a host that answers GraphQL, and on one that refuses it.
func both(t *testing.T, test func(t *testing.T, newWorld worlds)) {
	t.Helper()
	for name, status := range map[string]int{"GraphQL": 0, "REST": http.StatusNotFound} {
		t.Run(name, func(t *testing.T) {
			test(t, func(t *testing.T, repositories int) *world {
				t.Helper()
				w := newWorld(t, repositories)
				w.NoGraphQL = status
				return w
			})
		})
	}
}

// heal ends what interrupts requests and records. It waits for requests whose clients have gone.
func (w *world) heal() {
	w.Interrupt(nil, nil)
	w.kill(nil)
}

// item is what is proposed to a repository at a head.
func item(head github.Head) batch.Item {
	return batch.Item{Entity: "component:default/" + strings.TrimPrefix(head.Repository, "acme/"), Rules: []string{"license"},
		Checks: head.Checks, Private: head.Private,
		Proposal: github.Proposal{Repository: head.Repository, Base: head.Branch, On: head.Commit, Tree: head.Tree,
			Branch: "dxctl/fix-go-service", Message: "Fix", Title: "Fix", Body: "Why.",
			Files: []actions.FileChange{{Path: "LICENSE", After: []byte("free\n")}}}}
}

func (w *world) plan(t *testing.T, s batch.Settings) *batch.Plan {
	t.Helper()
	heads, err := w.host.Heads(t.Context(), slices.Sorted(maps.Keys(w.Repos)))
	if err != nil {
		t.Fatal(err)
	}
	var items []batch.Item
	for _, head := range heads {
		items = append(items, item(head))
	}
	p, err := batch.New(s, items, nil, github.PublishedLimits, w.host.Bulk())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func defaults() batch.Settings {
	return batch.Settings{Waves: "1,2,rest", Limit: 0.1, Wait: time.Hour, Selection: "all"}
}

func (w *world) runner() *batch.Runner {
	return &batch.Runner{Host: w.host, Record: w.record, Now: w.clock.Now, Sleep: w.clock.Sleep,
		Again: func(_ context.Context, _ event.ActionRun, head github.Head, _ batch.Settings) (batch.Item, error) {
			return item(head), nil
		},
		Tell: func(format string, args ...any) { w.said = append(w.said, fmt.Sprintf(format, args...)) }}
}

func (w *world) start(t *testing.T, p *batch.Plan) error {
	t.Helper()
	b := event.ActionBatch{ID: "b1", Action: "fix", Actor: "ada", Plan: p.Digest()}
	_, err := w.runner().Start(t.Context(), b, p)
	return err
}

// opened is how many pull requests there are.
func (w *world) opened() int {
	n := 0
	for _, repo := range w.Repos {
		n += len(repo.Requests)
	}
	return n
}

func (w *world) limits() github.Limits { return github.PublishedLimits }

func (w *world) repoOf(wave uint32) *hosttest.Repo {
	for _, id := range slices.Sorted(maps.Keys(w.runs)) {
		if run := w.runs[id]; run.Wave == wave {
			return w.Repos[run.Repository]
		}
	}
	return nil
}
