package scorecards

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/scorecards/facts"
)

// Store reads and appends.
type Store interface {
	metrics.Querier
	Append(ctx context.Context, events ...event.Event) error
}

// refreshServices is how many entities are graded and stored at a time. What is held in memory is theirs, and the store
// is asked a few times for all of them.
const refreshServices = 2_000

// Refresh gathers the facts of entities from the catalog, the metrics and the store, grades by them, and appends the
// facts and the grades. only are the refs of the entities to grade; nil: every one that a scorecard takes. The catalog
// must have been synced, because the store shows only what the catalog describes.
//
// Entities are stored in the order of their refs, some thousand at a time; after an error those before it are stored.
func (e *Engine) Refresh(
	ctx context.Context,
	store Store,
	cat *catalog.Catalog,
	eng *metrics.Engine,
	only []string,
) ([]Report, error) {
	entities := e.taken(cat, only)
	if len(entities) == 0 {
		return nil, nil
	}
	now := e.now()
	computed, err := facts.Compute(ctx, store, eng, now, only)
	if err != nil {
		return nil, err
	}
	fresh := func(entity descriptor.Entity) []event.Fact {
		return append(cat.ServiceFacts(entity, now), computed.Of(entity.Ref)...)
	}
	known, err := facts.Read(ctx, store, fresh(entities[0]), only)
	if err != nil {
		return nil, err
	}
	reports := make([]Report, 0, len(entities)*len(e.cards))
	storing, storeCtx := errgroup.WithContext(ctx)
	storing.SetLimit(1) // the next entities are graded meanwhile
	for some := range slices.Chunk(entities, refreshServices) {
		if storeCtx.Err() != nil {
			break
		}
		events := make([]event.Event, 0, 40*len(some)) // about as many facts and grades as an entity has
		for _, entity := range some {
			observed := fresh(entity)
			for _, f := range observed {
				events = append(events, f)
			}
			for _, r := range e.Grade(entity, known.Of(entity.Ref, observed)) {
				reports = append(reports, r)
				for _, g := range r.Grades(now) {
					events = append(events, g)
				}
			}
		}
		storing.Go(func() error { return store.Append(storeCtx, events...) })
	}
	if err := errors.Join(storing.Wait(), ctx.Err()); err != nil {
		return nil, fmt.Errorf("storing the grades: %w", err)
	}
	return reports, nil
}

// Reports grades every entity that a scorecard takes by the stored facts, without writing anything. The facts of the
// catalog are computed anew.
func (e *Engine) Reports(ctx context.Context, store metrics.Querier, cat *catalog.Catalog) ([]Report, error) {
	entities := e.taken(cat, nil)
	if len(entities) == 0 {
		return nil, nil
	}
	now := e.now()
	known, err := facts.Read(ctx, store, cat.ServiceFacts(entities[0], now), nil)
	if err != nil {
		return nil, err
	}
	reports := make([]Report, 0, len(entities)*len(e.cards))
	for _, entity := range entities {
		reports = append(reports, e.Grade(entity, known.Of(entity.Ref, cat.ServiceFacts(entity, now)))...)
	}
	return reports, nil
}

// taken returns the entities of the catalog that a scorecard takes, sorted by ref. only are the refs of those that are
// looked at; nil: all.
func (e *Engine) taken(cat *catalog.Catalog, only []string) []descriptor.Entity {
	candidates := []descriptor.Entity{}
	if only == nil {
		candidates = cat.Entities()
	}
	for _, ref := range slices.Compact(slices.Sorted(slices.Values(only))) {
		if entity, ok := cat.Entity(ref); ok {
			candidates = append(candidates, entity)
		}
	}
	return slices.DeleteFunc(candidates, func(entity descriptor.Entity) bool {
		return len(e.LeftOut(entity)) == len(e.cards)
	})
}
