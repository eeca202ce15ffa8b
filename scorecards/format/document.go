package format

import "github.com/dxctl/dxctl/strictyaml"

// Document is a decoded scorecard with the places of its values.
type Document struct {
	File
	Places

	problems Problems
}

// Read decodes the scorecards of a file and checks everything that needs no expression to be compiled. name is the name
// of the file as shown to people. A document with mistakes is returned too, as far as it could be decoded.
func Read(data []byte, name string) ([]*Document, Problems) {
	parsed, err := strictyaml.Read(name, data)
	problems := ProblemsOf(err, data)
	var docs []*Document
	for _, p := range parsed {
		d := &Document{}
		where, err := p.Decode(&d.File)
		d.Places = NewPlaces(name, data, where)
		d.problems = ProblemsOf(err, data)
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
