package metrics

import (
	"context"

	"github.com/dxctl/dxctl/event"
)

// The sources that give each kind of record, in words.
const (
	SourcesOfDeployments = "a source with deployments (github, gitlab, jenkins, circleci, argocd, kubernetes or pushed " +
		"events)"
	SourcesOfRuns    = "a source with pipeline runs (github, gitlab, jenkins, circleci or pushed events)"
	SourcesOfChanges = "a source with pull or merge requests (github, gitlab or pushed events)"
)

var sourcesOf = map[event.Kind]string{
	event.KindDeployment: SourcesOfDeployments, event.KindPipelineRun: SourcesOfRuns, event.KindChange: SourcesOfChanges,
}

// Missing is a kind of record of which nothing was ever collected. The numbers that count it are nil, not zero.
type Missing struct {
	Kind   event.Kind `json:"kind"`
	Source string     `json:"source"` // what gives records of the kind, in words
}

func missing(kind event.Kind) Missing { return Missing{Kind: kind, Source: sourcesOf[kind]} }

// collection is which kinds of record were ever collected for which service. A source that was asked and has none
// collected them too: the service's number is then zero.
type collection map[string]map[event.Kind]bool

// collected reads the collection of one service, or of all when service is empty.
func (e *Engine) collected(ctx context.Context, service string, kinds ...event.Kind) (collection, error) {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	var rows []struct {
		Service string `ch:"service"`
		Kind    string `ch:"kind"`
	}
	if err := e.queryFile(ctx, "collected.sql", &rows, map[string]any{"service": service, "kinds": names}); err != nil {
		return nil, err
	}
	c := collection{}
	for _, row := range rows {
		if c[row.Service] == nil {
			c[row.Service] = map[event.Kind]bool{}
		}
		c[row.Service][event.Kind(row.Kind)] = true
	}
	return c, nil
}

// missing returns the kinds that were never collected for a service, or with an empty service for none.
func (c collection) missing(service string, kinds ...event.Kind) []Missing {
	list := []Missing{}
	for _, kind := range kinds {
		if !c.has(service, kind) {
			list = append(list, missing(kind))
		}
	}
	return list
}

func (c collection) has(service string, kind event.Kind) bool {
	if service != "" {
		return c[service][kind]
	}
	for _, kinds := range c {
		if kinds[kind] {
			return true
		}
	}
	return false
}
