package replay_test

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/scorecards/replay"
	"github.com/dxctl/dxctl/store/storetest"
)

// BenchmarkBackTest grades 5,000 services by the forty rules on each of the last 90 days, from facts in the store that
// change every week: the goal is less than 10 s.
func BenchmarkBackTest(b *testing.B) {
	const count, weeks = 5_000, 13
	s, cat := services(b, count)
	set, err := scorecards.Load(scorecards.Config{}, b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	e, err := scorecards.New(set, nil)
	if err != nil {
		b.Fatal(err)
	}
	types := map[string]event.FactType{}
	for _, d := range facts.Catalog() {
		types[d.Name] = d.Type
	}
	names := e.TrackedFacts()
	kinds := make([]string, len(names))
	for i, name := range names {
		kinds[i] = string(types[name])
	}
	to := time.Now().UTC().Truncate(24 * time.Hour)
	storetest.FillHistory(b, s, count, weeks, names, kinds, to)
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		h, err := replay.Load(b.Context(), s, cat, replay.Days{From: to.AddDate(0, 0, -90), To: to}, e)
		if err != nil {
			b.Fatal(err)
		}
		loaded := time.Since(began)
		result := h.Grade(e)
		moments := 0
		for _, entity := range result.Entities {
			moments += len(entity.Moments)
		}
		if len(result.Days) != 90 || len(result.Entities) < 2*count || moments < 30*count {
			b.Fatal(len(result.Days), len(result.Entities), moments)
		}
		b.ReportMetric(loaded.Seconds(), "s-reading")
		b.ReportMetric(float64(len(names)), "facts/service")
		b.ReportMetric(float64(moments), "changes")
	}
}
