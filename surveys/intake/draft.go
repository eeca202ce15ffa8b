package intake

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/form"
	"github.com/dxctl/dxctl/surveys/questionnaire"
)

// Draft makes a definition from an export: items that earlier has are recognized by their text and keep their key and
// what was decided for them; the others are guessed. teams reports whether a text is the name of a team; it is nil if
// no team is known.
func Draft(
	export form.Export, id string, earlier surveys.Survey, teams func(string) bool, now time.Time,
) *Plan {
	s := surveys.Survey{
		ID: id, Title: "Survey " + id, TimeZone: time.UTC, Population: earlier.Population, GoldenPath: earlier.GoldenPath,
	}
	if earlier.TimeZone != nil {
		s.TimeZone, s.Dates = earlier.TimeZone, earlier.Dates
	}
	if s.GoldenPath.Tag == "" {
		s.GoldenPath.Tag = "golden-path"
	}
	d := drafter{Plan: newPlan(export, s), earlier: earlier, taken: map[string]bool{}, teams: teams}
	d.Guessed = true
	for _, item := range earlier.Items {
		d.taken[item.Key] = true // a key keeps its meaning, also where this survey does not ask the item
	}
	used := d.assignColumns(nil)
	d.recall(used)
	d.recallTemplate(used)
	for i, c := range export.Columns {
		if c.Role == form.Question && c.Header != "" && !used[i] {
			d.guess(i, c)
		}
	}
	d.days(now)
	d.describe()
	return d.Plan
}

type drafter struct {
	*Plan
	earlier surveys.Survey
	taken   map[string]bool // keys
	teams   func(string) bool
}

// recall finds the items of the earlier survey, first by the same text and then by a similar one.
func (d *drafter) recall(used map[int]bool) {
	found := map[string]bool{}
	take := func(i int, item surveys.Item, check string) {
		c := d.export.Columns[i]
		used[i], found[item.Key] = true, true
		if !slices.ContainsFunc(item.Headers, func(h string) bool { return form.Fold(h) == form.Fold(c.Header) }) {
			item.Headers = append([]string{c.Header}, item.Headers...)
			item.Text = c.Header
		}
		if item.Kind == surveys.Rating {
			labels := append(endsOf(c.Header), distinct(d.cells(i), 40)...)
			was := isTurned(item.Scale, labels)
			labeled := slices.ContainsFunc(labels, func(cell string) bool {
				read := readCell(cell)
				return read.number >= 0 && labelPoint(read.label, item.Scale.Points()) > 0
			})
			if labeled && was != item.Turned {
				item.Turned = was
				check = strings.TrimPrefix(check+"; the numbers of its scale are turned round since survey "+d.earlier.ID, "; ")
			}
		}
		d.add(i, item, check)
	}
	for i, c := range d.export.Columns {
		for _, item := range d.earlier.Items {
			if c.Role == form.Question && !used[i] && !found[item.Key] &&
				slices.ContainsFunc(item.Headers, func(h string) bool { return form.Fold(h) == form.Fold(c.Header) }) {
				take(i, item, "")
			}
		}
		for _, h := range d.earlier.Ignore {
			if c.Role == form.Question && !used[i] && form.Fold(h) == form.Fold(c.Header) {
				used[i] = true
				d.Survey.Ignore = append(d.Survey.Ignore, c.Header)
			}
		}
	}
	for _, item := range d.earlier.Items {
		if found[item.Key] {
			continue
		}
		at, best := -1, nearEnough
		for i, c := range d.export.Columns {
			if c.Role != form.Question || used[i] || c.Header == "" {
				continue
			}
			for _, h := range item.Headers {
				if s := similarity(h, c.Header); s > best {
					at, best = i, s
				}
			}
		}
		if at < 0 {
			d.Notes = append(d.Notes, fmt.Sprintf("item %s of survey %s is not in the export", item.Key, d.earlier.ID))
			continue
		}
		take(at, item, fmt.Sprintf("its text was %q in survey %s: keep the key only if it means the same",
			shorten(item.Text), d.earlier.ID))
	}
}

// recallTemplate finds the questions of the questionnaire that dxctl offers.
func (d *drafter) recallTemplate(used map[int]bool) {
	for _, item := range questionnaire.Items() {
		if d.taken[item.Key] {
			continue
		}
		for i, c := range d.export.Columns {
			if c.Role == form.Question && !used[i] && !d.taken[item.Key] &&
				slices.ContainsFunc(item.Headers, func(h string) bool { return form.Fold(h) == form.Fold(c.Header) }) {
				used[i], d.taken[item.Key] = true, true
				item.Headers = []string{c.Header}
				d.add(i, item, "")
			}
		}
	}
}

func (d *drafter) add(column int, item surveys.Item, check string) {
	d.Survey.Items = append(d.Survey.Items, item)
	d.items = append(d.items, column)
	d.Uses[column].Check = check
}

