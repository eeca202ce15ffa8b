package setup

import (
	"slices"
	"strings"
	"unicode"

	"github.com/dxctl/dxctl/collectors/source"
)

// environment is an environment of dx.yaml with the names that the source uses for it.
type environment struct {
	name  string
	names []string
}

// environmentWords are the words that identify an environment, in the order in which they count: preprod is no
// production, and a test of staging is staging.
var environmentWords = []struct {
	name     string
	words    []string
	defaults []string // always listed; nil: the environment is listed if the source has it
}{
	{"staging", []string{"staging", "stage", "stg", "preprod", "preproduction", "pre", "uat", "acceptance", "acc",
		"nonprod", "nonproduction", "non"}, []string{"staging", "stage"}},
	{"production", []string{"production", "prod", "prd", "live"}, []string{"production", "prod", "live"}},
	{"development", []string{"development", "develop", "dev", "integration", "int"}, nil},
	{"test", []string{"test", "testing", "tst", "qa"}, nil},
}

// transient are words of environments that come and go, one for each branch or pull request.
var transient = []string{"review", "preview", "pr", "mr"}

// environmentsOf sorts the names of the environments of the repositories into environments. others are those that
// remain, under their own names; passing is how many come and go.
func environmentsOf(repositories []source.Repository) (mapped []environment, others []string, passing int) {
	seen := map[string]bool{}
	byName := map[string][]string{}
	for _, e := range environmentWords {
		for _, name := range e.defaults {
			seen[name] = true
		}
		byName[e.name] = slices.Clone(e.defaults)
	}
	var found []string
	for _, r := range repositories {
		found = append(found, r.Environments...)
	}
	slices.Sort(found)
	for _, name := range found {
		key := strings.ToLower(name)
		if seen[key] {
			continue
		}
		seen[key] = true
		switch of := environmentOf(key); {
		case of == "transient":
			passing++
		case of == "" || strings.Contains(name, "${"): // the configuration would replace it with a variable
			others = append(others, name)
		default:
			byName[of] = append(byName[of], name)
		}
	}
	for _, name := range []string{"production", "staging", "test", "development"} {
		if len(byName[name]) > 0 {
			mapped = append(mapped, environment{name, byName[name]})
		}
	}
	return mapped, others, passing
}

// environmentOf returns the environment that a name in lower case indicates; empty: none.
func environmentOf(name string) string {
	words := strings.FieldsFunc(name, func(c rune) bool { return !unicode.IsLetter(c) })
	for _, w := range words {
		if slices.Contains(transient, w) {
			return "transient"
		}
	}
	for _, e := range environmentWords {
		if slices.ContainsFunc(words, func(w string) bool { return slices.Contains(e.words, w) }) {
			return e.name
		}
	}
	return ""
}
