package gitlab

import "github.com/dxctl/dxctl/event"

// Provider is the kind of this source, as events and catalog bindings name it.
const Provider = "gitlab"

// mapper makes the events of a project, both from what the collector reads and from what GitLab sends, so that one
// record has one identity.
type mapper struct {
	source       string
	scope        string // the project's path
	unrecognized func(what, word string)
}

// newMapper returns the mapper of a project of a source. scope is the project's path; unrecognized is called with a status
// that GitLab does not document, and what has it.
func newMapper(source, scope string, unrecognized func(what, word string)) mapper {
	return mapper{source: source, scope: scope, unrecognized: unrecognized}
}

// project returns the path of the project, which is the scope of its events.
func (m mapper) project() string { return m.scope }

// origin returns the origin of a record of the project.
func (m mapper) origin(id, url string) event.Origin {
	return event.Origin{Source: m.source, Provider: Provider, Scope: m.scope, ID: id, URL: url}
}
