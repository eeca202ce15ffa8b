package facts

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
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

// factsSQL selects a row an entity, in which each field of each fact is its length in bytes, a colon and the text: many
// structs, which the driver fills by reflection, would take several times as long to read.
const factsSQL = `SELECT entity, arrayStringConcat(groupArray(arrayStringConcat(arrayMap(
    field -> concat(toString(length(field)), ':', field),
    [toString(fact), toString(type), value, toString(toUnixTimestamp64Milli(observed_at)),
    ifNull(toString(toUnixTimestamp64Milli(expires_at)), ''), error, toString(source), url])))) AS fields
FROM facts
WHERE fact NOT IN {observed:Array(String)} AND (empty({only:Array(String)}) OR entity IN {only:Array(String)})
GROUP BY entity`

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
		Entity string `ch:"entity"`
		Fields string `ch:"fields"`
	}
	params := map[string]any{"observed": observed, "only": append([]string{}, only...)}
	if err := q.Select(ctx, &rows, factsSQL, params); err != nil {
		return fmt.Errorf("reading the stored facts: %w", err)
	}
	for _, r := range rows {
		known, err := parseFacts(r.Entity, r.Fields)
		if err != nil {
			return fmt.Errorf("reading the stored facts of %s: %w", r.Entity, err)
		}
		t[r.Entity] = known
	}
	return nil
}

// parseFacts returns the facts of a row of factsSQL, by name.
func parseFacts(entity, row string) (map[string]event.Fact, error) {
	known := make(map[string]event.Fact, 64)
	for row != "" {
		var fields [8]string
		for i := range fields {
			length, rest, _ := strings.Cut(row, ":")
			n, err := strconv.Atoi(length)
			if err != nil || n < 0 || n > len(rest) {
				return nil, fmt.Errorf("field %d of fact %d has the length %.20q", i, len(known), length)
			}
			fields[i], row = rest[:n], rest[n:]
		}
		f := event.Fact{
			Entity: entity, Name: fields[0], Type: event.FactType(fields[1]), Error: fields[5], Source: fields[6],
			URL: fields[7],
		}
		if f.Error == "" {
			f.Value = json.RawMessage(fields[2])
		}
		var err error
		if f.ObservedAt, err = parseTime(fields[3]); err == nil && fields[4] != "" {
			f.ExpiresAt, err = parseTime(fields[4])
		}
		if err != nil {
			return nil, fmt.Errorf("time of %s: %w", f.Name, err)
		}
		known[f.Name] = f
	}
	return known, nil
}

func parseTime(ms string) (time.Time, error) {
	n, err := strconv.ParseInt(ms, 10, 64)
	return time.UnixMilli(n).UTC(), err
}
