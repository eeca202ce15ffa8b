package github

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// everything is a repository with something in each stream: several pages, jobs, re-runs, open records.
func everything() *githubtest.Repo {
	runs := runsEvery(230, 7*time.Minute)
	for i := range runs {
		for j := range i%3 + 1 {
			runs[i].Jobs = append(runs[i].Jobs, githubtest.Job{ID: runs[i].ID*10 + int64(j), Attempt: 1, Name: fmt.Sprint("job ", j), Status: "completed",
				Conclusion: "success", Started: runs[i].Created, Completed: runs[i].Created.Add(time.Minute)})
		}
	}
	first := runs[40]
	runs[40].Attempt, runs[40].Earlier = 2, []githubtest.Run{first}
	runs[3].Status, runs[3].Conclusion = "in_progress", ""
	var deployments []githubtest.Deployment
	for i := range 130 {
		at := now.Add(-time.Duration(i+1) * time.Hour)
		deployments = append(deployments, githubtest.Deployment{ID: int64(1000 - i), Environment: "prod", SHA: "abc", Ref: "main", Creator: "alice", State: "ACTIVE",
			Created: at, Statuses: []githubtest.Status{{State: "IN_PROGRESS", At: at}, {State: "SUCCESS", At: at.Add(time.Minute)}}})
	}
	return &githubtest.Repo{Runs: runs, Pulls: pullsEvery(160, time.Hour), Deployments: deployments, Files: []string{"README.md"}}
}

func TestCollectingTwiceAsksOnlyWhatIsAnswered304(t *testing.T) {
	s, m := fake(t, everything()), newMemory()
	collect(t, s, m, now, nil)
	before, written := m.events(t), m.appended
	s.Requests()
	collect(t, s, m, now.Add(time.Minute), nil)
	requests := s.Requests()
	if len(requests) != 5 { // repository, files, runs, pull requests, deployments
		t.Errorf("%d requests when nothing is new", len(requests))
	}
	for _, r := range requests {
		if r.Status != http.StatusNotModified {
			t.Errorf("%s %s?%s: %d", r.Method, r.Path, r.Query, r.Status)
		}
	}
	if m.events(t) != before {
		t.Error("the second collect changed what is stored")
	}
	if n := m.appended - written; n != 14+4 { // facts and ledger are observations of now
		t.Errorf("the second collect appended %d events", n)
	}
}

func TestNothingIsLostWhereverItIsKilled(t *testing.T) {
	whole := newMemory()
	s := fake(t, everything())
	collect(t, s, whole, now, nil)
	want := whole.events(t)
	for _, keepLast := range []bool{false, true} {
		for n := 1; n <= whole.writes; n++ {
			m := newMemory()
			m.breakAt, m.keepLast = n, keepLast
			if err := collector(t, s, nil, now).Collect(t.Context(), scope, m); !errors.Is(err, errBroken) {
				t.Fatalf("killed at write %d: %v", n, err)
			}
			m.breakAt = 0
			collect(t, s, m, now.Add(time.Minute), nil)
			if m.events(t) != want {
				t.Fatalf("killed at write %d (done: %t) and collected again: %d runs, %d jobs, %d changes, %d deployments", n, keepLast,
					len(m.runs), len(m.jobs), len(m.changes), len(m.deployments))
			}
		}
	}
}

func TestNothingIsLostWhenItIsKilledAgainAndAgain(t *testing.T) {
	s, m := fake(t, everything()), newMemory()
	tries := 0
	for ; tries < 100; tries++ {
		m.breakAt = m.writes + 4 + tries%5
		if err := collector(t, s, nil, now).Collect(t.Context(), scope, m); err == nil {
			break
		}
	}
	if tries < 3 || tries == 100 {
		t.Errorf("it came through after %d tries", tries)
	}
	m.breakAt = 0
	collect(t, s, m, now, nil)
	whole := newMemory()
	collect(t, s, whole, now, nil)
	if m.events(t) != whole.events(t) {
		t.Errorf("after %d tries: %d runs, %d jobs, %d changes, %d deployments", tries, len(m.runs), len(m.jobs), len(m.changes), len(m.deployments))
	}
}

