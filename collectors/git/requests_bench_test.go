package git_test

import (
	"fmt"
	"testing"
)

// allowed is the most that collecting may cost, by the units of spent: the branches, and what they lead to.
var allowed = map[string]float64{"requests/repository": 2, "requests/scope-unchanged": 0}

// spent reads the history of a repository for its deployments and then once more, and returns what that took in
// exchanges with the server.
func spent(tb testing.TB) map[string]float64 {
	tb.Helper()
	const deployments = 25
	w := newWorld(tb)
	for i := range deployments {
		w.deploy(fmt.Sprint("d", i), w.repo.commit("main.go"))
	}
	w.collect()
	first := w.asked
	if n := len(w.compared()); n != deployments {
		tb.Fatalf("compared %d deployments of %d", n, deployments)
	}
	w.collect()
	return map[string]float64{"requests/repository": float64(first), "requests/scope-unchanged": float64(w.asked)}
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
