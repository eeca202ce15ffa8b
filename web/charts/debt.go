package charts

import (
	"fmt"
	"time"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dxctl/dxctl/report/words"
)

// Point is a count at a time.
type Point struct {
	At time.Time
	N  int
}

// Steps draws counts at times as steps. what is a plural noun ("waived rules"). points are ordered by time.
func Steps(id, title, what string, points []Point) Chart {
	c := Chart{ID: id, Title: title, Table: Table{Head: []string{"on", what}}}
	most := 0
	data := make([]opts.LineData, len(points))
	for i, p := range points {
		most = max(most, p.N)
		data[i] = opts.LineData{Value: []any{p.At.UTC().Format(time.RFC3339), p.N}}
		c.Table.Rows = append(c.Table.Rows, []Cell{text(p.At.UTC().Format("2 Jan 2006")), number(fmt.Sprint(p.N), "")})
	}
	if most == 0 {
		c.Summary = "No " + what + " in this time."
		return c
	}
	first, last := points[0], points[len(points)-1]
	c.Summary = fmt.Sprintf("%s on %s, %s on %s; at most %s.", words.Whole(first.N), first.At.UTC().Format("2 Jan 2006"),
		words.Whole(last.N), last.At.UTC().Format("2 Jan 2006"), words.Whole(most))
	line := charts.NewLine()
	line.AddSeries(what, data, charts.WithLineChartOpts(opts.LineChart{Step: "end", ShowSymbol: opts.Bool(false)}),
		charts.WithLineStyleOpts(opts.LineStyle{Width: 2, Color: colorMain}),
		charts.WithItemStyleOpts(opts.ItemStyle{Color: colorMain}))
	line.SetGlobalOptions(frame(false,
		opts.XAxis{Type: "time", AxisLabel: within(axisLabel("{d} {MMM}")),
			SplitLine: &opts.SplitLine{Show: opts.Bool(false)}},
		opts.YAxis{Type: "value", Min: 0, MinInterval: 1, AxisLabel: axisLabel("{value}")})...)
	c.Options = options(line)
	return c
}
