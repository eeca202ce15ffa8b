package github

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/deployments"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/event"
)

// allSorts is a small repository with something of every sort that can be collected.
func allSorts() *githubtest.Repo {
	repo := everything()
	repo.Runs, repo.Pulls, repo.Deployments = repo.Runs[:150], repo.Pulls[:60], repo.Deployments[:3]
	repo.Pushed = now.Add(-time.Hour)
	repo.Contents = map[string]string{
		"catalog-info.yaml": streamtest.Location("services/*.yaml"),
		"services/a.yaml":   streamtest.Component,
		"services/b.yaml":   streamtest.Component + "# b\n",
		"CODEOWNERS":        "* @acme/all",
	}
	for i := range 130 {
		at := now.Add(-time.Duration(i+2) * time.Hour)
		repo.Issues = append(
			repo.Issues,
			githubtest.Issue{
				Number:  5000 + i,
				Labels:  []string{"incident", "sev2"},
				Created: at,
				Updated: at,
				Closed:  at.Add(time.Minute),
			},
		)
		repo.Releases = append(
			repo.Releases,
			githubtest.Release{
				ID:        int64(i + 1),
				Tag:       fmt.Sprint("v1.", i),
				SHA:       "abc",
				Author:    "alice",
				Created:   at,
				Published: at,
			},
		)
	}
	return repo
}

func allOfIt(c *Config) {
	discover(c)
	c.Incidents.Labels = []string{"incident"}
	c.Deployments.From = []deployments.Kind{deployments.FromDeployments, deployments.FromReleases}
}

func TestWhatNothingNewCosts(t *testing.T) {
	for _, tc := range []struct {
		name string
		tune func(*Config)
		want string
	}{
		{"by default", nil, "actions/runs deployments pulls repository"},
		{"everything", allOfIt, "actions/runs deployments issues pulls releases repository"},
		{"tags alone", func(c *Config) { c.Deployments.From = []deployments.Kind{deployments.FromTags} }, "actions/runs git/matching-refs/tags pulls repository"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, m := streamtest.Serve(t, allSorts()), collecttest.NewWriter()
			collect(t, s, m, now, tc.tune)
			for range 3 {
				s.Requests()
				collect(t, s, m, now.Add(time.Hour), tc.tune)
				asked := map[string]bool{}
				requests := s.Requests()
				for _, r := range requests {
					if r.Status != http.StatusNotModified {
						t.Errorf("%s?%s: %d", r.Path, r.Query, r.Status)
					}
					what := strings.TrimPrefix(strings.TrimPrefix(r.Path, "/api/v3/repos/"+scope), "/")
					if what == "" {
						what = "repository"
					}
					asked[what] = true
				}
				if got := strings.Join(keys(asked), " "); got != tc.want || len(requests) != len(asked) {
					t.Errorf("%d requests: %s, want %s", len(requests), got, tc.want)
				}
			}
		})
	}
}

func TestWhatTheFirstReadCosts(t *testing.T) {
	s, m := streamtest.Serve(
		t,
		&githubtest.Repo{Runs: streamtest.Runs(4321, time.Minute), Pulls: streamtest.Pulls(1000, time.Hour)},
	), collecttest.NewWriter()
	collect(t, s, m, now, noJobs)
	r := s.Requests()
	if runs := streamtest.Count(r, "/actions/runs"); runs > 4321/100+1 || m.Number(event.KindPipelineRun) != 4321 {
		t.Errorf("%d requests for %d runs", runs, m.Number(event.KindPipelineRun))
	}
	if pulls := queries(r, "pullRequests"); pulls > 1000/100 || m.Number(event.KindChange) != 1000 {
		t.Errorf("%d queries for %d pull requests", pulls, m.Number(event.KindChange))
	}
}
