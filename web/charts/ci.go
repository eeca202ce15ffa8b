package charts

import (
	"fmt"
	"time"

	"github.com/dxctl/dxctl/report/words"
	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
)

// CIWeek is how long the successful runs of a week took. Quantiles are nil in a week without timed runs.
type CIWeek struct {
	Start               time.Time
	Succeeded, Finished int // of Finished runs, Succeeded did
	LeftOut             int // of Succeeded: in no quantile, because it is not known how long they took
	Median, P95         *float64
	Link                string
	Partial             bool
	Unknown             bool // nothing was collected of the week: its runs are not known
}

func minuteCell(v *float64) Cell {
	if v == nil {
		return number("no data", "")
	}
	return number(words.Number(*v, 1), "")
}

// CI draws the median and the 95th percentile of minutes week by week. Weeks without runs are gaps in the lines.
func CI(id, title string, weeks []CIWeek) Chart {
	c := Chart{ID: id, Title: title, Unit: "min"}
	c.Table.Head = []string{"week of", "runs", "succeeded", "median min", "p95 min"}
	labels := make([]string, len(weeks))
	medians, p95s := make([]opts.LineData, len(weeks)), make([]opts.LineData, len(weeks))
	links := make([]string, len(weeks))
	drawn, runs, good, left, unknown := 0, 0, 0, 0, 0
	for i, w := range weeks {
		labels[i], links[i] = w.Start.Format("2 Jan 2006"), w.Link
		if w.Partial && !w.Unknown {
			labels[i] += " (in part)"
		}
		medians[i], p95s[i] = opts.LineData{Value: "-"}, opts.LineData{Value: "-"}
		if w.Median != nil {
			medians[i].Value = round(*w.Median, 1)
			drawn++
		}
		if w.P95 != nil {
			p95s[i].Value = round(*w.P95, 1)
		}
		runs, good, left = runs+w.Finished, good+w.Succeeded, left+w.LeftOut
		finished, succeeded := number(fmt.Sprint(w.Finished), w.Link), number(fmt.Sprint(w.Succeeded), "")
		if w.Unknown {
			unknown++
			finished, succeeded = number("not known", ""), number("not known", "")
		}
		c.Table.Rows = append(c.Table.Rows, []Cell{text(labels[i]), finished, succeeded,
			minuteCell(w.Median), minuteCell(w.P95)})
	}
	if drawn == 0 {
		c.Summary = "No timed, successful runs in this time."
		if len(weeks) > 0 && unknown == len(weeks) {
			c.Summary = "Not known: no runs were collected of this time."
		}
		if left > 0 {
			c.Summary += fmt.Sprintf(" Of %s the duration is not known.",
				words.Plural(left, "successful run", "successful runs"))
		}
		return c
	}
	c.Summary = fmt.Sprintf("%s in %s, %d of them successful; minutes of the successful ones by week.",
		words.Plural(runs, "run", "runs"), words.Plural(len(weeks), "week", "weeks"), good)
	if left > 0 {
		c.Summary += fmt.Sprintf(" %d of these are left out of the minutes: their duration is not known.", left)
	}
	line := charts.NewLine()
	line.SetGlobalOptions(frame(true,
		opts.XAxis{Type: "category", AxisLabel: dates()},
		opts.YAxis{Type: "value", Min: 0, AxisLabel: axisLabel("{value} min")})...)
	line.SetXAxis(labels)
	add := func(name, color string, data []opts.LineData, width float32) {
		line.AddSeries(name, data,
			charts.WithLineChartOpts(opts.LineChart{Symbol: "circle", SymbolSize: 5, ShowSymbol: opts.Bool(true)}),
			charts.WithLineStyleOpts(opts.LineStyle{Width: width, Color: color}),
			charts.WithItemStyleOpts(opts.ItemStyle{Color: color}))
	}
	add("median", colorMain, medians, 2)
	add("95th percentile", colorOther, p95s, 1.5)
	c.Options, c.Links = options(line), [][]string{links, links}
	return c
}
