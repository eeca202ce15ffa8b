package pages

import (
	"slices"
	"time"

	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/web/charts"
	"github.com/dxctl/dxctl/web/route"
)

func frequencyChart(id string, s metrics.Series, service string) charts.Chart {
	counts := make([]charts.Count, len(s.Buckets))
	for i, b := range s.Buckets {
		end := b.Start.AddDate(0, 0, 7)
		counts[i] = charts.Count{
			Start: b.Start, End: end, N: b.N, Partial: b.Partial, Unknown: b.Value == nil && b.N == 0,
			Link: eventsPath("deployments", "service", service, "environment", metrics.Production, "delivered", "true",
				"from", b.Start.Format(time.DateOnly), "to", end.Format(time.DateOnly)),
		}
	}
	return charts.Frequency(id, "Production deployments by week", "deployments", "week", counts)
}

func ciChart(id string, s metrics.CIWeeks, service string) charts.Chart {
	weeks := make([]charts.CIWeek, len(s.Weeks))
	for i, w := range s.Weeks {
		weeks[i] = charts.CIWeek{
			Start: w.Start, Succeeded: report.Counted(w.Succeeded), Finished: report.Counted(w.Runs), Unknown: w.Runs == nil,
			LeftOut: w.Negative + w.Untimed, Median: w.MedianMinutes, P95: w.P95Minutes, Partial: w.Partial,
			Link: eventsPath("pipeline_runs", "service", service, "status", "succeeded,failed",
				"from", w.Start.Format(time.DateOnly), "to", w.Start.AddDate(0, 0, 7).Format(time.DateOnly)),
		}
	}
	return charts.CI(id, "Minutes of successful CI runs by week", weeks)
}

// The bounds of what a chart draws.
const (
	cohortLimit = route.PageSize // cohorts; of quarters twelve years
	curveLimit  = 200            // points of a curve: a chart is not higher
)

// cohortChart draws cohorts; link is the list of who is in one.
func cohortChart(id string, cohorts []metrics.Cohort, link func(label string) string) charts.Chart {
	var drawn []charts.Cohort
	for _, g := range inTime(cohorts) {
		if g.N == 0 { // it has no estimate to draw
			continue
		}
		drawn = append(drawn, charts.Cohort{Label: words.RefName(g.Label), N: g.N, Deployed: g.Deployed, Waiting: g.Censored,
			Median: inDays(g.MedianHours), P90: inDays(g.P90Hours), Link: link(g.Label)})
	}
	drawn = drawn[max(0, len(drawn)-cohortLimit):]
	return charts.Cohorts(id, "Days to the first deployment by cohort, median and 90th percentile", drawn)
}

func inDays(hours *float64) *float64 {
	if hours == nil {
		return nil
	}
	d := *hours / 24
	return &d
}

// curves are all cohorts when they are few, else everybody, the first and the last cohort that say something.
func curves(result metrics.TTFD) []charts.Curve {
	const few = 5
	chosen := slices.DeleteFunc(slices.Clone(result.Cohorts), func(g metrics.Cohort) bool { return g.N == 0 })
	if len(chosen) > few {
		said := slices.DeleteFunc(slices.Clone(chosen),
			func(g metrics.Cohort) bool { return g.N < report.SmallGroup || g.MedianHours == nil })
		chosen = []metrics.Cohort{result.Overall}
		if len(said) > 0 {
			chosen = append(chosen, said[0])
		}
		if len(said) > 1 {
			chosen = append(chosen, said[len(said)-1])
		}
	}
	until := map[string]float64{} // the longest observation, in hours; of everybody under the label of all
	for _, s := range result.Subjects {
		if s.Counted {
			until[s.Cohort] = max(until[s.Cohort], s.Hours)
			until[result.Overall.Label] = max(until[result.Overall.Label], s.Hours)
		}
	}
	var out []charts.Curve
	for _, g := range chosen {
		curve := charts.Curve{Name: words.RefName(g.Label), N: g.N, Until: until[g.Label] / 24, Steps: g.CurveSteps}
		if g.N > 0 {
			curve.Points = append(curve.Points, charts.CurvePoint{AtRisk: g.N})
		}
		for _, p := range metrics.Thin(g.Curve, curveLimit) {
			curve.Points = append(curve.Points, charts.CurvePoint{Day: p.Hours / 24, Share: 1 - p.Survival, AtRisk: p.AtRisk})
		}
		out = append(out, curve)
	}
	return out
}
