package charts

import (
	"fmt"
	"math"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dxctl/dxctl/report/words"
)

// Trend is a number over several surveys; a nil value is not known.
type Trend struct {
	Name   string
	Values []*float64 // one for each of the surveys
}

// Trends draws numbers between 0 and 100 over surveys as lines. A gap is a survey in which the number is not known.
func Trends(id, title string, surveys []string, trends []Trend) Chart {
	c := Chart{ID: id, Title: title, Table: Table{Head: []string{"survey"}}}
	low, high := scoreRange(trends)
	line := charts.NewLine()
	line.SetGlobalOptions(frame(true,
		opts.XAxis{Type: "category", AxisLabel: axisLabel("")},
		opts.YAxis{Type: "value", Min: low, Max: high, AxisLabel: axisLabel("{value}")})...)
	line.SetXAxis(surveys)
	c.Table.Rows = make([][]Cell, len(surveys))
	for i, s := range surveys {
		c.Table.Rows[i] = []Cell{text(s)}
	}
	known := 0
	for k, trend := range trends {
		c.Table.Head = append(c.Table.Head, trend.Name)
		data := make([]opts.LineData, len(surveys))
		for i := range surveys {
			cell := number("not known", "")
			data[i] = opts.LineData{Value: "-"}
			if v := trend.Values[i]; v != nil {
				known++
				data[i], cell = opts.LineData{Value: round(*v, 1), SymbolSize: 8}, number(words.Number(*v, 1), "")
			}
			c.Table.Rows[i] = append(c.Table.Rows[i], cell)
		}
		width := float32(2)
		if k == 0 {
			width = 4
		}
		line.AddSeries(trend.Name, data, charts.WithLineStyleOpts(opts.LineStyle{Color: palette(k), Width: width}),
			charts.WithItemStyleOpts(opts.ItemStyle{Color: palette(k)}))
	}
	if known == 0 {
		c.Summary = "Not known: no survey has these numbers."
		return c
	}
	if first, last := trends[0].Values[0], trends[0].Values[len(surveys)-1]; first != nil && last != nil {
		c.Summary = fmt.Sprintf("%s: %s in %s, %s in %s.", trends[0].Name, words.Number(*first, 0), surveys[0],
			words.Number(*last, 0), surveys[len(surveys)-1])
	}
	c.Options = options(line)
	return c
}

// scoreRange is the part of 0 to 100 that holds all values, in tens: at least 40, so that noise does not look like a
// change, and not all of it, so that a change can be seen.
func scoreRange(trends []Trend) (low, high int) {
	least, most := 100.0, 0.0
	for _, t := range trends {
		for _, v := range t.Values {
			if v != nil {
				least, most = min(least, *v), max(most, *v)
			}
		}
	}
	low, high = int(math.Floor(least/10))*10, int(math.Ceil(most/10))*10
	for high-low < 40 {
		low, high = max(0, low-10), min(100, high+10)
	}
	return low, high
}

// Answered is how many gave each point of a scale in a survey, the worst point first. Counts is nil if it is not known.
type Answered struct {
	Survey string
	Counts []int
}

// Distribution draws the shares of the points of a scale over surveys, as columns of 100 %. lowest is the first point.
func Distribution(id, title string, lowest int, all []Answered) Chart {
	c := Chart{ID: id, Title: title, Unit: "%", Table: Table{Head: []string{"survey"}}}
	points := 0
	for _, a := range all {
		points = max(points, len(a.Counts))
	}
	for p := range points {
		c.Table.Head = append(c.Table.Head, fmt.Sprint(lowest+p))
	}
	labels := make([]string, len(all))
	data := make([][]opts.BarData, points)
	for i, a := range all {
		labels[i] = a.Survey
		total := 0
		for _, n := range a.Counts {
			total += n
		}
		row := []Cell{text(a.Survey)}
		for p := range points {
			point, cell := opts.BarData{Value: "-"}, number("not known", "")
			if p < len(a.Counts) && total > 0 {
				point = opts.BarData{Value: round(100*float64(a.Counts[p])/float64(total), 1)}
				cell = number(words.Whole(a.Counts[p]), "")
			}
			data[p] = append(data[p], point)
			row = append(row, cell)
		}
		c.Table.Rows = append(c.Table.Rows, row)
	}
	if points == 0 {
		c.Summary = "Not known: it was not asked, or is hidden."
		return c
	}
	c.Summary = fmt.Sprintf("The shares of %d points in %s.", points, words.Plural(len(all), "survey", "surveys"))
	bar := charts.NewBar()
	bar.SetGlobalOptions(frame(true,
		opts.XAxis{Type: "category", AxisLabel: axisLabel("")},
		opts.YAxis{Type: "value", Max: 100, AxisLabel: axisLabel("{value} %")})...)
	bar.SetXAxis(labels)
	for p := range data {
		// From bad to good: the strength of two colors, and a neutral one between them.
		bar.AddSeries(fmt.Sprint(lowest+p), data[p],
			charts.WithBarChartOpts(opts.BarChart{Stack: "all", BarCategoryGap: "30%"}),
			charts.WithItemStyleOpts(pointStyle(p, points)))
	}
	c.Options = options(bar)
	return c
}

// Tone is the color of a point of a scale, of points in all, the worst of which is 0: "bad", "good", or "none" in the
// middle. The strength, up to 1, is how far from the middle it is.
func Tone(point, points int) (name string, strength float64) {
	middle := float64(points-1) / 2
	distance := 0.0
	if points > 1 {
		distance = (float64(point) - middle) / middle
	}
	switch {
	case distance < 0:
		return "bad", 0.35 - 0.65*distance
	case distance > 0:
		return "good", 0.35 + 0.65*distance
	}
	return "none", 1
}

func pointStyle(p, points int) opts.ItemStyle {
	name, strength := Tone(p, points)
	if name == "none" {
		return opts.ItemStyle{Color: "var(--none)"}
	}
	return opts.ItemStyle{Color: "var(--chart-" + name + ")", Opacity: opts.Float(float32(round(strength, 2)))}
}
