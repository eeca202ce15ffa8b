package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/rowbinary"
)

// packedFacts are the columns of facts as arrays.
const packedFacts = `formatRow('RowBinary', groupArray(fact), groupArray(type), groupArray(value),
        groupArray(toUnixTimestamp64Milli(observed_at)),
        groupArray(ifNull(toUnixTimestamp64Milli(expires_at), toInt64(-9223372036854775808))),
        groupArray(error), groupArray(url)) AS packed`

// never is the time of expiry in packedFacts of a fact that does not expire.
const never = math.MinInt64

// currentFactsSQL selects a row for each entity and source with all its facts. Which source's value of a fact holds is
// decided here and not by the view facts: joining and sorting every fact takes longer than everything else.
const currentFactsSQL = `
SELECT ` + catalogEntity + ` AS ref, f.entity AS observed, f.source AS source, f.packed AS packed,
    toUnixTimestamp64Milli(now64(3)) AS now
FROM (
    SELECT entity, source, ` + packedFacts + `
    FROM current_facts FINAL
    WHERE fact NOT IN {except:Array(String)} AND ` + nearEntities + `
    GROUP BY entity, source
) AS f` + catalogJoins + `
SETTINGS join_use_nulls = 0, compile_expressions = 0, compile_aggregate_expressions = 0`

// ownFactsSQL selects the same of the facts of a ServiceQuerier, of which each has one source.
const ownFactsSQL = `SELECT entity AS ref, entity AS observed, source, ` + packedFacts + `,
    toUnixTimestamp64Milli(now64(3)) AS now
FROM facts WHERE fact NOT IN {except:Array(String)} GROUP BY entity, source`

// factsRow is a row of these queries.
type factsRow struct {
	Ref      string `ch:"ref"`      // the entity in the catalog
	Observed string `ch:"observed"` // the entity or the scope that the source observed
	Source   string `ch:"source"`
	Packed   string `ch:"packed"`
	Now      int64  `ch:"now"` // when it was asked: Unix milliseconds
}

// CurrentFacts returns the facts of the entities of the catalog by ref and name: the rows of the view facts, for less
// work. Those whose names are in except are left out. entities are the refs of those that are asked for;
// empty: all. An entity without facts is not in the answer. Texts share the memory of all texts of an entity.
func CurrentFacts(ctx context.Context, q Querier, entities, except []string) (map[string]map[string]event.Fact, error) {
	withheld, err := withheldFacts(ctx, q)
	if err != nil {
		return nil, err
	}
	return currentFacts(ctx, q, currentFactsSQL, withheld, map[string]any{"entities": entities, "except": except})
}

// CurrentFacts returns the facts of the service by name, except those whose names are in except.
func (s *ServiceQuerier) CurrentFacts(ctx context.Context, except []string) (map[string]event.Fact, error) {
	known, err := currentFacts(ctx, s, ownFactsSQL, nil, map[string]any{"except": except})
	return known[s.service], err
}

func currentFacts(ctx context.Context, q Querier, sql string, withheld map[factOfSource]bool, params map[string]any,
) (map[string]map[string]event.Fact, error) {
	var found []factsRow
	if err := q.Select(ctx, &found, sql, params); err != nil {
		return nil, fmt.Errorf("reading the stored facts: %w", err)
	}
	slices.SortFunc(found, func(a, b factsRow) int { return strings.Compare(a.Ref, b.Ref) })
	entities := slices.Collect(chunksBy(found, func(a, b factsRow) bool { return a.Ref == b.Ref }))
	unpacked := make([]map[string]event.Fact, len(entities))
	var unpacking errgroup.Group
	unpacking.SetLimit(runtime.GOMAXPROCS(0))
	for from := 0; from < len(entities); from += unpackedAtOnce {
		unpacking.Go(func() error {
			u := unpacker{withheld: withheld, chosen: map[string]place{}}
			for i := from; i < min(from+unpackedAtOnce, len(entities)); i++ {
				var err error
				if unpacked[i], err = u.unpack(entities[i]); err != nil {
					return fmt.Errorf("reading the stored facts of %s: %w", entities[i][0].Ref, err)
				}
			}
			return nil
		})
	}
	if err := unpacking.Wait(); err != nil {
		return nil, err
	}
	known := make(map[string]map[string]event.Fact, len(entities))
	for i, rows := range entities {
		if len(unpacked[i]) > 0 {
			known[rows[0].Ref] = unpacked[i]
		}
	}
	return known, nil
}

// unpackedAtOnce is how many entities a goroutine unpacks before the next one takes others.
const unpackedAtOnce = 256

