package store_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/store/guard"
	"github.com/dxctl/dxctl/store/storetest"
)

func TestParameters(t *testing.T) {
	s := storetest.Open(t)
	strange := "it's \"x\" \\ \n\t\x00 {y:String} ? $1 @z"
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_901_234, time.FixedZone("x", -5*3600))
	for _, tc := range []struct {
		name  string
		sql   string
		value any
		want  any // as the driver gives it
	}{
		{"string", "{v:String}", strange, strange},
		{"empty string", "{v:String}", "", ""},
		{"int", "{v:Int64}", -7, int64(-7)},
		{"uint64", "{v:UInt64}", uint64(math.MaxUint64), uint64(math.MaxUint64)},
		{"float", "{v:Float64}", -0.1, -0.1},
		{"true", "{v:Bool}", true, true},
		{"false", "{v:Bool}", false, false},
		{"time to the millisecond", "{v:DateTime64(3)}", at, at.UTC().Truncate(time.Millisecond)},
		{"a whole second", "{v:DateTime64(3)}", at.Truncate(time.Second), at.UTC().Truncate(time.Second)},
		{"time before 1970", "{v:DateTime64(3)}", time.Date(1969, 1, 1, 0, 0, 0, 5e6, time.UTC), time.Date(1969, 1, 1, 0, 0, 0, 5e6, time.UTC)},
		{"the epoch", "{v:DateTime64(3)}", time.Unix(0, 0).UTC(), time.Unix(0, 0).UTC()},
		{"a time of few digits in seconds", "{v:DateTime64(3)}", time.Unix(1999, 0).UTC(), time.Unix(1999, 0).UTC()},
		{"the first time", "{v:DateTime64(3)}", time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)},
		{"list", "{v:Array(String)}", []string{strange, "", "b"}, []string{strange, "", "b"}},
		{"empty list", "{v:Array(String)}", []string{}, []string{}},
		{"no list", "{v:Array(String)}", []string(nil), []string{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rows, err := s.Rows(t.Context(), "SELECT "+tc.sql+" AS v", map[string]any{"v": tc.value})
			if err != nil {
				t.Fatal(err)
			}
			got := reflect.New(reflect.TypeOf(tc.want))
			if !rows.Next() {
				t.Fatal(rows.Err())
			}
			if err := errors.Join(rows.Scan(got.Interface()), rows.Close()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got.Elem().Interface()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	var rows []struct{}
	for _, outside := range []time.Time{{}, time.Date(1899, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)} {
		err := s.Select(t.Context(), &rows, "SELECT {v:DateTime64(3)} AS v", map[string]any{"v": outside})
		if err == nil || !strings.Contains(err.Error(), "times from 1900 to 2299 are possible") {
			t.Errorf("%s: %v", outside, err)
		}
	}
	err := s.Select(t.Context(), &rows, "SELECT {v:String}", map[string]any{"v": []int{1}})
	if err == nil || !strings.Contains(err.Error(), "parameter v is a []int") {
		t.Errorf("a parameter of another type: %v", err)
	}
}

func TestSelectErrors(t *testing.T) {
	s := storetest.Open(t)
	var rows []struct {
		A string `ch:"a"`
	}
	var ex *clickhouse.Exception
	if err := s.Select(t.Context(), &rows, "SELECT a FROM nowhere", nil); !errors.As(err, &ex) || ex.Code != 60 ||
		!strings.Contains(err.Error(), "nowhere") {
		t.Errorf("an unknown table: %v", err)
	}
	if err := s.Select(t.Context(), &rows, "SELECT 'x' AS a, 'y' AS b", nil); err == nil ||
		!strings.Contains(err.Error(), "b") {
		t.Errorf("a column without a field: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := s.Select(ctx, &rows, "SELECT toString(sum(cityHash64(number) % 7)) AS a FROM numbers(1000000000000) GROUP "+
		"BY number % 3", nil)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 2*time.Second {
		t.Errorf("a query that takes too long: %v after %v", err, time.Since(began))
	}
}

func TestRowsIsReadOnly(t *testing.T) {
	s := storetest.Open(t)
	mustReplace(t, s)
	for _, sql := range []string{
		"INSERT INTO catalog_bindings VALUES ('a', 'b', 'c')", "DROP TABLE catalog_bindings", "ALTER TABLE catalog_bindings DELETE WHERE 1",
		"TRUNCATE TABLE catalog_bindings", "CREATE TABLE x (a UInt8) ENGINE = Memory", "SET readonly = 0", "SELECT 1 SETTINGS readonly = 0",
		"SELECT 1 INTO OUTFILE '" + t.TempDir() + "/x'", "SELECT * FROM file('/etc/passwd', 'LineAsString')", "SELECT file('/etc/passwd')",
		"SELECT * FROM url('http://127.0.0.1:1', 'TSV', 'a String')", "KILL QUERY WHERE 1", "SYSTEM FLUSH LOGS", "DROP DATABASE dx",
	} {
		rows, err := s.Rows(t.Context(), sql, nil)
		if err == nil {
			for rows.Next() {
			}
			err = errors.Join(rows.Err(), rows.Close())
		}
		var ex *clickhouse.Exception
		var forbidden *guard.ForbiddenError
		if !errors.As(err, &ex) && !errors.As(err, &forbidden) {
			t.Errorf("%s: %v", sql, err)
		}
	}
	for range 30 { // the connections are not read-only now
		mustReplace(t, s)
	}
}

func mustReplace(t *testing.T, s interface {
	Replace(context.Context, string, any) error
}) {
	t.Helper()
	if err := s.Replace(t.Context(), "bindings", bindings(1, "x")); err != nil {
		t.Fatal(err)
	}
}

func TestRowsNamesTheColumnsOfAnEmptyResult(t *testing.T) {
	s := storetest.Open(t)
	rows, err := s.Rows(
		t.Context(),
		"SELECT id, created_at, [1.5] AS list FROM deployments WHERE id = {id:String} -- none",
		map[string]any{"id": "x"},
	)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	if rows.Next() {
		t.Error("there is a row")
	}
	if got := rows.Columns(); !reflect.DeepEqual(got, []string{"id", "created_at", "list"}) {
		t.Errorf("columns %v", got)
	}
	if kinds := rows.ColumnTypes(); kinds[1].DatabaseTypeName() != "Nullable(DateTime64(3, 'UTC'))" {
		t.Errorf("created_at is a %s", kinds[1].DatabaseTypeName())
	}
}

func TestRowsClosedEarlyEndTheirQuery(t *testing.T) {
	s := storetest.Open(t)
	rows, err := s.Rows(t.Context(), "SELECT number FROM numbers(1000000000000)", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !rows.Next() {
		t.Fatal(rows.Err())
	}
	began := time.Now()
	if err := errors.Join(rows.Close(), rows.Close(), rows.Err()); err != nil || time.Since(began) > 2*time.Second {
		t.Errorf("closing took %v: %v", time.Since(began), err)
	}
	for deadline := time.Now().Add(5 * time.Second); number(t, s, "SELECT count() AS n FROM system.processes WHERE "+
		"query LIKE '%1000000000000%' AND query NOT LIKE '%system.processes%'") > 0; {
		if time.Now().After(deadline) {
			t.Fatal("the query still runs")
		}
	}
}

func TestRowsTellLateErrors(t *testing.T) {
	s := storetest.Open(t)
	rows, err := s.Rows(t.Context(), "SELECT number, throwIf(number = 800000) FROM numbers(900000)", nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for rows.Next() {
		n++
	}
	var ex *clickhouse.Exception
	if !errors.As(rows.Err(), &ex) || ex.Code != 395 || n == 0 {
		t.Errorf("after %d rows: %v", n, rows.Err())
	}
	if err := rows.Close(); err != nil {
		t.Error(err)
	}
}

func TestCheckpoints(t *testing.T) {
	s := storetest.Open(t)
	load := func(stream string) string {
		t.Helper()
		doc, err := s.LoadCheckpoint(t.Context(), "gh", "Org/Repo", stream)
		if err != nil {
			t.Fatal(err)
		}
		return string(doc)
	}
	if doc, err := s.LoadCheckpoint(t.Context(), "gh", "Org/Repo", "runs"); doc != nil || err != nil {
		t.Errorf("a checkpoint that is not there: %q, %v", doc, err)
	}
	for _, doc := range []string{`{"a":1}`, "\x00\xff", `{"etags":"` + strings.Repeat("x", 1<<20) + `"}`, ""} {
		if err := s.SaveCheckpoint(t.Context(), "gh", "Org/Repo", "runs", []byte(doc)); err != nil {
			t.Fatal(err)
		}
		if got := load("runs"); got != doc {
			t.Errorf("%d bytes came back of %d", len(got), len(doc))
		}
	}
	if got := load("jobs"); got != "" {
		t.Errorf("another stream has %q", got)
	}
}
