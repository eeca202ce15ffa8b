package contents

import (
	"context"
	"fmt"

	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/servicefacts"
	"github.com/dxctl/dxctl/event"
)

// recordFacts returns the facts of the repository's own record.
func (c *collector) recordFacts(r Record) []event.Fact {
	fact := func(name string, typ event.FactType, known bool, value any, what string) event.Fact {
		if !known {
			return event.Fact{Name: name, Type: typ, Error: fmt.Sprintf("%s gave no %s for %s", c.Source, what, c.Scope)}
		}
		return servicefacts.Encode(name, typ, value)
	}
	created := mapping.Time(r.CreatedAt)
	return []event.Fact{
		fact("repository.provider", event.StringFact, true, mapping.Provider, ""),
		fact("repository.default_branch", event.StringFact, r.DefaultBranch != "", r.DefaultBranch, "default branch"),
		fact("repository.created_at", event.TimeFact, !created.IsZero(), created, "creation date"),
		fact("repository.archived", event.BoolFact, r.Archived != nil, r.Archived, "archived flag"),
	}
}

// store stores the facts of the record and of the files. files is nil if those that are kept still hold.
func (c *collector) store(ctx context.Context, s *state, files map[string][]event.Fact) error {
	facts := map[string][]event.Fact{}
	for _, subject := range c.Subjects {
		facts[subject.Entity] = c.recordFacts(s.Repository)
	}
	for entity, record := range facts {
		switch {
		case s.Tree.Error != "" && !s.Tree.Partial: // nothing is known of the files
			facts[entity] = append(record, servicefacts.Unread(s.Tree.Error)...)
		case files == nil:
			facts[entity] = append(record, s.Kept.Others(entity, record)...)
		default:
			facts[entity] = append(record, files[entity]...)
		}
	}
	of := event.Fact{Source: c.Source, URL: s.Repository.HTMLURL}
	_, err := s.Kept.Store(ctx, c.Writer, c.Now(), of, facts, c.unbound())
	return err
}

// unbound is why nothing is known any longer of an entity that the repository was about.
func (c *collector) unbound() string {
	return fmt.Sprintf("the catalog no longer binds it to %s of %s", c.Scope, c.Source)
}
