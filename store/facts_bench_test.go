package store_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/storetest"
)

const (
	yearServices = 5_000
	yearFacts    = 60 // of a service
	yearWeeks    = 52
	// benchServices is how many of the services are stored; the size of the others is extrapolated. It is the same for
	// each, because the rows of a service are next to each other.
	benchServices = 20
)

// weeklyFact returns the value of a fact in a week, which differs from the one before: of all types, and places of
// files as the facts of repositories have them.
func weeklyFact(r *rand.Rand, n, week int) (event.FactType, any) {
	switch n % 6 {
	case 0:
		return event.BoolFact, week%2 == 0
	case 1:
		return event.NumberFact, float64(r.IntN(100_000)) / 1000
	case 2:
		return event.NumberFact, week + n
	case 3:
		return event.StringFact, fmt.Sprintf("v1.%d.%d", week, r.IntN(20))
	case 4:
		return event.TimeFact, noon.AddDate(0, 0, 7*week).Add(time.Duration(r.IntN(86_400_000)) * time.Millisecond)
	}
	places := []string{}
	for i := range r.IntN(4) + 1 {
		places = append(places, fmt.Sprintf(".github/workflows/ci.yml:%d: uses actions/checkout@v%d", r.IntN(400), i+week%9))
	}
	return event.ListFact, places
}

// weekOfFacts returns what is read on the seven days of a week: new values on the first, the same ones on the others. A
// source reads 20 facts of a service together.
func weekOfFacts(b *testing.B, r *rand.Rand, week int) []event.Event {
	b.Helper()
	events := make([]event.Event, 0, 7*benchServices*yearFacts)
	for service := range benchServices {
		for n := range yearFacts {
			kind, value := weeklyFact(r, n, week)
			raw, err := json.Marshal(value)
			if err != nil {
				b.Fatal(err)
			}
			for day := range 7 {
				at := noon.AddDate(0, 0, 7*week+day).Add(time.Duration((service*7919+n/20*104729+day*611953)%5e6) * time.Millisecond)
				events = append(events, event.Fact{
					Source: fmt.Sprintf("gh-%d", n/20), Entity: fmt.Sprintf("component:default/service-%04d", service),
					Name: fmt.Sprintf("repository.group_%d.fact_%02d", n%7, n), Type: kind, Value: raw,
					ObservedAt: at, ExpiresAt: at.AddDate(0, 0, 4), URL: "https://github.com/org/service",
				})
			}
		}
	}
	return events
}

// BenchmarkFactsOfAYear stores a year of facts that change every week and are read every day with the real writer, and
// reports what a year of 5,000 services with 60 facts of three sources takes on disk: the goal is less than 1 GB. The
// size is that of the active parts after they were merged, in the history, the readings and the current values.
func BenchmarkFactsOfAYear(b *testing.B) {
	for b.Loop() {
		s := storetest.Open(b)
		r := rand.New(rand.NewPCG(1, 2))
		for week := range yearWeeks {
			if err := s.Append(b.Context(), weekOfFacts(b, r, week)...); err != nil {
				b.Fatal(err)
			}
		}
		for _, table := range []string{"fact_history", "current_facts", "fact_reads"} {
			ask(b, s, "OPTIMIZE TABLE "+table+" FINAL", nil)
		}
		var sizes []struct {
			Table string `ch:"table"`
			Rows  uint64 `ch:"n"`
			Bytes uint64 `ch:"size"`
		}
		const sql = `SELECT table, sum(rows) AS n, sum(bytes_on_disk) AS size FROM system.parts
WHERE active AND database = currentDatabase() AND table IN ('fact_history', 'current_facts', 'fact_reads') GROUP BY table`
		if err := s.Select(b.Context(), &sizes, sql, nil); err != nil || len(sizes) != 3 {
			b.Fatal(sizes, err)
		}
		total := uint64(0)
		for _, size := range sizes {
			if size.Table == "fact_history" && size.Rows < benchServices*yearFacts*yearWeeks*9/10 {
				b.Fatalf("%d rows of history", size.Rows)
			}
			if size.Table == "fact_reads" && size.Rows != benchServices*3*7*yearWeeks {
				b.Fatalf("%d rows of readings", size.Rows)
			}
			b.Logf("%s: %d rows, %d bytes", size.Table, size.Rows, size.Bytes)
			total += size.Bytes
		}
		b.ReportMetric(float64(total)*yearServices/benchServices/1e9, "GB/year")
	}
}
