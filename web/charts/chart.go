// Package charts builds the options of the dashboard's charts with go-echarts, and the table that says the same without
// a picture. It names colors as CSS custom properties ("var(--chart-1)"); the page's script resolves them, so that one
// set of options serves the light and the dark theme. It writes no HTML.
package charts

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
	"github.com/go-echarts/go-echarts/v2/types"
)

// Chart is a picture, what a screen reader says of it, and its numbers as a table.
type Chart struct {
	ID      string          // unique on its page; also the id of the figure
	Title   string          // what is shown, with its unit
	Summary string          // one sentence that replaces the picture
	Options json.RawMessage // ECharts options; nil when there is nothing to draw
	Links   [][]string      // per series and point: the page with the events behind it; may be shorter than the data
	Unit    string          // written after values in tooltips
	Tall    bool
	Table   Table
}

// Table is the text alternative of a chart.
type Table struct {
	Head []string
	Rows [][]Cell
}

// Cell is one value of a table, with the page behind it when Href is not empty.
type Cell struct {
	Text, Href string
	Number     bool // aligned to the right
}

func text(s string) Cell { return Cell{Text: s} }

func number(s, href string) Cell { return Cell{Text: s, Href: href, Number: true} }

// Empty reports whether there is nothing to draw.
func (c Chart) Empty() bool { return c.Options == nil }

// The colors of series. They are custom properties of app.css.
const (
	colorMain  = "var(--chart-1)"
	colorOther = "var(--chart-2)"
)

func palette(i int) string { return fmt.Sprintf("var(--chart-%d)", i%6+1) }

// frame is what all charts share: no title (the page has one), room for labels, one tooltip.
func frame(legend bool, x opts.XAxis, y opts.YAxis) []charts.GlobalOpts {
	top := "16"
	if legend {
		top = "40"
	}
	pointer := "line"
	if x.Type == "category" {
		pointer = "shadow"
	}
	return []charts.GlobalOpts{
		charts.WithTitleOpts(opts.Title{Show: opts.Bool(false)}),
		charts.WithLegendOpts(opts.Legend{Show: opts.Bool(legend), Type: "scroll", Left: "0", Top: "0", Icon: "roundRect",
			ItemWidth: 12, ItemHeight: 12}),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "axis",
			AxisPointer: &opts.AxisPointer{Type: pointer}}),
		charts.WithGridOpts(opts.Grid{Left: "4", Right: "16", Top: top, Bottom: "4", ContainLabel: opts.Bool(true)}),
		charts.WithXAxisOpts(x),
		charts.WithYAxisOpts(y),
	}
}

// options is the JSON of a validated chart without the parts of go-echarts that this dashboard does not use.
func options(c interface {
	Validate()
	JSON() map[string]any
}) json.RawMessage {
	c.Validate()
	all := c.JSON()
	delete(all, "toolbox")
	delete(all, "color")
	raw, err := json.Marshal(all)
	if err != nil { // only values that JSON cannot hold (NaN, Inf) lead here: show the table alone
		return nil
	}
	return raw
}

func axisLabel(format string) *opts.AxisLabel {
	return &opts.AxisLabel{Show: opts.Bool(true), Formatter: types.FuncStr(format), HideOverlap: opts.Bool(true)}
}

// dates is the label of an axis of dates.
func dates() *opts.AxisLabel { return within(axisLabel("")) }

// within keeps the first and the last label of an axis within the picture.
func within(l *opts.AxisLabel) *opts.AxisLabel {
	l.AlignMinLabel, l.AlignMaxLabel = "left", "right"
	return l
}

func round(v float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(v*p) / p
}
