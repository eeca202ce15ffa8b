package migrations

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// The record of what was applied can be behind the tables: it is written after each statement, so a process that is
// killed between the two leaves a statement that is applied and not recorded; and its table can be damaged or lost like
// any other. Running a statement again is not always safe (EXCHANGE TABLES would undo itself), so before anything is
// applied to a database that has tables, recognize compares them with what the migrations make, statement by statement,
// in an empty database beside it.

// Scratch makes an empty database for the time of one Apply and returns what runs statements in it, its name and a
// function that drops it.
type Scratch func(ctx context.Context) (db Execer, name string, drop func() error, err error)

// UnrecognizedError says that the record of applied migrations is lost, and that the tables are not those of any
// version that this program knows.
type UnrecognizedError struct {
	Tables []string // what is in the database
	Reason string   // why the version cannot be told
}

func (e *UnrecognizedError) Error() string {
	return fmt.Sprintf("the record of applied migrations (table schema_migrations) is lost, the database has the tables %s, and their version cannot be told: %s. "+
		"Restore the data directory or the database from a backup; or move it aside, start with an empty one and read the sources again (dxctl collect --backfill)",
		strings.Join(e.Tables, ", "), e.Reason)
}

// schema is what a database has: the statement that makes each table and view, by name, without the database's name.
type schema map[string]string

// readSchema reads the tables and views of the database called name; the record and staging tables are left out.
func readSchema(ctx context.Context, db Execer, name string) (schema, error) {
	var rows []struct {
		Name string `ch:"name"`
		SQL  string `ch:"sql"`
	}
	err := db.Select(ctx, &rows, `SELECT name, create_table_query AS sql FROM system.tables
WHERE database = currentDatabase() AND name != 'schema_migrations' AND NOT startsWith(name, '.')`)
	if err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	prefix := regexp.MustCompile("\\b" + regexp.QuoteMeta(name) + "\\.|`" + regexp.QuoteMeta(name) + "`\\.")
	out := schema{}
	for _, r := range rows {
		out[r.Name] = prefix.ReplaceAllString(r.SQL, "")
	}
	return out, nil
}

// position is how far the migrations are applied: all before version, and done statements of it.
type position struct{ version, done int }

// state is what the database holds at a position.
type state struct {
	position
	of   int // statements of the version
	made schema
}

// history returns the states that the migrations go through, from the empty database on.
func history(ctx context.Context, o Options) (states []state, err error) {
	db, name, drop, err := o.Scratch(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	for _, m := range o.Migrations {
		statements := Statements(m.SQL)
		for i, sql := range statements {
			if err := db.Exec(ctx, sql); err != nil {
				return nil, fmt.Errorf("migrations/%s: statement %d: %w", m.Name, i+1, err)
			}
			made, err := readSchema(ctx, db, name)
			if err != nil {
				return nil, err
			}
			states = append(states, state{position{m.Version, i + 1}, len(statements), made})
		}
	}
	return states, nil
}

// differences returns the names of objects of ours that the database lacks, and of those that it has otherwise.
func (s schema) differences(want schema, ours map[string]bool) (missing, other []string) {
	for name := range ours {
		have, there := s[name]
		sql, wanted := want[name]
		switch {
		case !there && wanted:
			missing = append(missing, name)
		case have != sql:
			other = append(other, name)
		}
	}
	return missing, other
}

// recognize returns how far the migrations are applied, by the tables that are there. recorded is what the record says;
// it is believed where the tables agree with it. A table that is missing from the latest version is no obstacle. It
// returns an [UnrecognizedError] when the tables fit no version.
func recognize(ctx context.Context, db Execer, o Options, recorded position) (position, error) {
	have, err := readSchema(ctx, db, o.Database)
	if err != nil {
		return recorded, err
	}
	states, err := history(ctx, o)
	if err != nil {
		return recorded, &UnrecognizedError{Tables: slices.Sorted(maps.Keys(have)), Reason: "the migrations could not be tried in a database beside it: " + err.Error()}
	}
	ours := map[string]bool{}
	for _, s := range states {
		for name := range s.made {
			ours[name] = true
		}
	}
	var fitting []position
	for _, s := range states {
		if missing, other := have.differences(s.made, ours); len(missing)+len(other) == 0 {
			fitting = append(fitting, s.position)
		}
	}
	if len(fitting) > 0 {
		return choose(fitting, recorded), nil
	}
	latest := states[len(states)-1]
	missing, other := have.differences(latest.made, ours)
	if len(other) == 0 && len(missing) < len(latest.made) {
		return latest.position, nil
	}
	return recorded, &UnrecognizedError{Tables: slices.Sorted(maps.Keys(have)), Reason: closest(have, states, ours)}
}

// choose picks among positions that look alike: the recorded one, else the first after it, else the first. Statements
// between positions that look alike move rows, which can be done again; the rows keep their identity.
func choose(fitting []position, recorded position) position {
	if slices.Contains(fitting, recorded) {
		return recorded
	}
	for _, p := range fitting {
		if p.version > recorded.version || p.version == recorded.version && p.done > recorded.done {
			return p
		}
	}
	return fitting[0]
}

// closest says what keeps the tables from being those of the version that they are nearest to.
func closest(have schema, states []state, ours map[string]bool) string {
	best := -1
	var reason string
	for _, s := range states {
		if s.done != s.of {
			continue
		}
		missing, other := have.differences(s.made, ours)
		if n := len(missing) + len(other); best < 0 || n <= best {
			best = n
			slices.Sort(missing)
			slices.Sort(other)
			reason = fmt.Sprintf("they are nearest to version %d", s.version)
			if len(missing) > 0 {
				reason += ", where these are missing: " + strings.Join(missing, ", ")
			}
			if len(other) > 0 {
				reason += ", where these are different: " + strings.Join(other, ", ")
			}
		}
	}
	return reason
}
