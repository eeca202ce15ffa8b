// Package mapping makes events of GitLab's records: pipelines, jobs, merge requests and deployments. The collector
// decodes them from the API, and the receiver of webhooks fills in the same structs, so that a record has the same
// identity and status on both ways. The structs hold what is used of a record.
package mapping

import "github.com/dxctl/dxctl/event"

// Provider is the kind of this source, as events and catalog bindings name it.
const Provider = "gitlab"

// Mapper makes the events of a project, both from what the collector reads and from what GitLab sends, so that one
// record has one identity.
type Mapper struct {
	source       string
	scope        string // the project's path
	unrecognized func(what, word string)
}

// NewMapper returns the mapper of a project of a source. scope is the project's path. unrecognized is called with each
// status that GitLab does not document and with what names its field ("status of a job").
func NewMapper(source, scope string, unrecognized func(what, word string)) Mapper {
	return Mapper{source: source, scope: scope, unrecognized: unrecognized}
}

// Scope returns the path of the project, which is the scope of its events.
func (m Mapper) Scope() string { return m.scope }

// Origin returns the origin of a record of the project.
func (m Mapper) Origin(id, url string) event.Origin {
	return event.Origin{Source: m.source, Provider: Provider, Scope: m.scope, ID: id, URL: url}
}
