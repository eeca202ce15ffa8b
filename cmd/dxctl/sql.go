package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/store/guard"
)

func newSQL(s *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "sql 'SELECT …'",
		Short: "Run a read-only query",
		Long: `Run a read-only query on the store. The public views (deployments, pipeline_runs, changes, …) are a stable
interface; docs/schema.md describes them. If the argument is "-", the query is read from stdin.`,
		Example: `  dxctl sql 'SELECT service, count() FROM deployments GROUP BY service ORDER BY 2 DESC'
  dxctl sql -o csv - < query.sql`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			query := args[0]
			if query == "-" {
				text, err := io.ReadAll(s.in)
				if err != nil {
					return fmt.Errorf("reading the query from stdin: %w", err)
				}
				query = string(text)
			}
			if strings.TrimSpace(query) == "" {
				return errors.New("the query is empty: give a query, or - to read it from stdin")
			}
			cfg, err := s.config()
			if err != nil {
				return err
			}
			p, err := s.open(cmd.Context(), cfg, app.Options{Program: "sql", Bare: true})
			if err != nil {
				return err
			}
			defer closing(p, &err)
			rows, err := p.Store.Rows(cmd.Context(), query, nil)
			if err != nil {
				return err
			}
			t, err := readRows(rows, p.Store.Limits())
			if err != nil {
				return err
			}
			return t.Print(s.out, s.output)
		},
	}
}

// readRows reads all rows, of any types. JSON preserves numbers, lists and NULL. The size of the result is counted
// again here, because the engine counts a value that all rows share only once.
func readRows(rows driver.Rows, limits guard.Limits) (t output.Table, err error) {
	size := 0
	defer func() { err = errors.Join(err, rows.Close()) }()
	t.Columns = rows.Columns()
	document := []map[string]any{}
	for _, c := range rows.ColumnTypes() {
		if numeric(c) {
			t.Right = append(t.Right, c.Name())
		}
	}
	for rows.Next() {
		dest := make([]any, len(t.Columns))
		for i, c := range rows.ColumnTypes() {
			dest[i] = reflect.New(c.ScanType()).Interface()
		}
		if err := rows.Scan(dest...); err != nil {
			return t, fmt.Errorf("reading row %d: %w", len(t.Rows)+1, err)
		}
		row, object := make([]string, len(dest)), map[string]any{}
		for i, d := range dest {
			v := plain(reflect.ValueOf(d).Elem())
			row[i], object[t.Columns[i]] = cell(v), v
			size += len(row[i])
		}
		if err := limits.CheckSize(size); err != nil {
			return t, err
		}
		t.Rows, document = append(t.Rows, row), append(document, object)
	}
	t.Document = document
	return t, rows.Err()
}

// numeric reports whether a column holds numbers, or NULL.
func numeric(c driver.ColumnType) bool {
	name := c.DatabaseTypeName()
	for _, wrapper := range []string{"LowCardinality(", "Nullable("} {
		name = strings.TrimPrefix(name, wrapper)
	}
	return slices.ContainsFunc(
		[]string{"Int", "UInt", "Float", "Decimal", "BFloat"},
		func(kind string) bool { return strings.HasPrefix(name, kind) },
	)
}

// plain follows pointers, and converts values that JSON cannot represent to text: times (RFC 3339), infinities and NaN.
func plain(v reflect.Value) any {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return nil
		}
		if x, ok := v.Interface().(*big.Int); ok {
			return json.Number(x.String())
		}
		v = v.Elem()
	}
	switch x := v.Interface().(type) {
	case time.Time:
		return x.UTC().Format(time.RFC3339Nano)
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Sprint(x)
		}
	}
	return v.Interface()
}

// cell formats a value as text: NULL is empty, lists and maps are JSON.
func cell(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		return x
	case fmt.Stringer: // decimals, addresses, UUIDs
		return x.String()
	}
	switch reflect.TypeOf(v).Kind() {
	case reflect.Slice, reflect.Map, reflect.Array, reflect.Struct:
		if text, err := json.Marshal(v); err == nil {
			return string(text)
		}
	}
	return fmt.Sprint(v)
}
