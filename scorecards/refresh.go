package scorecards

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
)

// Querier reads the store; it is the one method that metrics need too.
type Querier = metrics.Querier

// Store reads and appends.
type Store interface {
	Querier
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
	numbers, err := compute(ctx, store, eng, now)
	if err != nil {
		return nil, err
	}
	fresh := func(service descriptor.Entity) []event.Fact {
		return append(cat.ServiceFacts(service, now), numbers.facts(service.Ref)...)
	}
	known, err := storedFacts(ctx, store, fresh(services[0]))
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
			for _, r := range e.Grade(service, known.of(service, observed)) {
				reports = append(reports, r)
				for _, g := range r.Grades(now) {
					events = append(events, g)
				}
			}
		}
		storing.Go(func() error { return store.Append(storeCtx, events...) })
	}
	if err := errors.Join(storing.Wait(), ctx.Err()); err != nil {
		return nil, fmt.Errorf("store the grades: %w", err)
	}
	return reports, nil
}

// Reports grades every service by the facts that are stored, without writing anything. What the catalog says is taken
// from it as it is now.
func (e *Engine) Reports(ctx context.Context, store Querier, cat *catalog.Catalog) ([]Report, error) {
	services := cat.Services()
	if len(services) == 0 {
		return nil, nil
	}
	now := e.now()
	known, err := storedFacts(ctx, store, cat.ServiceFacts(services[0], now))
	if err != nil {
		return nil, err
	}
	reports := make([]Report, 0, len(services)*len(e.cards))
	for _, service := range services {
		reports = append(reports, e.Grade(service, known.of(service, cat.ServiceFacts(service, now)))...)
	}
	return reports, nil
}

// factTable holds facts by entity and name.
type factTable map[string]map[string]event.Fact

func (t factTable) add(f event.Fact) {
	if t[f.Entity] == nil {
		t[f.Entity] = map[string]event.Fact{}
	}
	t[f.Entity][f.Name] = f
}

// of returns the facts of a service, by name: those that are stored and, before them, those observed now.
func (t factTable) of(service descriptor.Entity, observed []event.Fact) map[string]event.Fact {
	stored := t[service.Ref]
	facts := make(map[string]event.Fact, len(stored)+len(observed))
	maps.Copy(facts, stored)
	for _, f := range observed {
		facts[f.Name] = f
	}
	return facts
}

const factsSQL = `SELECT entity, fact, type, value, observed_at, expires_at, error, source, url FROM facts
WHERE fact NOT IN {observed:Array(String)}`

// storedFacts returns what the store knows, except of the facts that are observed anew for every service.
func storedFacts(ctx context.Context, store Querier, observed []event.Fact) (factTable, error) {
	names := make([]string, 0, len(observed))
	for _, f := range observed {
		names = append(names, f.Name)
	}
	var rows []struct {
		Entity     string     `ch:"entity"`
		Fact       string     `ch:"fact"`
		Type       string     `ch:"type"`
		Value      string     `ch:"value"`
		ObservedAt time.Time  `ch:"observed_at"`
		ExpiresAt  *time.Time `ch:"expires_at"`
		Error      string     `ch:"error"`
		Source     string     `ch:"source"`
		URL        string     `ch:"url"`
	}
	if err := store.Select(ctx, &rows, factsSQL, map[string]any{"observed": names}); err != nil {
		return nil, fmt.Errorf("read the stored facts: %w", err)
	}
	table := factTable{}
	for _, r := range rows {
		f := event.Fact{
			Source:     r.Source,
			Entity:     r.Entity,
			Name:       r.Fact,
			Type:       event.FactType(r.Type),
			ObservedAt: r.ObservedAt,
			Error:      r.Error,
			URL:        r.URL,
		}
		if r.Error == "" {
			f.Value = json.RawMessage(r.Value)
		}
		if r.ExpiresAt != nil {
			f.ExpiresAt = *r.ExpiresAt
		}
		table.add(f)
	}
	return table, nil
}
