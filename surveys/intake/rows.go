package intake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/form"
)

// Causes for which rows are left out that are not wrong.
const (
	Unfinished = "unfinished"
	TestRun    = "preview or test"
	Early      = "before the survey opened"
	Late       = "after the survey closed"
	Duplicate  = "answered again later"
	Uninvited  = "not in the population"
	Unlisted   = "not among the people"
	Blank      = "no answer"
)

// Result is what the rows of an export hold.
type Result struct {
	Answers  surveys.Answers // without a version
	Bad      []form.Problem  // wrong rows, in order of their lines; each row once
	Excluded map[string][]int
	Items    []ItemCount // per item of the survey
	Texts    int         // comments from which addresses were removed
	Formulas int         // comments that begin like a formula
	HasEmail bool        // duplicates were looked for
	Nameless int         // rows without an address in a form that asks for it, while people are known
}

// ItemCount is how an item was answered. It holds no answer.
type ItemCount struct{ Answered, DontKnow, Blank int }

// Good returns the number of rows that can be stored.
func (r Result) Good() int { return len(r.Answers.Responses) }

// Read reads the rows by the plan. key is that of the hashes of respondents; people may be nil if there are none.
func (p *Plan) Read(people *Population, key string) Result {
	r := reader{
		Plan: p, people: people, key: []byte(key), excluded: map[string][]int{}, latest: map[string]int{},
		counts: make([]ItemCount, len(p.Survey.Items)), bad: slices.Clone(p.export.Refused),
	}
	r.clock, _ = p.clock()
	for k, item := range p.Survey.Items {
		var cells []string
		if p.items[k] >= 0 {
			cells = p.cells(p.items[k])
		}
		r.raters = append(r.raters, newRater(item, cells))
	}
	for _, row := range p.export.Rows {
		r.row(row)
	}
	return r.result()
}

type reader struct {
	*Plan
	people   *Population
	key      []byte
	clock    form.Clock
	raters   []*rater
	found    []response
	latest   map[string]int // by respondent: the position in found
	excluded map[string][]int
	bad      []form.Problem
	counts   []ItemCount
	scrubbed int
	nameless int
	formulas int
}

// response is a row that can be stored unless a later one of the same person takes its place.
type response struct {
	surveys.Response
	line     int
	at       time.Time
	replaced bool
}

func (r *reader) fail(row form.Row, column int, err error) {
	c := r.export.Columns[column]
	r.bad = append(r.bad, form.Problem{
		Line: row.Line, Column: c.Letter(), Message: fmt.Sprintf("%q: %s", shorten(c.Header), err.Error()),
	})
}

func (r *reader) leaveOut(row form.Row, cause string) {
	r.excluded[cause] = append(r.excluded[cause], row.Line)
}

// row reads one row.
func (r *reader) row(row form.Row) {
	if cause := r.status(row); cause != "" {
		r.leaveOut(row, cause)
		return
	}
	if r.otherTable(row) {
		r.block("line %d looks like the header of another table: no cell of it is an answer to its column; if the file "+
			"holds two surveys, put each into a file of its own, and otherwise remove the line", row.Line)
		r.fail(row, 0, errors.New("the row is not an answer"))
		return
	}
	var got response
	got.line = row.Line
	if at := r.at.submitted; at >= 0 {
		if r.neverSent(row, at) {
			r.leaveOut(row, Unfinished)
			return
		}
		when, err := r.clock.Time(row.Cells[at])
		if err != nil {
			if strings.ContainsRune(row.Cells[at], '@') {
				err = fmt.Errorf("the cell is not a date and time")
			}
			r.fail(row, at, err)
			return
		}
		switch got.at = when; {
		case when.Before(r.Survey.Opens):
			r.leaveOut(row, Early)
			return
		case !when.Before(r.Survey.Closes):
			r.leaveOut(row, Late)
			return
		}
	}
	if !r.answers(row, &got) || !r.groups(row, &got) {
		return
	}
	if got.Respondent != "" {
		if before, again := r.latest[got.Respondent]; again {
			first := &r.found[before]
			if got.at.Before(first.at) { // the last answer counts, whatever the order of the rows
				first = &got
			}
			first.replaced = true
			r.excluded[Duplicate] = append(r.excluded[Duplicate], first.line)
			if got.replaced {
				return
			}
		}
		r.latest[got.Respondent] = len(r.found)
	}
	r.found = append(r.found, got)
}

// neverSent reports whether a response has no time in a column that says when it was sent: LimeSurvey exports those
// that somebody began, too.
func (r *reader) neverSent(row form.Row, submitted int) bool {
	name := form.Fold(r.export.Columns[submitted].Header)
	return (name == "date submitted" || name == "submitdate") && strings.TrimSpace(row.Cells[submitted]) == ""
}

