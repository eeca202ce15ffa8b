package format

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dxctl/dxctl/strictyaml"
)

// Places finds where the values of a YAML document are in its file.
type Places struct {
	Path string // of the file, as shown to people

	where  strictyaml.Positions
	source []string // lines of the file
}

// NewPlaces returns the places of a document. name is that of the file as shown to people, data its content, and where
// the positions of the decoded values.
func NewPlaces(name string, data []byte, where strictyaml.Positions) Places {
	return Places{Path: name, where: where, source: strings.Split(string(data), "\n")}
}

// At returns the problem that the value at path has. path is such as rules[0].expr.
func (p *Places) At(path, message string) Problem {
	line, column := p.where.Place(path)
	if line == 0 {
		line, column = p.where.Place("name")
	}
	return Problem{File: p.Path, Line: line, Column: column, Message: message}
}

// Has reports whether the file has a value at path.
func (p *Places) Has(path string) bool { return p.where.Has(path) }

// Line returns the line of the value at path, at least 1.
func (p *Places) Line(path string) int { return max(p.At(path, "").Line, 1) }

// In returns the problem at the byte offset of the text at path. YAML folds lines and drops indentation, so that the
// place is found by counting characters that are not white space.
func (p *Places) In(path, text string, offset int, message string) Problem {
	at := p.At(path, message)
	if at.Line == 0 || at.Line > len(p.source) || !p.where.Has(path) {
		return at
	}
	if end := len(strings.TrimRight(text, " \t\r\n")); offset >= end && end > 0 {
		_, size := utf8.DecodeLastRuneInString(text[:end])
		offset = end - size // what is missing after the text is missing after its last character
	}
	wanted := 0
	for _, r := range text[:min(max(offset, 0), len(text))] {
		if !unicode.IsSpace(r) {
			wanted++
		}
	}
	line, column := at.Line-1, at.Column-1
	rest := p.source[line][min(column, len(p.source[line])):]
	var quote byte
	switch {
	case rest == "":
	case rest[0] == '|' || rest[0] == '>':
		line, column = line+1, 0
	case rest[0] == '"' || rest[0] == '\'':
		quote = rest[0]
		column++
	case rest[0] == '*' || rest[0] == '&' || rest[0] == '!':
		return at // an alias, an anchor or a tag: the text does not begin here
	}
	for ; line < len(p.source); line, column = line+1, 0 {
		for text := p.source[line]; column < len(text); {
			r, size := utf8.DecodeRuneInString(text[column:])
			if unicode.IsSpace(r) {
				column += size
				continue
			}
			if wanted == 0 {
				at.Line, at.Column = line+1, column+1
				return at
			}
			if quoted := (quote == '"' && r == '\\' || quote == '\'' && r == '\'') && column+1 < len(text); quoted {
				column++
			}
			wanted--
			column += size
		}
	}
	return at
}
