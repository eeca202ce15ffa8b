package scorecards

import (
	"context"
	"slices"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/scorecards/format"
)

// With returns the set in which the scorecards of files replace those with the same names; the others are kept, and
// their names returned. Broken has only the mistakes of the files, and those of kept scorecards that do not fit them.
func (s Set) With(files []File, declared ...facts.Definition) (with Set, kept []string) {
	l := loader{declared: declared}
	for _, f := range files {
		l.parse(f.Data, f.Name)
	}
	named := map[string]bool{}
	for i := range l.set.Cards {
		named[l.set.Cards[i].Name] = true
	}
	for _, b := range l.set.Broken {
		for _, name := range b.Names {
			named[name] = true
		}
	}
	for _, card := range s.Cards {
		if named[card.Name] {
			continue
		}
		kept = append(kept, card.Name)
		if problems := l.set.otherTypes(card); len(problems) > 0 {
			l.broken(card.File, problems, card.Name)
			continue
		}
		l.set.Cards = append(l.set.Cards, card)
	}
	return l.set.resolved(), kept
}

// Without returns the set without the scorecards that files name, those with mistakes included. What refers to one of
// them is not checked before [Set.With].
func (s Set) Without(files []File) Set {
	named := map[string]bool{}
	for _, f := range files {
		docs, _ := format.Read(f.Data, f.Name) // a mistake leaves the name
		for _, doc := range docs {
			named[doc.Name] = true
		}
	}
	s.Cards = slices.DeleteFunc(slices.Clone(s.Cards), func(card Scorecard) bool { return named[card.Name] })
	return s
}

// InForce returns an engine that grades as if every rule in draft and every announced one were enforced.
func (e *Engine) InForce() *Engine {
	with := *e
	with.cards = make([]*compiledCard, len(e.cards))
	for i, card := range e.cards {
		forced := *card
		forced.rules = slices.Clone(card.rules)
		for j := range forced.rules {
			if status := forced.rules[j].Status; status == format.Draft || status == format.Announced {
				forced.rules[j].Status = format.Enforced
			}
		}
		with.cards[i] = &forced
	}
	return &with
}

// FactsOf returns the facts of an entity by name. It may be called from several goroutines.
type FactsOf func(descriptor.Entity) map[string]event.Fact

// Known gathers the facts of the entities of a catalog as [Engine.Refresh] does, and stores none. The catalog must have
// been synced.
func Known(ctx context.Context, store metrics.Querier, cat *catalog.Catalog, eng *metrics.Engine, now time.Time,
) (FactsOf, error) {
	entities := cat.Entities()
	if len(entities) == 0 {
		return func(descriptor.Entity) map[string]event.Fact { return nil }, nil
	}
	computed, err := facts.Compute(ctx, facts.All(store), eng, now, nil)
	if err != nil {
		return nil, err
	}
	fresh := func(entity descriptor.Entity) []event.Fact {
		return append(cat.ServiceFacts(entity, now), computed.Of(entity.Ref)...)
	}
	stored, err := facts.Read(ctx, facts.All(store), fresh(entities[0]))
	if err != nil {
		return nil, err
	}
	return func(entity descriptor.Entity) map[string]event.Fact { return stored.Of(entity.Ref, fresh(entity)) }, nil
}

// GradeCatalog grades every entity of a catalog that a scorecard takes, on every core. The reports are in the order of
// the entities' refs; those of one entity in the order of the scorecards.
func (e *Engine) GradeCatalog(cat *catalog.Catalog, factsOf FactsOf) []Report {
	entities := e.taken(cat, nil)
	return e.gradeAll(entities, func(i int) map[string]event.Fact { return factsOf(entities[i]) })
}
