package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/dxctl/dxctl/store/rows"
)

// stagingMark is in the names of tables that Replace fills.
const stagingMark = "__replacing_"

// replaceRows is how many rows Replace writes in one block. They are wide: a descriptor is one of the columns.
const replaceRows = 10_000

// catalogPrefix is in the names of tables that are replaced as a whole.
const catalogPrefix = "catalog_"

// Replace puts rows in place of everything that a part of the catalog holds, in one step: whoever reads meanwhile sees
// the old rows or the new ones. The parts are "entities", "bindings", "paths", "identities", "people", "environments"
// and "facts". all is a slice of structs whose fields have `ch` tags with the names of the columns; columns that no
// field names get their defaults. Of two calls for one part at a time, one comes last and its rows stay.
func (s *Store) Replace(ctx context.Context, part string, all any) error {
	if !databaseName.MatchString(part) {
		return fmt.Errorf("replacing the rows of %q: not a part of the catalog", part)
	}
	table := catalogPrefix + part
	fail := func(err error) error { return fmt.Errorf("replacing the rows of %s: %w", table, err) }
	rowType, err := rows.TypeOf(all)
	if err != nil {
		return fail(err)
	}
	staging := table + stagingMark + strings.ToLower(rand.Text())
	if err := s.db.Exec(ctx, "CREATE TABLE "+staging+" AS "+table); err != nil {
		return fail(err)
	}
	values := reflect.ValueOf(all)
	for first := 0; first < values.Len(); first += replaceRows {
		block := values.Slice(first, min(first+replaceRows, values.Len()))
		row := reflect.New(rowType).Elem()
		columns, collect := rows.Collect(row, block.Len())
		for i := range block.Len() {
			row.Set(block.Index(i))
			collect(i)
		}
		if err := s.insert(ctx, staging, block.Len(), columns); err != nil {
			return errors.Join(fail(err), s.dropStaging(ctx, staging))
		}
	}
	if err := s.db.Exec(ctx, "EXCHANGE TABLES "+staging+" AND "+table); err != nil {
		return errors.Join(fail(err), s.dropStaging(ctx, staging))
	}
	s.columnTypesOf.Delete(staging)
	return s.dropStaging(ctx, staging)
}

// dropStaging drops a staging table, also after the caller's context has ended.
func (s *Store) dropStaging(ctx context.Context, staging string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	s.columnTypesOf.Delete(staging)
	if err := s.db.Exec(ctx, "DROP TABLE IF EXISTS "+staging+" SYNC"); err != nil {
		return fmt.Errorf("removing the table %s: %w", staging, err)
	}
	return nil
}

// dropStaleStaging drops staging tables that a process left which was killed in Replace, if they are older than age.
func (s *Store) dropStaleStaging(ctx context.Context, age time.Duration) error {
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
