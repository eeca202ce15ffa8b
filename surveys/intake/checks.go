package intake

import (
	"fmt"
	"strings"
	"time"

	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/form"
)

// clock returns how the times of the export are read, and blocks the plan where that is not clear.
func (p *Plan) clock() (form.Clock, string) {
	c := form.Clock{Zone: p.Survey.TimeZone, From1904: p.export.From1904}
	switch {
	case p.export.UTC:
		c.Zone = time.UTC
	case p.export.Zone != "":
		if zone, err := time.LoadLocation(p.export.Zone); err == nil {
			c.Zone = zone
		}
	}
	if p.at.submitted < 0 {
		return c, ""
	}
	cells := p.cells(p.at.submitted)
	order, unclear, err := form.OrderOf(cells)
	switch c.Order = order; {
	case err != nil:
		return c, err.Error() + "; export the file again with one setting of the language"
	case unclear == "":
		return c, ""
	}
	switch p.Survey.Dates {
	case surveys.DayFirst:
		c.Order = form.DayFirst
		return c, ""
	case surveys.MonthFirst:
		c.Order = form.MonthFirst
		return c, ""
	}
	if !p.Survey.Opens.IsZero() && !p.Guessed { // the days of the survey can decide
		day, month := p.within(cells, form.DayFirst, c.Zone), p.within(cells, form.MonthFirst, c.Zone)
		if day == len(cells) && month < day || 2*day > len(cells) && month == 0 {
			c.Order = form.DayFirst
			return c, ""
		}
		if month == len(cells) && day < month || 2*month > len(cells) && day == 0 {
			c.Order = form.MonthFirst
			return c, ""
		}
	}
	return c, fmt.Sprintf("the date %q can have the day or the month first: set dates: %s or dates: %s in the map",
		unclear, surveys.DayFirst, surveys.MonthFirst)
}

// within returns how many times are within the days of the survey if they are read in an order.
func (p *Plan) within(cells []string, order form.Order, zone *time.Location) int {
	n := 0
	for _, c := range cells {
		at, err := form.Clock{Order: order, Zone: zone, From1904: p.export.From1904}.Time(c)
		if err == nil && !at.Before(p.Survey.Opens) && at.Before(p.Survey.Closes) {
			n++
		}
	}
	return n
}

// Check adds to the plan what the rows show: what blocks storing them, and what a person should look at.
func (p *Plan) Check(r Result) {
	if _, unclear := p.clock(); unclear != "" {
		p.block("%s", unclear)
	}
	total := r.Good() + len(r.Bad)
	for _, lines := range r.Excluded {
		total += len(lines)
	}
	outside := len(r.Excluded[Early]) + len(r.Excluded[Late])
	if total > 0 && outside*10 > total {
		p.Notes = append(p.Notes, fmt.Sprintf("%d of %d rows are from before or after the survey (%s to %s): the file holds "+
			"answers of another survey, too, or opens and closes are wrong", outside, total,
			p.Survey.Opens.Format(time.DateOnly), p.Survey.Closes.AddDate(0, 0, -1).Format(time.DateOnly)))
	}
	if r.Good() == 0 && len(p.Blocking) == 0 {
		p.block("no row can be stored")
	}
	p.Notes = append(p.Notes, p.export.Notes...)
	p.checkScales()
	p.checkAgainst(r)
}

// checkScales compares the scales of the map with the answers: a form that offers another scale than in the quarter
// before would lose its highest answers, or be read as lower than it is.
func (p *Plan) checkScales() {
	const (
		fewOff = 0.05 // share of answers off the scale that are mistakes of single rows
		many   = 20   // answers, from which it is odd that none is in the upper part of the scale
	)
	for k, item := range p.Survey.Items {
		if item.Kind != surveys.Rating || p.items[k] < 0 || len(item.Labels) > 0 {
			continue
		}
		if said := endsOf(p.export.Columns[p.items[k]].Header); !item.Turned && isTurned(item.Scale, said) {
			p.block("item %s: its question says %q: the numbers of the scale are turned round; write scale: %s in the map",
				item.Key, strings.Join(said, ", "), turnedScale(item))
		}
		cells := p.cells(p.items[k])
		seen, _, _ := guessScale(p.export.Columns[p.items[k]].Header, cells)
		if seen == (surveys.Scale{}) || seen == item.Scale {
			continue
		}
		answered, labels, off := 0, 0, 0
		for _, cell := range cells {
			switch read := readCell(cell); {
			case unknownAnswers[form.Fold(cell)]:
				continue
			case read.number < 0:
				labels++
			case !item.Scale.Has(read.number):
				off++
			}
			answered++
		}
		switch {
		case labels*2 > answered && seen.Points() != item.Scale.Points():
			p.block("item %s: its answers are the labels of a scale of %d points, and its scale in the map is %s; correct the "+
				"scale", item.Key, seen.Points(), item.Scale)
		case labels*2 > answered:
		case off > 1 && float64(off) > fewOff*float64(answered):
			p.block("item %s: %d of %d answers are not on its scale %s, which seems to be %s now; correct the scale in the map",
				item.Key, off, answered, item.Scale, seen)
		case seen.Max < item.Scale.Max && answered >= many:
			p.Notes = append(p.Notes, fmt.Sprintf("item %s: no answer is above %d; check that its scale is still %s", item.Key,
				seen.Max, item.Scale))
		}
	}
}
