package runner_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/runner"
	"github.com/dxctl/dxctl/collectors/source"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/collectors"
	"github.com/dxctl/dxctl/store/storetest"
)

// manyRuns answers listings of n runs, one a minute, each of about 10 KB of JSON as GitHub's are. The pages are made by
// copying, so that what is measured is the collector. Other paths answer with nothing.
func manyRuns(n int, newest time.Time) http.Handler {
	pad := fmt.Sprintf(
		`"repository":{"full_name":"acme/shop","description":"%s"},"head_commit":{"message":"%s"}`,
		strings.Repeat("x", 5000),
		strings.Repeat("y", 4400),
	)
	createdAt := func(i int) time.Time { return newest.Add(-time.Duration(i) * time.Minute) }
	const layout = "2006-01-02T15:04:05Z"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", `"1"`)
		if !strings.HasSuffix(r.URL.Path, "/actions/runs") {
			body := "[]"
			if strings.HasSuffix(r.URL.Path, "/shop") {
				body = `{"default_branch":"main"}`
			}
			if strings.Contains(r.URL.Path, "/git/trees/") {
				body = `{"tree":[]}`
			}
			_, _ = w.Write([]byte(body))
			return
		}
		q := r.URL.Query()
		first, last := 0, n-1 // of the window; the newest is 0
		if from, to, ok := strings.Cut(q.Get("created"), ".."); ok {
			a, _ := time.Parse(layout, from)
			b, _ := time.Parse(layout, to)
			for first < n && createdAt(first).After(b) {
				first++
			}
			last = min(last, int(newest.Sub(a)/time.Minute))
		}
		page, _ := strconv.Atoi(q.Get("page"))
		start := first + max(page-1, 0)*100
		var body []byte
		body = fmt.Appendf(body, `{"total_count":%d,"workflow_runs":[`, last-first+1)
		for i := start; i < start+100 && i <= last; i++ {
			if i > start {
				body = append(body, ',')
			}
			at := createdAt(i).Format(layout)
			body = fmt.Appendf(
				body,
				`{"id":%d,"name":"ci","head_branch":"main","head_sha":"%040x","event":"push","status":"completed","conclusion":"success","run_attempt":1,`+
					`"html_url":"https://github.test/runs/%d","created_at":"%s","updated_at":"%s","run_started_at":"%s","actor":{"login":"alice","type":"User"},%s}`,
				10_000_000-i,
				i,
				i,
				at,
				at,
				at,
				pad,
			)
		}
		_, _ = w.Write(append(body, "]}"...))
	})
}

// BenchmarkCollectRuns collects a history of runs from loopback into the embedded engine, from the socket to the
// store: how fast, and how much memory the process takes in addition to the engine's (the fake GitHub's included). The
// second history is five times as long as the first, to show that memory does not grow with it.
func BenchmarkCollectRuns(b *testing.B) {
	for _, n := range []int{20_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { collectRuns(b, n) })
	}
}

func collectRuns(b *testing.B, n int) {
	srv := httptest.NewServer(manyRuns(n, now))
	defer srv.Close()
	var cfg collectors.Config
	if err := yaml.Unmarshal(fmt.Appendf(nil, "[{name: gh, kind: github, url: %q, token: x, repositories: [acme/shop], "+
		"jobs: none}]", srv.URL), &cfg); err != nil {
		b.Fatal(err)
	}
	memory := peakMemory(b)
	b.ResetTimer()
	for b.Loop() {
		b.StopTimer()
		db := storetest.Open(b)
		b.StartTimer()
		all, err := collectors.All(cfg, source.Options{})
		if err != nil {
			b.Fatal(err)
		}
		summary, err := runner.New(db, all, runner.Options{}).Run(b.Context(), runner.RunOptions{})
		if err != nil {
			b.Fatal(err)
		}
		var rows []struct {
			N uint64 `ch:"n"`
		}
		if err := db.Select(b.Context(), &rows, "SELECT count() AS n FROM pipeline_runs", nil); err != nil ||
			rows[0].N != uint64(n) {
			b.Fatalf("stored %v of %d, %v", rows, n, err)
		}
		b.ReportMetric(float64(summary.Requests["gh"])*100/float64(n), "requests/100runs")
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "runs/s")
	b.ReportMetric(memory()/1e6, "peak-MB")
}

// peakMemory watches what Go holds of the machine's memory, which is all that the process holds but for the engine. The
// returned function returns the maximum, in bytes.
func peakMemory(b *testing.B) func() float64 {
	b.Helper()
	runtime.GC()
	debug.FreeOSMemory()
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	stop, done := make(chan struct{}), make(chan uint64)
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		var peak uint64
		for {
			metrics.Read(sample)
			peak = max(peak, sample[0].Value.Uint64()-sample[1].Value.Uint64())
			select {
			case <-stop:
				done <- peak
				return
			case <-tick.C:
			}
		}
	}()
	return func() float64 {
		close(stop)
		return float64(<-done)
	}
}
