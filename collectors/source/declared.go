package source

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/event"
)

// DeclaredFact is a fact that the configuration lets a source report. In YAML it is a name or a prefix such as
// security.*, or a mapping that also has the type and the words of one fact.
type DeclaredFact struct {
	Name string         `yaml:"name"`
	Type event.FactType `yaml:"type"` // "": not declared here
	// Expires is how long a value is valid (7d, 12h) if its sender does not state it; "": the default of the source.
	Expires     string `yaml:"expires"`
	Label       string `yaml:"label"` // noun phrase: "the open findings"; the name when empty
	Unit        string `yaml:"unit"`
	True        string `yaml:"true"` // sentence when a bool holds, and when it does not
	False       string `yaml:"false"`
	Description string `yaml:"description"`

	Line int `yaml:"-"` // in the file, from 1
}

// declaredFact has the keys of a mapping.
type declaredFact DeclaredFact

// UnmarshalYAML reads a name or a mapping.
func (f *DeclaredFact) UnmarshalYAML(n *yaml.Node) error {
	*f = DeclaredFact{Line: n.Line}
	if n.Kind == yaml.ScalarNode {
		return n.Decode(&f.Name)
	}
	return n.Decode((*declaredFact)(f))
}

// Variants returns the struct whose keys a mapping may have.
func (DeclaredFact) Variants(*yaml.Node) []any { return []any{declaredFact{}} }

// DeclaredFacts are the facts that a source may report.
type DeclaredFacts []DeclaredFact

// Names returns declarations without types.
func Names(names ...string) DeclaredFacts {
	declared := make(DeclaredFacts, len(names))
	for i, name := range names {
		declared[i].Name = name
	}
	return declared
}

// Names returns the names and the prefixes.
func (d DeclaredFacts) Names() FactNames {
	names := make(FactNames, len(d))
	for i := range d {
		names[i] = d[i].Name
	}
	return names
}

// Named returns the declaration of exactly this name.
func (d DeclaredFacts) Named(name string) (DeclaredFact, bool) {
	i := slices.IndexFunc(d, func(f DeclaredFact) bool { return f.Name == name })
	if i < 0 {
		return DeclaredFact{}, false
	}
	return d[i], true
}

// Validate reports every mistake.
func (d DeclaredFacts) Validate() error {
	errs := []error{d.Names().Validate()}
	for i, f := range d {
		if f.Type != "" && !slices.Contains(event.FactTypes, f.Type) {
			errs = append(errs, fmt.Errorf("facts[%d] %s: type %q is not one of bool, number, string, time, list", i, f.Name,
				f.Type))
		}
		if strings.HasSuffix(f.Name, "*") && f.Type != "" {
			errs = append(errs, fmt.Errorf("facts[%d] %s: a prefix has no type, because its facts may have different ones; "+
				"also add an entry such as {name: %ssome_fact, type: %s}", i, f.Name, strings.TrimSuffix(f.Name, "*"), f.Type))
		}
		if f.Expires != "" {
			if _, err := ParseValidity(f.Expires); err != nil {
				errs = append(errs, fmt.Errorf("facts[%d] %s: expires: %w", i, f.Name, err))
			}
		}
	}
	return errors.Join(errs...)
}

// Validity returns how long a value of the fact is valid if its sender does not state it: as its own entry says, else
// that of the first prefix, else otherwise. 0: until the next value.
func (d DeclaredFacts) Validity(name string, otherwise time.Duration) time.Duration {
	best := ""
	for _, f := range d {
		if f.Expires != "" && matchesFact(f.Name, name) && (best == "" || f.Name == name) {
			best = f.Expires
		}
	}
	if valid, err := ParseValidity(best); err == nil {
		return valid
	}
	return otherwise
}
