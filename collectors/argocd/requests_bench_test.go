package argocd

import (
	"fmt"
	"testing"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/event"
)

// allowed is the most that collecting may cost, by the units of spent. Argo CD shows a history with its application
// alone, and tells of all of them at once whether anything has happened.
var allowed = map[string]float64{"requests/100applications": 100.5, "requests/scope-unchanged": 0.005}

// spent collects applications, each with the ten deployments that Argo CD remembers, and then once more, and returns
// what that took in requests.
func spent(tb testing.TB) map[string]float64 {
	tb.Helper()
	const apps = 200
	s := newServer(tb)
	for i := range apps {
		var history []any
		for n := range 10 {
			history = append(history, syncedEntry(n, 10*n, sha(n), automated))
		}
		s.put(app(fmt.Sprintf("app-%03d", i), op("Succeeded", 90, 91, sha(9), automated), history...))
	}
	c, all := collector(tb, s, nil), map[string]*collecttest.Writer{}
	collect(tb, c, all)
	first, stored := len(s.took()), 0
	for _, m := range all {
		stored += m.Number(event.KindDeployment)
	}
	if stored != 10*apps {
		tb.Fatalf("stored %d deployments", stored)
	}
	collect(tb, c, all)
	return map[string]float64{
		"requests/100applications": float64(first) * 100 / apps,
		"requests/scope-unchanged": float64(len(s.took())) / apps,
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
