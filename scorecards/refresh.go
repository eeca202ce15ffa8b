package scorecards

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dxctl/dxctl/catalog"
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

// Refresh gathers the facts of every service from the catalog, the metrics and the store, grades by them, and appends
// the facts and the grades. The catalog must have been synced, because the store shows only what the catalog describes.
func (e *Engine) Refresh(ctx context.Context, store Store, cat *catalog.Catalog, eng *metrics.Engine) ([]Report, error) {
	now := e.now()
	computed, err := metricFacts(ctx, store, eng, cat, now)
	if err != nil {
		return nil, err
	}
	fresh := append(cat.Facts(now), computed...)
	known, err := storedFacts(ctx, store)
	if err != nil {
		return nil, err
	}
	events := make([]event.Event, 0, len(fresh))
	for _, f := range fresh {
		known.add(f)
		events = append(events, f)
	}
	reports := e.gradeAll(cat, known)
	for _, r := range reports {
		for _, g := range r.Grades(now) {
			events = append(events, g)
		}
	}
	if len(events) == 0 {
		return reports, nil
	}
	if err := store.Append(ctx, events...); err != nil {
		return nil, fmt.Errorf("store the grades: %w", err)
	}
	return reports, nil
}

// Reports grades every service by the facts that are stored, without writing anything. What the catalog says is taken
// from it as it is now.
func (e *Engine) Reports(ctx context.Context, store Querier, cat *catalog.Catalog) ([]Report, error) {
	known, err := storedFacts(ctx, store)
	if err != nil {
		return nil, err
	}
	for _, f := range cat.Facts(e.now()) {
		known.add(f)
	}
	return e.gradeAll(cat, known), nil
}

func (e *Engine) gradeAll(cat *catalog.Catalog, known factTable) []Report {
	var reports []Report
	for _, service := range cat.Services() {
		reports = append(reports, e.Grade(service, known[service.Ref])...)
	}
	return reports
}

// factTable holds facts by entity and name.
type factTable map[string]map[string]event.Fact

func (t factTable) add(f event.Fact) {
	if t[f.Entity] == nil {
		t[f.Entity] = map[string]event.Fact{}
	}
	t[f.Entity][f.Name] = f
}

const factsSQL = "SELECT entity, fact, type, value, observed_at, expires_at, error, source, url FROM facts"

func storedFacts(ctx context.Context, store Querier) (factTable, error) {
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
	if err := store.Select(ctx, &rows, factsSQL, nil); err != nil {
		return nil, fmt.Errorf("read the stored facts: %w", err)
	}
	table := factTable{}
	for _, r := range rows {
		f := event.Fact{
			Source: r.Source, Entity: r.Entity, Name: r.Fact, Type: event.FactType(r.Type), ObservedAt: r.ObservedAt, Error: r.Error, URL: r.URL,
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
