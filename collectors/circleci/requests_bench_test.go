package circleci

import (
	"fmt"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/event"
)

// allowed is the most that collecting may cost, by the units of spent. CircleCI lists 20 pipelines at a time, and
// neither workflows nor jobs but of one pipeline and of one workflow.
var allowed = map[string]float64{"requests/100runs-with-jobs": 153, "requests/scope-unchanged": 1}

// spent collects the history of a project and then once more, and returns what that took in requests.
func spent(tb testing.TB) map[string]float64 {
	tb.Helper()
	const pipelines, runs = 500, 1000 // a run is a workflow
	f, m, now := newFake(tb), collecttest.NewWriter(), &clock{noon}
	f.pageSize = 20
	for n := 1; n <= pipelines; n++ {
		created := noon.Add(time.Duration(n-pipelines-200) * time.Hour)
		f.push(n, created, "success")
		f.flow(fmt.Sprintf("p%d", n), "deploy", "success", created, "staging", "production")
	}
	c := f.collector(tb, now.now, nil)
	collect(tb, c, m)
	first := f.asked()
	if n := m.Number(event.KindPipelineRun); n != runs {
		tb.Fatalf("stored %d runs", n)
	}
	now.at = now.at.Add(time.Hour)
	collect(tb, c, m)
	return map[string]float64{
		"requests/100runs-with-jobs": float64(first) * 100 / runs,
		"requests/scope-unchanged":   float64(f.asked()),
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
