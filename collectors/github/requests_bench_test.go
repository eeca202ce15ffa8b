package github

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/event"
)

// allowed is the most that collecting may cost, by the units of spent. A page of runs is 100, so that 1 per 100 would
// be a history without an end; attempts before the latest are shown one by one. What is unchanged is told by a
// conditional request for each of the repository's record, its runs, its pull requests and its deployments, which
// GitHub does not count against its limit: it has nothing that tells of several.
var allowed = map[string]float64{
	"requests/100runs":             1.03,
	"requests/100runs-with-jobs":   102,
	"requests/100earlier-attempts": 100,
	"requests/50changes":           1,
	"requests/100deployments":      1.1,
	"requests/scope-unchanged":     4,
	"requests/files-after-a-push":  3,
	"requests/settings-a-day":      6,
}

// spent collects the history of a repository and then once more, and returns what that took in requests.
func spent(tb testing.TB) map[string]float64 {
	tb.Helper()
	const runs, changes, deployments, jobs, attempts = 5000, 2000, 1000, 500, 100
	repo := &githubtest.Repo{
		Runs:   streamtest.Runs(runs, time.Minute),
		Pulls:  streamtest.Pulls(changes, time.Hour),
		Files:  []string{"README.md"},
		Pushed: now.Add(-24 * time.Hour),
	}
	for i := range deployments {
		at := now.Add(-time.Duration(i+1) * time.Hour)
		repo.Deployments = append(
			repo.Deployments,
			githubtest.Deployment{
				ID:          int64(10_000 - i),
				Environment: "production",
				SHA:         "abc",
				Ref:         "main",
				Creator:     "alice",
				State:       "ACTIVE",
				Created:     at,
				Statuses:    []githubtest.Status{{State: "IN_PROGRESS", At: at}, {State: "SUCCESS", At: at.Add(time.Minute)}},
			},
		)
	}
	s, m := githubtest.New(tb), collecttest.NewWriter()
	s.Repos[scope] = repo
	collect(tb, s, m, now, noJobs)
	first := s.Requests()
	collect(tb, s, m, now.Add(time.Minute), noJobs)
	again := s.Requests()
	for _, r := range again {
		if r.Status != 304 {
			tb.Errorf("nothing is new: %s is answered %d", r.Path, r.Status)
		}
	}
	if m.Number(event.KindPipelineRun) != runs || m.Number(event.KindChange) != changes ||
		m.Number(event.KindDeployment) != deployments {
		tb.Fatalf(
			"stored %d runs, %d changes, %d deployments",
			m.Number(event.KindPipelineRun),
			m.Number(event.KindChange),
			m.Number(event.KindDeployment),
		)
	}
	s.Repos[scope] = &githubtest.Repo{Runs: streamtest.RunsWithJobs(jobs)}
	m = collecttest.NewWriter()
	collect(tb, s, m, now, nil)
	if m.Number(event.KindPipelineJob) != jobs {
		tb.Fatalf("stored %d jobs", m.Number(event.KindPipelineJob))
	}
	ofJobs := streamtest.Count(s.Requests(), "/actions/runs")
	rerun := streamtest.Runs(attempts, time.Minute)
	for i := range rerun {
		earlier := rerun[i]
		rerun[i].Attempt, rerun[i].Earlier = 2, []githubtest.Run{earlier}
	}
	s.Repos[scope], m = &githubtest.Repo{Runs: rerun}, collecttest.NewWriter()
	collect(tb, s, m, now, noJobs)
	if m.Number(event.KindPipelineRun) != 2*attempts {
		tb.Fatalf("stored %d attempts", m.Number(event.KindPipelineRun))
	}
	return map[string]float64{
		"requests/100runs":             float64(streamtest.Count(first, "/actions/runs")) * 100 / runs,
		"requests/100runs-with-jobs":   float64(ofJobs) * 100 / jobs,
		"requests/100earlier-attempts": float64(streamtest.Count(s.Requests(), "/attempts/")) * 100 / attempts,
		"requests/50changes":           float64(streamtest.Count(first, "/pulls")+queries(first, "pullRequests")) * 50 / changes,
		"requests/100deployments": float64(
			streamtest.Count(first, "/deployments")+queries(first, "deployments"),
		) * 100 / deployments,
		"requests/scope-unchanged":    float64(len(again)),
		"requests/files-after-a-push": afterPush(tb),
		"requests/settings-a-day": float64(
			streamtest.Count(first, "/rules/")+streamtest.Count(first, "/protection")+streamtest.Count(first, "/permissions/")+
				streamtest.Count(first, "/environments")+queries(first, "deleteBranchOnMerge"),
		) + 1, // the repository's record
	}
}

// afterPush returns what the files of a repository cost after a push that changes 150 of the files that are read.
func afterPush(tb testing.TB) float64 {
	tb.Helper()
	repo := &githubtest.Repo{Contents: map[string]string{"README.md": "# Shop\n"}, Pushed: now.Add(-time.Hour)}
	s, m := githubtest.New(tb), collecttest.NewWriter()
	s.Repos[scope] = repo
	collect(tb, s, m, now, noJobs)
	for i := range 150 {
		repo.Contents[fmt.Sprintf("k8s/%d.yaml", i)] = fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: s%d}\n", i)
	}
	repo.Pushed = now
	s.Requests()
	collect(tb, s, m, now.Add(time.Hour), noJobs)
	requests := s.Requests()
	record := 0
	for _, r := range requests {
		if r.Path == "/api/v3/repos/"+scope {
			record++
		}
	}
	return float64(record + streamtest.Count(requests, "/git/trees") + queries(requests, ":object(oid:"))
}

// queries returns how many of the requests ask GraphQL for something.
func queries(requests []githubtest.Request, what string) int {
	n := 0
	for _, r := range requests {
		if strings.Contains(r.Body, what) {
			n++
		}
	}
	return n
}

func BenchmarkRequests(b *testing.B) {
	for b.Loop() {
		for unit, n := range spent(b) {
			b.ReportMetric(n, unit)
		}
	}
	b.ReportMetric(0, "ns/op")
}

func TestRequests(t *testing.T) {
	for unit, n := range spent(t) {
		if n > allowed[unit] {
			t.Errorf("%.3g %s, at most %g", n, unit, allowed[unit])
		}
	}
}