func TestFaultsChangeNothing(t *testing.T) {
	whole := newMemory()
	s := fake(t, everything())
	collect(t, s, whole, now, nil)
	want := whole.events(t)
	for _, every := range []int{3, 5} {
		s.Requests()
		var n atomic.Int64
		var struck sync.Map // requests that failed the last time: streams that take turns could else strike one of them for ever
		s.Before = func(_ int, r *http.Request) *githubtest.Fault {
			i := int(n.Add(1))
			if _, again := struck.LoadAndDelete(r.URL.String()); again || i%every != 0 {
				return nil
			}
			struck.Store(r.URL.String(), true)
			switch (i / every) % 5 {
			case 0:
				return &githubtest.Fault{Status: 502, Body: "Bad Gateway"}
			case 1:
				return &githubtest.Fault{CutBody: true}
			case 2:
				return &githubtest.Fault{Status: 403, Body: `{"message":"You have exceeded a secondary rate limit."}`}
			case 3:
				return &githubtest.Fault{Status: 200, Body: "<html>maintenance</html>"}
			}
			return &githubtest.Fault{Status: 403, Body: `{"message":"API rate limit exceeded"}`, Header: map[string]string{
				"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": fmt.Sprint(time.Now().Add(time.Second).Unix())}}
		}
		m := newMemory()
		var mu sync.Mutex
		clock := now
		c, err := New(Config{Source: "gh", URL: s.URL, Token: "x", Repositories: []string{scope}}, source.Options{
			Now: func() time.Time {
				mu.Lock()
				defer mu.Unlock()
				return clock
			},
			Tune: func(r *rest.Config) { r.PerSecond, r.Burst, r.MaxConcurrent = 1e6, 1e6, 1 },
			Sleep: func(ctx context.Context, d time.Duration) error {
				mu.Lock()
				defer mu.Unlock()
				clock = clock.Add(d)
				return ctx.Err()
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Collect(t.Context(), scope, m); err != nil {
			t.Fatal(err)
		}
		if m.events(t) != want {
			t.Errorf("every %dth request failing changed what is stored", every)
		}
	}
}

func TestTheLastAllowedRequestDoesNotStopTheClient(t *testing.T) {
	s, m := fake(t, everything()), newMemory()
	s.SetBefore(nil)
	srv := s.Config.Handler
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Limit", "5000")
		w.Header().Set("X-RateLimit-Reset", fmt.Sprint(time.Now().Add(time.Hour).Unix()))
		srv.ServeHTTP(w, r)
	})
	collect(t, s, m, now, nil) // go-github would refuse the second request by itself
	if len(m.changes) != 160 {
		t.Errorf("stored %d changes", len(m.changes))
	}
}

func TestAStreamThatFailsDoesNotHoldUpTheOthers(t *testing.T) {
	s, m := fake(t, everything()), newMemory()
	s.Before = func(_ int, r *http.Request) *githubtest.Fault {
		if strings.Contains(r.URL.Path, "actions/runs") {
			return &githubtest.Fault{Status: 403, Body: `{"message":"Resource not accessible by personal access token"}`}
		}
		return nil
	}
	err := collector(t, s, nil, now).Collect(t.Context(), scope, m)
	if err == nil || len(m.changes) != 160 || len(m.deployments) != 130 {
		t.Fatalf("stored %d changes and %d deployments, error %v", len(m.changes), len(m.deployments), err)
	}
	for _, want := range []string{"runs: ", "actions/runs", "Resource not accessible", "read access"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
}

func TestCancellingEndsPromptly(t *testing.T) {
	s, m := fake(t, everything()), newMemory()
	ctx, cancel := context.WithCancel(t.Context())
	s.Before = func(n int, _ *http.Request) *githubtest.Fault {
		if n == 20 {
			cancel()
		}
		return nil
	}
	start := time.Now()
	err := collector(t, s, nil, now).Collect(ctx, scope, m)
	if !errors.Is(err, context.Canceled) || time.Since(start) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(start))
	}
	s.SetBefore(nil) // requests that were given up may still arrive
	collect(t, s, m, now, nil)
	if len(m.runs) != 231 {
		t.Errorf("stored %d attempts after the next collect", len(m.runs))
	}
}

func TestTheTokenIsSentAndUnknownWordsAreLoggedOnce(t *testing.T) {
	repo := &githubtest.Repo{Runs: runsEvery(5, time.Hour)}
	for i := range repo.Runs {
		repo.Runs[i].Conclusion = "vanished"
	}
	s, m := fake(t, repo), newMemory()
	var log bytes.Buffer
	c := collector(t, s, nil, now)
	c.Log = textLogger(&log)
	if err := c.Collect(t.Context(), scope, m); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "vanished"); n != 1 {
		t.Errorf("logged %d times: %s", n, log.String())
	}
	for _, r := range s.Requests() {
		if r.Authorization != "Bearer secret" {
			t.Errorf("%s %s with %q", r.Method, r.Path, r.Authorization)
		}
	}
	for _, e := range m.runs {
		if e.StatusRaw != "vanished" || e.Status != event.Skipped {
			t.Errorf("%+v", e)
		}
	}
}
