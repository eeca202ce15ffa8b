package backstage

import (
	"fmt"
	"strings"
	"testing"
)

// allowed is the most that collecting may cost, by the units of spent: a page is 1,000 entities, and each is asked for
// on condition.
var allowed = map[string]float64{"requests/100entities": 0.1, "requests/scope-unchanged": 1}

// spent collects a catalog and then once more, and returns what that took in requests.
func spent(tb testing.TB) map[string]float64 {
	tb.Helper()
	const entities = 1000
	f, m := newFake(tb), newMemory()
	for i := range entities {
		f.entities[fmt.Sprintf("%04d", i)] = entity(fmt.Sprint("service-", i), "1")
	}
	c := collector(tb, f, Config{})
	for range 2 {
		if err := c.Collect(tb.Context(), Scope, m); err != nil {
			tb.Fatal(err)
		}
	}
	first, again := 0, 0
	for _, r := range f.requests {
		if strings.HasPrefix(r, "304 ") {
			again++
		} else {
			first++
		}
	}
	if m.appends != entities {
		tb.Fatalf("%d entities were appended", m.appends)
	}
	return map[string]float64{
		"requests/100entities":     float64(first) * 100 / entities,
		"requests/scope-unchanged": float64(again),
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
