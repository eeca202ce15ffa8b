// Package streamtest has what the tests of the streams share: a repository of the fake server as a stream sees it, and
// records for it.
package streamtest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/github/stream"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
)

// Now is when the tests collect. The records are dated relative to it.
var Now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// Scope is the repository that the tests collect.
const Scope = "acme/shop"

// Options are those of a collector at a time that does not wait between requests.
func Options(at time.Time) source.Options {
	return source.Options{
		Now:   func() time.Time { return at },
		Tune:  func(r *rest.Config) { r.PerSecond, r.Burst, r.Backoff = 1e6, 1e6, time.Millisecond },
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

// Serve starts a server with one repository.
func Serve(t testing.TB, repo *githubtest.Repo) *githubtest.Server {
	t.Helper()
	s := githubtest.New(t)
	s.Repos[Scope] = repo
	return s
}

// Repository returns the server's repository during a collect at a time, which writes to w.
func Repository(t testing.TB, s *githubtest.Server, w *collecttest.Writer, at time.Time) *stream.Repository {
	t.Helper()
	opt := Options(at)
	api, err := client.New(client.Config{URL: s.URL, Token: "secret"}, opt.REST())
	if err != nil {
		t.Fatal(err)
	}
	r := stream.New(opt.Base(mapping.Profile, "gh"), api, Scope, time.Time{}, w)
	r.DefaultBranch = "main"
	return r
}

// Runs returns n finished runs, the newest an hour before Now and each the given time before the next.
func Runs(n int, step time.Duration) []githubtest.Run {
	runs := make([]githubtest.Run, n)
	for i := range runs {
		at := Now.Add(-time.Hour - time.Duration(i)*step).Truncate(time.Second)
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

// RunsWithJobs returns runs as Runs does, with a job each, which ends ten seconds before the run's last update.
func RunsWithJobs(n int) []githubtest.Run {
	runs := Runs(n, time.Minute)
	for i := range runs {
		runs[i].Jobs = []githubtest.Job{
			{ID: runs[i].ID * 10, Attempt: 1, Name: "build", Status: "completed", Conclusion: "success",
				Started: runs[i].Created, Completed: runs[i].Updated.Add(-10 * time.Second)},
		}
	}
	return runs
}

// Pulls returns n merged pull requests, the newest updated an hour before Now.
func Pulls(n int, step time.Duration) []githubtest.Pull {
	pulls := make([]githubtest.Pull, n)
	for i := range pulls {
		at := Now.Add(-time.Hour - time.Duration(i)*step).Truncate(time.Second)
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

// Count returns how many of the requests have a path or a query that contains part.
func Count(requests []githubtest.Request, part string) int {
	n := 0
	for _, r := range requests {
		if strings.Contains(r.Path+"?"+r.Query, part) {
			n++
		}
	}
	return n
}

// Component is a descriptor of a component.
const Component = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: shop}\nspec: {type: " +
	"service, lifecycle: production, owner: team-a}\n"

// Location returns a descriptor of a Location with the targets.
func Location(targets ...string) string {
	return "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: all}\nspec:\n  targets: [" + strings.Join(
		targets,
		", ",
	) + "]\n"
}
