package store

import (
	"context"
	"maps"
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

// UnpackFacts reads packed facts as CurrentFacts does, and returns how many there are.
func UnpackFacts(packed string) (int, error) {
	u := unpacker{chosen: map[string]place{}}
	known, err := u.unpack([]factsRow{{Packed: packed}})
	return len(known), err
}

// OwnView is a view of one service: its query, and the columns of the view that stands in for it without records.
type OwnView struct{ Name, SQL, Columns string }

// OwnViews returns the views of OfService that have records.
func OwnViews() []OwnView {
	var views []OwnView
	for _, v := range ownViews {
		if v.columns != "" {
			views = append(views, OwnView{v.name, v.sql, v.columns})
		}
	}
	return views
}

// OwnTypes returns the names and the types of the columns of a query about one service.
func (s *Store) OwnTypes(ctx context.Context, of *ServiceQuerier, sql string) ([]string, error) {
	l, err := of.locate(ctx)
	if err != nil {
		return nil, err
	}
	names, err := of.named(ctx)
	if err != nil {
		return nil, err
	}
	params := maps.Clone(of.own)
	maps.Copy(params, l.params)
	maps.Copy(params, names)
	args, err := named(params)
	if err != nil {
		return nil, err
	}
	found, err := s.db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }()
	var types []string
	for _, c := range found.ColumnTypes() {
		types = append(types, c.Name()+" "+c.DatabaseTypeName())
	}
	return types, nil
}
