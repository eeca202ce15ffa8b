// Package delimited reads tables of text as spreadsheets and other programs export them: CSV and its relatives, in the
// encodings, with the delimiters, line ends and oddities that are found in practice. A cell is read as it was written
// or its row is refused with line, column and cause; nothing is shifted into another column, and nothing is guessed.
package delimited

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxCell bounds a cell, in bytes: a longer one is a quote that is not closed.
const maxCell = 16 << 20

// ErrEmpty reports a file without a single cell.
var ErrEmpty = errors.New("the file is empty")

// Table is what a file holds.
type Table struct {
	Header     []string  // names of the columns, without spaces around them; "" for a column without a name
	HeaderLine int       // first line of the header
	Delimiter  rune      // between the cells
	Rows       []Row     // in the order of the file; blank rows and repeated headers are left out
	Refused    []Refusal // rows that cannot be read, in the order of the file
	Notes      []Problem // what was left aside on purpose: lines before the header, columns without a name
}

// Row is one record. Cells has as many cells as the header: those that the row lacks at its end are empty.
type Row struct {
	Line  int // of the file, where the record begins; from 1
	Cells []string
}

// Refusal is a row that cannot be read.
type Refusal struct {
	Problem
	Cells []string // those that could be distinguished, from the first on; for messages only
}

// Problem is what is wrong at a place of a file.
type Problem struct {
	Line    int // from 1
	Column  int // number of the cell, from 1; 0: the line as a whole
	Message string
}

// Error returns the message with the column before it.
func (p Problem) Error() string {
	if p.Column == 0 {
		return p.Message
	}
	return fmt.Sprintf("column %d: %s", p.Column, p.Message)
}

// Options says what the caller knows of the file.
type Options struct {
	// Known counts the cells of a record that are names of columns. The record in which it finds the most, among the
	// first few, is the header. nil: the first record is.
	Known func(cells []string) int
}

// Read reads a table. The error is [ErrEmpty], or a [Problem] for which no row can be read: a file that is no text, or
// a header that is broken. What is wrong with one row is in Table.Refused and costs that row only.
func Read(data []byte, opt Options) (Table, error) {
	text, err := decode(data)
	if err != nil {
		return Table{}, err
	}
	found, err := detect(text, opt)
	if err != nil {
		return Table{}, err
	}
	t := Table{Header: found.header.cells, HeaderLine: found.header.line, Delimiter: rune(found.delimiter)}
	if found.first != found.header.line {
		t.Notes = append(t.Notes, Problem{Line: found.first, Message: fmt.Sprintf("the lines before the header in line %d "+
			"are left out", t.HeaderLine)})
	}
	for len(t.Header) > 1 && t.Header[len(t.Header)-1] == "" {
		t.Header = t.Header[:len(t.Header)-1]
	}
	t.readRows(found.scanner)
	return t, nil
}

func (t *Table) readRows(s *scanner) {
	noted := make([]bool, len(t.Header))
	for {
		rec, ok := s.next(len(t.Header))
		if !ok {
			return
		}
		if rec.bad == nil && rec.blank() {
			continue
		}
		if rec.bad == nil {
			rec.bad = t.misfit(rec)
		}
		if rec.bad != nil {
			t.refuse(*rec.bad, rec.cells)
			continue
		}
		cells := rec.cells
		for len(cells) < len(t.Header) {
			cells = append(cells, "")
		}
		cells = cells[:len(t.Header)]
		if slices.Equal(cells, t.Header) {
			continue
		}
		for i, name := range t.Header {
			if name == "" && cells[i] != "" && !noted[i] {
				noted[i] = true
				t.Notes = append(t.Notes, Problem{Line: rec.line, Column: i + 1, Message: "the column has no name in the " +
					"header; its cells are ignored"})
			}
		}
		t.Rows = append(t.Rows, Row{Line: rec.line, Cells: cells})
	}
}

// refuse names the column of a problem as the header does.
func (t *Table) refuse(p Problem, cells []string) {
	if i := p.Column - 1; i >= 0 && i < len(t.Header) && t.Header[i] != "" {
		p.Message = t.Header[i] + ": " + p.Message
	}
	t.Refused = append(t.Refused, Refusal{p, cells})
}

// misfit returns why a record, whose cells could be distinguished, cannot be a row of the table.
func (t *Table) misfit(rec record) *Problem {
	for i, cell := range rec.cells {
		message := ""
		switch {
		case i >= len(t.Header) && cell != "":
			message = fmt.Sprintf(
				"the row has %d fields and the header %d; quote a field that holds a %s",
				len(rec.cells),
				len(t.Header),
				delimiterName(t.Delimiter),
			)
		case !utf8.ValidString(cell):
			message = fmt.Sprintf("%q is not UTF-8 text; save the file as CSV in UTF-8", shorten(cell))
		case strings.ContainsRune(cell, 0):
			message = "the text contains a zero byte; export the file again"
		}
		if message != "" {
			return &Problem{Line: rec.line, Column: i + 1, Message: message}
		}
	}
	return nil
}

// shorten keeps a quotation from the file readable.
func shorten(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

func delimiterName(d rune) string {
	switch d {
	case ',':
		return "comma"
	case ';':
		return "semicolon"
	case '\t':
		return "tab"
	case '|':
		return "vertical bar"
	}
	return fmt.Sprintf("%q", d)
}

// record is one row as the scanner finds it.
type record struct {
	line  int
	cells []string
	bad   *Problem // why its cells cannot be distinguished
}

func (r record) blank() bool {
	return !slices.ContainsFunc(r.cells, func(c string) bool { return c != "" })
}

// invisible are characters that take no place and stand around cells in files that were put together from others.
const invisible = "\ufeff\u200b\u200e\u200f"

// trim removes white space, no-break spaces and invisible characters around a cell.
func trim(cell []byte) string {
	for {
		shorter := bytes.Trim(bytes.TrimSpace(cell), invisible)
		if len(shorter) == len(cell) {
			return unwrap(string(cell))
		}
		cell = shorter
	}
}

// unwrap takes away what keeps spreadsheets from taking a text for a number: ="00123".
func unwrap(cell string) string {
	if inner, ok := strings.CutPrefix(cell, `="`); ok && len(inner) > 0 && inner[len(inner)-1] == '"' {
		return strings.ReplaceAll(inner[:len(inner)-1], `""`, `"`)
	}
	return cell
}
