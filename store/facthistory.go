package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/dxctl/dxctl/store/rowbinary"
	"github.com/dxctl/dxctl/store/rows"
)

// HistoryQuery selects what is read of the history of facts. It has everything that is needed to decide what was known
// at each time from From to Until: the last observations before From, too.
type HistoryQuery struct {
	From, Until time.Time
	Facts       []string // names
	Entities    []string // refs in the catalog; nil: all
}

// FactVersions are the values that a fact of an entity had, as one source observed it: a version is valid from its time
// until that of the next. The slices have one element a version, in the order of the times. They are valid until the
// next call; the texts share the memory of all texts of the entity.
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
// order. The slices are the caller's.
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
	// historySettings leave a query one thread: whoever reads the history of the catalog asks several queries at a time,
	// each for some entities, and exchanging the rows between threads takes longer than it saves.
	historySettings = `
SETTINGS join_use_nulls = 0, max_threads = 1, compile_expressions = 0, compile_aggregate_expressions = 0`
	// nearEntities keeps the rows of other entities out before they are grouped, where only some are asked for. The refs
	// of scopes begin with "unmapped:", so that the key of the table finds those of all scopes.
	nearEntities = `(empty({entities:Array(String)}) OR entity IN {entities:Array(String)}
    OR entity >= 'unmapped:' AND entity < 'unmapped;' AND lower(entity) IN
        (SELECT concat('unmapped:', provider, '/', scope) FROM catalog_bindings WHERE service IN {entities:Array(String)}))`
)

// versionsSQL selects a row for each entity and source, with the columns of its versions as arrays. One version may be
// in it twice, and their order is not certain.
const versionsSQL = `
SELECT ` + catalogEntity + ` AS ref, f.entity AS observed, f.source AS source, f.packed AS packed
FROM (
    SELECT entity, source, formatRow('RowBinary', groupArray(fact), groupArray(at), groupArray(seq), groupArray(type),
        groupArray(value), groupArray(error), groupArray(expires_after_ms)) AS packed
    FROM (
        SELECT entity, source, fact, toUnixTimestamp64Milli(valid_from) AS at, seq, type, value, error, expires_after_ms
        FROM fact_history
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
    GROUP BY entity, source
) AS f` + catalogJoins + historySettings

// withheldSQL selects the facts that a source may not state, because the catalog gives their names to another source.
// Where it gives none, no fact is looked at.
const withheldSQL = `
SELECT s.source AS source, s.fact AS fact
FROM (SELECT DISTINCT source, fact FROM current_facts WHERE (SELECT count() FROM catalog_facts) > 0) AS s
CROSS JOIN catalog_facts AS d
WHERE d.source != s.source AND (d.name = s.fact OR endsWith(d.name, '.') AND startsWith(s.fact, d.name))`

// factOfSource is a row of withheldSQL.
type factOfSource struct {
	Source string `ch:"source"`
	Fact   string `ch:"fact"`
}

// withheldFacts returns the rows of withheldSQL.
func withheldFacts(ctx context.Context, q Querier) (map[factOfSource]bool, error) {
	var found []factOfSource
	if err := q.Select(ctx, &found, withheldSQL, nil); err != nil {
		return nil, fmt.Errorf("reading which facts are withheld: %w", err)
	}
	withheld := make(map[factOfSource]bool, len(found))
	for _, f := range found {
		withheld[f] = true
	}
	return withheld, nil
}

// FactVersions calls each with the values of every fact, in any order.
func (s *Store) FactVersions(ctx context.Context, q HistoryQuery, each func(*FactVersions)) error {
	withheld, err := withheldFacts(ctx, s)
	if err != nil {
		return err
	}
	var of versionsOf
	err = s.scan(ctx, versionsSQL, q, func(ref, observed, source string, packed *rowbinary.Reader) {
		of.read(packed)
		for i := range of.lines {
			if l := &of.lines[i]; !withheld[factOfSource{source, l.Fact}] {
				l.Entity, l.Observed, l.Source = ref, observed, source
				each(l)
			}
		}
	})
	if err != nil {
		return fmt.Errorf("reading the history of the facts: %w", err)
	}
	return nil
}

// versionsOf are the versions of the facts of one entity and source. Its memory is used again for the next one.
type versionsOf struct {
	facts, types, values, errors []string
	at, expires                  []int64
	seqs                         []uint64

	lines  []FactVersions
	byFact map[string]int // index in lines
}

// read replaces the lines by those of the next row of versionsSQL. After an error in the row there are none.
func (v *versionsOf) read(packed *rowbinary.Reader) {
	v.facts, v.at, v.seqs = packed.Strings(v.facts), packed.Int64s(v.at), packed.Uint64s(v.seqs)
	v.types, v.values, v.errors = packed.Strings(v.types), packed.Strings(v.values), packed.Strings(v.errors)
	v.expires = packed.Int64s(v.expires)
	v.lines = v.lines[:0]
	if packed.Err() != nil {
		return
	}
	v.byFact = map[string]int{}
	for i, fact := range v.facts {
		var l *FactVersions
		if i > 0 && fact == v.facts[i-1] { // nearly always: the key of the table begins with the entity and the fact
			l = &v.lines[v.byFact[fact]]
		} else {
			l = v.line(fact)
		}
		l.From, l.Seq = append(l.From, v.at[i]), append(l.Seq, v.seqs[i])
		l.ExpiresAfter, l.Types = append(l.ExpiresAfter, v.expires[i]), append(l.Types, v.types[i])
		l.Values, l.Errors = append(l.Values, v.values[i]), append(l.Errors, v.errors[i])
	}
	for i := range v.lines {
		v.lines[i].order()
	}
}

