package format

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dxctl/dxctl/strictyaml"
)

// Document is a decoded scorecard with the places of its values.
type Document struct {
	File
	Path string // of the file, as shown to people

	where    strictyaml.Positions
	source   []string // lines of the file
	problems Problems
}

// Read decodes the scorecards of a file and checks everything that needs no expression to be compiled. name is the name
// of the file as shown to people. A document with mistakes is returned too, as far as it could be decoded.
func Read(data []byte, name string) ([]*Document, Problems) {
	parsed, err := strictyaml.Read(name, data)
	problems := problemsOf(err, data)
	var docs []*Document
	for _, p := range parsed {
		d := &Document{Path: name, source: strings.Split(string(data), "\n")}
		where, err := p.Decode(&d.File)
		d.where = where
		d.problems = problemsOf(err, data)
		d.check()
		if line, column := p.Root.Line, p.Root.Column; !d.where.Has("name") && len(d.problems) > 0 {
			for i := range d.problems {
				if d.problems[i].Line == 0 {
					d.problems[i].Line, d.problems[i].Column = line, column
				}
			}
		}
		docs = append(docs, d)
		problems = append(problems, d.problems...)
	}
	if len(parsed) == 0 && err == nil {
		problems = append(problems, Problem{File: name, Line: 1, Column: 1, Message: "the file has no scorecard; " +
			"write apiVersion: " + APIVersion + " and kind: " + Kind})
	}
	return docs, problems.Sorted()
}

// Problems returns the mistakes of the document.
func (d *Document) Problems() Problems { return d.problems }

// At returns the problem that the value at path has. path is such as rules[0].expr.
func (d *Document) At(path, message string) Problem {
	line, column := d.where.Place(path)
	if line == 0 {
		line, column = d.where.Place("name")
	}
	return Problem{File: d.Path, Line: line, Column: column, Message: message}
}

// Has reports whether the file has a value at path.
func (d *Document) Has(path string) bool { return d.where.Has(path) }

// Line returns the line of the value at path, at least 1.
func (d *Document) Line(path string) int { return max(d.At(path, "").Line, 1) }

// In returns the problem at the byte offset of the text at path. YAML folds lines and drops indentation, so that the
// place is found by counting characters that are not white space.
func (d *Document) In(path, text string, offset int, message string) Problem {
	p := d.At(path, message)
	if p.Line == 0 || p.Line > len(d.source) || !d.where.Has(path) {
		return p
	}
	wanted := 0
	for _, r := range text[:min(max(offset, 0), len(text))] {
		if !unicode.IsSpace(r) {
			wanted++
		}
	}
	line, column := p.Line-1, p.Column-1
	rest := d.source[line][min(column, len(d.source[line])):]
	var quote byte
	switch {
	case rest == "":
	case rest[0] == '|' || rest[0] == '>':
		line, column = line+1, 0
	case rest[0] == '"' || rest[0] == '\'':
		quote = rest[0]
		column++
	case rest[0] == '*' || rest[0] == '&' || rest[0] == '!':
		return p // an alias, an anchor or a tag: the text does not begin here
	}
	for ; line < len(d.source); line, column = line+1, 0 {
		for text := d.source[line]; column < len(text); {
			r, size := utf8.DecodeRuneInString(text[column:])
			if unicode.IsSpace(r) {
				column += size
				continue
			}
			if wanted == 0 {
				p.Line, p.Column = line+1, column+1
				return p
			}
			if quoted := (quote == '"' && r == '\\' || quote == '\'' && r == '\'') && column+1 < len(text); quoted {
				column++
			}
			wanted--
			column += size
		}
	}
	return p
}
