package store_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

// benchRows is how many rows the benchmarks write and read.
const benchRows = 200_000

// runs returns pipeline runs as a collector makes them.
func runs(n int) []event.Event {
	events := make([]event.Event, n)
	for i := range events {
		at := noon.Add(-time.Duration(i) * time.Minute)
		events[i] = event.PipelineRun{
			Origin: event.Origin{
				Source:   "gh",
				Provider: "github",
				Scope:    fmt.Sprintf("org/repo-%d", i%50),
				ID:       fmt.Sprint(1e9 + i),
				URL:      fmt.Sprintf("https://github.com/org/repo-%d/actions/runs/%d", i%50, 1_000_000_000+i),
			},
			Attempt:    1,
			Pipeline:   []string{"ci", "deploy", "lint"}[i%3],
			Status:     event.Succeeded,
			StatusRaw:  "success",
			Branch:     "main",
			Trigger:    "push",
			SHA:        fmt.Sprintf("%040x", i),
			Actor:      fmt.Sprintf("engineer-%d", i%80),
			CreatedAt:  at,
			StartedAt:  at.Add(5 * time.Second),
			FinishedAt: at.Add(5 * time.Minute),
		}
	}
	return events
}

// ask sends a statement past the driver, straight to the engine, and returns the whole answer.
func ask(b testing.TB, s *store.Store, sql string, body io.Reader) []byte {
	b.Helper()
	info, err := s.Info(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	query := url.Values{"database": {info.Database}, "query": {sql}}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://embedded/?"+query.Encode(), body)
	if err != nil {
		b.Fatal(err)
	}
	res, err := storetest.Engine(b).RoundTrip(req)
	if err != nil {
		b.Fatal(err)
	}
	out, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		b.Fatalf("%d %v %s", res.StatusCode, err, out)
	}
	return out
}

// BenchmarkAppend writes pipeline runs and compares that with the engine alone, which reads the same rows in its own
// Native format: the ratio is what validation, columns and the driver cost. The two take turns, each into an empty
// table, and their medians are compared.
func BenchmarkAppend(b *testing.B) {
	s := storetest.Open(b)
	events := runs(benchRows)
	mustAppend(b, s, events...)
	native := ask(b, s, "SELECT * FROM raw_pipeline_runs", strings.NewReader(""))
	var appending, reading []time.Duration
	emptied := func(write func()) time.Duration {
		if err := s.Clear(context.Background()); err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		write()
		return time.Since(began)
	}
	b.ResetTimer()
	for b.Loop() {
		appending = append(appending, emptied(func() { mustAppend(b, s, events...) }))
		reading = append(
			reading,
			emptied(func() { ask(b, s, "INSERT INTO raw_pipeline_runs FORMAT Native", bytes.NewReader(native)) }),
		)
	}
	slices.Sort(appending)
	slices.Sort(reading)
	ours, alone := appending[len(appending)/2].Seconds(), reading[len(reading)/2].Seconds()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(benchRows/ours, "rows/s")
	b.ReportMetric(benchRows/alone, "engine-rows/s")
	b.ReportMetric(ours/alone, "times-engine")
}

// BenchmarkAppendOne writes a single event, as a webhook does.
func BenchmarkAppendOne(b *testing.B) {
	s := storetest.Open(b)
	one := runs(1)
	for b.Loop() {
		mustAppend(b, s, one...)
	}
}

// BenchmarkPointQuery reads one row by its key.
func BenchmarkPointQuery(b *testing.B) {
	s := storetest.Open(b)
	mustAppend(b, s, runs(benchRows)...)
	for b.Loop() {
		var rows []struct {
			SHA string `ch:"sha"`
		}
		err := s.Select(context.Background(), &rows, "SELECT sha FROM raw_pipeline_runs WHERE source = 'gh' AND scope = "+
			"{scope:String} AND id = {id:String}",
			map[string]any{"scope": "org/repo-7", "id": "1000000007"})
		if err != nil || len(rows) != 1 {
			b.Fatalf("%d rows: %v", len(rows), err)
		}
	}
}

// BenchmarkSelectLarge reads many rows into structs.
func BenchmarkSelectLarge(b *testing.B) {
	s := storetest.Open(b)
	mustAppend(b, s, runs(benchRows)...)
	b.ResetTimer()
	for b.Loop() {
		var rows []struct {
			ID       string     `ch:"id"`
			Pipeline string     `ch:"pipeline"`
			Started  *time.Time `ch:"started_at"`
		}
		if err := s.Select(
			context.Background(),
			&rows,
			"SELECT id, pipeline, started_at FROM raw_pipeline_runs",
			nil,
		); err != nil ||
			len(rows) < benchRows {
			b.Fatalf("%d rows: %v", len(rows), err)
		}
	}
	b.ReportMetric(benchRows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkDeployedChanges reads the view that has most to do: 20,000 changes and 10,000 deployments of 50 services.
func BenchmarkDeployedChanges(b *testing.B) {
	s := storetest.Open(b)
	var events []event.Event
	for i := range 20_000 {
		at := noon.Add(-time.Duration(i) * 10 * time.Minute)
		o := event.Origin{Source: "gh", Provider: "github", Scope: fmt.Sprintf("org/repo-%d", i%50), ID: fmt.Sprint(i)}
		events = append(events, event.Change{Origin: o, Number: uint64(i), MergedAt: at, MergeSHA: fmt.Sprint("sha", i)})
		if i%2 == 0 {
			events = append(
				events,
				event.Deployment{
					Origin:      o,
					Attempt:     1,
					Environment: "production",
					Status:      event.Succeeded,
					StartedAt:   at.Add(time.Hour),
					SHA:         fmt.Sprint("sha", i/3),
				},
			)
		}
		if i%4 == 0 { // of every other deployment the commits are known
			e := deployedCommits(o.ID)
			e.Scope, e.Deployment.Scope = o.Scope, o.Scope
			for j := range 10 {
				e.Commits = append(e.Commits, event.Commit{SHA: fmt.Sprintf("%040x", i*10+j), CommittedAt: at})
			}
			events = append(events, e)
		}
	}
	mustAppend(b, s, events...)
	b.ResetTimer()
	for b.Loop() {
		var rows []struct {
			N uint64 `ch:"n"`
		}
		if err := s.Select(context.Background(), &rows, "SELECT count() AS n FROM deployed_changes", nil); err != nil ||
			rows[0].N == 0 {
			b.Fatal(rows, err)
		}
	}
}