// line returns the line of a fact.
func (v *versionsOf) line(fact string) *FactVersions {
	if at, ok := v.byFact[fact]; ok {
		return &v.lines[at]
	}
	v.byFact[fact] = len(v.lines)
	if len(v.lines) < cap(v.lines) {
		v.lines = v.lines[:len(v.lines)+1]
	} else {
		v.lines = append(v.lines, FactVersions{})
	}
	l := &v.lines[len(v.lines)-1]
	l.Fact, l.From, l.Seq, l.ExpiresAfter = fact, l.From[:0], l.Seq[:0], l.ExpiresAfter[:0]
	l.Types, l.Values, l.Errors = l.Types[:0], l.Values[:0], l.Errors[:0]
	return l
}

// order sorts the versions by their times and keeps, of those of one time, the one that was stored last.
func (l *FactVersions) order() {
	in := true
	for i := 1; i < len(l.From) && in; i++ {
		in = l.From[i-1] < l.From[i]
	}
	if in {
		return
	}
	by := make([]int, len(l.From))
	for i := range by {
		by[i] = i
	}
	slices.SortFunc(by, func(a, b int) int {
		return cmp.Or(cmp.Compare(l.From[a], l.From[b]), cmp.Compare(l.Seq[b], l.Seq[a]))
	})
	by = slices.CompactFunc(by, func(a, b int) bool { return l.From[a] == l.From[b] })
	l.From, l.Seq, l.ExpiresAfter = picked(l.From, by), picked(l.Seq, by), picked(l.ExpiresAfter, by)
	l.Types, l.Values, l.Errors = picked(l.Types, by), picked(l.Values, by), picked(l.Errors, by)
}

func picked[T any](all []T, indexes []int) []T {
	out := make([]T, len(indexes))
	for i, index := range indexes {
		out[i] = all[index]
	}
	return out
}

// readingsSQL selects a row for each entity and source, as versionsSQL does.
const readingsSQL = `
SELECT ` + catalogEntity + ` AS ref, f.entity AS observed, f.source AS source, f.packed AS packed
FROM (
    SELECT entity, source, formatRow('RowBinary', groupArray(fact_set), groupArray(at), groupArray(seq), groupArray(expires_after_ms)) AS packed
    FROM (
        SELECT entity, source, fact_set, toUnixTimestamp64Milli(observed_at) AS at, seq, expires_after_ms
        FROM fact_reads FINAL
        WHERE observed_at > {from:DateTime64(3, 'UTC')} AND observed_at <= {until:DateTime64(3, 'UTC')} AND ` + nearEntities + `
        UNION ALL
        SELECT entity, source, fact_set, last.1 AS at, last.2 AS seq, last.3 AS expires_after_ms
        FROM (
            SELECT entity, source, fact_set,
                argMax((toUnixTimestamp64Milli(observed_at), seq, expires_after_ms), (observed_at, seq)) AS last
            FROM fact_reads
            WHERE observed_at <= {from:DateTime64(3, 'UTC')} AND ` + nearEntities + `
            GROUP BY entity, source, fact_set
        )
    )
    GROUP BY entity, source
) AS f` + catalogJoins + historySettings

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
	var of readingsOf
	err = s.scan(ctx, readingsSQL, q, func(ref, observed, source string, packed *rowbinary.Reader) {
		of.read(packed)
		for _, set := range slices.Sorted(maps.Keys(of.bySet)) {
			r := of.bySet[set]
			r.Entity, r.Observed, r.Source, r.Facts = ref, observed, source, names[set]
			if r.Facts != nil { // nil: lost, so that the readings are as if not recorded
				each(r)
			}
		}
	})
	if err != nil {
		return fmt.Errorf("reading when facts were read: %w", err)
	}
	return nil
}

// readingsOf are the readings of one entity by one source.
type readingsOf struct {
	sets, seqs  []uint64
	at, expires []int64
	bySet       map[uint64]*FactReadings
}

// read replaces the readings by those of the next row of readingsSQL. After an error in the row there are none.
func (o *readingsOf) read(packed *rowbinary.Reader) {
	o.sets, o.at, o.seqs = packed.Uint64s(o.sets), packed.Int64s(o.at), packed.Uint64s(o.seqs)
	o.expires = packed.Int64s(o.expires)
	o.bySet = map[uint64]*FactReadings{}
	if packed.Err() != nil {
		return
	}
	order := make([]int, len(o.at))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(o.at[a], o.at[b]), cmp.Compare(o.seqs[a], o.seqs[b]))
	})
	for _, i := range order {
		r := o.bySet[o.sets[i]]
		if r == nil {
			r = &FactReadings{}
			o.bySet[o.sets[i]] = r
		}
		r.At, r.ExpiresAfter = append(r.At, o.at[i]), append(r.ExpiresAfter, o.expires[i])
	}
}

// scan runs a query of the history that selects ref, observed, source and packed, and calls each for every row. each
// must read everything that is packed.
func (s *Store) scan(ctx context.Context, sql string, q HistoryQuery,
	each func(ref, observed, source string, packed *rowbinary.Reader)) error {
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
		var ref, observed, source, packed string
		if err := found.Scan(&ref, &observed, &source, &packed); err != nil {
			return fmt.Errorf("reading a row: %w", err)
		}
		r := rowbinary.Of(packed)
		each(ref, observed, source, r)
		if r.Err() != nil || !r.Empty() {
			return fmt.Errorf("reading a row of %s: %w", ref, cmp.Or(r.Err(), errLong))
		}
	}
	return explain(found.Err())
}

var errLong = errors.New("there is more in it than was asked for")
