package pagerduty

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/event"
)

// allowed is the most that collecting may cost, by the units of spent. PagerDuty lists no time of acknowledgment of
// incidents that are resolved; of those of the last half year it is asked for one by one.
var allowed = map[string]float64{
	"requests/100incidents":                1,
	"requests/100incidents-of-half-a-year": 101,
	"requests/scope-unchanged":             1,
}

// spent collects the incidents of a service and then once more, and returns what that took in requests.
func spent(tb testing.TB) map[string]float64 {
	tb.Helper()
	first, again := spentOn(tb, 2000, noon.Add(-200*24*time.Hour))
	young, alike := spentOn(tb, 500, noon.Add(-time.Hour))
	return map[string]float64{
		"requests/100incidents":                float64(first) * 100 / 2000,
		"requests/100incidents-of-half-a-year": float64(young) * 100 / 500,
		"requests/scope-unchanged":             float64(max(again, alike)),
	}
}

// spentOn collects n incidents, the newest of which is of the time given.
func spentOn(tb testing.TB, n int, newest time.Time) (first, again int) {
	tb.Helper()
	f, m, now := newFake(tb), collecttest.NewWriter(), &clock{noon}
	f.fill(n, newest, time.Hour)
	c := f.collector(tb, now.now, nil)
	collect(tb, c, m)
	if stored := len(m.Keys(event.KindIncident)); stored != n {
		tb.Fatalf("stored %d incidents of %d", stored, n)
	}
	first = len(f.asked())
	now.at = now.at.Add(time.Minute)
	collect(tb, c, m)
	return first, len(f.asked())
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
