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
func descriptors(t *tree.Tree) (all []Descriptor, problems []fact.Problem) {
	for _, f := range t.Files {
		if !IsDescriptor(f) {
			continue
		}
		problem := func(_ string, line int, format string, args ...any) {
			problems = append(problems, fact.Problem{
				At:     fact.Location{Path: f.Path, Line: line},
				Reason: fmt.Sprintf(format, args...),
			})
		}
		err := fact.Contain(func() error {
			file := f
			if target, ok := t.Resolve(f); ok {
				file = target
			}
			text, err := t.Text(file)
			if err != nil {
				return err
			}
			// A field that Backstage allows in addition to its own is no problem.
			for _, r := range (descriptor.Reader{File: f.Path, Foreign: true}).Read(yamldoc.Documents([]byte(text))) {
				r.Report(descriptor.Reporter{
					Warn: problem,
					Fail: problem,
					Template: func(_ string, line int) {
						problem("", line, "it is a template, which is not rendered")
					},
					OtherKind: func(string, int, string) {},
				})
				if r.OK && r.Location == nil {
					all = append(all, Descriptor{fact.Location{Path: f.Path, Line: r.Line}, r.Entity, text})
				}
			}
			return nil
		})
		if err != nil {
			problem("", 0, "%v", err)
		}
	}
	return all, problems
}
