package github

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/runs"
	"github.com/dxctl/dxctl/collectors/rest"
)

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

func collect(t testing.TB, s *githubtest.Server, m *collecttest.Writer, at time.Time, tune func(*Config)) {
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
		runs[i] = githubtest.Run{
			ID:         int64(1000000 - i),
			Attempt:    1,
			Name:       "ci",
			Branch:     "main",
			Event:      "push",
			Status:     "completed",
			Conclusion: "success",
			Actor:      "alice",
			Created:    at,
			Updated:    at.Add(time.Minute),
		}
	}
	return runs
}

func noJobs(c *Config) { c.Jobs = runs.NoJobs }

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

func discover(c *Config) {
	yes := true
	c.Catalog.Discover = &yes
}

// pullsEvery makes n merged pull requests, the newest updated an hour before now.
func pullsEvery(n int, step time.Duration) []githubtest.Pull {
	pulls := make([]githubtest.Pull, n)
	for i := range pulls {
		at := now.Add(-time.Hour - time.Duration(i)*step).Truncate(time.Second)
		pulls[i] = githubtest.Pull{
			Number:  n - i,
			Title:   "change",
			Author:  "alice",
			HeadRef: "topic",
			Created: at.Add(-48 * time.Hour),
			Updated: at,
			Closed:  at,
			Merged:  at,
			Commits: []githubtest.Commit{{SHA: fmt.Sprintf("%040x", i), At: at.Add(-50 * time.Hour)}},
		}
	}
	return pulls
}
