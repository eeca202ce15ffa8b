package delimited

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Records is what a file holds whose header takes more than one row, or is not known.
type Records struct {
	Delimiter rune
	Width     int       // cells of the record that [Options.Known] takes for the header, else of the first
	Rows      []Record  // that are not blank, in the order of the file
	Refused   []Refusal // those that cannot be read, in the order of the file
}

// Record is a record as it was written: it can be shorter than the others, which a cut-off file is noticed by, or, by
// empty cells, longer.
type Record struct {
	Line  int // where it begins; from 1
	Cells []string
}

// ReadRecords reads a file without giving any row a meaning. Its errors are those of [Read].
func ReadRecords(data []byte, opt Options) (Records, error) {
	text, err := decode(data)
	if err != nil {
		return Records{}, err
	}
	found, err := detect(text, opt)
	if err != nil {
		return Records{}, err
	}
	all := Records{Delimiter: rune(found.delimiter), Width: len(found.header.cells)}
	s := newScanner(text, found.delimiter)
	if _, skip, _ := separator(text); skip > 0 {
		s.pos, s.line = skip, 2
	}
	for {
		rec, ok := s.next(all.Width)
		if !ok {
			return all, nil
		}
		switch {
		case rec.bad != nil:
		case rec.blank():
			continue
		default:
			rec.bad = unreadable(rec)
		}
		if rec.bad != nil {
			all.Refused = append(all.Refused, Refusal{*rec.bad, slices.Clone(rec.cells)})
			continue
		}
		all.Rows = append(all.Rows, Record{Line: rec.line, Cells: rec.cells})
	}
}

// unreadable returns why a record has cells that are no text. It does not quote them, because they can be anything.
func unreadable(rec record) *Problem {
	for i, cell := range rec.cells {
		switch {
		case !utf8.ValidString(cell):
			return &Problem{rec.line, i + 1, "the cell is not UTF-8 text; save the file as CSV in UTF-8"}
		case strings.ContainsRune(cell, 0):
			return &Problem{rec.line, i + 1, "the text contains a zero byte; export the file again"}
		}
	}
	return nil
}
