//go:build actionsbed

package github_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/actions/batch"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

const batchBranch = "dxctl/fix-go-service"

// batchBed is a batch on the emulator: its repositories, what is recorded, and the checks that run there.
type batchBed struct {
	emulator *emulator
	names    []string // of the repositories
	now      time.Time
	state    batch.State
	failing  string   // repository whose check fails
	checked  []string // repositories with a check that runs or is finished
}

// TestBatchOnAnEmulator carries out a batch of four repositories, in waves. The emulator has neither GraphQL nor commit
// statuses, so that first the batch is refused further waves; then a proxy answers that there is no status, and the
// check runs of the emulator decide. It lists the commit of the base among those of a pull request, so that a batch
// cannot be taken back there.
func TestBatchOnAnEmulator(t *testing.T) {
	b := &batchBed{emulator: startEmulator(t), now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	for i := range 4 {
		b.names = append(b.names, fmt.Sprintf("octocat/batch-%d", i))
	}
	bare := emulated(t, b.emulator.address)
	p := b.plan(t, bare)
	if blind := p.Blind(); !errors.Is(blind, github.ErrUnserved) || !bare.Bulk().REST || p.Forecast.Reads < len(b.names)*5 {
		t.Fatalf("without statuses, the plan is blind for %v; %+v", blind, p.Forecast)
	}
	runner := b.runner(t, bare)
	start := event.ActionBatch{ID: "b1", Action: "fix", Actor: "ada", Plan: p.Digest()}
	var err error
	b.state, err = runner.Start(t.Context(), start, p)
	if paused := (*batch.PausedError)(nil); !errors.As(err, &paused) || !errors.Is(err, github.ErrUnserved) || b.opened(t) != 1 {
		t.Fatalf("without statuses: %v, %d pull requests", err, b.opened(t))
	}

	host := emulated(t, withoutStatuses(t, b.emulator.address))
	runner = b.runner(t, host)
	if b.state, err = runner.Resume(t.Context(), b.state, nil); err == nil {
		t.Fatal("a failing check does not stop the batch")
	}
	if !errors.Is(err, batch.ErrStopped) || b.opened(t) != 2 || !strings.Contains(err.Error(), "1 of 2 are red") {
		t.Fatalf("with a failing check: %v, %d pull requests", err, b.opened(t))
	}
	if b.state, err = runner.Resume(t.Context(), b.state, nil); err != nil || b.opened(t) != 4 {
		t.Fatalf("resumed: %v, %d pull requests", err, b.opened(t))
	}
	for _, name := range b.names {
		if e := b.emulator.of(name); e.content(t, batchBranch, "LICENSE") != "free\n" || e.content(t, batchBranch, "README.md") == "" {
			t.Errorf("%s has not the files of the plan", name)
		}
	}

	b.emulator.of(b.names[0]).end(t, 1, true)  // merged
	b.emulator.of(b.names[1]).end(t, 1, false) // declined
	if b.state, err = runner.Refresh(t.Context(), b.state); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{b.names[0]: batch.Merged, b.names[1]: string(github.Declined)}
	for _, run := range b.state.Runs {
		if outcome := cmp.Or(want[run.Repository], string(github.Opened)); run.Outcome != outcome || run.Pull != 1 {
			t.Errorf("%s: %s #%d, want %s #1", run.Repository, run.Outcome, run.Pull, outcome)
		}
	}
}

func emulated(t *testing.T, address string) *github.Host {
	t.Helper()
	h, err := github.New(github.Config{URL: address, AllowPrivateNetwork: true}, "ours", "test",
		rest.Options{Tune: func(c *rest.Config) { c.Attempts = 1 }})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// withoutStatuses returns the address of a proxy that answers that commits have no status, which is true: the emulator
// takes none.
func withoutStatuses(t *testing.T, to string) string {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/commits/") && strings.HasSuffix(r.URL.Path, "/status") {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"state": "pending", "statuses": [], "total_count": 0}`))
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func (*batchBed) item(head github.Head) batch.Item {
	return batch.Item{Entity: "component:default/" + strings.TrimPrefix(head.Repository, "octocat/"),
		Rules: []string{"license"}, Checks: head.Checks, Private: head.Private,
		Proposal: github.Proposal{Repository: head.Repository, Base: head.Branch, On: head.Commit, Tree: head.Tree,
			Branch: batchBranch, Message: "Fix", Title: "Fix", Body: "Why.", Files: changes("LICENSE", "free\n")}}
}

func (b *batchBed) plan(t *testing.T, h *github.Host) *batch.Plan {
	t.Helper()
	heads, err := h.Heads(t.Context(), append([]string{"octocat/none"}, b.names...))
	if err != nil || heads[0].Problem == "" {
		t.Fatalf("%+v, %v", heads, err)
	}
	var items []batch.Item
	for _, head := range heads[1:] {
		if head.Problem != "" {
			t.Fatal(head.Problem)
		}
		items = append(items, b.item(head))
	}
	s := batch.Settings{Waves: "1,1,rest", Limit: 0.1, Settle: time.Minute, Wait: time.Hour, Selection: "all"}
	p, err := batch.New(s, items, nil, github.PublishedLimits, h.Bulk())
	if err != nil {
		t.Fatal(err)
	}
	b.failing = p.Items[1].Proposal.Repository // of the second wave
	return p
}

// runner carries out a batch while checks begin on each pull request, and are finished a minute later.
func (b *batchBed) runner(t *testing.T, h *github.Host) *batch.Runner {
	t.Helper()
	return &batch.Runner{Host: h, Now: func() time.Time { return b.now },
		Record: func(_ context.Context, events ...event.Event) error {
			for _, e := range events {
				if err := event.Normalize(e).Validate(); err != nil {
					return err
				}
			}
			return nil
		},
		Again: func(_ context.Context, _ event.ActionRun, head github.Head, _ batch.Settings) (batch.Item, error) {
			return b.item(head), nil
		},
		Tell: func(string, ...any) { b.check(t, "in_progress") },
		Sleep: func(_ context.Context, d time.Duration) error {
			b.now = b.now.Add(d)
			b.check(t, "completed")
			return nil
		}}
}

// check gives each pull request a check run, or ends those that run.
func (b *batchBed) check(t *testing.T, status string) {
	t.Helper()
	for _, name := range b.names {
		e := b.emulator.of(name)
		head := e.head(t, batchBranch)
		if head == "" {
			continue
		}
		if status == "in_progress" {
			if !slices.Contains(b.checked, name) {
				e.do(t, http.MethodPost, "/check-runs", map[string]string{"name": "test", "head_sha": head, "status": status})
				b.checked = append(b.checked, name)
			}
			continue
		}
		var there struct {
			Runs []struct {
				ID     int64  `json:"id"`
				Status string `json:"status"`
			} `json:"check_runs"`
		}
		e.get(t, "/commits/"+head+"/check-runs", &there)
		for _, run := range there.Runs {
			if run.Status != status {
				conclusion := cmp.Or(map[string]string{b.failing: "failure"}[name], "success")
				e.do(t, http.MethodPatch, fmt.Sprintf("/check-runs/%d", run.ID),
					map[string]string{"status": status, "conclusion": conclusion})
			}
		}
	}
}

// opened is how many pull requests there are.
func (b *batchBed) opened(t *testing.T) int {
	t.Helper()
	n := 0
	for _, name := range b.names {
		var pulls []struct{}
		b.emulator.of(name).get(t, "/pulls?state=all", &pulls)
		n += len(pulls)
	}
	return n
}
