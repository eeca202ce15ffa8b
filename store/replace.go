package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// stagingMark is in the names of tables that Replace fills.
const stagingMark = "__replacing_"

// replaceRows is how many rows Replace writes in one block. They are wide: a descriptor is one of the columns.
const replaceRows = 10_000

// Replace puts rows in place of everything that the table holds, in one step: whoever reads meanwhile sees the old rows
// or the new ones. rows is a slice of structs whose fields have `ch` tags with the names of the columns; columns that
// no field names get their defaults. Of two calls for one table at a time, one comes last and its rows stay.
func (s *Store) Replace(ctx context.Context, table string, rows any) error {
	if !databaseName.MatchString(table) {
		return fmt.Errorf("replacing the rows of %q: that is not a table's name", table)
	}
	fail := func(err error) error { return fmt.Errorf("replacing the rows of %s: %w", table, err) }
	fields, err := columnFields(rows)
	if err != nil {
		return fail(err)
	}
	staging := table + stagingMark + strings.ToLower(rand.Text())
	if err := s.db.Exec(ctx, "CREATE TABLE "+staging+" AS "+table); err != nil {
		return fail(err)
	}
	all := reflect.ValueOf(rows)
	for first := 0; first < all.Len(); first += replaceRows {
		block := all.Slice(first, min(first+replaceRows, all.Len()))
		if err := s.insert(ctx, staging, block.Len(), structColumns(block, fields)); err != nil {
			return errors.Join(fail(err), s.dropStaging(ctx, staging))
		}
	}
	if err := s.db.Exec(ctx, "EXCHANGE TABLES "+staging+" AND "+table); err != nil {
		return errors.Join(fail(err), s.dropStaging(ctx, staging))
	}
	s.layouts.Delete(staging)
	return s.dropStaging(ctx, staging)
}

// dropStaging drops a staging table, also after the caller's context has ended.
func (s *Store) dropStaging(ctx context.Context, staging string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	s.layouts.Delete(staging)
	if err := s.db.Exec(ctx, "DROP TABLE IF EXISTS "+staging+" SYNC"); err != nil {
		return fmt.Errorf("removing the table %s: %w", staging, err)
	}
	return nil
}

// dropLeftovers drops staging tables that a process left which was killed in Replace, if they are older than age.
func (s *Store) dropLeftovers(ctx context.Context, age time.Duration) error {
	var rows []struct {
		Name string `ch:"name"`
	}
	err := s.Select(ctx, &rows, `SELECT name FROM system.tables
WHERE database = currentDatabase() AND position(name, {mark:String}) > 0 AND metadata_modification_time <= now() - {age:UInt32}`,
		map[string]any{"mark": stagingMark, "age": uint32(age / time.Second)})
	if err != nil {
		return fmt.Errorf("looking for leftovers in the store at %s: %w", s.address, err)
	}
	for _, r := range rows {
		if err := s.dropStaging(ctx, r.Name); err != nil {
			return err
		}
	}
	return nil
}

// columnFields returns the fields with `ch` tags of a slice of structs.
func columnFields(rows any) ([]reflect.StructField, error) {
	t := reflect.TypeOf(rows)
	if t == nil || t.Kind() != reflect.Slice || t.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("rows are a %T and must be a slice of structs with `ch` tags", rows)
	}
	fields := slices.DeleteFunc(reflect.VisibleFields(t.Elem()), func(f reflect.StructField) bool {
		name := f.Tag.Get("ch")
		return name == "" || name == "-" || !f.IsExported()
	})
	if len(fields) == 0 {
		return nil, fmt.Errorf("%T has no field with a `ch` tag", rows)
	}
	return fields, nil
}

// structColumns turns a slice of structs into columns.
func structColumns(rows reflect.Value, fields []reflect.StructField) []column {
	columns := make([]column, len(fields))
	for i, field := range fields {
		values := reflect.MakeSlice(reflect.SliceOf(field.Type), rows.Len(), rows.Len())
		for row := range rows.Len() {
			values.Index(row).Set(rows.Index(row).FieldByIndex(field.Index))
		}
		columns[i] = column{field.Tag.Get("ch"), values.Interface()}
	}
	return columns
}
