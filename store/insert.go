package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/dxctl/dxctl/store/rows"
)

// insertSettings leave the search for rows of the same identity to merges and to FINAL, which every reader asks for
// anyway; done at every insert it is a quarter of the work.
var insertSettings = clickhouse.Settings{"optimize_on_insert": 0}

// insert writes columns of n rows in one block, which is stored as a whole or not at all.
func (s *Store) insert(ctx context.Context, table string, n int, columns []rows.Column) error {
	if n == 0 {
		return nil
	}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(insertSettings))
	if s.http {
		types, err := s.columnTypes(ctx, table, names)
		if err != nil {
			return err
		}
		ctx = clickhouse.Context(ctx, clickhouse.WithColumnNamesAndTypes(types))
	}
	batch, err := s.db.PrepareBatch(ctx, "INSERT INTO "+table+" ("+strings.Join(names, ", ")+")")
	if err != nil {
		return fmt.Errorf("writing to %s: %w", table, err)
	}
	defer func() { _ = batch.Close() }() // after Send it has nothing to do
	for i, c := range columns {
		if err := batch.Column(i).Append(c.Values); err != nil {
			return fmt.Errorf("writing to %s: column %s: %w", table, c.Name, err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("writing %d rows to %s: %w", n, table, err)
	}
	return nil
}

// columnTypes returns the names and types of columns; the types of a table are queried once. LowCardinality is left out
// of them: the driver encodes it by reflection, value by value, and ClickHouse converts a plain column in a tenth of
// that time.
func (s *Store) columnTypes(ctx context.Context, table string, names []string) ([]clickhouse.ColumnNameAndType, error) {
	known, ok := s.columnTypesOf.Load(table)
	if !ok {
		var rows []struct {
			Name string `ch:"name"`
			Type string `ch:"type"`
		}
		const sql = "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}"
		err := s.Select(ctx, &rows, sql, map[string]any{"table": table})
		if err != nil {
			return nil, fmt.Errorf("reading the columns of %s: %w", table, err)
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
		known, _ = s.columnTypesOf.LoadOrStore(table, types)
	}
	types := known.(map[string]string)
	columns := make([]clickhouse.ColumnNameAndType, len(names))
	for i, name := range names {
		if types[name] == "" {
			return nil, fmt.Errorf("writing to %s: the table has no column %s", table, name)
		}
		columns[i] = clickhouse.ColumnNameAndType{Name: name, Type: types[name]}
	}
	return columns, nil
}

// seqColumn makes the column seq: first, first+1, …
func seqColumn(first uint64, n int) rows.Column {
	values := make([]uint64, n)
	for i := range values {
		values[i] = first + uint64(i)
	}
	return rows.Column{Name: "seq", Values: values}
}
