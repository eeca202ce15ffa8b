package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// column is the values of one column, in a typed slice.
type column struct {
	name   string
	values any // []string, []uint64, []*time.Time …
}

// insertSettings leave the search for rows of the same identity to merges and to FINAL, which every reader asks for
// anyway; done at every insert it is a quarter of the work.
var insertSettings = clickhouse.Settings{"optimize_on_insert": 0}

// insert writes columns of n rows in one block, which is stored as a whole or not at all.
func (s *Store) insert(ctx context.Context, table string, n int, columns []column) error {
	if n == 0 {
		return nil
	}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(insertSettings))
	if s.http {
		layout, err := s.layout(ctx, table, names)
		if err != nil {
			return err
		}
		ctx = clickhouse.Context(ctx, clickhouse.WithColumnNamesAndTypes(layout))
	}
	batch, err := s.db.PrepareBatch(ctx, "INSERT INTO "+table+" ("+strings.Join(names, ", ")+")")
	if err != nil {
		return fmt.Errorf("writing to %s: %w", table, err)
	}
	defer func() { _ = batch.Close() }() // after Send it has nothing to do
	for i, c := range columns {
		if err := batch.Column(i).Append(c.values); err != nil {
			return fmt.Errorf("writing to %s: column %s: %w", table, c.name, err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("writing %d rows to %s: %w", n, table, err)
	}
	return nil
}

// layout returns the types of the columns, asked once a table. LowCardinality is left out of them: the driver encodes
// it by reflection, value by value, and ClickHouse converts a plain column in a tenth of that time.
func (s *Store) layout(ctx context.Context, table string, names []string) ([]clickhouse.ColumnNameAndType, error) {
	known, ok := s.layouts.Load(table)
	if !ok {
		var rows []struct {
			Name string `ch:"name"`
			Type string `ch:"type"`
		}
		err := s.Select(ctx, &rows, "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}", map[string]any{"table": table})
		if err != nil {
			return nil, fmt.Errorf("asking for the columns of %s: %w", table, err)
		}
		if len(rows) == 0 {
			return nil, fmt.Errorf("writing to %s: the store has no such table; run \"dxctl migrate\"", table)
		}
		types := make(map[string]string, len(rows))
		for _, r := range rows {
			kind := r.Type
			if inner, isLow := strings.CutPrefix(kind, "LowCardinality("); isLow {
				kind = strings.TrimSuffix(inner, ")")
			}
			types[r.Name] = kind
		}
		known, _ = s.layouts.LoadOrStore(table, types)
	}
	types := known.(map[string]string)
	layout := make([]clickhouse.ColumnNameAndType, len(names))
	for i, name := range names {
		if types[name] == "" {
			return nil, fmt.Errorf("writing to %s: it has no column %s", table, name)
		}
		layout[i] = clickhouse.ColumnNameAndType{Name: name, Type: types[name]}
	}
	return layout, nil
}

// collect makes a column of one field of every row.
func collect[R, V any](name string, rows []R, field func(*R) V) column {
	values := make([]V, len(rows))
	for i := range rows {
		values[i] = field(&rows[i])
	}
	return column{name, values}
}

// nullable makes a column of times in which one that is not known is NULL.
func nullable[R any](name string, rows []R, field func(*R) *time.Time) column {
	values := make([]*time.Time, len(rows))
	for i := range rows {
		if at := field(&rows[i]); !at.IsZero() {
			values[i] = at
		}
	}
	return column{name, values}
}

// milliseconds collects a field of a duration; zero (not known) becomes NULL.
func milliseconds[R any](name string, rows []R, field func(*R) time.Duration) column {
	values := make([]*uint64, len(rows))
	for i := range rows {
		if d := field(&rows[i]); d > 0 {
			ms := max(1, uint64(d.Milliseconds())) // zero would say that it is not known
			values[i] = &ms
		}
	}
	return column{name, values}
}

// numbered makes the column seq: first, first+1, …
func numbered(first uint64, n int) column {
	values := make([]uint64, n)
	for i := range values {
		values[i] = first + uint64(i)
	}
	return column{"seq", values}
}