// guess decides what a column is for that no earlier survey had.
func (d *drafter) guess(i int, c form.Column) {
	cells := d.cells(i)
	share := func(is func(string) bool) float64 { return d.share(i, is) }
	switch {
	case d.at.team < 0 && ofTeam.MatchString(c.Header) && (d.teams == nil || share(d.teams) >= 0.5):
		d.at.team, d.Survey.Columns.Team = i, c.Header
		if d.teams == nil {
			d.Uses[i].Check = "the catalog has no teams: the answers become names of teams as they are"
		}
		return
	case d.at.tenure < 0 && ofTenure.MatchString(c.Header) && share(func(t string) bool {
		_, ok := tenureOf(t)
		return ok
	}) >= 0.5:
		d.at.tenure, d.Survey.Columns.Tenure = i, c.Header
		for _, cell := range distinct(cells, 20) {
			if low, high := bandsOf(cell); low != high {
				d.Uses[i].Check = fmt.Sprintf("%q covers more than one band of tenure and counts as %q", shorten(cell),
					middle(cell))
			}
		}
		return
	case d.at.golden < 0 && ofGolden.MatchString(c.Header) && share(func(t string) bool {
		_, ok := goldenOf(t)
		return ok
	}) >= 0.9:
		d.at.golden, d.Survey.Columns.GoldenPath = i, c.Header
		return
	}
	g := guessItem(c, cells)
	if !g.ok {
		if g.unclear == noAnswers { // the next survey may have some
			d.Uses[i].What = "left out: " + noAnswers
			return
		}
		d.Survey.Ignore = append(d.Survey.Ignore, c.Header)
		d.Uses[i].What, d.Uses[i].Check = "left out: "+g.unclear, "to read it, make it an item with labels"
		return
	}
	text := c.Header
	if c.Row != "" {
		text = c.Row
	}
	g.item.Key = keyOf(text, d.taken)
	d.add(i, g.item, g.unclear)
}

// latest returns the last day of a survey whose last answer so far is known: more may come. It is the end of the
// quarter that the id names, or, if answers came in the last weeks, two weeks from now.
func (d *drafter) latest(last, now time.Time) time.Time {
	if year, number, ok := quarterOf(d.Survey.ID); ok {
		end := time.Date(year, time.Month(3*number+1), 1, 0, 0, 0, 0, d.Survey.TimeZone).AddDate(0, 0, -1)
		if end.After(last) {
			return end
		}
	}
	if now.Sub(last) < 30*24*time.Hour && now.After(last) {
		return now.AddDate(0, 0, 14)
	}
	return last
}

func quarterOf(id string) (year, number int, ok bool) {
	m := quarter.FindStringSubmatch(id)
	if m == nil {
		return 0, 0, false
	}
	year, _ = strconv.Atoi(m[1]) // the pattern has made sure
	number, _ = strconv.Atoi(m[2])
	return year, number, true
}

var quarter = regexp.MustCompile(`(?i)^(\d{4})[-_. ]?Q([1-4])$`)

// days sets the days of the survey: from the first answer to the last, or the quarter that the id names. If it is not
// clear whether dates have the day or the month first, and the id is no quarter, the days are those of both readings,
// so that no answer is outside when the order is set in the map.
func (d *drafter) days(now time.Time) {
	clock, unclear := d.clock()
	var first, last time.Time
	clocks := []form.Clock{clock}
	if _, _, ok := quarterOf(d.Survey.ID); ok && unclear != "" {
		clocks = nil
	} else if unclear != "" {
		day, month := clock, clock
		day.Order, month.Order = form.DayFirst, form.MonthFirst
		clocks = []form.Clock{day, month}
	}
	for _, clock := range clocks {
		if d.at.submitted < 0 {
			break
		}
		for _, text := range d.cells(d.at.submitted) {
			at, err := clock.Time(text)
			if err != nil {
				continue
			}
			at = at.In(d.Survey.TimeZone)
			if first.IsZero() || at.Before(first) {
				first = at
			}
			if at.After(last) {
				last = at
			}
		}
	}
	if first.IsZero() {
		first = now
		if year, number, ok := quarterOf(d.Survey.ID); ok {
			first = time.Date(year, time.Month(3*number-2), 1, 0, 0, 0, 0, d.Survey.TimeZone)
		}
		last = first.AddDate(0, 3, -1)
		d.Notes = append(d.Notes, "the days of the survey do not follow from the export: set opens and closes in the map")
	}
	last = d.latest(last, now)
	day := func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, d.Survey.TimeZone)
	}
	d.Survey.Opens, d.Survey.Closes = day(first), day(last).AddDate(0, 0, 1)
}

func shorten(s string) string {
	const most = 60
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return strings.TrimSpace(string(runes[:most])) + "…"
}
