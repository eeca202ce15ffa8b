package migrations

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Execer runs statements in the database that the tables belong to. clickhouse-go's driver.Conn is one.
type Execer interface {
	// Exec runs a statement that returns no rows.
	Exec(ctx context.Context, query string, args ...any) error
	// Select reads rows into dest, a pointer to a slice of structs with `ch` tags.
	Select(ctx context.Context, dest any, query string, args ...any) error
}

// Options are the options of Apply.
type Options struct {
	Now        func() time.Time // nil: time.Now
	By         string           // the program that applies, for the record: "dxctl 1.2.3"
	Migrations []Migration      // nil: All(); an empty database is then created from schema.sql
	// Database is the name of the database. Scratch creates one to compare it with; without Scratch, the record of applied
	// migrations is trusted.
	Database string
	Scratch  Scratch
}

// EditedError reports that a migration was changed after it had been applied.
type EditedError struct {
	Name      string
	AppliedAt time.Time
}

func (e *EditedError) Error() string {
	return fmt.Sprintf("checking migrations/%s: it was changed after it had been applied to this database (on %s); "+
		"restore the file, and put the change into a new migration",
		e.Name, e.AppliedAt.UTC().Format("2006-01-02 15:04"))
}

// FutureError reports that the database has migrations that this program does not know.
type FutureError struct {
	Have  int    // the version of the database
	Know  int    // the latest that this program knows
	Named string // the file's name of version Have
	By    string // what applied it
}

func (e *FutureError) Error() string {
	return fmt.Sprintf("checking the schema: the data was written by a newer dxctl: its schema has version %d (%s, "+
		"applied by %s), and this dxctl supports version %d; upgrade dxctl", e.Have, e.Named, e.By, e.Know)
}

// StatementError reports which statement of which migration failed.
type StatementError struct {
	Name      string
	Statement int // 1 for the first
	Of        int
	Err       error
}

func (e *StatementError) Error() string {
	return fmt.Sprintf("applying migrations/%s: statement %d of %d: %v; the statements before it are applied; fix the "+
		"cause and run `dxctl migrate`, which resumes with this one", e.Name, e.Statement, e.Of, e.Err)
}

// Unwrap returns the error of ClickHouse.
func (e *StatementError) Unwrap() error { return e.Err }

// recordTable records the applied statements: a row after each statement; the row with the highest done wins.
const recordTable = `CREATE TABLE IF NOT EXISTS schema_migrations
(
    version UInt32,
    name String,
    checksum String,
    done UInt32,
    statements UInt32,
    applied_at DateTime64(3, 'UTC'),
    by String
)
ENGINE = ReplacingMergeTree(done)
ORDER BY version`

type record struct {
	Version    uint32    `ch:"version"`
	Name       string    `ch:"name"`
	Checksum   string    `ch:"checksum"`
	Done       uint32    `ch:"done"`
	Statements uint32    `ch:"statements"`
	AppliedAt  time.Time `ch:"applied_at"`
	By         string    `ch:"by"`
}

// Apply applies the migrations that the database lacks and returns them. It refuses, before it changes anything, with
// an [EditedError], a [FutureError] or an [UnrecognizedError]. A migration that was interrupted is continued where it
// stopped; one that fails returns a [StatementError]. A record that is lost or outdated is restored from the tables.
func Apply(ctx context.Context, db Execer, o Options) ([]Migration, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	latest := o.Migrations == nil
	if latest {
		o.Migrations = All()
	}
	if err := db.Exec(ctx, recordTable); err != nil {
		return nil, fmt.Errorf("creating the table schema_migrations: %w", err)
	}
	if latest {
		if created, err := create(ctx, db, o); err != nil || created {
			return o.Migrations, err
		}
	}
	records, err := Check(ctx, db, o.Migrations)
	if err != nil {
		return nil, err
	}
	if records, err = reconcile(ctx, db, o, records); err != nil {
		return nil, err
	}
	var applied []Migration
	for _, m := range o.Migrations {
		r, begun := records[m.Version]
		if begun && r.Done == r.Statements {
			continue
		}
		if err := apply(ctx, db, o, m, begun, r.Done); err != nil {
			return applied, err
		}
		applied = append(applied, m)
	}
	return applied, nil
}

// reconcile compares the records with the tables before anything is applied, writes the records that are missing, and
// returns all records. It compares nothing if there is nothing to apply, or if there are no tables yet.
func reconcile(ctx context.Context, db Execer, o Options, records map[int]Record) (map[int]Record, error) {
	var recorded position // the last statement before the first one without a record
	pending, orphaned := false, false
	for _, m := range o.Migrations {
		r, begun := records[m.Version]
		switch {
		case begun && !pending:
			recorded = position{m.Version, r.Done}
			pending = r.Done < r.Statements
		case begun:
			orphaned = true // a record after a missing one
		default:
			pending = true
		}
	}
	if !pending || o.Scratch == nil {
		return records, nil
	}
	var rows []struct {
		Tables uint64 `ch:"tables"`
	}
	err := db.Select(ctx, &rows, "SELECT count() AS tables FROM system.tables WHERE database = currentDatabase() AND "+
		"name != 'schema_migrations'")
	if err != nil {
		return records, fmt.Errorf("counting the tables: %w", err)
	}
	if rows[0].Tables == 0 {
		return records, nil
	}
	found, err := recognize(ctx, db, o, recorded)
	var unrecognized *UnrecognizedError
	if errors.As(err, &unrecognized) && len(records) > 0 && !orphaned {
		return records, nil // the records have no gap, and there is no other information
	}
	if err != nil {
		return records, err
	}
	return fill(ctx, db, o, records, found)
}

