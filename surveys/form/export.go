// Package form reads the files that form tools export: Google Forms, Microsoft Forms, Typeform, SurveyMonkey, Qualtrics
// and plain tables, as CSV or XLSX. It recognizes the tool by its columns, joins header rows, and says of each column
// whether it is a question, something that the import needs, or something that is not read, such as network addresses.
package form

import (
	"fmt"
	"strings"
)

// Tool is what wrote an export.
type Tool string

// Tools.
const (
	Google       Tool = "Google Forms"
	Microsoft    Tool = "Microsoft Forms"
	Typeform     Tool = "Typeform"
	SurveyMonkey Tool = "SurveyMonkey"
	Qualtrics    Tool = "Qualtrics"
	Plain        Tool = "a plain table"
)

// Role is what a column is for.
type Role string

// Roles of columns.
const (
	Question  Role = "question"
	Email     Role = "email"     // who answered; only a hash of it is kept, and only if the survey needs one
	Submitted Role = "submitted" // when the answers were sent
	Status    Role = "status"    // tells previews, tests and unfinished responses from the others
	Private   Role = "private"   // names, addresses, network ids: the cells are never read
	Technical Role = "technical" // ids, durations, scores: of no meaning for the survey
)

// Export is what a file holds.
type Export struct {
	Tool     Tool
	Sheet    string // of a workbook
	Zone     string // IANA name of the zone of times, if the file says it: "America/Denver"
	UTC      bool   // times are in UTC, by the headers
	From1904 bool   // the times of the workbook count from 1904
	Columns  []Column
	Rows     []Row
	Refused  []Problem // rows that cannot be read
	Notes    []string  // what was understood in a way that a person should know

	headerLine int
}

// Column is a column of the export.
type Column struct {
	Number   int    // from 1
	Header   string // the whole header as one clean text: "How do you rate [Builds]"
	Question string // the header without the row of a grid
	Row      string // of a grid
	Role     Role
}

// Letter returns the column as spreadsheets name it: A, B … AA.
func (c Column) Letter() string { return letter(c.Number) }

func letter(number int) string {
	name := ""
	for ; number > 0; number = (number - 1) / 26 {
		name = string(rune('A'+(number-1)%26)) + name
	}
	return name
}

// Place returns the column for messages: column C "How …".
func (c Column) Place() string { return fmt.Sprintf("column %s %q", c.Letter(), shorten(c.Header)) }

// Row is a response. Cells has a cell for each column; those of private columns are empty.
type Row struct {
	Line  int // of the file, or row of the sheet
	Cells []string
}

// Problem is what is wrong at a place of the file. Its message holds no cell of a private column.
type Problem struct {
	Line    int
	Column  string // letter; empty: the row as a whole
	Message string
}

// String returns the problem with its place.
func (p Problem) String() string {
	if p.Column == "" {
		return fmt.Sprintf("line %d: %s", p.Line, p.Message)
	}
	return fmt.Sprintf("line %d, column %s: %s", p.Line, p.Column, p.Message)
}

// shorten keeps a quotation readable.
func shorten(s string) string {
	const most = 60
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return strings.TrimSpace(string(runes[:most])) + "…"
}
