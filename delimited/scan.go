package delimited

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// scanner splits a text into records.
//
// Where a quote goes wrong, the record in which it was opened is refused and reading continues with the next line. Up
// to the place where the fault was noticed nobody knows which lines are rows and which are the rest of a cell: there a
// record must fit in its line, have as many cells as the header and no stray quote, or it is refused too.
type scanner struct {
	data      []byte
	pos       int
	line      int // of pos, from 1
	delimiter byte
	bare      bool // lines end with a carriage return alone
	doubtful  int  // position up to which lines may be the rest of a cell
}

func newScanner(data []byte, delimiter byte) *scanner {
	return &scanner{data: data, line: 1, delimiter: delimiter, bare: endsWithBareReturn(data)}
}

// endsWithBareReturn reports whether the first line that ends outside quotes ends with a carriage return alone.
func endsWithBareReturn(data []byte) bool {
	quoted := false
	for i, b := range data {
		switch {
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '\n':
			return false
		case b == '\r':
			rest := bytes.TrimLeft(data[i:], "\r")
			return len(rest) == 0 || rest[0] != '\n'
		}
	}
	return false
}

// end returns how many bytes of a line end stand at a position; 0: none.
func (s *scanner) end(at int) int {
	switch {
	case at >= len(s.data):
		return 0
	case s.data[at] == '\n' && !s.bare:
		return 1
	case s.data[at] != '\r':
		return 0
	}
	n := 1
	for !s.bare && at+n < len(s.data) && s.data[at+n] == '\r' { // \r\r\n, as text that was translated twice
		n++
	}
	switch {
	case at+n < len(s.data) && s.data[at+n] == '\n':
		return n + 1
	case s.bare, at+n == len(s.data):
		return n
	}
	return 0
}

// next returns the next record. width is how many cells a row has; negative: not known yet.
func (s *scanner) next(width int) (record, bool) {
	if s.pos >= len(s.data) {
		return record{}, false
	}
	rec := record{line: s.line}
	start, stray := s.pos, false
	for at := start; ; {
		var c cell
		if opening := s.skipSpaces(at); opening < len(s.data) && s.data[opening] == '"' {
			c = s.quoted(opening)
		} else {
			c = s.plain(at)
		}
		stray = stray || c.stray
		rec.cells = append(rec.cells, c.text)
		if c.fault != "" {
			rec.bad = &Problem{Line: s.lineAt(c.start), Column: len(rec.cells), Message: c.fault}
			if c.broken {
				s.doubtful = max(s.doubtful, c.next)
				s.pos, s.line = s.afterLine(start), rec.line+1
				rec.bad.Line = rec.line
				return rec, true
			}
		}
		if n := s.end(c.next); n > 0 || c.next >= len(s.data) {
			s.line = s.lineAt(c.next) + 1
			s.pos = c.next + n
			break
		}
		at = c.next + 1
	}
	if rec.bad == nil && start < s.doubtful && !rec.blank() &&
		(stray || (width >= 0 && len(rec.cells) != width) || s.line != rec.line+1) {
		rec.bad = &Problem{Line: rec.line, Message: "a quote further up is not closed, so it is not clear whether this is " +
			"a row; correct that one first"}
		if s.line != rec.line+1 {
			s.pos, s.line = s.afterLine(start), rec.line+1
		}
	}
	return rec, true
}

// lineAt returns the line of a position of the record that is being read.
func (s *scanner) lineAt(at int) int {
	text := s.data[s.pos:min(at, len(s.data))]
	lines := bytes.Count(text, []byte("\n"))
	if s.bare {
		lines += bytes.Count(text, []byte("\r")) - bytes.Count(text, []byte("\r\n"))
	}
	return s.line + lines
}

// afterLine returns where the line after a position begins.
func (s *scanner) afterLine(at int) int {
	for ; at < len(s.data); at++ {
		if n := s.end(at); n > 0 {
			return at + n
		}
		if s.data[at] == '\n' {
			return at + 1
		}
	}
	return at
}

// cell is one cell and where it ends.
type cell struct {
	text   string
	start  int
	next   int    // position of the delimiter or the line end after it
	stray  bool   // a quote stands in the middle of unquoted text
	fault  string // why it cannot be read
	broken bool   // and where it ends is not known
}

// plain reads a cell without quotes around it. Quotes in its middle are characters like any other.
func (s *scanner) plain(start int) cell {
	c := cell{start: start, next: start}
	for c.next < len(s.data) && s.data[c.next] != s.delimiter && s.end(c.next) == 0 {
		switch s.data[c.next] {
		case '"':
			c.stray = true
		case '\r', '\n':
			c.fault = "a line ends within the field in another way than the others do; quote the field, or export the file again"
		}
		c.next++
	}
	if c.next-start > maxCell {
		c.fault = fmt.Sprintf("the field is longer than %d MB", maxCell>>20)
		return c
	}
	c.text = trim(s.data[start:c.next])
	return c
}

// quoted reads a cell from its opening quote on.
func (s *scanner) quoted(opening int) cell {
	c := cell{start: opening, next: opening + 1}
	var text []byte
	for {
		i := bytes.IndexByte(s.data[c.next:min(len(s.data), opening+maxCell)], '"')
		if i < 0 {
			c.next = min(len(s.data), opening+maxCell)
			c.fault, c.broken = "the quote is not closed", true
			return c
		}
		text = append(text, s.data[c.next:c.next+i]...)
		c.next += i + 1
		if c.next >= len(s.data) || s.data[c.next] != '"' {
			break
		}
		text = append(text, '"')
		c.next++
	}
	c.next = s.skipSpaces(c.next)
	if c.next < len(s.data) && s.data[c.next] != s.delimiter && s.end(c.next) == 0 {
		c.fault, c.broken = "text follows the closing quote; write a quote within a quoted field twice", true
		return c
	}
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	c.text = trim(bytes.ReplaceAll(text, []byte("\r"), []byte("\n")))
	return c
}

// skipSpaces returns the position after the spaces from at on, within the line and the cell.
func (s *scanner) skipSpaces(at int) int {
	for at < len(s.data) && s.data[at] != s.delimiter && s.data[at] != '\n' && s.data[at] != '\r' {
		r, size := utf8.DecodeRune(s.data[at:])
		if !unicode.IsSpace(r) && !bytes.ContainsRune([]byte(invisible), r) || r == utf8.RuneError {
			break
		}
		at += size
	}
	return at
}
