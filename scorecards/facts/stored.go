package facts

import (
	"context"
	"maps"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store"
)

// Stored are the facts in the store, by entity and name.
type Stored map[string]map[string]event.Fact

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

// Take is Of for a service whose facts are asked for only once: it adds to the stored facts instead of copying them. It
// may be called from several goroutines, for a service each.
func (t Stored) Take(service string, observed []event.Fact) map[string]event.Fact {
	all := t[service]
	if all == nil {
		all = make(map[string]event.Fact, len(observed))
	}
	for _, f := range observed {
		all[f.Name] = f
	}
	return all
}

// Read returns the stored facts, except those with the names of observed, which are observed anew for every service.
func Read(ctx context.Context, of Asked, observed []event.Fact) (Stored, error) {
	names := make([]string, 0, len(observed))
	for _, f := range observed {
		names = append(names, f.Name)
	}
	if of.near == nil {
		return store.CurrentFacts(ctx, of.q, of.only, names)
	}
	table := Stored{}
	for i, near := range of.near {
		known, err := near.CurrentFacts(ctx, names)
		if err != nil {
			return nil, err
		}
		if known != nil {
			table[of.only[i]] = known
		}
	}
	return table, nil
}
