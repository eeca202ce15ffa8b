package repository

import (
	"fmt"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
	"github.com/dxctl/dxctl/yamldoc"
)

// Descriptor is an entity of a Backstage descriptor of the repository.
type Descriptor struct {
	At     fact.Location
	Entity descriptor.Entity
	// Document is the text of the whole file.
	Document string
}

// IsDescriptor reports whether a file is a descriptor by its name, and not one of vendored code, tests or examples.
func IsDescriptor(f tree.File) bool {
	name := f.Base()
	named := name == "catalog-info.yaml" || name == "catalog-info.yml"
	return named && !tree.Vendored(f.Path) && !tree.Example(f.Path)
}

// descriptors reads the descriptors as the catalog does. The relations between entities are not checked: the other
// entities can be in other repositories.
func (f *Facts) descriptors(t *tree.Tree) {
	for _, file := range t.Files {
		if !IsDescriptor(file) {
			continue
		}
		problem := func(_ string, line int, format string, args ...any) {
			at := fact.Location{Path: file.Path, Line: line}
			f.DescriptorProblems = append(f.DescriptorProblems, fact.Problem{At: at, Reason: fmt.Sprintf(format, args...)})
		}
		lost := func(path string, line int, format string, args ...any) {
			problem(path, line, format, args...)
			f.LostDescriptors = append(f.LostDescriptors, f.DescriptorProblems[len(f.DescriptorProblems)-1])
		}
		if err := fact.Contain(func() error { return f.descriptor(t, file, problem, lost) }); err != nil {
			lost("", 0, "%v", err)
		}
	}
}

type report func(file string, line int, format string, args ...any)

func (f *Facts) descriptor(t *tree.Tree, file tree.File, problem, lost report) error {
	source := file
	if target, ok := t.Resolve(file); ok {
		source = target
	}
	text, err := t.Text(source)
	if err != nil {
		return err
	}
	// A field that Backstage allows in addition to its own is no problem.
	reader := descriptor.Reader{File: file.Path, Foreign: true}
	for _, r := range reader.Read(yamldoc.Documents([]byte(text))) {
		r.Report(descriptor.Reporter{
			Warn:      problem,
			Fail:      lost,
			Template:  func(_ string, line int) { lost("", line, "it is a template, which is not rendered") },
			OtherKind: func(string, int, string) {},
		})
		if r.OK && r.Location == nil {
			at := fact.Location{Path: file.Path, Line: r.Line}
			f.Descriptors = append(f.Descriptors, Descriptor{at, r.Entity, text})
		}
	}
	return nil
}
