package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/dxctl/dxctl/migrations"
	"github.com/dxctl/dxctl/store/guard"
	"github.com/dxctl/dxctl/store/rows"
)

// Apart is a database next to the store's, in the same engine, for rows that no query of a reader may see: [Store.Rows]
// refuses every name of it, and no view of the store reads from it.
type Apart struct{ inner *Store }

// staleAfter is the age from which a table that Delete fills is one that a killed process left.
const staleAfter = time.Minute

// ErrNoApart reports that the database does not exist.
var ErrNoApart = errors.New("the database does not exist")

// Apart opens the database of the answers of surveys, whose name is the store's with [guard.ApartSuffix]. With create,
// it makes the database if it is missing; without, the error is then [ErrNoApart]. Close it before the store. A user of
// a server needs the rights to it, which the documentation lists.
func (s *Store) Apart(ctx context.Context, create bool) (*Apart, error) {
	name := s.database + guard.ApartSuffix
	fail := func(err error) error {
		return fmt.Errorf("opening the database %s of survey answers: %w", name, explain(err))
	}
	if create {
		sql := "CREATE DATABASE IF NOT EXISTS `" + name + "`"
		if s.engine != nil {
			sql += " ENGINE = Atomic"
		}
		var denied *clickhouse.Exception
		if err := s.db.Exec(ctx, sql); err != nil && (!errors.As(err, &denied) || denied.Code != accessDenied) {
			return nil, fail(err)
		}
	}
	db, err := s.open(name)
	if err != nil {
		return nil, fail(err)
	}
	if err := db.Ping(ctx); err != nil {
		err = errors.Join(err, db.Close())
		var missing *clickhouse.Exception
		if !errors.As(err, &missing) || missing.Code != unknownDatabase {
			return nil, fail(err)
		}
		if create {
			return nil, fmt.Errorf("opening the database %s of survey answers: it does not exist, and this user may not "+
				"create it; create it and grant the user SELECT, INSERT, ALTER, CREATE TABLE on it: %w", name, err)
		}
		return nil, fail(ErrNoApart)
	}
	a := &Apart{&Store{
		db: db, options: s.options, kind: s.kind, address: s.address, database: name, http: s.http, now: s.now,
		logger: s.logger, program: s.program, limits: s.limits,
	}}
	// A process that was killed in Delete leaves a table with what was to be deleted.
	if err := a.inner.dropStaleStaging(ctx, staleAfter); err != nil {
		return nil, errors.Join(fail(err), a.Close())
	}
	return a, nil
}

// Migrate applies migrations to the database.
func (a *Apart) Migrate(ctx context.Context, all []migrations.Migration) error {
	_, err := migrations.Apply(ctx, a.inner.db, migrations.Options{
		Now: a.inner.now, By: a.inner.program, Database: a.inner.database, Migrations: all,
	})
	if err != nil {
		return fmt.Errorf("migrating the database %s of survey answers: %w", a.inner.database, explain(err))
	}
	return nil
}

// Select is [Store.Select] in the database.
func (a *Apart) Select(ctx context.Context, dest any, sql string, params map[string]any) error {
	return a.inner.Select(ctx, dest, sql, params)
}

// Insert writes one row, a struct whose fields have `ch` tags, as a whole or not at all.
func (a *Apart) Insert(ctx context.Context, table string, row any) error {
	value := reflect.New(reflect.TypeOf(row)).Elem()
	value.Set(reflect.ValueOf(row))
	columns, collect := rows.Collect(value, 1)
	collect(0)
	return a.inner.insert(ctx, table, 1, columns)
}

// Delete deletes rows, and returns when their files are gone. where takes values by name, as Select does. A mutation
// would leave the old files to the engine's clean-up, which a short command does not live to see: what stays is copied
// to a table that takes the place of the old one, in one step, and the old one is dropped.
func (a *Apart) Delete(ctx context.Context, table, where string, params map[string]any) error {
	args, err := named(params)
	if err != nil {
		return err
	}
	fail := func(err error) error { return fmt.Errorf("deleting from %s: %w", table, explain(err)) }
	staging := table + stagingMark + strings.ToLower(rand.Text())
	if err := a.inner.db.Exec(ctx, "CREATE TABLE "+staging+" AS "+table); err != nil {
		return fail(err)
	}
	all := clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"max_partitions_per_insert_block": 0}))
	err = a.inner.db.Exec(all, "INSERT INTO "+staging+" SELECT * FROM "+table+" WHERE NOT ("+where+")", args...)
	if err == nil {
		err = a.inner.db.Exec(ctx, "EXCHANGE TABLES "+staging+" AND "+table)
	}
	if err != nil {
		err = fail(err)
	}
	return errors.Join(err, a.inner.dropStaging(ctx, staging))
}

// Close closes the connections.
func (a *Apart) Close() error { return a.inner.db.Close() }
