// Package spreadsheet writes CSV that is safe to open in a spreadsheet. Spreadsheets run a cell that begins with =, +,
// - or @ as a formula, and titles, names and logins come from anybody who can open a pull request.
package spreadsheet

import (
	"encoding/csv"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// Writer writes records of comma-separated values (RFC 4180, lines ending in LF).
type Writer struct {
	csv     *csv.Writer
	numbers map[int]bool
}

// NewWriter returns a Writer to w. The columns whose indexes are given hold numbers, which stay numbers; all others are
// text.
func NewWriter(w io.Writer, numbers ...int) *Writer {
	n := map[int]bool{}
	for _, i := range numbers {
		n[i] = true
	}
	return &Writer{csv: csv.NewWriter(w), numbers: n}
}

// Head writes the names of the columns. They are text, whatever the columns hold.
func (w *Writer) Head(names ...string) error {
	cells := make([]string, len(names))
	for i, name := range names {
		cells[i] = Text(name)
	}
	return w.csv.Write(cells)
}

// Write writes one record.
func (w *Writer) Write(values ...string) error {
	cells := make([]string, len(values))
	for i, v := range values {
		if w.numbers[i] && number.MatchString(v) {
			cells[i] = v
		} else {
			cells[i] = Text(v)
		}
	}
	return w.csv.Write(cells)
}

// Flush writes what is buffered and returns the first error of all writes.
func (w *Writer) Flush() error {
	w.csv.Flush()
	if err := w.csv.Error(); err != nil {
		return fmt.Errorf("writing CSV: %w", err)
	}
	return nil
}

var number = regexp.MustCompile(`^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$`)

const (
	// formula are the characters with which a formula begins, also as full-width forms, which Excel takes for the same.
	formula = `=+\-@＝＋－＠`
	// invisible is what a spreadsheet may skip before it.
	invisible = ` \x{00a0}\x{200b}\x{feff}`
)

var (
	// begins matches a text that could be run.
	begins = regexp.MustCompile(`^(?:[\t\r\n]|[` + invisible + `]*[` + formula + `])`)
	// within matches the beginning of a formula where a spreadsheet that splits lines at semicolons or tabs, as those of
	// many countries do, would begin a cell. Quotes do not protect there, because the cell that they open is another one.
	within = regexp.MustCompile(`([;\t\r\n]["'` + invisible + `]*)([` + formula + `])`)
)

// Text returns a text as the content of a cell: with an apostrophe before what would be run as a formula.
func Text(s string) string {
	if begins.MatchString(s) {
		s = "'" + s
	}
	if strings.ContainsAny(s, ";\t\r\n") {
		s = within.ReplaceAllString(s, "$1'$2")
	}
	return s
}
