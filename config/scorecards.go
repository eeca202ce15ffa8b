package config

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/collectors"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/scorecards/paths"
	"github.com/dxctl/dxctl/strictyaml"
)

// LoadScorecards reads of a file the section scorecards and the facts that the sources declare, so that a checkout can
// be graded without what the other sections need, such as the tokens of sources. Mistakes in the sources are not
// reported. Relative names are relative to the directory of the file.
func LoadScorecards(file string) (scorecards.Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return scorecards.Config{}, fmt.Errorf("reading the configuration: %w; name another file with --config", err)
	}
	docs, err := strictyaml.Read(file, text)
	if err != nil {
		return scorecards.Config{}, reading(err)
	}
	if len(docs) == 0 || docs[0].Root.Kind != yaml.MappingNode {
		return scorecards.Config{}, nil
	}
	var cards struct {
		Scorecards scorecards.Config `yaml:"scorecards"`
	}
	var sources struct {
		Sources collectors.Config `yaml:"sources"`
	}
	_, err = decodeSection(docs[0], "scorecards", &cards)
	_, _ = decodeSection(docs[0], "sources", &sources) // what can be decoded
	cards.Scorecards.Declared = declared(file, sources.Sources)
	return cards.Scorecards, reading(err)
}

// decodeSection decodes the value of a key of the document, if it has the key.
func decodeSection(doc strictyaml.Document, key string, dest any) (strictyaml.Positions, error) {
	root := *doc.Root
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == key {
			root.Content = slices.Clone(root.Content[i : i+2])
			doc.Root = &root
			return doc.Decode(dest)
		}
	}
	return strictyaml.Positions{}, nil
}

// declared returns the facts that sources declare in a file.
func declared(file string, sources collectors.Config) []facts.Definition {
	var all []facts.Definition
	for _, s := range sources {
		for _, f := range s.DeclaredFacts() {
			if f.Type != "" && !slices.Contains(event.FactTypes, f.Type) {
				continue // reported as a mistake of the source
			}
			all = append(all, facts.Definition{
				Name:        f.Name,
				Type:        f.Type,
				Unit:        f.Unit,
				Label:       f.Label,
				True:        f.True,
				False:       f.False,
				Source:      fmt.Sprintf("the source %s (kind %s)", s.Name, s.Kind),
				Description: f.Description,
				Place:       fmt.Sprintf("%s:%d", file, f.Line),
			})
		}
	}
	return all
}

// otherTypes reports the facts that a source declares with another type than the one with which dxctl uses them.
func otherTypes(s collectors.SourceConfig) error {
	var errs []error
	for _, f := range s.DeclaredFacts() {
		for _, known := range facts.Catalog() {
			if known.Name == f.Name && f.Type != "" && known.Type != f.Type {
				errs = append(errs, fmt.Errorf("facts: %s is a %s here, and dxctl uses it as a %s; correct the type", f.Name,
					f.Type, known.Type))
			}
		}
	}
	return errors.Join(errs...)
}

// LoadPaths reads of a file the section paths, so that golden paths can be read without what the other sections need.
// Relative names are relative to the directory of the file.
func LoadPaths(file string) (paths.Config, error) {
	var section struct {
		Paths paths.Config `yaml:"paths"`
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return paths.Config{}, fmt.Errorf("reading the configuration: %w; name another file with --config", err)
	}
	docs, err := strictyaml.Read(file, text)
	if err != nil {
		return paths.Config{}, reading(err)
	}
	if len(docs) == 0 || docs[0].Root.Kind != yaml.MappingNode {
		return paths.Config{}, nil
	}
	where, err := decodeSection(docs[0], "paths", &section)
	if err != nil {
		return section.Paths, reading(err)
	}
	return section.Paths, reading(errors.Join(pathMistakes(section.Paths, where)...))
}
