package facts

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/store/rowbinary"
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

// factsSQL selects a row an entity, with the columns of its facts as arrays.
const factsSQL = `SELECT entity, formatRow('RowBinary', groupArray(fact), groupArray(type), groupArray(value),
    groupArray(toUnixTimestamp64Milli(observed_at)),
    groupArray(ifNull(toUnixTimestamp64Milli(expires_at), toInt64(-9223372036854775808))),
    groupArray(error), groupArray(source), groupArray(url)) AS packed
FROM facts
WHERE fact NOT IN {observed:Array(String)} AND (empty({only:Array(String)}) OR entity IN {only:Array(String)})
GROUP BY entity`

// never is the time of expiry in factsSQL of a fact that does not expire.
const never = math.MinInt64

// Read returns the stored facts, except those with the names of observed, which are observed anew for every service.
func Read(ctx context.Context, of Asked, observed []event.Fact) (Stored, error) {
	names := make([]string, 0, len(observed))
	for _, f := range observed {
		names = append(names, f.Name)
	}
	table := Stored{}
	return table, of.each(func(q metrics.Querier, entity string) error {
		only := of.only
		if entity != "" {
			only = []string{entity}
		}
		return table.read(ctx, q, names, only)
	})
}

// read adds the facts that do not have the names of observed.
func (t Stored) read(ctx context.Context, q metrics.Querier, observed, only []string) error {
	var rows []struct {
		Entity string `ch:"entity"`
		Packed string `ch:"packed"`
	}
	params := map[string]any{"observed": observed, "only": append([]string{}, only...)}
	if err := q.Select(ctx, &rows, factsSQL, params); err != nil {
		return fmt.Errorf("reading the stored facts: %w", err)
	}
	known := make([]map[string]event.Fact, len(rows))
	var unpacking errgroup.Group
	unpacking.SetLimit(runtime.GOMAXPROCS(0))
	for from := 0; from < len(rows); from += unpackedAtOnce {
		unpacking.Go(func() error {
			for i := from; i < min(from+unpackedAtOnce, len(rows)); i++ {
				var err error
				if known[i], err = unpack(rows[i].Entity, rows[i].Packed); err != nil {
					return fmt.Errorf("reading the stored facts of %s: %w", rows[i].Entity, err)
				}
			}
			return nil
		})
	}
	if err := unpacking.Wait(); err != nil {
		return err
	}
	for i, r := range rows {
		t[r.Entity] = known[i]
	}
	return nil
}

// unpackedAtOnce is how many entities a goroutine unpacks before the next one takes others.
const unpackedAtOnce = 256

// unpack returns the facts of a row of factsSQL, by name.
func unpack(entity, packed string) (map[string]event.Fact, error) {
	r := rowbinary.Of(packed)
	names, types, values := r.Strings(nil), r.Strings(nil), r.Strings(nil)
	observed, expires := r.Int64s(nil), r.Int64s(nil)
	errs, sources, urls := r.Strings(nil), r.Strings(nil), r.Strings(nil)
	if err := r.Err(); err != nil {
		return nil, err
	}
	known := make(map[string]event.Fact, len(names))
	for i, name := range names {
		f := event.Fact{
			Entity: entity, Name: name, Type: event.FactType(types[i]), Error: errs[i], Source: sources[i], URL: urls[i],
			ObservedAt: time.UnixMilli(observed[i]).UTC(),
		}
		if f.Error == "" {
			f.Value = json.RawMessage(values[i])
		}
		if expires[i] != never {
			f.ExpiresAt = time.UnixMilli(expires[i]).UTC()
		}
		known[name] = f
	}
	return known, nil
}
