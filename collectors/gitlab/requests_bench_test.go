package gitlab

import (
	"net/http"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/event"
)

// allowed is the most that collecting may cost, by the units of spent. A page is 100 records. What is unchanged costs a
// conditional request for each of pipelines, merge requests, deployments and the default branch. In addition to the
// pages of pipelines there are the child pipelines, and in addition to those of pipelines and deployments what was
// updated while they were read.
var allowed = map[string]float64{
	"requests/100jobs":         1,
	"requests/100pipelines":    1.2,
	"requests/50changes":       1,
	"requests/100deployments":  1.1,
	"requests/scope-unchanged": 4,
	// the files of a project of 5,000, and then after a commit in one of its 550 directories
	"requests/5000files":         60,
	"requests/5000files-changed": 8,
}

// spent collects the history of a project and then once more, and returns what that took in requests.
func spent(tb testing.TB) map[string]float64 {
	tb.Helper()
	const pipelines, jobs, changes, deployments = 1000, 2000, 1000, 1000
	f, m := start(tb), collecttest.NewWriter()
	f.history(pipelines)
	for i := range changes {
		at := now.Add(-time.Duration(i+1) * time.Hour)
		f.add(
			"merge_requests",
			object{
				"id":               int64(90_000 - i),
				"iid":              int64(9000 - i),
				"title":            "change",
				"state":            "merged",
				"created_at":       stampText(at),
				"updated_at":       stampText(at.Add(time.Minute)),
				"merged_at":        stampText(at.Add(time.Minute)),
				"author":           object{"username": "anna"},
				"sha":              "aa",
				"merge_commit_sha": "bb",
			},
		)
	}
	for i := range deployments {
		at := now.Add(-time.Duration(i+1) * time.Hour)
		f.add(
			"deployments",
			object{
				"id":          int64(80_000 - i),
				"iid":         int64(8000 - i),
				"status":      "success",
				"ref":         "main",
				"sha":         "cc",
				"created_at":  stampText(at),
				"updated_at":  stampText(at.Add(time.Minute)),
				"user":        object{"username": "anna"},
				"environment": object{"id": 1, "name": "production"},
			},
		)
	}
	f.collect(tb, m, now, nil)
	first, _ := f.asked()
	if m.Number(event.KindPipelineRun) != pipelines || m.Number(event.KindPipelineJob) != jobs ||
		m.Number(event.KindChange) != changes ||
		m.Number(event.KindDeployment) != deployments {
		tb.Fatalf("stored %s", counts(m))
	}
	f.collect(tb, m, now.Add(time.Minute), nil)
	again, whole := f.asked()
	if whole != 0 {
		tb.Errorf("%d requests were not answered %d", whole, http.StatusNotModified)
	}
	large := start(tb)
	fill(large.files)
	files5000 := func(at time.Duration, w *collecttest.Writer) float64 {
		large.collect(tb, w, now.Add(at), nil)
		requests, _ := large.asked()
		return float64(files(requests))
	}
	ofLarge := collecttest.NewWriter()
	listed := files5000(0, ofLarge)
	large.change(func() { large.files["d07/s3/Dockerfile"] = "FROM alpine\n" })
	return map[string]float64{
		"requests/5000files":         listed,
		"requests/5000files-changed": files5000(time.Hour, ofLarge),
		"requests/100jobs":           float64(containing(first, "/jobs?")) * 100 / jobs,
		"requests/100pipelines":      float64(containing(first, "/pipelines?")) * 100 / pipelines,
		"requests/50changes":         float64(containing(first, "/merge_requests?")) * 50 / changes,
		"requests/100deployments":    float64(containing(first, "/deployments?")) * 100 / deployments,
		"requests/scope-unchanged":   float64(len(again)),
	}
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
