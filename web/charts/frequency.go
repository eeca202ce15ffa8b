package charts

import (
	"fmt"
	"time"

	"github.com/dxctl/dxctl/report/words"
	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
)

// Count is how often something happened in a span of time.
type Count struct {
	Start, End time.Time // half open, UTC
	N          int
	Link       string // the events behind it
	Partial    bool   // the span is not over, or began before the collected history
	Unknown    bool   // nothing was collected of the span: N is not known
}

// Frequency draws counts over time as columns; a span of which only a part is known is drawn lighter. what is a plural
// noun ("deployments"), span a singular one ("week").
func Frequency(id, title, what, span string, counts []Count) Chart {
	c := Chart{ID: id, Title: title, Table: Table{Head: []string{span + " of", what}}}
	total, unknown := 0, 0
	labels := make([]string, len(counts))
	data := make([]opts.BarData, len(counts))
	links := make([]string, len(counts))
	for i, p := range counts {
		total += p.N
		label := p.Start.Format("2 Jan 2006")
		if p.Partial && !p.Unknown {
			label += " (in part)"
		}
		labels[i] = label
		data[i] = opts.BarData{Value: p.N}
		cell := number(fmt.Sprint(p.N), p.Link)
		if p.Unknown {
			unknown++
			data[i].Value, cell = "-", number("not known", "")
		}
		if p.Partial {
			data[i].ItemStyle = &opts.ItemStyle{Opacity: opts.Float(0.45)}
		}
		links[i] = p.Link
		c.Table.Rows = append(c.Table.Rows, []Cell{text(label), cell})
	}
	if total == 0 {
		c.Summary = "No " + what + " in this time."
		if len(counts) > 0 && unknown == len(counts) {
			c.Summary = "Not known: no " + what + " were collected of this time."
		}
		return c
	}
	c.Summary = fmt.Sprintf("%d %s in %s; from %d in the first %s to %d in the last.", total, what,
		words.Plural(len(counts), span, span+"s"), counts[0].N, span, counts[len(counts)-1].N)
	bar := charts.NewBar()
	bar.SetGlobalOptions(frame(false,
		opts.XAxis{Type: "category", AxisLabel: dates()},
		opts.YAxis{Type: "value", MinInterval: 1, AxisLabel: axisLabel("{value}")})...)
	bar.SetXAxis(labels)
	bar.AddSeries(what, data, charts.WithItemStyleOpts(opts.ItemStyle{Color: colorMain}))
	c.Options, c.Links, c.Unit = options(bar), [][]string{links}, ""
	return c
}