// otherTable reports whether a row is the header of a second table in the file: it has texts in at least two columns of
// ratings and no answer in any, and no time where one must be. Where the survey has one rating, another cell must be
// the text of a question, because a text in one rating can as well be a wrong answer.
func (r *reader) otherTable(row form.Row) bool {
	if at := r.at.submitted; at >= 0 {
		if _, err := r.clock.Time(row.Cells[at]); err == nil {
			return false
		}
	}
	texts, ratings := 0, 0
	for k, rater := range r.raters {
		if r.items[k] < 0 || rater.item.Kind != surveys.Rating {
			continue
		}
		ratings++
		cell := row.Cells[r.items[k]]
		if _, err := rater.point(cell); err == nil {
			if form.Clean(cell) != "" {
				return false
			}
			continue
		}
		if strings.ContainsFunc(cell, unicode.IsLetter) {
			texts++
		}
	}
	return texts > 1 || ratings == 1 && texts == 1 && r.asks(row)
}

// asks reports whether a cell of a row is the header of its column, or ends like a question.
func (r *reader) asks(row form.Row) bool {
	for i, cell := range row.Cells {
		text := form.Clean(cell)
		if text != "" && (strings.HasSuffix(text, "?") || form.Fold(text) == form.Fold(r.export.Columns[i].Header)) {
			return true
		}
	}
	return false
}

// status returns the cause for which a tool's own columns leave a row out.
func (r *reader) status(row form.Row) string {
	for i, c := range r.export.Columns {
		if c.Role != form.Status {
			continue
		}
		cell := form.Fold(row.Cells[i])
		switch form.Fold(c.Header) {
		case "finished":
			if cell == "false" || cell == "0" || cell == "no" {
				return Unfinished
			}
		case "response type":
			if cell != "" && cell != "completed" {
				return Unfinished
			}
		case "status", "response status", "submission status", "completion status":
			if r.export.Tool != form.Qualtrics {
				if !form.Whole(row.Cells[i]) {
					return Unfinished
				}
				continue
			}
			if !slices.Contains([]string{"", "ip address", "0", "imported", "4", "offline", "16"}, cell) {
				return TestRun
			}
		case "distributionchannel":
			if cell == "preview" || cell == "test" {
				return TestRun
			}
		}
	}
	return ""
}

// answers reads the items; false if the row is wrong or has none.
func (r *reader) answers(row form.Row, got *response) bool {
	got.Ratings = make([]surveys.Point, len(r.raters))
	got.Comments = make([]string, len(r.raters))
	answered := false
	for k, rater := range r.raters {
		got.Ratings[k] = surveys.NotAnswered
		at := r.items[k]
		if at < 0 {
			continue
		}
		cell := row.Cells[at]
		if rater.item.Kind == surveys.Comment {
			got.Comments[k] = r.comment(cell)
			answered = answered || got.Comments[k] != ""
			continue
		}
		point, err := rater.point(cell)
		if err != nil {
			r.fail(row, at, err)
			return false
		}
		got.Ratings[k] = point
		answered = answered || point != surveys.NotAnswered
	}
	if !answered {
		r.leaveOut(row, Blank)
	}
	return answered
}

// comment returns a comment as it is kept: without the addresses of people and machines in it.
func (r *reader) comment(cell string) string {
	text := strings.TrimSpace(strings.Map(func(c rune) rune {
		if c < ' ' && c != '\n' && c != '\t' {
			return -1
		}
		return c
	}, cell))
	if text == "" || unknownAnswers[form.Fold(text)] || text == "-" {
		return ""
	}
	clean := form.WithoutAddresses(text)
	if clean != text {
		r.scrubbed++
	}
	if strings.ContainsRune("=+@", rune(clean[0])) {
		r.formulas++
	}
	const most = 10_000
	if runes := []rune(clean); len(runes) > most {
		clean = string(runes[:most]) + " […]"
	}
	return clean
}

// groups finds the group of who answered; false if the row is left out.
func (r *reader) groups(row form.Row, got *response) bool {
	email := ""
	if r.at.email >= 0 {
		if cell := strings.ToLower(strings.TrimSpace(row.Cells[r.at.email])); form.IsEmail(cell) {
			email = cell
		}
	}
	if email != "" {
		who := email
		if r.people != nil { // a person can have several addresses
			if m, known := r.people.members[email]; known {
				who = m.id
			}
		}
		mac := hmac.New(sha256.New, r.key)
		mac.Write([]byte(who))
		got.Respondent = hex.EncodeToString(mac.Sum(nil)[:16])
	}
	if email != "" && r.people != nil && len(r.people.members) > 0 {
		m, known := r.people.members[email]
		switch {
		case !known:
			r.leaveOut(row, Unlisted)
			return false
		case !m.invited:
			r.leaveOut(row, Uninvited)
			return false
		}
		got.Groups = m.groups
	} else if r.at.email >= 0 && r.people != nil && len(r.people.members) > 0 {
		r.nameless++
	}
	return r.groupsOfForm(row, got)
}

