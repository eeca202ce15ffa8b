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

// refreshServices is how many services are graded and stored at a time. What is held in memory is theirs, and the store
// is asked a few times for all of them.
const refreshServices = 2_000

// Refresh gathers the facts of every service from the catalog, the metrics and the store, grades by them, and appends
// the facts and the grades. The catalog must have been synced, because the store shows only what the catalog describes.
//
// Services are stored in the order of their refs, some thousand at a time; after an error those before it are stored.
func (e *Engine) Refresh(
	ctx context.Context,
	store Store,
	cat *catalog.Catalog,
	eng *metrics.Engine,
) ([]Report, error) {
	services := cat.Services()
	if len(services) == 0 {
		return nil, nil
	}
	now := e.now()
	computed, err := facts.Compute(ctx, store, eng, now)
	if err != nil {
		return nil, err
	}
	fresh := func(service descriptor.Entity) []event.Fact {
		return append(cat.ServiceFacts(service, now), computed.Of(service.Ref)...)
	}
	known, err := facts.Read(ctx, store, fresh(services[0]))
	if err != nil {
		return nil, err
	}
	reports := make([]Report, 0, len(services)*len(e.cards))
	storing, storeCtx := errgroup.WithContext(ctx)
	storing.SetLimit(1) // the next services are graded meanwhile
	for some := range slices.Chunk(services, refreshServices) {
		if storeCtx.Err() != nil {
			break
		}
		events := make([]event.Event, 0, 40*len(some)) // about as many facts and grades as a service has
		for _, service := range some {
			observed := fresh(service)
			for _, f := range observed {
				events = append(events, f)
			}
			for _, r := range e.Grade(service, known.Of(service.Ref, observed)) {
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

// Reports grades every service by the stored facts, without writing anything. The facts of the catalog are computed
// anew.
func (e *Engine) Reports(ctx context.Context, store metrics.Querier, cat *catalog.Catalog) ([]Report, error) {
	services := cat.Services()
	if len(services) == 0 {
		return nil, nil
	}
	now := e.now()
	known, err := facts.Read(ctx, store, cat.ServiceFacts(services[0], now))
	if err != nil {
		return nil, err
	}
	reports := make([]Report, 0, len(services)*len(e.cards))
	for _, service := range services {
		reports = append(reports, e.Grade(service, known.Of(service.Ref, cat.ServiceFacts(service, now)))...)
	}
	return reports, nil
}
