package server

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/web/answers"
)

// TestPastGradesKeepThePresent asks for the grades of a large catalog now and at many past times: those of the present
// are computed once, and the past time that was asked for last is kept.
func TestPastGradesKeepThePresent(t *testing.T) {
	metrics, err := answers.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	v := &versions{
		read:    func(context.Context) (string, error) { return "1", nil },
		catalog: func() *catalog.Catalog { return nil },
		now:     time.Now,
	}
	c, computed := newResultCache(v, metrics), map[string]int{}
	get := func(key string) {
		t.Helper()
		_, err := c.Get(t.Context(), key, func(context.Context) (any, error) {
			computed[key]++
			return make([]scorecards.Report, 5000), nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	times := []string{"2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04", "2026-01-05", "2026-01-06"}
	get("reports")
	for _, at := range times {
		get(report.PastGrades + at)
	}
	get(report.PastGrades + times[len(times)-1])
	get("reports")
	for key, n := range computed {
		if n != 1 {
			t.Errorf("%s: computed %d times", key, n)
		}
	}
}
