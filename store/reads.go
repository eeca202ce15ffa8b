package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/rows"
)

// prepareReads returns what stores when the facts were read. The sets of names come first, so that no reading refers to
// one that is not stored.
func prepareReads(ctx context.Context, s *Store, facts []event.Fact) (func(context.Context) error, error) {
	reads, sets := rows.Reads(facts)
	ids := make([]string, len(sets))
	for i, set := range sets {
		ids[i] = strconv.FormatUint(set.FactSet, 10)
	}
	known, err := selectRows[rows.FactSet](ctx, s, "fact_sets WHERE toString(fact_set) IN {ids:Array(String)}",
		map[string]any{"ids": ids})
	if err != nil {
		return nil, fmt.Errorf("looking for the sets of facts that were read: %w", err)
	}
	stored := make(map[uint64]bool, len(known))
	for _, set := range known {
		stored[set.FactSet] = true
	}
	var missing []rows.FactSet
	for _, set := range sets {
		if !stored[set.FactSet] {
			missing = append(missing, set)
		}
	}
	return func(ctx context.Context) error {
		err := appendRows(ctx, s, "fact_sets", missing, func(set *rows.FactSet) rows.FactSet { return *set })
		if err != nil {
			return err
		}
		return appendRows(ctx, s, "fact_reads", reads, func(r *rows.FactReads) rows.FactReads { return *r })
	}, nil
}

// ReadsRecordedSince returns the first time for which it is recorded when facts were read; the zero time if it never
// was.
func (s *Store) ReadsRecordedSince(ctx context.Context) (time.Time, error) {
	var found []struct {
		At *time.Time `ch:"at"`
	}
	if err := s.Select(ctx, &found, "SELECT minOrNull(observed_at) AS at FROM fact_reads", nil); err != nil {
		return time.Time{}, fmt.Errorf("reading since when readings are recorded: %w", err)
	}
	if len(found) == 0 {
		return time.Time{}, nil
	}
	return rows.Known(found[0].At).UTC(), nil
}

// FirstFacts returns when a fact of a source was first stored, by entity.
func (s *Store) FirstFacts(ctx context.Context, source, fact string) (map[string]time.Time, error) {
	var found []struct {
		Entity string    `ch:"entity"`
		At     time.Time `ch:"at"`
	}
	err := s.Select(ctx, &found, `SELECT entity, min(valid_from) AS at FROM fact_history
WHERE fact = {fact:String} AND source = {source:String} GROUP BY entity`, map[string]any{"fact": fact, "source": source})
	if err != nil {
		return nil, fmt.Errorf("reading since when entities are known: %w", err)
	}
	first := make(map[string]time.Time, len(found))
	for _, f := range found {
		first[f.Entity] = f.At.UTC()
	}
	return first, nil
}
