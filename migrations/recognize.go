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

// The record of applied migrations can lag behind the tables: it is written after each statement, so a process that is
// killed in between leaves a statement that is applied but not recorded. The table of the record can also be damaged or
// lost. Running a statement again is not always safe (EXCHANGE TABLES would undo itself). Therefore, before anything is
// applied to a database that has tables, recognize compares them with the result of the migrations, statement by
// statement, in a separate empty database.

// Scratch creates an empty database for one Apply. It returns an Execer for it, its name, and a function that drops it.
type Scratch func(ctx context.Context) (db Execer, name string, drop func() error, err error)

// UnrecognizedError reports that the record of applied migrations is lost, and that the tables match no version that
// this program knows.
type UnrecognizedError struct {
	Tables []string // the tables of the database
	Reason string   // why the version cannot be determined
}

func (e *UnrecognizedError) Error() string {
	return fmt.Sprintf("checking the schema: the record of applied migrations (table schema_migrations) is lost, and "+
		"the version of the existing tables "+
		"(%s) cannot be determined: %s. Restore the data directory or the database from a backup, or move it aside and "+
		"read the sources "+
		"again into an empty one (dxctl collect --backfill)",
		strings.Join(e.Tables, ", "), e.Reason)
}

// schema maps the name of each table and view of a database to the statement that creates it, without the name of the
// database.
type schema map[string]string

// readSchema reads the tables and views of the database, except for the record and the staging tables.
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

// position is how far the migrations are applied: all versions before version, and done statements of version.
type position struct{ version, done int }

// state is the schema of the database at a position.
type state struct {
	position
	of   int // statements of the version
	made schema
}

// history returns the state after each statement of the migrations, starting from an empty database.
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
				return nil, fmt.Errorf("applying migrations/%s: statement %d: %w", m.Name, i+1, err)
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

// differences returns the names of our objects that s lacks, and of those that differ from want.
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

// recognize determines from the tables how far the migrations are applied. recorded is the position in the record; it
// is trusted if the tables match it. Missing tables of the latest version are tolerated. It returns an
// [UnrecognizedError] if the tables match no version.
func recognize(ctx context.Context, db Execer, o Options, recorded position) (position, error) {
	have, err := readSchema(ctx, db, o.Database)
	if err != nil {
		return recorded, err
	}
	states, err := history(ctx, o)
	if err != nil {
		return recorded, &UnrecognizedError{Tables: slices.Sorted(maps.Keys(have)), Reason: "the migrations could not be " +
			"applied to a separate database: " + err.Error()}
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

// choose picks one of several positions with the same schema: the recorded one, or else the first after it, or else the
// first. The statements between such positions move rows; they can be repeated, because rows keep their identity.
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

// closest describes the differences between the tables and the most similar version.
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
			reason = fmt.Sprintf("they are most similar to version %d", s.version)
			if len(missing) > 0 {
				reason += "; missing: " + strings.Join(missing, ", ")
			}
			if len(other) > 0 {
				reason += "; different: " + strings.Join(other, ", ")
			}
		}
	}
	return reason
}
