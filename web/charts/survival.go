package charts

import (
	"fmt"
	"math"

	"github.com/dxctl/dxctl/report/words"
	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
)

// Curve is the share of a group that is there by a day (one minus Kaplan and Meier's estimate), as steps. Points are
// ordered by Day and begin at day 0, share 0.
type Curve struct {
	Name   string
	N      int
	Until  float64 // the last day on which somebody of the group was observed; the estimate ends there
	Points []CurvePoint
	Steps  int // of the whole curve, where Points has only some of them
}

// CurvePoint says that from Day on, Share (0 to 1) of the group is there, with AtRisk still observed just before.
type CurvePoint struct {
	Day, Share float64
	AtRisk     int
}

// horizon is the last day that is drawn: half as long again as until the last arrival. After it every curve is level,
// and somebody who has waited for a year would press the part that matters into a corner.
func horizon(curves []Curve) float64 {
	last, until := 0.0, 0.0
	for _, g := range curves {
		until = max(until, g.Until)
		if len(g.Points) > 0 {
			last = max(last, g.Points[len(g.Points)-1].Day)
		}
	}
	if last == 0 { // nobody has arrived
		return math.Ceil(until)
	}
	return math.Ceil(min(max(until, last), max(1.5*last, 7)))
}

// steps counts the points of the curves after their beginnings, and the steps of the whole curves.
func steps(curves []Curve) (shown, all int) {
	for _, g := range curves {
		n := max(0, len(g.Points)-1)
		shown += n
		all += max(n, g.Steps)
	}
	return shown, all
}

// Arrival draws, for each group, the share that has deployed by a day. what is who waits ("engineers").
func Arrival(id, title, what string, curves []Curve) Chart {
	c := Chart{ID: id, Title: title, Unit: "%", Tall: true,
		Table: Table{Head: []string{"group", "day", "have deployed", "at risk before"}}}
	line := charts.NewLine()
	drawn := 0
	for i, g := range curves {
		if len(g.Points) == 0 {
			continue
		}
		drawn++
		var data []opts.LineData
		for _, p := range g.Points {
			data = append(data, opts.LineData{Value: []float64{round(p.Day, 2), round(p.Share*100, 1)}})
			day := p.Day
			c.Table.Rows = append(c.Table.Rows, []Cell{text(g.Name), number(words.Days(&day), ""),
				number(words.Number(p.Share*100, 1)+" %", ""), number(fmt.Sprint(p.AtRisk), "")})
		}
		if end := g.Points[len(g.Points)-1]; end.Day < g.Until {
			data = append(data, opts.LineData{Value: []float64{round(g.Until, 2), round(end.Share*100, 1)}})
		}
		line.AddSeries(fmt.Sprintf("%s (n = %d)", g.Name, g.N), data,
			charts.WithLineChartOpts(opts.LineChart{Step: "end", ShowSymbol: opts.Bool(false)}),
			charts.WithLineStyleOpts(opts.LineStyle{Width: 2, Color: palette(i)}),
			charts.WithItemStyleOpts(opts.ItemStyle{Color: palette(i)}))
	}
	if drawn == 0 {
		c.Summary = "Nobody has started yet: there is no curve to draw."
		return c
	}
	c.Summary = fmt.Sprintf("Share of %s who have deployed, by days since the start, for %s.",
		what, words.Plural(drawn, "group", "groups"))
	if shown, all := steps(curves); shown < all {
		c.Summary += fmt.Sprintf(" The curves are drawn with %d of their %d steps; medians and percentiles are of all.",
			shown, all)
	}
	line.SetGlobalOptions(frame(true,
		opts.XAxis{Type: "value", Min: 0, Max: horizon(curves), AxisLabel: within(axisLabel("day {value}")),
			SplitLine: &opts.SplitLine{Show: opts.Bool(false)}},
		opts.YAxis{Type: "value", Min: 0, Max: 100, AxisLabel: axisLabel("{value} %")})...)
	c.Options = options(line)
	return c
}
