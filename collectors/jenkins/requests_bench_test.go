package jenkins

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

// allowed is the most that collecting may cost, by the units of spent. The folder is asked beside the root, because
// what is in its multibranch project lies deeper than one listing shows.
var allowed = map[string]float64{"requests/100builds": 1, "requests/scope-unchanged": 0.5}

// spent collects the builds of a few jobs and then once more, and returns what that took in requests.
func spent(tb testing.TB) map[string]float64 {
	tb.Helper()
	const builds = 500 // of each job
	f := start(tb, freestyle("shop", until(builds)...), folder(
		"team",
		freestyle("deploy", until(builds)...),
		multibranch("api", freestyle("main", until(builds)...), freestyle("next", until(builds)...)),
	), freestyle("docs", until(builds)...))
	m := newMemories()
	scopes := f.collect(tb, m, now, nil)
	first, stored := len(f.asked()), 0
	for _, s := range scopes {
		stored += m.of(s).Number(event.KindPipelineRun)
	}
	if stored != 5*builds {
		tb.Fatalf("stored %d builds", stored)
	}
	f.collect(tb, m, now.Add(time.Minute), nil)
	return map[string]float64{
		"requests/100builds":       float64(first) * 100 / float64(stored),
		"requests/scope-unchanged": float64(len(f.asked())) / float64(len(scopes)),
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
