package github

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/event"
)

// everything is a repository with something in each stream: several pages, jobs, re-runs, open records.
func everything() *githubtest.Repo {
	runs := streamtest.Runs(230, 7*time.Minute)
	for i := range runs {
		for j := range i%3 + 1 {
			runs[i].Jobs = append(
				runs[i].Jobs,
				githubtest.Job{ID: runs[i].ID*10 + int64(j), Attempt: 1, Name: fmt.Sprint("job ", j), Status: "completed",
					Conclusion: "success", Started: runs[i].Created, Completed: runs[i].Created.Add(time.Minute)},
			)
		}
	}
	first := runs[40]
	runs[40].Attempt, runs[40].Earlier = 2, []githubtest.Run{first}
	runs[3].Status, runs[3].Conclusion = "in_progress", ""
	var deployments []githubtest.Deployment
	for i := range 130 {
		at := now.Add(-time.Duration(i+1) * time.Hour)
		deployments = append(
			deployments,
			githubtest.Deployment{
				ID:          int64(1000 - i),
				Environment: "prod",
				SHA:         "abc",
				Ref:         "main",
				Creator:     "alice",
				State:       "ACTIVE",
				Created:     at,
				Statuses:    []githubtest.Status{{State: "IN_PROGRESS", At: at}, {State: "SUCCESS", At: at.Add(time.Minute)}},
			},
		)
	}
	return &githubtest.Repo{
		Runs:        runs,
		Pulls:       streamtest.Pulls(160, time.Hour),
		Deployments: deployments,
		Files:       []string{"README.md"},
	}
}

func TestCollectingTwiceAsksOnlyWhatIsAnswered304(t *testing.T) {
	s, m := streamtest.Serve(t, everything()), collecttest.NewWriter()
	collect(t, s, m, now, nil)
	before, written := m.Text(), m.Appended()
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
	if m.Text() != before {
		t.Error("the second collect changed what is stored")
	}
	if n := m.Appended() - written; n != 0 {
		t.Errorf("the second collect appended %d events", n)
	}
}

func TestTheLastAllowedRequestDoesNotStopTheClient(t *testing.T) {
	s, m := streamtest.Serve(t, everything()), collecttest.NewWriter()
	s.SetBefore(nil)
	srv := s.Config.Handler
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Limit", "5000")
		w.Header().Set("X-RateLimit-Reset", fmt.Sprint(time.Now().Add(time.Hour).Unix()))
		srv.ServeHTTP(w, r)
	})
	collect(t, s, m, now, nil) // go-github would refuse the second request by itself
	if m.Number(event.KindChange) != 160 {
		t.Errorf("stored %d changes", m.Number(event.KindChange))
	}
}

func TestAStreamThatFailsDoesNotHoldUpTheOthers(t *testing.T) {
	s, m := streamtest.Serve(t, everything()), collecttest.NewWriter()
	s.Before = func(_ int, r *http.Request) *githubtest.Fault {
		if strings.Contains(r.URL.Path, "actions/runs") {
			return &githubtest.Fault{Status: 403, Body: `{"message":"Resource not accessible by personal access token"}`}
		}
		return nil
	}
	err := collector(t, s, nil, now).Collect(t.Context(), scope, m)
	if err == nil || m.Number(event.KindChange) != 160 || m.Number(event.KindDeployment) != 130 {
		t.Fatalf(
			"stored %d changes and %d deployments, error %v",
			m.Number(event.KindChange),
			m.Number(event.KindDeployment),
			err,
		)
	}
	for _, want := range []string{"runs: ", "actions/runs", "Resource not accessible", "read access"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
}

func TestCancellingEndsPromptly(t *testing.T) {
	s, m := streamtest.Serve(t, everything()), collecttest.NewWriter()
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
	if m.Number(event.KindPipelineRun) != 231 {
		t.Errorf("stored %d attempts after the next collect", m.Number(event.KindPipelineRun))
	}
}

func TestTheTokenIsSentAndUnknownWordsAreLoggedOnce(t *testing.T) {
	repo := &githubtest.Repo{Runs: streamtest.Runs(5, time.Hour)}
	for i := range repo.Runs {
		repo.Runs[i].Conclusion = "vanished"
	}
	s, m := streamtest.Serve(t, repo), collecttest.NewWriter()
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
	for _, e := range collecttest.Stored[event.PipelineRun](m) {
		if e.StatusRaw != "vanished" || e.Status != event.Skipped {
			t.Errorf("%+v", e)
		}
	}
}
