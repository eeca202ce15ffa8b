package charts

import (
	"fmt"
	"time"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
)

// Run is one finished pipeline run.
type Run struct {
	At       time.Time
	Pipeline string
	Minutes  float64
	Failed   bool
	Link     string
}

// Runs draws single runs as dots: when each began and how long it took, failures apart.
func Runs(id, title string, runs []Run) Chart {
	c := Chart{ID: id, Title: title, Unit: "min", Table: Table{Head: []string{"started (UTC)", "pipeline", "outcome", "minutes"}}}
	var good, bad []opts.ScatterData
	var goodLinks, badLinks []string
	for _, r := range runs {
		point := opts.ScatterData{Name: r.Pipeline, Value: []any{r.At.UnixMilli(), round(r.Minutes, 1)}, SymbolSize: 7}
		outcome := "succeeded"
		if r.Failed {
			outcome = "failed"
			point.Symbol = "diamond" // shape says it too, for who cannot tell the colours apart
			point.SymbolSize = 10
			bad, badLinks = append(bad, point), append(badLinks, r.Link)
		} else {
			good, goodLinks = append(good, point), append(goodLinks, r.Link)
		}
		c.Table.Rows = append(c.Table.Rows, []Cell{{Text: r.At.UTC().Format("2006-01-02 15:04"), Href: r.Link}, text(r.Pipeline),
			text(outcome), number(Number(r.Minutes, 1), "")})
	}
	if len(runs) == 0 {
		c.Summary = "No finished runs in this time."
		return c
	}
	c.Summary = fmt.Sprintf("%s: %d succeeded, %d failed.", plural(len(runs), "run", "runs"), len(good), len(bad))
	chart := charts.NewScatter()
	chart.SetGlobalOptions(frame("item", true,
		opts.XAxis{Type: "time", AxisLabel: axisLabel(""), SplitLine: &opts.SplitLine{Show: opts.Bool(false)}},
		opts.YAxis{Type: "value", Min: 0, AxisLabel: axisLabel("{value} min")})...)
	chart.AddSeries("succeeded", good, charts.WithItemStyleOpts(opts.ItemStyle{Color: colorGood, Opacity: opts.Float(0.75)}))
	chart.AddSeries("failed", bad, charts.WithItemStyleOpts(opts.ItemStyle{Color: colorBad}),
		func(s *charts.SingleSeries) { s.Symbol = "diamond" })
	c.Options, c.Links = options(chart), [][]string{goodLinks, badLinks}
	return c
}
