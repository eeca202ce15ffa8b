package demo

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/dxctl/dxctl/event"
)

// repositoryFiles are what a collector looks for in a repository.
var repositoryFiles = []string{
	"readme",
	"codeowners",
	"ci_workflow",
	"dockerfile",
	"catalog_info",
	"license",
	"dependency_updates",
	"tests",
}

// addFacts says what was found in the repositories this morning.
func (o *Organization) addFacts() {
	for _, s := range append(slices.Clone(services), legacy) {
		f := event.Fact{
			Source: SourceGitHub, Entity: "unmapped:github/" + s.slug(), ObservedAt: o.Today.Add(-50 * time.Minute),
			ExpiresAt: o.Today.Add(30 * day), URL: "https://github." + domain + "/" + s.slug(),
		}
		o.addFact(f, "repository.default_branch", event.StringFact, "main")
		o.addFact(f, "repository.created_at", event.TimeFact, s.createdAt(o.cal))
		o.addFact(f, "repository.archived", event.BoolFact, false)
		for _, name := range repositoryFiles {
			file := f
			if s.unreadable {
				file.Error = SourceGitHub + " could not read the files of " + s.slug() + ": 403 Resource not accessible; give " +
					"the token read access to contents"
			}
			o.addFact(file, "repository.files."+name, event.BoolFact, !slices.Contains(s.lacks, name))
		}
	}
}

func (o *Organization) addFact(f event.Fact, name string, of event.FactType, value any) {
	f.Name, f.Type = name, of
	if f.Error == "" {
		raw, err := json.Marshal(value)
		if err != nil {
			f.Error = err.Error() // a bool, a string or a time always marshals
		}
		f.Value = raw
	}
	o.facts = append(o.facts, f)
}
