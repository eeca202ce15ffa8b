package migrations_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/migrations"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

var update = flag.Bool("update", false, "write schema.sql anew")

// database returns the driver over an empty database of the test's own, and its name.
func database(t *testing.T) (driver.Conn, string) {
	t.Helper()
	s := storetest.OpenEmpty(t, store.Options{})
	info, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	engine := storetest.Engine(t)
	db, err := clickhouse.Open(&clickhouse.Options{
		Protocol: clickhouse.HTTP, Addr: []string{"embedded"}, Auth: clickhouse.Auth{Database: info.Database},
		TransportFunc: func(*http.Transport) (http.RoundTripper, error) { return engine, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db, info.Database
}

func TestSchema(t *testing.T) {
	db, name := database(t)
	if _, err := migrations.Apply(t.Context(), db, migrations.Options{Migrations: migrations.All()}); err != nil {
		t.Fatal(err)
	}
	got := dump(t, db, name)
	if *update {
		if err := os.WriteFile("schema.sql", []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got != readSchema(t) {
		t.Errorf("schema.sql is not what the migrations make; run \"go generate ./migrations\" and read the difference. "+
			"Made:\n%s", got)
	}
}

// dump returns what a database has, in the form of schema.sql.
func dump(t *testing.T, db driver.Conn, name string) string {
	t.Helper()
	var tables []struct {
		SQL string `ch:"sql"`
	}
	err := db.Select(
		t.Context(),
		&tables,
		`SELECT formatQuery(create_table_query) AS sql FROM system.tables WHERE database = currentDatabase() ORDER BY engine = 'View', name`,
	)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("-- What the migrations make, as ClickHouse shows it. Made by \"go generate ./migrations\"; do not " +
		"edit.\n")
	for _, table := range tables {
		sql := strings.NewReplacer(name+".", "", "\nSETTINGS index_granularity = 8192", "").Replace(table.SQL)
		b.WriteString("\n" + strings.TrimSpace(sql) + ";\n")
	}
	return b.String()
}

func readSchema(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

func TestAll(t *testing.T) {
	all := migrations.All()
	if len(all) == 0 || migrations.Latest() != len(all) {
		t.Fatalf("%d migrations, latest %d", len(all), migrations.Latest())
	}
	for i, m := range all {
		if m.Version != i+1 || !strings.HasPrefix(m.Name, fmt.Sprintf("%04d_", i+1)) || len(m.Checksum) != 64 ||
			len(migrations.Statements(m.SQL)) == 0 {
			t.Errorf("migration %d: %d %q checksum %q", i+1, m.Version, m.Name, m.Checksum)
		}
	}
}

func TestStatements(t *testing.T) {
	for _, tc := range []struct {
		name, sql string
		want      []string
	}{
		{"nothing", "", nil},
		{"only comments", "-- a; b\n/* c; */ # d;\n#! e;\n;;", nil},
		{"two", "SELECT 1;\nSELECT 2;\n", []string{"SELECT 1", "SELECT 2"}},
		{"no last semicolon", "SELECT 1", []string{"SELECT 1"}},
		{"string", `SELECT 'a;b', 'it''s;', 'c\';d', ''; SELECT 2`, []string{`SELECT 'a;b', 'it''s;', 'c\';d', ''`, "SELECT 2"}},
		{"quoted names", "SELECT `a;b`, \"c;\"\"d;\"; SELECT 2", []string{"SELECT `a;b`, \"c;\"\"d;\"", "SELECT 2"}},
		{"comments stay with their statement", "-- about; a\nSELECT 1 -- x;y\n, 2 /* ; */; SELECT 3", []string{"-- about; a\nSELECT 1 -- x;y\n, 2 /* ; */", "SELECT 3"}},
		{"quote in a comment", "-- it's\nSELECT 1; SELECT 2", []string{"-- it's\nSELECT 1", "SELECT 2"}},
		{"comment marks in a string", "SELECT '--', '/*'; SELECT '*/'", []string{"SELECT '--', '/*'", "SELECT '*/'"}},
		{"heredoc", "SELECT $x$ a; 'b $x$; SELECT $$;$$", []string{"SELECT $x$ a; 'b $x$", "SELECT $$;$$"}},
		{"a dollar", "SELECT 1 AS a$b; SELECT 2", []string{"SELECT 1 AS a$b", "SELECT 2"}},
		{"an open string", "SELECT 'a; SELECT 2", []string{"SELECT 'a; SELECT 2"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := migrations.Statements(tc.sql); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// made returns migrations for a test: a table a, then tables b and c.
func made() []migrations.Migration {
	return []migrations.Migration{
		{Version: 1, Name: "0001_a.sql", SQL: "CREATE TABLE a (x UInt8) ENGINE = MergeTree ORDER BY x;", Checksum: "1"},
		{Version: 2, Name: "0002_bc.sql", SQL: "CREATE TABLE b (x UInt8) ENGINE = MergeTree ORDER BY x; CREATE TABLE c (x " +
			"UInt8) ENGINE = MergeTree ORDER BY x;", Checksum: "2"},
	}
}

func versions(ms []migrations.Migration) []int {
	var out []int
	for _, m := range ms {
		out = append(out, m.Version)
	}
	return out
}

func TestApplyOnceAndInOrder(t *testing.T) {
	db, _ := database(t)
	at := time.Date(2026, 11, 22, 20, 0, 0, 789e6, time.UTC)
	o := migrations.Options{Migrations: made()[:1], Now: func() time.Time { return at }, By: "dxctl 0.1"}
	for _, step := range []struct {
		know int
		want []int
	}{{1, []int{1}}, {1, nil}, {2, []int{2}}, {2, nil}} {
		o.Migrations = made()[:step.know]
		applied, err := migrations.Apply(t.Context(), db, o)
		if err != nil || !reflect.DeepEqual(versions(applied), step.want) {
			t.Fatalf("knowing %d: applied %v, %v; want %v", step.know, versions(applied), err, step.want)
		}
	}
	records, err := migrations.Check(t.Context(), db, made())
	if err != nil || len(records) != 2 {
		t.Fatalf("records %v, %v", records, err)
	}
	if r := records[2]; r.Done != 2 || r.Statements != 2 || r.By != "dxctl 0.1" || !r.AppliedAt.Equal(at) {
		t.Errorf("the record is %+v", r)
	}
}

func TestEditedMigrationIsRefused(t *testing.T) {
	db, _ := database(t)
	if _, err := migrations.Apply(t.Context(), db, migrations.Options{Migrations: made()}); err != nil {
		t.Fatal(err)
	}
	edited := append(made(), migrations.Migration{Version: 3, Name: "0003_d.sql", SQL: "CREATE TABLE d (x UInt8) " +
		"ENGINE = Memory", Checksum: "3"})
	edited[0].Checksum = "other"
	_, err := migrations.Apply(t.Context(), db, migrations.Options{Migrations: edited})
	var e *migrations.EditedError
	if !errors.As(err, &e) || e.Name != "0001_a.sql" || !strings.Contains(err.Error(), "restore the file") {
		t.Fatalf("got %v", err)
	}
	if err := db.Exec(t.Context(), "SELECT * FROM d"); err == nil {
		t.Error("a later migration was applied anyway")
	}
}

func TestSchemaFromTheFutureIsRefused(t *testing.T) {
	db, _ := database(t)
	if _, err := migrations.Apply(t.Context(), db, migrations.Options{Migrations: made(), By: "dxctl 9.9"}); err != nil {
		t.Fatal(err)
	}
	_, err := migrations.Apply(t.Context(), db, migrations.Options{Migrations: made()[:1]})
	var e *migrations.FutureError
	if !errors.As(err, &e) || e.Have != 2 || e.Know != 1 {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"newer dxctl", "dxctl 9.9", "upgrade dxctl"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
}

// stopping fails instead of, or after, running the statement that holds a text.
type stopping struct {
	migrations.Execer
	at    string
	after bool
}

var errStopped = errors.New("the process was killed")

func (s stopping) Exec(ctx context.Context, query string, args ...any) error {
	if !strings.Contains(query, s.at) {
		return s.Execer.Exec(ctx, query, args...)
	}
	if s.after {
		if err := s.Execer.Exec(ctx, query, args...); err != nil {
			return err
		}
	}
	return errStopped
}

func TestInterruptedMigrationGoesOn(t *testing.T) {
	for _, tc := range []struct {
		name  string
		at    string
		after bool
	}{
		{"before its first statement", "CREATE TABLE b", false},
		{"after its first statement", "CREATE TABLE b", true},
		{"between its statements", "CREATE TABLE c", false},
		{"after its last statement", "CREATE TABLE c", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			db, _ := database(t)
			_, err := migrations.Apply(t.Context(), stopping{db, tc.at, tc.after}, migrations.Options{Migrations: made()})
			var failed *migrations.StatementError
			if !errors.Is(err, errStopped) || !errors.As(err, &failed) || failed.Name != "0002_bc.sql" {
				t.Fatalf("got %v", err)
			}
			applied, err := migrations.Apply(t.Context(), db, migrations.Options{Migrations: made()})
			if err != nil || !reflect.DeepEqual(versions(applied), []int{2}) {
				t.Fatalf("going on applied %v: %v", versions(applied), err)
			}
			if err := db.Exec(t.Context(), "INSERT INTO b SELECT * FROM c"); err != nil {
				t.Error(err)
			}
		})
	}
}

// scratch makes databases next to that of a test.
func scratch(t *testing.T) migrations.Scratch {
	return func(context.Context) (migrations.Execer, string, func() error, error) {
		db, name := database(t)                           //nolint:contextcheck // it lives as long as the test
		return db, name, func() error { return nil }, nil // it is dropped with the test
	}
}

// A statement that is applied and not recorded is not applied again, also where that would undo it.
func TestInterruptedExchangeGoesOn(t *testing.T) {
	all := []migrations.Migration{
		{Version: 1, Name: "0001_a.sql", Checksum: "1", SQL: "CREATE TABLE a (x UInt8, y UInt8, seq UInt64) ENGINE = " +
			"ReplacingMergeTree(seq) ORDER BY x"},
		{
			Version:  2,
			Name:     "0002_key.sql",
			Checksum: "2",
			SQL: `CREATE TABLE a_new (x UInt8, y UInt8, seq UInt64) ENGINE = ReplacingMergeTree(seq) ORDER BY (x, y);
INSERT INTO a_new SELECT * FROM a; EXCHANGE TABLES a AND a_new; DROP TABLE a_new; CREATE VIEW v AS SELECT * FROM a FINAL`,
		},
	}
	for _, at := range []string{"CREATE TABLE a_new", "INSERT INTO a_new", "EXCHANGE", "DROP TABLE a_new", "CREATE VIEW"} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s %t", at, after), func(t *testing.T) {
				db, name := database(t)
				o := migrations.Options{Migrations: all[:1], Database: name, Scratch: scratch(t)}
				if _, err := migrations.Apply(t.Context(), db, o); err != nil {
					t.Fatal(err)
				}
				if err := db.Exec(t.Context(), "INSERT INTO a SELECT number, number, 1 FROM numbers(5)"); err != nil {
					t.Fatal(err)
				}
				o.Migrations = all
				if _, err := migrations.Apply(t.Context(), stopping{db, at, after}, o); !errors.Is(err, errStopped) {
					t.Fatal(err)
				}
				if _, err := migrations.Apply(t.Context(), db, o); err != nil {
					t.Fatal(err)
				}
				var rows []struct {
					Key  string `ch:"key"`
					Rows uint64 `ch:"n"`
					Old  uint64 `ch:"old"`
				}
				err := db.Select(
					t.Context(),
					&rows,
					`SELECT (SELECT sorting_key FROM system.tables WHERE database = currentDatabase() AND name = 'a') AS key,
	(SELECT count() FROM v) AS n, (SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'a_new') AS old`,
				)
				if err != nil || rows[0].Key != "x, y" || rows[0].Rows != 5 || rows[0].Old != 0 {
					t.Errorf("%+v, %v", rows, err)
				}
			})
		}
	}
}

func TestUnrecognizedSchemaIsRefused(t *testing.T) {
	db, name := database(t)
	o := migrations.Options{Database: name, Scratch: scratch(t)}
	if _, err := migrations.Apply(t.Context(), db, o); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"TRUNCATE TABLE schema_migrations", "ALTER TABLE raw_changes ADD COLUMN other String", "DROP TABLE raw_incidents SYNC"} {
		if err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		_, err := migrations.Apply(t.Context(), db, o)
		var unrecognized *migrations.UnrecognizedError
		if !errors.As(err, &unrecognized) {
			t.Fatalf("got %v", err)
		}
		for _, want := range []string{"raw_changes", "raw_incidents", "missing", "different", "backup", "dxctl collect --backfill"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in %v", want, err)
			}
		}
	}
}

// counting counts the statements, and fails instead of running the one with a number.
type counting struct {
	migrations.Execer
	n    *int
	stop int
}

func (c counting) Exec(ctx context.Context, query string, args ...any) error {
	*c.n++
	if *c.n == c.stop {
		return errStopped
	}
	return c.Execer.Exec(ctx, query, args...)
}

// TestCreate checks that an empty database gets from schema.sql what the migrations make, also after an interruption.
func TestCreate(t *testing.T) {
	want := readSchema(t)
	create := func(stop int) (statements int) {
		db, name := database(t)
		o := migrations.Options{Database: name, Scratch: scratch(t)}
		if stop > 0 {
			first := counting{db, new(int), stop}
			if _, err := migrations.Apply(t.Context(), first, o); !errors.Is(err, errStopped) {
				t.Fatalf("stopped at %d: %v", stop, err)
			}
		}
		all := counting{db, &statements, 0}
		_, err := migrations.Apply(t.Context(), all, o)
		if err != nil {
			t.Fatalf("after a stop at %d: %v", stop, err)
		}
		if got := dump(t, db, name); got != want {
			t.Errorf("after a stop at %d, the schema is another:\n%s", stop, cmp.Diff(want, got))
		}
		records, err := migrations.Check(t.Context(), db, migrations.All())
		if err != nil || len(records) != migrations.Latest() {
			t.Errorf("after a stop at %d: %d records, %v", stop, len(records), err)
		}
		for version, r := range records {
			if r.Done != r.Statements || r.Done == 0 {
				t.Errorf("after a stop at %d: migration %d: %+v", stop, version, r)
			}
		}
		return statements
	}
	statements := create(0)
	if want := len(migrations.Objects()) + 4; statements > want {
		t.Errorf("%d statements were executed, want at most %d", statements, want)
	}
	// At the marker, at the first and the second object, in the middle, at the records, and at the end of the marker.
	for _, stop := range []int{2, 3, 4, statements / 2, statements - 1, statements} {
		create(stop)
	}
}

func TestCreationByAnotherVersionIsRefused(t *testing.T) {
	db, name := database(t)
	sql := "CREATE TABLE schema_creation (version UInt32) ENGINE = MergeTree ORDER BY version COMMENT '1'"
	if err := db.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
	_, err := migrations.Apply(t.Context(), db, migrations.Options{Database: name, Scratch: scratch(t)})
	if err == nil || !strings.Contains(err.Error(), "creating version 1 of it was interrupted") {
		t.Errorf("got %v", err)
	}
}

func TestTwoAtOnce(t *testing.T) {
	t.Run("create", func(t *testing.T) { twoAtOnce(t, migrations.Options{}) })
	t.Run("migrate", func(t *testing.T) { twoAtOnce(t, migrations.Options{Migrations: migrations.All()}) })
}

func twoAtOnce(t *testing.T, o migrations.Options) {
	t.Helper()
	db, _ := database(t)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if _, err := migrations.Apply(t.Context(), db, o); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	records, err := migrations.Check(t.Context(), db, migrations.All())
	if err != nil || len(records) != migrations.Latest() {
		t.Fatalf("%v, %v", records, err)
	}
	for version, r := range records {
		if r.Done != r.Statements {
			t.Errorf("migration %d: %+v", version, r)
		}
	}
}

func TestFailingMigrationIsExplained(t *testing.T) {
	db, _ := database(t)
	ms := made()
	ms[1].SQL = "CREATE TABLE b (x UInt8) ENGINE = MergeTree ORDER BY x; CREATE TABLE c (x NoSuchType) ENGINE = " +
		"MergeTree ORDER BY x"
	_, err := migrations.Apply(t.Context(), db, migrations.Options{Migrations: ms})
	for _, want := range []string{"0002_bc.sql", "statement 2 of 2", "NoSuchType", "resumes"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	var ex *clickhouse.Exception
	if !errors.As(err, &ex) || ex.Code == 0 {
		t.Errorf("ClickHouse's code is lost: %v", err)
	}
}

func TestTableOfSomebodyElseIsNotTakenOver(t *testing.T) {
	db, _ := database(t)
	if err := db.Exec(t.Context(), "CREATE TABLE b (other String) ENGINE = MergeTree ORDER BY other"); err != nil {
		t.Fatal(err)
	}
	_, err := migrations.Apply(t.Context(), db, migrations.Options{Migrations: made()})
	var failed *migrations.StatementError
	if !errors.As(err, &failed) || failed.Statement != 1 {
		t.Errorf("got %v", err)
	}
}