// fill writes the missing records up to found.
func fill(ctx context.Context, db Execer, o Options, records map[int]Record, found position) (map[int]Record, error) {
	var missing []progress
	for _, m := range o.Migrations {
		p := progress{m, len(Statements(m.SQL)), len(Statements(m.SQL))}
		if m.Version > found.version {
			break
		}
		if m.Version == found.version {
			p.done = found.done
		}
		if r, begun := records[m.Version]; begun && r.Done >= p.done {
			continue
		}
		missing = append(missing, p)
	}
	if err := note(ctx, db, o, missing...); err != nil {
		return records, err
	}
	for _, p := range missing {
		records[p.Version] = Record{Done: p.done, Statements: p.statements, AppliedAt: o.Now(), By: o.By}
	}
	return records, nil
}

// progress is how many statements of a migration are applied, and how many it has.
type progress struct {
	Migration
	done, statements int
}

// note records progress in one statement, so that either all of it is recorded or nothing.
func note(ctx context.Context, db Execer, o Options, all ...progress) error {
	if len(all) == 0 {
		return nil
	}
	rows, values := make([]string, 0, len(all)), make([]any, 0, 7*len(all))
	for _, p := range all {
		rows = append(rows, "(?, ?, ?, ?, ?, fromUnixTimestamp64Milli(?), ?)")
		values = append(values, uint32(p.Version), p.Name, p.Checksum, uint32(p.done), uint32(p.statements),
			o.Now().UnixMilli(), o.By)
	}
	err := db.Exec(ctx, "INSERT INTO schema_migrations (version, name, checksum, done, statements, applied_at, by) "+
		"VALUES "+strings.Join(rows, ", "), values...)
	if err != nil {
		return fmt.Errorf("recording migrations/%s in schema_migrations: %w", all[0].Name, err)
	}
	return nil
}

// Check compares what was applied with the migrations and returns it by version. It changes nothing.
func Check(ctx context.Context, db Execer, all []Migration) (map[int]Record, error) {
	var rows []record
	err := db.Select(ctx, &rows, "SELECT version, name, checksum, done, statements, applied_at, by FROM "+
		"schema_migrations FINAL ORDER BY version")
	if err != nil {
		return nil, fmt.Errorf("reading schema_migrations: %w", err)
	}
	out := map[int]Record{}
	for _, r := range rows {
		version := int(r.Version)
		if version > len(all) {
			last := rows[len(rows)-1]
			return nil, &FutureError{Have: int(last.Version), Know: len(all), Named: last.Name, By: last.By}
		}
		if m := all[version-1]; m.Checksum != r.Checksum {
			return nil, &EditedError{Name: m.Name, AppliedAt: r.AppliedAt}
		}
		out[version] = Record{Done: int(r.Done), Statements: int(r.Statements), AppliedAt: r.AppliedAt, By: r.By}
	}
	return out, nil
}

// Record is how far a migration was applied, by what and when.
type Record struct {
	Done, Statements int // statements; equal when it is applied as a whole
	AppliedAt        time.Time
	By               string
}

// apply runs the statements from the one after the first done ones.
func apply(ctx context.Context, db Execer, o Options, m Migration, resumed bool, done int) error {
	statements := Statements(m.SQL)
	if !resumed {
		if err := note(ctx, db, o, progress{m, 0, len(statements)}); err != nil {
			return err
		}
	}
	for i := done; i < len(statements); i++ {
		err := db.Exec(ctx, statements[i])
		if err != nil && alreadyExists(err) {
			// Interrupted after the statement and before its record: what it makes is there.
			if resumed && i == done {
				err = nil
			} else if other, ok := elsewhere(ctx, db, o, m, i); ok {
				i = other - 1
				continue
			}
		}
		if err != nil {
			return &StatementError{Name: m.Name, Statement: i + 1, Of: len(statements), Err: err}
		}
		if err := note(ctx, db, o, progress{m, i + 1, len(statements)}); err != nil {
			return err
		}
	}
	return nil
}

// elsewhere reports whether another process applies the migration at the same time, by waiting a moment for its record
// to pass statement i, and how many statements it has done.
func elsewhere(ctx context.Context, db Execer, o Options, m Migration, i int) (done int, ok bool) {
	for range 20 {
		records, err := Check(ctx, db, o.Migrations)
		if err != nil {
			return 0, false
		}
		if r := records[m.Version]; r.Done > i {
			return r.Done, true
		}
		select {
		case <-ctx.Done():
			return 0, false
		case <-time.After(50 * time.Millisecond):
		}
	}
	return 0, false
}