// groupsOfForm takes what the form asks for where people do not say it.
func (r *reader) groupsOfForm(row form.Row, got *response) bool {
	if at := r.at.team; at >= 0 && got.Groups.Team == "" {
		cell := form.Clean(row.Cells[at])
		if form.HasAddress(cell) || len(cell) > 100 {
			r.fail(row, at, errors.New("the cell is not the name of a team; columns.team of the map names the wrong column"))
			return false
		}
		team := cell
		if r.people != nil && len(r.people.teams) > 0 && cell != "" && !unknownAnswers[form.Fold(cell)] {
			var ok bool
			if team, ok = r.people.team(cell); !ok {
				r.fail(row, at, fmt.Errorf("%s is not a team of the catalog; write the name of the team, or leave the cell empty",
					quote(cell)))
				return false
			}
		}
		if unknownAnswers[form.Fold(team)] {
			team = ""
		}
		if team != "" && r.people != nil && !r.people.hasTeam(team) {
			r.leaveOut(row, Uninvited)
			return false
		}
		got.Groups.Team = team
	}
	if at := r.at.tenure; at >= 0 && got.Groups.Tenure == "" {
		if cell := form.Clean(row.Cells[at]); cell != "" && !unknownAnswers[form.Fold(cell)] {
			tenure, ok := tenureOf(cell)
			if !ok {
				r.fail(row, at, fmt.Errorf("%s is not a time at the company, such as 1-3 years", quote(cell)))
				return false
			}
			got.Groups.Tenure = tenure
		}
	}
	if at := r.at.golden; at >= 0 { // what the person says, before the tags of the services of the team
		got.Groups.GoldenPath = ""
		if cell := form.Clean(row.Cells[at]); cell != "" {
			word, ok := goldenOf(cell)
			if !ok {
				r.fail(row, at, fmt.Errorf("%s is not yes or no", quote(cell)))
				return false
			}
			got.Groups.GoldenPath = word
		}
	}
	return true
}

// invited returns how many people each group has, as far as groups mean the same as in the responses: where the form
// asks for the time at the company or the golden path, people of these are not known.
func (r *reader) invited() []surveys.GroupSize {
	sizes := map[surveys.Groups]int{}
	for _, g := range r.people.invited {
		if r.at.tenure >= 0 && r.at.email < 0 {
			g.Groups.Tenure = ""
		}
		if r.at.golden >= 0 {
			g.Groups.GoldenPath = ""
		}
		sizes[g.Groups] += g.People
	}
	var out []surveys.GroupSize
	for groups, n := range sizes {
		out = append(out, surveys.GroupSize{Groups: groups, People: n})
	}
	slices.SortFunc(out, func(x, y surveys.GroupSize) int { return x.Groups.Compare(y.Groups) })
	return out
}

func (r *reader) result() Result {
	s := r.Survey
	out := Result{
		Answers: surveys.Answers{
			Survey: s.ID, Title: s.Title, Opens: s.Opens.UTC(), Closes: s.Closes.UTC(),
			TimeZone: s.TimeZone.String(), Items: s.Items, Excluded: map[string]int{},
		},
		Bad: r.bad, Excluded: r.excluded, Texts: r.scrubbed, Formulas: r.formulas, HasEmail: r.at.email >= 0,
		Nameless: r.nameless,
	}
	if r.people != nil {
		out.Answers.Invited = r.invited()
		out.Answers.Parents = maps.Clone(r.people.parents)
	}
	for _, f := range r.found {
		if f.replaced {
			continue
		}
		out.Answers.Responses = append(out.Answers.Responses, f.Response)
		for k := range r.raters {
			switch {
			case f.Ratings[k] == surveys.DontKnow:
				r.counts[k].DontKnow++
			case f.Ratings[k] != surveys.NotAnswered, f.Comments[k] != "":
				r.counts[k].Answered++
			default:
				r.counts[k].Blank++
			}
		}
	}
	out.Items = r.counts
	for cause, lines := range r.excluded {
		slices.Sort(lines)
		out.Answers.Excluded[cause] = len(lines)
	}
	if len(r.bad) > 0 {
		out.Answers.Excluded["wrong"] = len(r.bad)
	}
	slices.SortStableFunc(out.Bad, func(a, b form.Problem) int { return a.Line - b.Line })
	return out
}
