package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/rows"
)

// appendReads stores when the facts were read. The sets of names come first, so that no reading refers to one that is
// not stored.
func appendReads(ctx context.Context, s *Store, facts []event.Fact) error {
	reads, sets := rows.Reads(facts)
	ids := make([]string, len(sets))
	for i, set := range sets {
		ids[i] = strconv.FormatUint(set.FactSet, 10)
	}
	known, err := selectRows[rows.FactSet](ctx, s, "fact_sets WHERE toString(fact_set) IN {ids:Array(String)}",
		map[string]any{"ids": ids})
	if err != nil {
		return fmt.Errorf("looking for the sets of facts that were read: %w", err)
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
	if err := appendRows(ctx, s, "fact_sets", missing, func(set *rows.FactSet) rows.FactSet { return *set }); err != nil {
		return err
	}
	return appendRows(ctx, s, "fact_reads", reads, func(r *rows.FactReads) rows.FactReads { return *r })
}

// HistoryQuery selects what is read of the history of facts. It has everything that is needed to decide what was known
// at each time from From to Until: the last observations before From, too.
type HistoryQuery struct {
	From, Until time.Time
	Facts       []string // names
	Entities    []string // refs in the catalog; nil: all
}

// FactVersions are the values that a fact of an entity had, as one source observed it: a version is valid from its time
// until that of the next. The slices have one element a version, in the order of the times; those of one time in the
// order in which they were stored. They are valid until the next call.
type FactVersions struct {
	Entity   string // in the catalog of today
	Observed string // the entity or the scope that the source observed
	Source   string
	Fact     string
	From     []int64  // Unix milliseconds
	Seq      []uint64 // the order in which they were stored
	Types    []string
	Values   []string // JSON; empty with an error
	Errors   []string
	// milliseconds from the observation until the fact expires; 0: never, -1: not recorded
	ExpiresAfter []int64
}

// FactReadings are the times at which a source read facts of an entity together: of each day the last one, in their
// order. At and ExpiresAfter are valid until the next call.
type FactReadings struct {
	Entity, Observed, Source string // as of FactVersions
	Facts                    []string
	At                       []int64 // Unix milliseconds
	ExpiresAfter             []int64 // as of FactVersions
}

// catalogEntity is the expression for the entity that a row of f is about, as the view facts has it, and the joins that
// it needs.
const (
	catalogEntity = "multiIf(o.service != '', o.service, b.service != '', b.service, f.entity)"
	catalogJoins  = `
LEFT ANY JOIN (SELECT concat('unmapped:', provider, '/', scope) AS ref, service FROM catalog_bindings WHERE source = '') AS b
    ON b.ref = lower(f.entity)
LEFT ANY JOIN (SELECT concat('unmapped:', provider, '/', scope) AS ref, source, service FROM catalog_bindings WHERE source != '') AS o
    ON o.ref = lower(f.entity) AND o.source = f.source
WHERE ref IN (SELECT ref FROM catalog_entities) AND (empty({entities:Array(String)}) OR ref IN {entities:Array(String)})`
	// nearEntities keeps the rows of other entities out before they are grouped, where only some are asked for.
	nearEntities = `(empty({entities:Array(String)}) OR entity IN {entities:Array(String)} OR lower(entity) IN
    (SELECT concat('unmapped:', provider, '/', scope) FROM catalog_bindings WHERE service IN {entities:Array(String)}))`
)

const versionsSQL = `
SELECT ` + catalogEntity + ` AS ref, f.entity AS observed, f.source AS source, f.fact AS fact,
    f.versions.1 AS at, f.versions.2 AS seqs, f.versions.3 AS types, f.versions.4 AS values, f.versions.5 AS errors,
    f.versions.6 AS expires
FROM (
    SELECT entity, source, fact, arraySort(groupArray((at, seq, type, value, error, expires_after_ms))) AS versions
    FROM (
        SELECT entity, source, fact, toUnixTimestamp64Milli(valid_from) AS at, seq, toString(type) AS type, value, error, expires_after_ms
        FROM fact_history FINAL
        WHERE valid_from > {from:DateTime64(3, 'UTC')} AND valid_from <= {until:DateTime64(3, 'UTC')}
            AND fact IN {facts:Array(String)} AND ` + nearEntities + `
        UNION ALL
        SELECT entity, source, fact, last.1 AS at, last.2 AS seq, last.3 AS type, last.4 AS value, last.5 AS error, last.6 AS expires_after_ms
        FROM (
            SELECT entity, source, fact,
                argMax((toUnixTimestamp64Milli(valid_from), seq, toString(type), value, error, expires_after_ms), seq)
                    AS last
            FROM fact_history
            WHERE valid_from <= {from:DateTime64(3, 'UTC')} AND fact IN {facts:Array(String)} AND ` + nearEntities + `
            GROUP BY entity, source, fact
        )
    )
    GROUP BY entity, source, fact
) AS f` + catalogJoins + `
    AND (f.source, f.fact) NOT IN (
        SELECT s.source, s.fact FROM (SELECT DISTINCT source, fact FROM current_facts) AS s CROSS JOIN catalog_facts AS d
        WHERE d.source != s.source AND (d.name = s.fact OR endsWith(d.name, '.') AND startsWith(s.fact, d.name)))
SETTINGS join_use_nulls = 0`

// FactVersions calls each with the values of every fact, in any order.
func (s *Store) FactVersions(ctx context.Context, q HistoryQuery, each func(*FactVersions)) error {
	var v FactVersions
	err := s.scan(ctx, versionsSQL, q, []any{&v.Entity, &v.Observed, &v.Source, &v.Fact, &v.From, &v.Seq, &v.Types,
		&v.Values, &v.Errors, &v.ExpiresAfter}, func() error { each(&v); return nil })
	if err != nil {
		return fmt.Errorf("reading the history of the facts: %w", err)
	}
	return nil
}

const readingsSQL = `
SELECT ` + catalogEntity + ` AS ref, f.entity AS observed, f.source AS source, f.fact_set AS fact_set, f.reads.1 AS at, f.reads.2 AS expires
FROM (
    SELECT entity, source, fact_set, arraySort(groupArray((at, expires_after_ms))) AS reads
    FROM (
        SELECT entity, source, fact_set, toUnixTimestamp64Milli(observed_at) AS at, expires_after_ms
        FROM fact_reads FINAL
        WHERE observed_at > {from:DateTime64(3, 'UTC')} AND observed_at <= {until:DateTime64(3, 'UTC')} AND ` + nearEntities + `
        UNION ALL
        SELECT entity, source, fact_set, last.1 AS at, last.2 AS expires_after_ms
        FROM (
            SELECT entity, source, fact_set, argMax((toUnixTimestamp64Milli(observed_at), expires_after_ms), (observed_at, seq)) AS last
            FROM fact_reads
            WHERE observed_at <= {from:DateTime64(3, 'UTC')} AND ` + nearEntities + `
            GROUP BY entity, source, fact_set
        )
    )
    GROUP BY entity, source, fact_set
) AS f` + catalogJoins + `
SETTINGS join_use_nulls = 0`

// FactReadings calls each with the times at which facts were read, in any order.
func (s *Store) FactReadings(ctx context.Context, q HistoryQuery, each func(*FactReadings)) error {
	sets, err := selectRows[rows.FactSet](ctx, s, "fact_sets FINAL", nil)
	if err != nil {
		return fmt.Errorf("reading which facts were read together: %w", err)
	}
	names := make(map[uint64][]string, len(sets))
	for _, set := range sets {
		names[set.FactSet] = set.Facts
	}
	var r FactReadings
	var set uint64
	err = s.scan(ctx, readingsSQL, q, []any{&r.Entity, &r.Observed, &r.Source, &set, &r.At, &r.ExpiresAfter},
		func() error {
			if r.Facts = names[set]; r.Facts != nil { // nil: lost, so that the readings are as if not recorded
				each(&r)
			}
			return nil
		})
	if err != nil {
		return fmt.Errorf("reading when facts were read: %w", err)
	}
	return nil
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

// scan runs a query of the history and calls each after every row was read into dest. Reading column by column takes
// half the time of reading structs.
func (s *Store) scan(ctx context.Context, sql string, q HistoryQuery, dest []any, each func() error) error {
	args, err := named(map[string]any{
		"from": q.From, "until": q.Until, "facts": q.Facts, "entities": append([]string{}, q.Entities...),
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	found, err := s.db.Query(ctx, sql, args...)
	if err != nil {
		return explain(err)
	}
	defer func() { _ = found.Close() }() // Err has what is wrong
	for found.Next() {
		if err := found.Scan(dest...); err != nil {
			return fmt.Errorf("reading a row: %w", err)
		}
		if err := each(); err != nil {
			return err
		}
	}
	return explain(found.Err())
}
