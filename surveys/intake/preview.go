package intake

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/form"
)

// Preview is what an import would store, for people and as JSON. It holds no answer, except for single cells that are
// on no scale.
type Preview struct {
	Survey   string            `json:"survey"`
	Title    string            `json:"title"`
	Opens    string            `json:"opens"`  // first day
	Closes   string            `json:"closes"` // last day
	Tool     string            `json:"tool"`
	Sheet    string            `json:"sheet,omitempty"`
	Map      string            `json:"map"` // the file of the definition
	NewMap   bool              `json:"new_map"`
	Columns  []PreviewColumn   `json:"columns"`
	Rows     int               `json:"rows"`
	Good     int               `json:"good"`
	Wrong    []PreviewProblem  `json:"wrong"`
	Excluded []PreviewExcluded `json:"excluded"`
	Invited  int               `json:"invited"` // people in the population; 0: not known
	Blocking []string          `json:"blocking"`
	Notes    []string          `json:"notes"`
	Stored   bool              `json:"stored"`
	Version  uint64            `json:"version,omitempty"` // that was stored
}

// PreviewColumn is a column of the export.
type PreviewColumn struct {
	Column   string `json:"column"` // letter
	Header   string `json:"header"`
	Item     string `json:"item,omitempty"`
	Use      string `json:"use"`
	Answered int    `json:"answered"` // good rows with an answer; of items only
	DontKnow int    `json:"dont_know"`
	Blank    int    `json:"blank"`
	Check    string `json:"check,omitempty"`
}

// PreviewProblem is a wrong row.
type PreviewProblem struct {
	Line    int    `json:"line"`
	Column  string `json:"column,omitempty"`
	Message string `json:"message"`
}

// PreviewExcluded is a number of rows that are left out for one reason.
type PreviewExcluded struct {
	Reason string `json:"reason"`
	Rows   int    `json:"rows"`
	Lines  []int  `json:"lines"`
}

// Preview returns what the plan and its result are, after [Plan.Check].
func (p *Plan) Preview(r Result, people *Population, file string) Preview {
	s := p.Survey
	out := Preview{
		Survey: s.ID, Title: s.Title, Opens: s.Opens.Format(dateOnly), Closes: s.Closes.AddDate(0, 0, -1).Format(dateOnly),
		Tool: string(p.export.Tool), Sheet: p.export.Sheet, Map: file, Good: r.Good(), Blocking: []string{},
		Notes: []string{}, Wrong: []PreviewProblem{}, Excluded: []PreviewExcluded{},
	}
	at := map[int]int{} // column → item
	for k, column := range p.items {
		if column >= 0 {
			at[column] = k
		}
	}
	for i, u := range p.Uses {
		c := PreviewColumn{
			Column: u.Column.Letter(), Header: u.Column.Header, Item: u.Item, Use: u.What, Check: u.Check,
		}
		if k, is := at[i]; is {
			c.Answered, c.DontKnow, c.Blank = r.Items[k].Answered, r.Items[k].DontKnow, r.Items[k].Blank
		}
		out.Columns = append(out.Columns, c)
	}
	out.Rows = out.Good + len(r.Bad)
	for _, b := range r.Bad {
		out.Wrong = append(out.Wrong, PreviewProblem(b))
	}
	for _, cause := range slices.Sorted(maps.Keys(r.Excluded)) {
		lines := r.Excluded[cause]
		out.Rows += len(lines)
		out.Excluded = append(out.Excluded, PreviewExcluded{cause, len(lines), lines})
	}
	if people != nil {
		out.Invited = people.Size()
	}
	out.Blocking = append(out.Blocking, p.Blocking...)
	out.Notes = append(out.Notes, p.Notes...)
	out.Notes = append(out.Notes, p.notesOf(r, people)...)
	return out
}

const dateOnly = "2006-01-02"

// notesOf returns what a person should know of the rows.
func (p *Plan) notesOf(r Result, people *Population) []string {
	var notes []string
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if !r.HasEmail {
		note("the export has no e-mail addresses: who answered twice is not noticed")
	}
	switch {
	case people == nil || people.known == 0:
		note("no people are configured (people.files): the response rate is not known, and groups come from the form only")
	case r.HasEmail && len(people.members) == 0:
		note("no person has an e-mail address (the column email of people.files): groups come from the form only")
	case len(r.Excluded[Unlisted]) > r.Good():
		note("most of the addresses belong to nobody: people.files needs the address with which people sign in to the form")
	case !r.HasEmail && p.at.team < 0:
		note("neither addresses nor a column with the team: results are for all together only")
	}
	if r.Nameless > 0 {
		note("%d rows have no address: whether these people are in the population is known by their team only, and whether "+
			"they answered twice is not, so that the response rate is not exact", r.Nameless)
	}
	if r.Texts > 0 {
		note("addresses were removed from %d comments", r.Texts)
	}
	if r.Formulas > 0 {
		note("%d comments begin with =, + or @; they are kept as text, and what dxctl exports keeps spreadsheets from "+
			"computing them", r.Formulas)
	}
	return notes
}

// Compare notes how the responses differ from those that are stored, by the hashes of respondents.
func Compare(r Result, stored surveys.Answers) string {
	before := map[string]bool{}
	for _, s := range stored.Responses {
		if s.Respondent != "" {
			before[s.Respondent] = true
		}
	}
	again := 0
	for _, n := range r.Answers.Responses {
		if before[n.Respondent] {
			again++
		}
	}
	return fmt.Sprintf("takes the place of version %d with %d responses: %d people are in both, %d are new, %d are "+
		"no longer in the file", stored.Version, len(stored.Responses), again, r.Good()-again, len(before)-again)
}

// Text returns what comes below the list of columns: numbers, wrong rows, and what to do.
func (v Preview) Text() string {
	const most = 200 // wrong rows; -o json has all
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("Survey %s (%s to %s), %s, %s: %d good, %d wrong, %d left out.", v.Survey, v.Opens, v.Closes, v.Tool,
		plural(v.Rows, "row"), v.Good, len(v.Wrong), v.Rows-v.Good-len(v.Wrong))
	if v.Invited > 0 {
		line("%d of %d people have answered.", v.Good, v.Invited)
	}
	for _, e := range v.Excluded {
		line("Left out: %s, %s (line %s)", plural(e.Rows, "row"), e.Reason, lines(e.Lines))
	}
	for i, w := range v.Wrong {
		if i == most {
			line("… and %d more wrong rows; -o json lists all", len(v.Wrong)-most)
			break
		}
		line("Wrong: %s", form.Problem(w))
	}
	for _, n := range v.Notes {
		line("Note: %s", n)
	}
	if v.NewMap {
		line("Written: %s, the map of this form. Check it, above all opens, closes, direction and dimension, and commit "+
			"it.", v.Map)
	}
	for _, blocked := range v.Blocking {
		line("To correct: %s", blocked)
	}
	return b.String()
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// lines lists line numbers, the first ten.
func lines(all []int) string {
	var out []string
	for i, n := range all {
		if i == 10 {
			return strings.Join(out, ", ") + " …"
		}
		out = append(out, fmt.Sprint(n))
	}
	return strings.Join(out, ", ")
}
