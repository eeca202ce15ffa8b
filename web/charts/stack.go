package charts

import (
	"fmt"
	"time"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dxctl/dxctl/report/words"
)

// Stack is how many of something were in each of several states at a time.
type Stack struct {
	At     time.Time
	Counts []int // in the order of the states
	Known  bool  // false: nothing is known of the time
}

// State is a state of a Stack.
type State struct {
	Name  string
	Color string // a custom property, such as var(--gold); "" takes one of the palette
}

// Stacks draws states at times as columns on top of each other, the first state at the bottom. what is a plural noun
// ("services"). stacks are ordered by time; those before the first that is known are left out.
func Stacks(id, title, what string, states []State, stacks []Stack) Chart {
	c := Chart{ID: id, Title: title, Table: Table{Head: []string{"on"}}}
	for _, s := range states {
		c.Table.Head = append(c.Table.Head, s.Name)
	}
	for len(stacks) > 0 && !stacks[0].Known {
		stacks = stacks[1:]
	}
	if len(stacks) == 0 {
		c.Summary = "Not known: no grade is stored yet."
		return c
	}
	labels := make([]string, len(stacks))
	data := make([][]opts.BarData, len(states))
	for i, stack := range stacks {
		labels[i] = stack.At.UTC().Format("2 Jan 2006")
		row := []Cell{text(labels[i])}
		for j := range states {
			data[j] = append(data[j], opts.BarData{Value: stack.Counts[j]})
			row = append(row, number(words.Whole(stack.Counts[j]), ""))
		}
		c.Table.Rows = append(c.Table.Rows, row)
	}
	c.Summary = summaryOf(what, states, stacks)
	if len(stacks) == 1 { // nothing to compare
		c.Summary += " Nothing earlier is stored."
		return c
	}
	bar := charts.NewBar()
	bar.SetGlobalOptions(frame(true,
		opts.XAxis{Type: "category", AxisLabel: dates()},
		opts.YAxis{Type: "value", MinInterval: 1, AxisLabel: axisLabel("{value}")})...)
	bar.SetXAxis(labels)
	for j, s := range states {
		color := s.Color
		if color == "" {
			color = palette(j)
		}
		bar.AddSeries(s.Name, data[j], charts.WithBarChartOpts(opts.BarChart{Stack: "all"}),
			charts.WithItemStyleOpts(opts.ItemStyle{Color: color}))
	}
	c.Options = options(bar)
	return c
}

// summaryOf names the states at the first and at the last time.
func summaryOf(what string, states []State, stacks []Stack) string {
	in := func(s Stack) string {
		all := ""
		for j := range states {
			if s.Counts[j] == 0 {
				continue
			}
			if all != "" {
				all += ", "
			}
			all += words.Whole(s.Counts[j]) + " " + states[j].Name
		}
		if all == "" {
			all = "none"
		}
		return all
	}
	first, last := stacks[0], stacks[len(stacks)-1]
	if len(stacks) == 1 {
		return fmt.Sprintf("%s on %s: %s.", what, last.At.UTC().Format("2 Jan 2006"), in(last))
	}
	return fmt.Sprintf("%s on %s: %s; on %s: %s.", what, first.At.UTC().Format("2 Jan 2006"), in(first),
		last.At.UTC().Format("2 Jan 2006"), in(last))
}
