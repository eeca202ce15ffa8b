// Package controls lists the controls of public standards that rules may name: their ids, with titles in our own words.
package controls

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed osps.yaml scorecard.yaml slsa.yaml
var files embed.FS

// Standard is a published list of controls.
type Standard struct {
	ID       string    `yaml:"id"`
	Title    string    `yaml:"title"`
	Version  string    `yaml:"version"`
	Source   string    `yaml:"source"` // where the ids are from
	URL      string    `yaml:"url"`    // pattern of the addresses of controls
	Controls []Control `yaml:"controls"`
}

// Control is a requirement of a standard.
type Control struct {
	ID    string `yaml:"id"`
	Level string `yaml:"level"` // in the words of the standard: its maturity level, risk or level
	Title string `yaml:"title"` // in our own words
}

// Standards returns the standards, in the order in which they are shown.
var Standards = sync.OnceValue(func() []Standard {
	var all []Standard
	for _, name := range []string{"osps", "scorecard", "slsa"} {
		data, err := files.ReadFile(name + ".yaml")
		if err != nil {
			panic(fmt.Sprintf("controls: %v", err)) // cannot happen: the files are part of the program
		}
		var s Standard
		if err := yaml.Unmarshal(data, &s); err != nil {
			panic(fmt.Sprintf("controls: reading %s.yaml: %v", name, err)) // the tests read them
		}
		all = append(all, s)
	}
	return all
})

// Names returns the ids of the standards.
func Names() []string {
	var names []string
	for _, s := range Standards() {
		names = append(names, s.ID)
	}
	return names
}

// Lookup returns the standard of an id.
func Lookup(id string) (Standard, bool) {
	all := Standards()
	i := slices.IndexFunc(all, func(s Standard) bool { return s.ID == id })
	if i < 0 {
		return Standard{}, false
	}
	return all[i], true
}

// IDs returns the ids of the controls.
func (s Standard) IDs() []string {
	ids := make([]string, len(s.Controls))
	for i, c := range s.Controls {
		ids[i] = c.ID
	}
	return ids
}

// Address returns where the standard describes the control.
func (s Standard) Address(c Control) string {
	track, name, split := strings.Cut(c.ID, "/")
	if !split {
		name = c.ID
	}
	name = strings.ToLower(strings.ReplaceAll(name, ".", "")) // as the sites make anchors of headings
	return strings.NewReplacer("{track}", track, "{control}", name).Replace(s.URL)
}
