// Package facts has the facts that rules ask about a service: their catalog, those that are computed from the metrics,
// and those that the store has.
//
// A fact without a value has an error instead, which is the reason. It is never zero or false.
package facts

import (
	"fmt"
	"maps"
	"slices"
	"strings"

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

	// Place is where the configuration of a source declares it, as file:line; "" otherwise. Such a definition without
	// a Type may not be used by itself; its Name may then be a prefix such as security.*.
	Place string `yaml:"-"`
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

// WithDeclared returns the facts of a scorecard: its own, and those that sources declare. One that both declare is as
// the scorecard words it, and its source is the one that declares it.
func WithDeclared(own, declared []Definition) []Definition {
	all := slices.Clone(own)
	for i := range all {
		if d, ok := declaredAs(all[i].Name, declared); ok && all[i].Source == "" {
			all[i].Source = d.Source
		}
	}
	for _, d := range declared {
		has := func(o Definition) bool { return o.Name == d.Name }
		if !slices.ContainsFunc(all, has) && !slices.ContainsFunc(knownFacts, has) {
			all = append(all, d)
		}
	}
	return all
}

// declaredAs returns the declaration of a name, or else of a prefix that it has.
func declaredAs(name string, declared []Definition) (found Definition, ok bool) {
	for _, d := range declared {
		prefix, wild := strings.CutSuffix(d.Name, "*")
		switch {
		case d.Name == name:
			return d, true
		case wild && strings.HasPrefix(name, prefix) && !ok:
			found, ok = d, true
		}
	}
	return found, ok
}

// Suggestion returns the end of an error about an unknown name: the fact that was probably meant, or where to declare
// one.
func Suggestion(name string, definitions map[string]Definition) string {
	var typed []string
	var untyped []Definition
	for _, known := range slices.Sorted(maps.Keys(definitions)) {
		if definitions[known].Type != "" {
			typed = append(typed, known)
		} else {
			untyped = append(untyped, definitions[known])
		}
	}
	if d, ok := declaredAs(name, untyped); ok {
		return fmt.Sprintf(": %s may report it, but its type is not declared; write {name: %s, type: …} at %s, or declare "+
			"it under facts:", d.Source, name, d.Place)
	}
	if near := spelling.Nearest(name, typed); near != "" {
		return fmt.Sprintf(" (did you mean facts[%q]?)", near)
	}
	return "; to use a fact of your own, declare it under facts:"
}
