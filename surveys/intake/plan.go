// Package intake turns an export of a form into answers that may be stored: it relates columns to items, looks up the
// group of each respondent among the people, checks every row, and leaves out what must not be kept.
package intake

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/form"
)

// Plan is what each column of an export is for.
type Plan struct {
	Survey surveys.Survey // its definition; made from the export if there was none
	Uses   []Use          // one per column of the export
	// Blocking are reasons for which nothing can be stored, each with what to do.
	Blocking []string
	Notes    []string // what a person should know or check
	Guessed  bool     // the definition was made from the export

	against map[string]bool // items that are noted to go against the others, or to be turned round
	export  form.Export
	items   []int // per item: the position of its column; -1: none
	at      columns
}

// columns are the positions of the columns that are no questions; -1: there is none.
type columns struct{ email, submitted, team, tenure, golden int }

// Use is what a column is for.
type Use struct {
	Column form.Column
	Item   string // key of the item; empty: none
	What   string // in words: "item build-time, 1-5", "left out: network id"
	Check  string // what a person should check; empty: nothing
}

// Relate relates the columns of an export to the items of a definition.
func Relate(export form.Export, s surveys.Survey) *Plan {
	p := newPlan(export, s)
	byHeader := map[string]int{}
	for i, c := range export.Columns {
		if c.Header != "" {
			byHeader[form.Fold(c.Header)] = i
		}
	}
	used := p.assignColumns(byHeader)
	missing := 0
	for k, item := range s.Items {
		for _, h := range item.Headers {
			if at, ok := byHeader[form.Fold(h)]; ok && !used[at] {
				p.items[k], used[at] = at, true
				break
			}
		}
		if p.items[k] < 0 {
			missing++
		}
	}
	ignored := map[string]bool{}
	for _, h := range s.Ignore {
		ignored[form.Fold(h)] = true
	}
	var free []int // questions that the definition does not name
	for i, c := range export.Columns {
		if c.Role == form.Question && c.Header != "" && !used[i] && !ignored[form.Fold(c.Header)] {
			free = append(free, i)
		}
	}
	if n := len(s.Items); n > 0 && missing*2 > n {
		p.block("the export looks like that of another form: only %d of the %d items of %s have a column in it; name the "+
			"file of this survey, or another map with --map", n-missing, n, s.File)
	} else {
		p.reportMissing(free)
	}
	if len(s.Items) == 0 {
		p.block("%s has no items; remove it, and the preview writes a new one", s.File)
	}
	for _, i := range free {
		if len(distinct(p.cells(i), 1)) == 0 {
			p.Uses[i].What = "left out: " + noAnswers
			continue
		}
		p.Uses[i].What = "left out: not in the map"
		p.Uses[i].Check = "add an item for it, or write it under ignore"
	}
	p.describe()
	return p
}

func newPlan(export form.Export, s surveys.Survey) *Plan {
	p := &Plan{Survey: s, export: export, at: columns{-1, -1, -1, -1, -1}, items: make([]int, len(s.Items))}
	for i := range p.items {
		p.items[i] = -1
	}
	for _, c := range export.Columns {
		p.Uses = append(p.Uses, Use{Column: c})
	}
	return p
}

func (p *Plan) block(format string, args ...any) {
	p.Blocking = append(p.Blocking, fmt.Sprintf(format, args...))
}

// assignColumns finds the columns that are no questions, those that the definition names first.
func (p *Plan) assignColumns(byHeader map[string]int) (used map[int]bool) {
	used = map[int]bool{}
	for _, c := range []struct {
		key, header string
		at          *int
	}{
		{"email", p.Survey.Columns.Email, &p.at.email}, {"submitted", p.Survey.Columns.Submitted, &p.at.submitted},
		{"team", p.Survey.Columns.Team, &p.at.team}, {"tenure", p.Survey.Columns.Tenure, &p.at.tenure},
		{"golden_path", p.Survey.Columns.GoldenPath, &p.at.golden},
	} {
		if c.header == "" {
			continue
		}
		at, ok := byHeader[form.Fold(c.header)]
		if !ok {
			p.block("columns.%s of %s is %q, and the export has no such column", c.key, p.Survey.File, c.header)
			continue
		}
		*c.at, used[at] = at, true
	}
	for i, c := range p.export.Columns {
		switch {
		case c.Role == form.Email && p.at.email < 0 && p.filled(i):
			p.at.email = i
		case c.Role == form.Submitted && p.at.submitted < 0:
			p.at.submitted = i
		case c.Role == form.Question && p.private(i):
			// An address stays an address in a column of another name.
			p.Uses[i].What = "left out: addresses of people or machines"
			if p.at.email < 0 && p.share(i, form.IsEmail) > 0.5 {
				p.at.email = i
			}
			used[i] = true
		}
	}
	for _, at := range []int{p.at.email, p.at.submitted} {
		if at >= 0 {
			used[at] = true
		}
	}
	return used
}

// filled reports whether a column of addresses has one: Microsoft Forms writes "anonymous".
func (p *Plan) filled(column int) bool { return p.share(column, form.IsEmail) > 0 }

// private reports whether most cells of a column are addresses.
func (p *Plan) private(column int) bool {
	return p.share(column, form.IsAddress) > 0.5
}

// share returns the share of the cells of a column for which is holds, among those that are not blank; 0 if all are.
func (p *Plan) share(column int, is func(string) bool) float64 {
	n, yes := 0, 0
	for _, r := range p.export.Rows {
		if text := strings.TrimSpace(r.Cells[column]); text != "" {
			n++
			if is(text) {
				yes++
			}
		}
	}
	if n == 0 {
		return 0
	}
	return float64(yes) / float64(n)
}

