package store

import (
	"context"
	"reflect"
	"strings"
	"time"

	"github.com/dxctl/dxctl/store/rows"
)

// Exec runs a statement, for tests that damage a store.
func (s *Store) Exec(ctx context.Context, sql string) error { return s.db.Exec(ctx, sql) }

// Scratch makes a scratch database and returns its name.
func (s *Store) Scratch(ctx context.Context) (string, error) {
	_, name, _, err := s.scratch(ctx)
	return name, err
}

// DropStaleScratch is what opening a store does.
func (s *Store) DropStaleScratch(ctx context.Context, age time.Duration) error {
	return s.dropStaleScratch(ctx, age)
}

// RowColumns returns the columns of the row structs by table, without seq.
func RowColumns() map[string][]string {
	columns := map[string][]string{}
	for _, t := range eventTables {
		for table, row := range t.(interface {
			rowTypes() map[string]reflect.Type
		}).rowTypes() {
			columns[table] = strings.Split(rows.Names(row), ", ")
		}
	}
	columns["checkpoints"] = strings.Split(rows.Names(reflect.TypeFor[checkpointRow]()), ", ")
	return columns
}

func (t table[E, R]) rowTypes() map[string]reflect.Type {
	return map[string]reflect.Type{t.name: reflect.TypeFor[R]()}
}

func (t observedTable[E, R, H]) rowTypes() map[string]reflect.Type {
	return map[string]reflect.Type{t.name: reflect.TypeFor[R](), t.history: reflect.TypeFor[H]()}
}

// GrantsSQL and RoleGrantsSQL are the queries of AnswerReaders.
const GrantsSQL, RoleGrantsSQL = grantsSQL, roleGrantsSQL
