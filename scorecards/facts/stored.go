package facts

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/store"
)

// Stored are the facts in the store, by entity and name.
type Stored map[string]map[string]event.Fact

func (t Stored) add(f event.Fact) {
	if t[f.Entity] == nil {
		t[f.Entity] = map[string]event.Fact{}
	}
	t[f.Entity][f.Name] = f
}

// Of returns the facts of a service, by name: those that are stored and, in preference, those observed now.
func (t Stored) Of(service string, observed []event.Fact) map[string]event.Fact {
	stored := t[service]
	all := make(map[string]event.Fact, len(stored)+len(observed))
	maps.Copy(all, stored)
	for _, f := range observed {
		all[f.Name] = f
	}
	return all
}

const factsSQL = `SELECT entity, fact, type, value, observed_at, expires_at, error, source, url FROM facts
WHERE fact NOT IN {observed:Array(String)} AND (empty({only:Array(String)}) OR entity IN {only:Array(String)})`

// Read returns the stored facts, except those with the names of observed, which are observed anew for every service.
// only are the refs of the entities that are asked for; nil: all.
func Read(ctx context.Context, q metrics.Querier, observed []event.Fact, only []string) (Stored, error) {
	names := make([]string, 0, len(observed))
	for _, f := range observed {
		names = append(names, f.Name)
	}
	table := Stored{}
	if len(only) == 0 || len(only) > fewServices {
		return table, table.read(ctx, q, names, only)
	}
	for _, entity := range only {
		narrow, err := store.OfService(ctx, q, entity)
		if err != nil {
			return nil, err
		}
		if err := table.read(ctx, narrow, names, []string{entity}); err != nil {
			return nil, err
		}
	}
	return table, nil
}

// read adds the facts that do not have the names of observed.
func (t Stored) read(ctx context.Context, q metrics.Querier, observed, only []string) error {
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
	params := map[string]any{"observed": observed, "only": append([]string{}, only...)}
	if err := q.Select(ctx, &rows, factsSQL, params); err != nil {
		return fmt.Errorf("reading the stored facts: %w", err)
	}
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
		t.add(f)
	}
	return nil
}
