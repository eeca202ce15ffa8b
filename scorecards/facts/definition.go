// Package facts has the facts that rules ask about a service: their catalog, those that are computed from the metrics,
// and those that the store has.
//
// A fact without a value has an error instead, which is the reason. It is never zero or false.
package facts

import (
	"fmt"
	"maps"
	"slices"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/spelling"
)

// Definition describes a fact: its type, the source that gives it, and how to put its value into words.
type Definition struct {
	Name string         `yaml:"name"`
	Type event.FactType `yaml:"type"`
	// the elements of the list are places in the repository: "path:line: text"
	Places bool `yaml:"places"`
	// minutes, runs; "share" is a number from 0 to 1, shown as a percentage
	Unit string `yaml:"unit"`
	// noun phrase: "the 95th percentile of CI duration"; the name when empty
	Label       string `yaml:"label"`
	True        string `yaml:"true"`        // sentence when it holds: "it has an owner"
	False       string `yaml:"false"`       // sentence when it does not
	Source      string `yaml:"source"`      // who should provide it: "a checkout, or a source of kind github or gitlab"
	Description string `yaml:"description"` // one sentence
}

// Noun returns the noun phrase for the fact: its label, or its name if it has none.
func (d Definition) Noun() string {
	if d.Label != "" {
		return d.Label
	}
	return d.Name
}

// Definitions returns the facts that a scorecard may refer to, by name: those of Catalog and its own.
func Definitions(own []Definition) map[string]Definition {
	known := Catalog()
	all := make(map[string]Definition, len(known)+len(own))
	for _, d := range known {
		all[d.Name] = d
	}
	for _, d := range own {
		all[d.Name] = d
	}
	return all
}

// Suggestion returns the end of an error about an unknown name: the fact that was probably meant, or where to declare
// one.
func Suggestion(name string, definitions map[string]Definition) string {
	if near := spelling.Nearest(name, slices.Sorted(maps.Keys(definitions))); near != "" {
		return fmt.Sprintf(" (did you mean facts[%q]?)", near)
	}
	return "; to use a fact of your own, declare it under facts:"
}