// reportMissing says of items without a column which of the free columns may be theirs.
func (p *Plan) reportMissing(free []int) {
	for k, item := range p.Survey.Items {
		if p.items[k] >= 0 {
			continue
		}
		near, best := -1, nearEnough
		for _, i := range free {
			for _, h := range item.Headers {
				if s := similarity(h, p.export.Columns[i].Header); s > best {
					near, best = i, s
				}
			}
		}
		hint := "; if the form no longer asks it, remove the item"
		if near >= 0 {
			hint = fmt.Sprintf("; %s may be it, with another text: add its header to columns of the item",
				p.export.Columns[near].Place())
		}
		p.block("item %s: the export has no column %q%s", item.Key, strings.Join(item.Headers, `" or "`), hint)
	}
}

// nearEnough is the similarity from which two texts are taken for two versions of one question.
const nearEnough = 0.6

// scaleNote matches a note of the scale in a question, which says nothing of its meaning.
var scaleNote = regexp.MustCompile(`\s*\([^()]*\b\d{1,2}\s*[=:][^()]*\)`)

// similarity compares two questions: 1 for the same text, 0 for nothing in common. Notes of the scale are left out.
func similarity(a, b string) float64 {
	a, b = form.Fold(scaleNote.ReplaceAllString(a, "")), form.Fold(scaleNote.ReplaceAllString(b, ""))
	longest := max(len([]rune(a)), len([]rune(b)))
	if longest == 0 || longest > 500 {
		return 0
	}
	return 1 - float64(levenshtein.ComputeDistance(a, b))/float64(longest)
}

// TakeChecks takes over what a person should check from the draft that the definition was written from.
func (p *Plan) TakeChecks(draft *Plan) {
	for i := range p.Uses {
		if i < len(draft.Uses) {
			p.Uses[i].Check = draft.Uses[i].Check
			if p.Uses[i].Item == "" && draft.Uses[i].Check != "" {
				p.Uses[i].What = draft.Uses[i].What
			}
		}
	}
	p.Notes = append(p.Notes, draft.Notes...)
}

// describe says of each column what it is for.
func (p *Plan) describe() {
	for k, at := range p.items {
		if at < 0 {
			continue
		}
		item := p.Survey.Items[k]
		use := &p.Uses[at]
		use.Item, use.What = item.Key, "comment"
		if item.Kind == surveys.Rating {
			scale := item.Scale.String()
			if item.Turned {
				scale = turned(item.Scale)
			}
			use.What = "rating " + scale
			if item.Reversed {
				use.What += ", lower is better"
			}
		}
		if item.Dimension != "" {
			use.What += ", " + strings.ReplaceAll(string(item.Dimension), "_", " ")
		}
	}
	for _, c := range []struct {
		at   int
		what string
	}{
		{p.at.submitted, "time of the answer: compared with the survey's days, not stored"},
		{p.at.email, "who answered: for the group and for duplicates; not stored"},
		{p.at.team, "team"}, {p.at.tenure, "time at the company"}, {p.at.golden, "golden path or not"},
	} {
		if c.at >= 0 {
			p.Uses[c.at].What = c.what
		}
	}
	for i := range p.Uses {
		use := &p.Uses[i]
		if use.What != "" {
			continue
		}
		switch use.Column.Role {
		case form.Private:
			use.What = "left out: names or addresses, never read"
		case form.Status:
			use.What = "leaves out previews and unfinished responses"
		case form.Question:
			use.What = "left out: under ignore in the map"
			if use.Column.Header == "" {
				use.What = "left out: the column has no header"
			}
		case form.Email:
			use.What = "left out: no addresses in it"
		case form.Technical, form.Submitted:
			use.What = "left out: technical"
		}
	}
}

func turned(s surveys.Scale) string { return fmt.Sprintf("%d-%d", s.Max, s.Min) }

// cells returns the cells of a column.
func (p *Plan) cells(column int) []string {
	out := make([]string, len(p.export.Rows))
	for i, r := range p.export.Rows {
		out[i] = r.Cells[column]
	}
	return out
}

// CheckEarlier notes in which items a definition differs from that of an earlier survey in a way that turns a scale
// round or makes two quarters hard to compare.
func (p *Plan) CheckEarlier(earlier surveys.Survey) {
	for _, item := range p.Survey.Items {
		at := slices.IndexFunc(earlier.Items, func(i surveys.Item) bool { return i.Key == item.Key })
		if at < 0 || item.Kind != surveys.Rating || earlier.Items[at].Kind != surveys.Rating {
			continue
		}
		before := earlier.Items[at]
		switch {
		case before.Reversed != item.Reversed:
			p.Notes = append(p.Notes, fmt.Sprintf("item %s: its direction is %s here and was %s in survey %s: check that its "+
				"text changed, too", item.Key, direction(item), direction(before), earlier.ID))
		case before.Turned != item.Turned:
			p.Notes = append(p.Notes, fmt.Sprintf("item %s: the numbers of its scale are turned round since survey %s; its "+
				"points are stored the right way round", item.Key, earlier.ID))
		case before.Scale != item.Scale:
			p.Notes = append(p.Notes, fmt.Sprintf("item %s: its scale is %s here and was %s in survey %s; means are compared "+
				"on 0 to 100", item.Key, item.Scale, before.Scale, earlier.ID))
		}
	}
}

func direction(i surveys.Item) string {
	if i.Reversed {
		return "lower_is_better"
	}
	return "higher_is_better"
}
