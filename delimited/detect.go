package delimited

import (
	"bytes"
	"slices"
	"strings"
)

// delimiters are those that are recognized without a line sep=, in the order in which they are preferred.
var delimiters = []byte{',', ';', '\t', '|'}

// maxPreamble is among how many records the header is looked for, and by how many the delimiter is judged.
const maxPreamble = 30

// layout is how a file is written.
type layout struct {
	delimiter byte
	header    record
	first     int      // line of the first record that is not blank
	scanner   *scanner // behind the header

	known   int  // names of columns in the header
	fitting int  // records behind the header with as many cells as it
	empty   bool // all cells are
}

// detect finds the delimiter and the header.
func detect(text []byte, opt Options) (layout, error) {
	candidates, skip, err := separator(text)
	if err != nil {
		return layout{}, err
	}
	var best *layout
	for _, d := range candidates {
		l := layoutWith(text[skip:], d, opt)
		if skip > 0 {
			l.scanner.line++
			l.header.line++
			l.first++
		}
		if l.empty {
			return layout{}, ErrEmpty
		}
		if best == nil || l.better(*best) {
			best = &l
		}
	}
	if best.header.bad != nil {
		return layout{}, Problem{
			Line:    best.header.line,
			Column:  best.header.bad.Column,
			Message: "the header cannot be read: " + best.header.bad.Message,
		}
	}
	return *best, nil
}

// better compares two readings of one file: the more names of columns the better, then the more rows that fit, then
// the more columns.
func (l layout) better(than layout) bool {
	for _, c := range [][2]int{
		{l.known, than.known}, {boolInt(l.header.bad == nil), boolInt(than.header.bad == nil)},
		{l.fitting, than.fitting}, {len(l.header.cells), len(than.header.cells)},
	} {
		if c[0] != c[1] {
			return c[0] > c[1]
		}
	}
	return false
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// separator reads the line sep=; that spreadsheets take as the name of the delimiter. It returns the delimiters to try,
// and how many bytes to skip.
func separator(text []byte) (candidates []byte, skip int, err error) {
	s := newScanner(text, 0)
	end := s.afterLine(0)
	line := bytes.Trim(bytes.TrimRight(text[:end], "\r\n"), `"`)
	if len(line) < 4 || !strings.EqualFold(string(line[:4]), "sep=") {
		return delimiters, 0, nil
	}
	value := bytes.Trim(line[4:], `"`)
	if rest := bytes.TrimRight(value, ",;"); len(value) > 1 && len(rest) == 1 { // cells that a spreadsheet added
		value = rest
	}
	if string(value) == `\t` {
		value = []byte("\t")
	}
	if len(value) != 1 || value[0] >= 0x80 || value[0] == ' ' || value[0] == '"' {
		return nil, 0, Problem{Line: 1, Message: "the line sep= names no delimiter; write for example sep=; or remove the " +
			"line"}
	}
	return value, end, nil
}

// layoutWith reads the beginning of the file with one delimiter. The names of columns are looked for in the first
// records; where none of them holds any, the first record that is not blank is the header.
func layoutWith(text []byte, delimiter byte, opt Options) layout {
	s := newScanner(text, delimiter)
	best := layout{delimiter: delimiter, empty: true}
	var records []record
	at := -1
	for len(records) < maxPreamble {
		rec, ok := s.next(-1)
		if !ok {
			break
		}
		records = append(records, rec)
		if rec.blank() && rec.bad == nil {
			continue
		}
		known := 0
		if opt.Known != nil {
			known = opt.Known(rec.cells)
		}
		if best.empty {
			best.first = rec.line
		}
		if best.empty || known > best.known {
			best.header, best.known, best.scanner, best.empty = rec, known, copyOf(s), false
			at = len(records) - 1
		}
	}
	if best.scanner == nil {
		best.scanner = s
		return best
	}
	if width := len(best.header.cells); width > 1 {
		for _, rec := range records[at+1:] {
			if len(rec.cells) == width {
				best.fitting++
			}
		}
	}
	best.header.cells = slices.Clone(best.header.cells)
	return best
}

func copyOf(s *scanner) *scanner {
	c := *s
	return &c
}
