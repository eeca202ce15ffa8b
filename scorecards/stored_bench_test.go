package scorecards

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/store"
)

// stockedStore returns a store with a value of every fact of services, their catalog, and the built-in scorecards.
func stockedStore(b *testing.B, services int) (*store.Store, *catalog.Catalog, *Engine) {
	b.Helper()
	s, cat := many(b, services)
	cards, err := Load(Config{}, b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	e, err := New(cards, clock)
	if err != nil {
		b.Fatal(err)
	}
	known := benchmarkFacts()
	names := e.TrackedFacts()
	for from := 0; from < services; from += 1_000 {
		var events []event.Event
		for _, entity := range cat.Services()[from:min(from+1_000, services)] {
			for _, name := range names {
				f, ok := known[name]
				if !ok {
					continue
				}
				f.Entity, f.Source, f.URL = entity.Ref, "gh", "https://github.com/o/r"
				f.ObservedAt = testNow.Add(-time.Hour)
				events = append(events, f)
			}
		}
		if err := s.Append(b.Context(), events...); err != nil {
			b.Fatal(err)
		}
	}
	return s, cat, e
}

func benchmarkFacts() map[string]event.Fact {
	known := map[string]any{}
	for _, d := range facts.Catalog() {
		switch d.Type {
		case event.BoolFact:
			known[d.Name] = true
		case event.NumberFact:
			known[d.Name] = 9.5
		case event.StringFact:
			known[d.Name] = "production"
		case event.TimeFact:
			known[d.Name] = testNow.AddDate(0, 0, -60)
		case event.ListFact:
			known[d.Name] = []string{}
		}
	}
	return factsOf(known)
}

// BenchmarkGradeStored grades 5,000 services by the forty rules, with reasons, from facts in the store: the goal is
// less than 1 s on two cores.
func BenchmarkGradeStored(b *testing.B) {
	s, cat, e := stockedStore(b, 5_000)
	b.ReportAllocs()
	for b.Loop() {
		reports, err := e.Reports(b.Context(), s, cat)
		if err != nil {
			b.Fatal(err)
		}
		if len(reports) != 5_000*len(builtInCards) || reports[0].Coverage < 0.5 {
			b.Fatal(len(reports), reports[0])
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)*1e3, "ms/catalog")
}

// BenchmarkRegradeOne grades one of 5,000 services again after something new of it was stored, and stores what is
// different. The goal is less than 50 ms after a fact; after a deployment, its numbers are computed anew.
func BenchmarkRegradeOne(b *testing.B) {
	const ref = "component:default/s2500"
	s, cat, e := stockedStore(b, 5_000)
	m, err := metrics.New(s, clock)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		next func(n int) event.Event
	}{
		{"fact", func(n int) event.Event {
			return event.Fact{Source: "gh", Entity: ref, Name: "repository.files.readme", Type: event.BoolFact,
				Value: json.RawMessage(strconv.FormatBool(n%2 == 0)), ObservedAt: testNow.Add(-time.Minute)}
		}},
		{"deployment", func(n int) event.Event {
			at := testNow.Add(-time.Duration(n) * time.Minute)
			return event.Deployment{Origin: event.Origin{Source: "gh", Provider: "github", Scope: "o/s2500",
				ID: strconv.Itoa(n), Service: ref}, Attempt: 1, Environment: "production", Status: event.Succeeded,
				Version: "v1", CreatedAt: at, FinishedAt: at.Add(time.Second)}
		}},
	} {
		b.Run("after="+c.name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			// a service that is graded for the first time in an hour costs as much as after a deployment
			if _, err := e.Refresh(b.Context(), s, cat, m, []string{ref}); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				n++
				b.StopTimer()
				if err := s.Append(b.Context(), c.next(n)); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				reports, err := e.Refresh(b.Context(), s, cat, m, []string{ref})
				if err != nil || len(reports) != len(builtInCards) {
					b.Fatal(len(reports), err)
				}
			}
		})
	}
}
