package charts

import (
	"fmt"
	"time"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dxctl/dxctl/report/words"
)

// Standing is how a selection of services stood at a moment.
type Standing struct {
	At                                          time.Time
	Known                                       bool // false: no service had a grade
	Failed, Unknown, Waived, Reached, NotGraded int
}

// BurnDown draws what is left at each moment as a column, and what has reached the goal above it. A moment without a
// grade is a gap. standings are ordered by time, a day apart but for the last one, which may be now.
func BurnDown(id, title string, standings []Standing) Chart {
	c := Chart{ID: id, Title: title, Unit: "", Table: Table{Head: []string{"at", "failed", "unknown", "waived", "reached",
		"not graded yet"}}}
	labels := make([]string, len(standings))
	series := []struct {
		name, color string
		data        []opts.BarData
		of          func(Standing) int
	}{
		{"failed", "var(--chart-bad)", nil, func(s Standing) int { return s.Failed }},
		{"unknown", colorOther, nil, func(s Standing) int { return s.Unknown }},
		{"waived", palette(3), nil, func(s Standing) int { return s.Waived }},
		{"reached", "var(--chart-good)", nil, func(s Standing) int { return s.Reached }},
	}
	var first, last *Standing
	for i, s := range standings {
		labels[i] = s.At.UTC().Format("2 Jan 2006")
		if at := s.At.UTC(); !at.Equal(at.Truncate(24 * time.Hour)) {
			labels[i] = at.Format("2 Jan 2006 15:04")
		}
		cells := []Cell{text(labels[i])}
		for j := range series {
			n := series[j].of(s)
			point, cell := opts.BarData{Value: n}, number(words.Whole(n), "")
			if !s.Known {
				point, cell = opts.BarData{Value: "-"}, number("not known", "")
			}
			series[j].data = append(series[j].data, point)
			cells = append(cells, cell)
		}
		c.Table.Rows = append(c.Table.Rows, append(cells, number(words.Whole(s.NotGraded), "")))
		if s.Known {
			if first == nil {
				first = &standings[i]
			}
			last = &standings[i]
		}
	}
	if last == nil {
		c.Summary = "Not known: no grade of these services is stored for this time."
		return c
	}
	c.Summary = fmt.Sprintf("%s left on %s, %s on %s.", words.Whole(first.Failed+first.Unknown),
		words.Day(first.At), words.Whole(last.Failed+last.Unknown), words.Day(last.At))
	bar := charts.NewBar()
	bar.SetGlobalOptions(frame(true,
		opts.XAxis{Type: "category", AxisLabel: dates()},
		opts.YAxis{Type: "value", MinInterval: 1, AxisLabel: axisLabel("{value}")})...)
	bar.SetXAxis(labels)
	for _, s := range series {
		bar.AddSeries(s.name, s.data, charts.WithBarChartOpts(opts.BarChart{Stack: "all", BarCategoryGap: "20%"}),
			charts.WithItemStyleOpts(opts.ItemStyle{Color: s.color}))
	}
	c.Options = options(bar)
	return c
}
