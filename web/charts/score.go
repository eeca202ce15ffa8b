package charts

import (
	"fmt"
	"time"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dxctl/dxctl/report/words"
)

// Score is the grade of a service from a time on.
type Score struct {
	At        time.Time
	Level     string
	Low, High float64 // the ends of the score, 0 to 1
	Coverage  float64 // 0 to 1
}

// Scores draws the ends of a score as steps until now. scores are ordered by time.
func Scores(id, title string, scores []Score, now time.Time) Chart {
	c := Chart{ID: id, Title: title, Unit: "%", Table: Table{Head: []string{"from", "level", "score", "known"}}}
	if len(scores) == 0 {
		c.Summary = "No history is stored yet."
		return c
	}
	var low, high []opts.LineData
	add := func(at time.Time, s Score) {
		x := at.UTC().Format(time.RFC3339)
		low = append(low, opts.LineData{Value: []any{x, round(s.Low*100, 1)}})
		high = append(high, opts.LineData{Value: []any{x, round(s.High*100, 1)}})
	}
	for _, s := range scores {
		add(s.At, s)
		c.Table.Rows = append(c.Table.Rows, []Cell{text(s.At.UTC().Format("2 Jan 2006 15:04")), text(words.Level(s.Level)),
			number(words.Interval(s.Low, s.High), ""), number(words.Percent(&s.Coverage), "")})
	}
	last := scores[len(scores)-1]
	add(now, last)
	c.Summary = fmt.Sprintf("Score in percent, from %s to %s; now %s.", scores[0].At.UTC().Format("2 Jan 2006"),
		now.UTC().Format("2 Jan 2006"), words.Interval(last.Low, last.High))
	line := charts.NewLine()
	for i, s := range []struct {
		name string
		data []opts.LineData
	}{{"what is not known passes", high}, {"what is not known fails", low}} {
		line.AddSeries(s.name, s.data,
			charts.WithLineChartOpts(opts.LineChart{Step: "end", ShowSymbol: opts.Bool(false)}),
			charts.WithLineStyleOpts(opts.LineStyle{Width: 2, Color: palette(1 - i)}),
			charts.WithItemStyleOpts(opts.ItemStyle{Color: palette(1 - i)}))
	}
	line.SetGlobalOptions(frame(true,
		opts.XAxis{Type: "time", AxisLabel: within(axisLabel("{d} {MMM}")),
			SplitLine: &opts.SplitLine{Show: opts.Bool(false)}},
		opts.YAxis{Type: "value", Min: 0, Max: 100, AxisLabel: axisLabel("{value} %")})...)
	c.Options = options(line)
	return c
}
