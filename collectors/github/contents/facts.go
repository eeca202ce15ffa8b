package contents

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/event"
)

// facts returns the facts. One that is unknown has the reason as its error; it is never false.
func (c *collector) facts(s state) []event.Event {
	missing := func(what string) string { return fmt.Sprintf("%s gave no %s for %s", c.Source, what, c.Scope) }
	var all []event.Event
	add := func(name string, kind event.FactType, known bool, value any, why string) {
		f := event.Fact{
			Source:     c.Source,
			Entity:     "unmapped:" + mapping.Provider + "/" + c.Scope,
			Name:       "repository." + name,
			Type:       kind,
			ObservedAt: c.Now().UTC(),
			ExpiresAt:  c.Now().UTC().Add(lasts),
			URL:        s.Repository.HTMLURL,
		}
		if known {
			raw, err := json.Marshal(value)
			if known = err == nil; known {
				f.Value = raw
			}
		}
		if !known {
			f.Error = why
		}
		all = append(all, f)
	}
	repo := s.Repository
	add("default_branch", event.StringFact, repo.DefaultBranch != "", repo.DefaultBranch, missing("default branch"))
	created := mapping.Time(repo.CreatedAt)
	add("created_at", event.TimeFact, !created.IsZero(), created, missing("creation date"))
	add("archived", event.BoolFact, repo.Archived != nil, repo.Archived, missing("archived flag"))
	for _, f := range fileFacts {
		value, known := s.Tree.Files[f.name]
		add("files."+f.name, event.BoolFact, known, value, s.Tree.Error)
	}
	o := s.Owners
	o.Known = o.Known && len(s.Tree.Files) > 0
	why := cmp.Or(s.Owners.Error, s.Tree.Error, missing("CODEOWNERS file"))
	add("codeowners.default_owners", event.ListFact, o.Known, o.Default, why)
	add("codeowners.owners", event.ListFact, o.Known, o.Owners, why)
	add("codeowners.invalid_lines", event.ListFact, o.Known, o.Invalid, why)
	return all
}
