package opsgenie

import (
	"fmt"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/event"
)

// allowed is the most that collecting may cost, by the units of spent: a page is 100, and alerts are counted once.
var allowed = map[string]float64{"requests/100alerts": 1.05, "requests/100incidents": 1, "requests/scope-unchanged": 1}

// spent collects the alerts of a team and the incidents of a service and then both once more, and returns what that
// took in requests.
func spent(tb testing.TB) map[string]float64 {
	tb.Helper()
	const alerts, incidents = 2000, 1000
	f, now := newFake(tb), &clock{noon}
	f.fill(alerts, noon.Add(-50*time.Hour), time.Hour)
	for i := range incidents {
		o := f.incident(fmt.Sprint("i", i), noon.Add(time.Duration(i-incidents-50)*time.Hour), service)
		o["status"], o["impactEndDate"] = "resolved", o["createdAt"]
	}
	c := f.collector(tb, now.now, withTeam)
	ofTeam, ofService := collecttest.NewWriter(), collecttest.NewWriter()
	collect(tb, c, team, ofTeam)
	forAlerts := len(f.asked())
	collect(tb, c, service, ofService)
	forIncidents := len(f.asked())
	if len(ofTeam.Keys(event.KindIncident)) != alerts || len(ofService.Keys(event.KindIncident)) != incidents {
		tb.Fatalf(
			"stored %d alerts and %d incidents",
			len(ofTeam.Keys(event.KindIncident)),
			len(ofService.Keys(event.KindIncident)),
		)
	}
	now.at = now.at.Add(time.Minute)
	collect(tb, c, team, ofTeam)
	collect(tb, c, service, ofService)
	return map[string]float64{
		"requests/100alerts":       float64(forAlerts) * 100 / alerts,
		"requests/100incidents":    float64(forIncidents) * 100 / incidents,
		"requests/scope-unchanged": float64(len(f.asked())) / 2,
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
