package charts

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

func days(v float64) *float64 { return &v }

func TestCharts(t *testing.T) {
	start := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	hostile := `</script><script>alert(1)</script>`
	for _, tt := range []struct {
		name      string
		chart     Chart
		drawn     bool
		series    int
		rows      int
		contained []string
	}{
		{name: "frequency without counts", chart: Frequency("f", "t", "deployments", "week", nil)},
		{name: "frequency of nothing", chart: Frequency("f", "t", "deployments", "week", []Count{{Start: start}}), rows: 1},
		{name: "frequency", chart: Frequency("f", "t", "deployments", "week",
			[]Count{{Start: start, N: 3, Link: "/e"}, {Start: start.AddDate(0, 0, 7), N: 0, Partial: true}}),
			drawn: true, series: 1, rows: 2, contained: []string{"2 Nov 2026", "in part"}},
		{name: "cohorts without a median", chart: Cohorts("c", "t", []Cohort{{Label: "Nov", N: 3, Waiting: 3}}), rows: 1},
		{name: "cohorts", chart: Cohorts("c", "t", []Cohort{{Label: hostile, N: 3, Median: days(14), P90: nil}}),
			drawn: true, series: 2, rows: 1},
		{name: "arrival of nobody", chart: Arrival("a", "t", "engineers", []Curve{{Name: "all"}})},
		{name: "arrival", chart: Arrival("a", "t", "engineers",
			[]Curve{{Name: hostile, N: 2, Until: 8, Points: []CurvePoint{{0, 0, 2}, {3, 0.5, 2}}},
				{Name: "b", N: 1, Points: []CurvePoint{{0, 0, 1}, {9, 1, 1}}}}), drawn: true, series: 2, rows: 4,
			contained: []string{"[8,50]"}},
		{name: "ci without weeks", chart: CI("r", "t", nil)},
		{name: "ci with a week of failures", chart: CI("r", "t", []CIWeek{{Start: start, Finished: 3}}), rows: 1},
		{name: "ci", chart: CI("r", "t", []CIWeek{{Start: start, Finished: 3, Succeeded: 2, Median: days(4.25),
			P95: days(9)}, {Start: start.AddDate(0, 0, 7)}}),
			drawn: true, series: 2, rows: 2, contained: []string{`"-"`, "4.3"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.chart.Summary == "" {
				t.Error("no summary: the picture has no text alternative")
			}
			if tt.chart.Empty() == tt.drawn {
				t.Errorf("Empty() = %v, want %v", tt.chart.Empty(), !tt.drawn)
			}
			if got := len(tt.chart.Table.Rows); got != tt.rows {
				t.Errorf("%d rows in the table, want %d", got, tt.rows)
			}
			for _, row := range tt.chart.Table.Rows {
				if len(row) != len(tt.chart.Table.Head) {
					t.Errorf("row %v has %d cells, head has %d", row, len(row), len(tt.chart.Table.Head))
				}
			}
			if !tt.drawn {
				return
			}
			var options struct{ Series []any }
			if err := json.Unmarshal(tt.chart.Options, &options); err != nil {
				t.Fatalf("options are not JSON: %v", err)
			}
			if len(options.Series) != tt.series {
				t.Errorf("%d series, want %d", len(options.Series), tt.series)
			}
			raw := string(tt.chart.Options)
			for _, part := range tt.contained {
				if !strings.Contains(raw, part) {
					t.Errorf("options lack %q:\n%s", part, raw)
				}
			}
			if strings.Contains(raw, "</script") || strings.Contains(raw, "__f__") {
				t.Errorf("options hold raw markup or code:\n%s", raw)
			}
		})
	}
}

func TestNotANumberIsNotDrawn(t *testing.T) {
	c := Cohorts("c", "t", []Cohort{{Label: "x", N: 1, Median: days(math.Inf(1))}})
	if !c.Empty() {
		t.Errorf("an infinite median was drawn: %s", c.Options)
	}
}