// chunksBy yields the longest runs of elements of which each is alike to the one before.
func chunksBy[T any](all []T, alike func(a, b T) bool) func(yield func([]T) bool) {
	return func(yield func([]T) bool) {
		for len(all) > 0 {
			n := 1
			for n < len(all) && alike(all[n-1], all[n]) {
				n++
			}
			if !yield(all[:n]) {
				return
			}
			all = all[n:]
		}
	}
}

// unpacker unpacks the facts of one entity after another.
type unpacker struct {
	withheld map[factOfSource]bool
	columns  []factColumns    // of the rows of an entity
	chosen   map[string]place // of an entity that has several rows, the value of each fact that holds
}

// place is where a fact is: the index of the row, and that in its columns.
type place struct{ row, at int }

// factColumns are the facts of a row.
type factColumns struct {
	names, types, values, errors, urls []string
	observed, expires                  []int64 // Unix milliseconds
}

// unpack returns the facts of an entity, of which rows has everything that was observed.
func (u *unpacker) unpack(rows []factsRow) (map[string]event.Fact, error) {
	clear(u.chosen)
	u.columns = slices.Grow(u.columns[:0], len(rows))[:len(rows)]
	most := 0
	for i := range rows {
		c := &u.columns[i]
		if err := c.read(rows[i].Packed); err != nil {
			return nil, err
		}
		most = max(most, len(c.names))
	}
	known := make(map[string]event.Fact, most)
	for i := range rows {
		c := &u.columns[i]
		values := joined(c.values)
		for at, name := range c.names {
			value := values[:len(c.values[at]):len(c.values[at])]
			values = values[len(value):]
			if len(u.withheld) > 0 && u.withheld[factOfSource{rows[i].Source, name}] {
				continue
			}
			if len(rows) > 1 {
				next := place{i, at}
				if other, ok := u.chosen[name]; ok && !u.before(rows, next, other) {
					continue
				}
				u.chosen[name] = next
			}
			known[name] = c.fact(&rows[i], at, value)
		}
	}
	return known, nil
}

// read replaces the columns by those of a row.
func (c *factColumns) read(packed string) error {
	r := rowbinary.Of(packed)
	c.names, c.types, c.values = r.Strings(c.names), r.Strings(c.types), r.Strings(c.values)
	c.observed, c.expires = r.Int64s(c.observed), r.Int64s(c.expires)
	c.errors, c.urls = r.Strings(c.errors), r.Strings(c.urls)
	if r.Err() == nil && !r.Empty() {
		return errLong
	}
	return r.Err()
}

// joined returns the bytes of all texts, which are so allocated at once.
func joined(texts []string) []byte {
	size := 0
	for _, t := range texts {
		size += len(t)
	}
	all := make([]byte, 0, size)
	for _, t := range texts {
		all = append(all, t...)
	}
	return all
}

// before reports whether one value of a fact is preferred to another, by the order of the view facts.
func (u *unpacker) before(rows []factsRow, a, b place) bool {
	r, s := &rows[a.row], &rows[b.row]
	c, d := &u.columns[a.row], &u.columns[b.row]
	if one, other := c.usable(a.at, r.Now), d.usable(b.at, s.Now); one != other {
		return one
	}
	return cmp.Or(cmp.Compare(d.observed[b.at], c.observed[a.at]), strings.Compare(c.errors[a.at], d.errors[b.at]),
		strings.Compare(r.Source, s.Source), strings.Compare(r.Observed, s.Observed),
		strings.Compare(c.types[a.at], d.types[b.at]), strings.Compare(c.values[a.at], d.values[b.at]),
		strings.Compare(c.urls[a.at], d.urls[b.at])) < 0
}

// usable reports whether there is a value that has not expired.
func (c *factColumns) usable(at int, now int64) bool {
	return c.errors[at] == "" && (c.expires[at] == never || c.expires[at] > now)
}

// fact returns a fact of a row. value is its value as JSON.
func (c *factColumns) fact(row *factsRow, at int, value []byte) event.Fact {
	f := event.Fact{
		Entity: row.Ref, Name: c.names[at], Type: event.FactType(c.types[at]), Error: c.errors[at], Source: row.Source,
		URL: c.urls[at], ObservedAt: time.UnixMilli(c.observed[at]).UTC(),
	}
	if f.Error == "" {
		f.Value = value
	}
	if c.expires[at] != never {
		f.ExpiresAt = time.UnixMilli(c.expires[at]).UTC()
	}
	return f
}
