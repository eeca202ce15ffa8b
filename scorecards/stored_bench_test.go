package scorecards

import (
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

// stocked returns functions that grade in the store of stockedStore.
func stocked(b *testing.B, services int) (
	refresh func(only []string) ([]Report, error), grade func() []Report) {
	b.Helper()
	s, cat, e := stockedStore(b, services)
	m, err := metrics.New(s, clock)
	if err != nil {
		b.Fatal(err)
	}
	refresh = func(only []string) ([]Report, error) { return e.Refresh(b.Context(), s, cat, m, only) }
	grade = func() []Report {
		reports, err := e.Reports(b.Context(), s, cat)
		if err != nil {
			b.Fatal(err)
		}
		return reports
	}
	return refresh, grade
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
	_, grade := stocked(b, 5_000)
	b.ReportAllocs()
	for b.Loop() {
		reports := grade()
		if len(reports) != 5_000*len(builtInCards) || reports[0].Coverage < 0.5 {
			b.Fatal(len(reports), reports[0])
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)*1e3, "ms/catalog")
}

// BenchmarkRegradeOne grades one of 5,000 services again and stores what it found: the goal is less than 50 ms.
func BenchmarkRegradeOne(b *testing.B) {
	refresh, _ := stocked(b, 5_000)
	b.ReportAllocs()
	for b.Loop() {
		reports, err := refresh([]string{"component:default/s2500"})
		if err != nil || len(reports) != len(builtInCards) {
			b.Fatal(len(reports), err)
		}
	}
}
