package charts

import (
	"fmt"

	"github.com/dxctl/dxctl/report/words"
	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
)

// Cohort is how long a group took, in days. A nil quantile was not reached: too few of the group are there yet.
type Cohort struct {
	Label                string
	N, Deployed, Waiting int
	Median, P90          *float64
	Link                 string // the people or services behind it
}

// Cohorts draws the median of each cohort as columns and the 90th percentile as marks above them. A cohort whose
// quantile is not reached has no column; the table says so.
func Cohorts(id, title string, cohorts []Cohort) Chart {
	c := Chart{ID: id, Title: title, Unit: "d",
		Table: Table{Head: []string{"cohort", "n", "deployed", "waiting", "median", "p90"}}}
	labels := make([]string, len(cohorts))
	medians := make([]opts.BarData, len(cohorts))
	p90s := make([]opts.LineData, len(cohorts))
	links := make([]string, len(cohorts))
	n, drawn := 0, 0
	for i, g := range cohorts {
		n += g.N
		labels[i] = fmt.Sprintf("%s\nn = %d", g.Label, g.N)
		medians[i], p90s[i] = opts.BarData{Value: "-"}, opts.LineData{Value: "-"}
		if g.Median != nil {
			medians[i].Value = round(*g.Median, 2)
			drawn++
		}
		if g.P90 != nil {
			p90s[i].Value = round(*g.P90, 2)
		}
		links[i] = g.Link
		c.Table.Rows = append(c.Table.Rows, []Cell{{Text: g.Label, Href: g.Link}, number(fmt.Sprint(g.N), ""),
			number(fmt.Sprint(g.Deployed), ""), number(fmt.Sprint(g.Waiting), ""),
			number(words.Days(g.Median), ""), number(words.Days(g.P90), "")})
	}
	if drawn == 0 {
		c.Summary = "No cohort has reached its median yet."
		return c
	}
	c.Summary = fmt.Sprintf("%s with %d in all; the first has a median of %s, the last of %s.",
		words.Plural(len(cohorts), "cohort", "cohorts"),
		n, words.Days(cohorts[0].Median), words.Days(cohorts[len(cohorts)-1].Median))
	bar := charts.NewBar()
	bar.SetGlobalOptions(frame(true,
		opts.XAxis{Type: "category", AxisLabel: axisLabel("")},
		opts.YAxis{Type: "value", AxisLabel: axisLabel("{value} d")})...)
	bar.SetXAxis(labels)
	bar.AddSeries("median", medians, charts.WithItemStyleOpts(opts.ItemStyle{Color: colorMain}))
	marks := charts.NewLine()
	marks.AddSeries("90th percentile", p90s,
		charts.WithLineChartOpts(opts.LineChart{Symbol: "circle", SymbolSize: 7, ShowSymbol: opts.Bool(true)}),
		charts.WithLineStyleOpts(opts.LineStyle{Width: 1.5, Type: "dotted", Color: colorOther}),
		charts.WithItemStyleOpts(opts.ItemStyle{Color: colorOther}))
	bar.Overlap(marks)
	c.Options, c.Links = options(bar), [][]string{links, links}
	return c
}
