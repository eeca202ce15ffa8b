package descriptor

import (
	"iter"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/yamldoc"
)

// Reader reads the documents of one file.
type Reader struct {
	File string // as warnings name it
	// Foreign is set if the author of the file is not the one who reads the warnings. Fields that Backstage does not
	// know, but allows, are no warning then.
	Foreign bool
	// Positions are the names of annotations whose lines a Reading has.
	Positions map[string]bool
}

// Reading is the content of one document, and what there is to report about it. Documents are read concurrently;
// [Reading.Report] is called later, in their order.
type Reading struct {
	Entity          Entity
	Location        *Location      // where a Location leads; nil: it is an entity
	OK              bool           // false: it is neither
	Line            int            // of the document in the file
	AnnotationLines map[string]int // lines in the file of the annotations that Reader.Positions names

	reports []func(to Reporter)
}

// Reporter receives what there is to report about documents. file is that of the Reader.
type Reporter struct {
	Warn      func(file string, line int, format string, args ...any)
	Fail      func(file string, line int, format string, args ...any) // the document is lost
	Template  func(file string, line int)                             // it is a template that is not rendered
	OtherKind func(file string, line int, kind string)                // it is of a kind that dxctl does not use
}

// Report reports what was found while the document was read.
func (r Reading) Report(to Reporter) {
	for _, report := range r.reports {
		report(to)
	}
}

// Read reads documents. It may run concurrently with other calls.
func (r Reader) Read(docs iter.Seq[yamldoc.Document]) []Reading {
	var all []Reading
	for doc := range docs {
		var one Reading
		later := func(report func(to Reporter)) { one.reports = append(one.reports, report) }
		reader := documentReader{Reader: r, Reporter: Reporter{
			Warn: func(file string, line int, format string, args ...any) {
				later(func(to Reporter) { to.Warn(file, line, format, args...) })
			},
			Fail: func(file string, line int, format string, args ...any) {
				later(func(to Reporter) { to.Fail(file, line, format, args...) })
			},
			Template: func(file string, line int) { later(func(to Reporter) { to.Template(file, line) }) },
			OtherKind: func(file string, line int, kind string) {
				later(func(to Reporter) { to.OtherKind(file, line, kind) })
			},
		}}
		one.Entity, one.Location, one.OK = reader.read(doc)
		if one.OK {
			one.Line = doc.StartLine()
			one.AnnotationLines = annotationLines(doc, r.Positions)
		}
		all = append(all, one)
	}
	return all
}

// documentReader reads one document.
type documentReader struct {
	Reader
	Reporter
}

// annotationLines returns the lines in the file of those annotations of a document whose names are in wanted.
func annotationLines(doc yamldoc.Document, wanted map[string]bool) map[string]int {
	_, metadata := yamldoc.Field(doc.Node, "metadata")
	_, annotations := yamldoc.Field(metadata, "annotations")
	var lines map[string]int
	for i := 0; annotations != nil && annotations.Kind == yaml.MappingNode && i+1 < len(annotations.Content); i += 2 {
		key := annotations.Content[i]
		if _, twice := lines[key.Value]; twice || !wanted[key.Value] {
			continue
		}
		if lines == nil {
			lines = map[string]int{}
		}
		lines[key.Value] = key.Line + doc.Offset
	}
	return lines
}
