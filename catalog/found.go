package catalog

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/yamldoc"
)

// Found is a descriptor that a source has: a catalog-info.yaml of a repository, an entity of a Backstage catalog.
type Found struct {
	Source   string // name of the source in the configuration
	Provider string // its kind
	Scope    string // what of the source: a repository
	Location string // where within the scope: a path, an entity ref
	Document string // YAML or JSON of one or more entities
	URL      string
}

// place is the name under which people know the document.
func (f Found) place() string {
	if f.URL != "" {
		return f.URL
	}
	return f.Source + "/" + f.Scope + "/" + f.Location
}

// CreatedSource is the source of the descriptors of services that dxctl created, until another source or a file
// describes them.
const CreatedSource = "dxctl"

// FoundSchema is the version of the schema from which on the store has what [ReadFound] reads.
const FoundSchema = 5

// DescriptorReader returns the descriptors that sources have and that are not gone, ordered by source, scope and
// location; the store does.
type DescriptorReader interface {
	Descriptors(ctx context.Context, sources []string) ([]event.Descriptor, error)
}

// ReadFound returns the descriptors that these sources have, in the order of the sources, which is that of precedence,
// and sorted within each. What is gone there, and what a source has that is no longer configured, is not among them.
func ReadFound(ctx context.Context, store DescriptorReader, sources []string) ([]Found, error) {
	if len(sources) == 0 {
		return nil, nil
	}
	descriptors, err := store.Descriptors(ctx, sources)
	if err != nil {
		return nil, err
	}
	found := make([]Found, len(descriptors))
	for i, d := range descriptors {
		found[i] = Found{
			Source: d.Source, Provider: d.Provider, Scope: d.Scope, Location: d.Location, Document: d.Document, URL: d.URL,
		}
	}
	slices.SortStableFunc(
		found,
		func(a, b Found) int { return slices.Index(sources, a.Source) - slices.Index(sources, b.Source) },
	)
	return found, nil
}

// foundShown is how many warnings of a sort are told of a source; there may be one for each of thousands of documents.
const foundShown = 10

// found reads the documents of sources, after the files. One repository's mistake must not take the others away, and
// who runs dxctl is seldom its author: fields that Backstage allows in addition to its own are no warning.
func (l *loader) found(all []Found) {
	warned, twice := map[string]int{}, map[string]int{}
	var order []string
	for doc := range inOrder(l.included(all), l.readFound) {
		f := doc.found
		if n := len(order); n == 0 || order[n-1] != f.Source && !slices.Contains(order, f.Source) {
			order = append(order, f.Source)
		}
		warn := func(file string, line int, format string, args ...any) {
			if warned[f.Source]++; warned[f.Source] <= foundShown {
				l.Warn(file, line, format, args...)
			}
		}
		reporter := l.reporter(warn, l.lostFound(f, warned))
		for _, r := range doc.readings {
			r.Report(reporter)
			switch {
			case !r.OK:
			case r.Location != nil:
				warn(f.place(), r.Line, "the Location is not followed: a source's descriptors are found by the source itself")
			default:
				if earlier, exists := l.catalog.byRef[r.Entity.Ref]; exists {
					if f.Source == CreatedSource {
						continue // the repository describes the service by now
					}
					if twice[f.Source]++; twice[f.Source] <= foundShown {
						l.warnFoundTwice(f, r.Entity, earlier)
					}
					continue
				}
				l.add(r.Entity, origin{lines: r.AnnotationLines, found: &f})
			}
		}
	}
	for _, source := range order {
		if n := warned[source] - foundShown; n > 0 {
			l.Warn("", 0, "source %s: %d more warnings about the descriptors that it has", source, n)
		}
		if n := twice[source] - foundShown; n > 0 {
			l.Warn("", 0, "source %s: %d more of the entities that it has are described elsewhere too and left out", source, n)
		}
	}
}

// included leaves out what the configuration excludes.
func (l *loader) included(all []Found) iter.Seq[Found] {
	return func(yield func(Found) bool) {
		for _, f := range all {
			if !l.exclude.matchesPath(f.Location) && !yield(f) {
				return
			}
		}
	}
}

// foundReadings are the documents of what a source has.
type foundReadings struct {
	found    Found
	readings []descriptor.Reading
}

func (l *loader) readFound(f Found) foundReadings {
	reader := descriptor.Reader{File: f.place(), Foreign: true, Positions: binds}
	return foundReadings{f, reader.Read(yamldoc.Documents([]byte(f.Document)))}
}

// lostFound counts and says that a document of a source cannot be read.
func (l *loader) lostFound(f Found, warned map[string]int) func(file string, line int, format string, args ...any) {
	return func(file string, line int, format string, args ...any) {
		l.MarkLost(file)
		if warned[f.Source]++; warned[f.Source] <= foundShown {
			l.Fail(file, line, format, args...)
		}
	}
}

func (l *loader) warnFoundTwice(f Found, e descriptor.Entity, earlier int) {
	used := l.catalog.entities[earlier]
	why := "files come before what sources have"
	if by := l.origins[earlier].found; by != nil {
		why = "source " + by.Source + " comes first in the configuration"
		if by.Source == f.Source {
			why = "it comes first in source " + f.Source
		}
	}
	l.Warn(e.File, e.Line, "%s, which source %s has, is described at %s:%d too, and that description is used: %s",
		e.Ref, f.Source, used.File, used.Line, why)
}

// foundScope is the repository at whose root a component's descriptor was found. It is the component's, unless an
// annotation says better; a descriptor in a directory says nothing about whose the repository is.
func (l *loader) foundScope(index int) (provider, scope string, ok bool) {
	f := l.origins[index].found
	if f == nil || (f.Provider != "github" && f.Provider != "gitlab") ||
		strings.Contains(strings.TrimPrefix(f.Location, "/"), "/") {
		return "", "", false
	}
	return f.Provider, f.Scope, true
}
