package collectors

import (
	"fmt"
	"strings"

	"github.com/dxctl/dxctl/collectors/httpjson"
	"github.com/dxctl/dxctl/collectors/source"
)

// reporting are the settings of a source that reports facts under names of its own.
type reporting interface{ DeclaredFacts() source.DeclaredFacts }

// DeclaredFacts returns the facts that the source reports under names of its own.
func (s SourceConfig) DeclaredFacts() source.DeclaredFacts {
	if r, ok := s.settings.(reporting); ok {
		return r.DeclaredFacts()
	}
	return nil
}

func (s SourceConfig) factNames() source.FactNames { return s.DeclaredFacts().Names() }

// validateFacts reports the facts that two sources declare: a fact has one source, so that none replaces or hides that
// of another.
func (c Config) validateFacts() []error {
	var errs []error
	for i, s := range c {
		for j, earlier := range c[:i] {
			if mine, theirs := s.factNames().Overlap(earlier.factNames()); mine != "" {
				errs = append(errs, fmt.Errorf("sources[%d] %q: facts: %s belongs to sources[%d] %q, which declares %s; a fact "+
					"has one source, so remove it from one of the two", i, s.Name, mine, j, earlier.Name, theirs))
			}
		}
	}
	return errs
}

// ServiceScopes returns the scopes of a source that are about a service although the catalog binds none to it: those of
// sources that are asked about each service.
func (c Config) ServiceScopes(name, service string) []string {
	for _, s := range c {
		if s.Name == name && s.Kind == httpjson.Provider {
			return []string{service, httpjson.Listing}
		}
	}
	return nil
}

// FactSource is a row of the table catalog_facts: the name of a fact, or a prefix that ends with a dot, and the only
// source that may report it.
type FactSource struct {
	Name   string `ch:"name"`
	Source string `ch:"source"`
}

// FactSources returns the names of facts that the sources declare, in the order of the configuration.
func (c Config) FactSources() []FactSource {
	var rows []FactSource
	for _, s := range c {
		for _, name := range s.factNames() {
			rows = append(rows, FactSource{Name: strings.TrimSuffix(name, "*"), Source: s.Name})
		}
	}
	return rows
}
