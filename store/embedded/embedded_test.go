package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/dxctl/dxctl/store/embedded"
)

// The tests of this process share one engine: the library opens one data directory in a process.
var shared struct {
	sync.Mutex
	engine *embedded.Engine
	dir    string
}

// open returns the shared engine and the driver over it.
func open(t testing.TB) (*embedded.Engine, driver.Conn) {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.engine == nil {
		dir, err := os.MkdirTemp("", "dxctl-embedded-test-*")
		if err != nil {
			t.Fatal(err)
		}
		shared.dir = dir
		if err := os.Chmod(dir, 0o777); err != nil { // Open must close it to others
			t.Fatal(err)
		}
		if shared.engine, err = embedded.Open(t.Context(), embedded.Options{Path: dir, Program: "go test"}); err != nil {
			t.Fatalf("these tests need the embedded ClickHouse; run \"make engine\" first: %v", err)
		}
	}
	db, err := connectTo(shared.engine)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return shared.engine, db
}

func closeShared() error {
	if shared.engine == nil {
		return nil
	}
	return errors.Join(shared.engine.Close(), os.RemoveAll(shared.dir))
}

// table makes a table that the test's end drops.
func table(t testing.TB, db driver.Conn, name, columns string) string {
	t.Helper()
	name = "default." + name
	mustExec(t, db, "CREATE TABLE "+name+" ("+columns+") ENGINE = MergeTree ORDER BY tuple()")
	t.Cleanup(func() { mustExec(t, db, "DROP TABLE "+name+" SYNC") })
	return name
}

func mustExec(t testing.TB, db driver.Conn, sql string) {
	t.Helper()
	if err := db.Exec(context.Background(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func count(t testing.TB, db driver.Conn, from string) (n uint64) {
	t.Helper()
	if err := db.QueryRow(context.Background(), "SELECT count() FROM "+from).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestVersionAndClock(t *testing.T) {
	e, db := open(t)
	v, err := db.ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Version(); !strings.HasPrefix(got, fmt.Sprintf("%d.%d.", v.Version.Major, v.Version.Minor)) {
		t.Errorf("the driver sees %v, the engine is %s", v.Version, got)
	}
	var zone string
	if err := db.QueryRow(t.Context(), "SELECT timezone()").Scan(&zone); err != nil || zone != "UTC" {
		t.Errorf("the time zone is %q (%v), want UTC wherever this runs", zone, err)
	}
}

// The engine would refuse to start when more than 100 parts of a table are damaged, unless it is told otherwise. The
// table of migrations alone has more.
func TestDamagedPartsDoNotKeepTheEngineFromStarting(t *testing.T) {
	_, db := open(t)
	var value string
	const sql = "SELECT value FROM system.merge_tree_settings WHERE name = {name:String}"
	for _, name := range []string{"max_suspicious_broken_parts", "max_suspicious_broken_parts_bytes"} {
		if err := db.QueryRow(t.Context(), sql, clickhouse.Named("name", name)).Scan(&value); err != nil {
			t.Fatal(err)
		}
		if n, err := strconv.ParseUint(value, 10, 64); err != nil || n < 1_000_000_000 {
			t.Errorf("%s is %s", name, value)
		}
	}
}

func TestEveryByteComesBack(t *testing.T) {
	_, db := open(t)
	name := table(t, db, "bytes", "n UInt32, s String")
	var all strings.Builder
	for b := range 256 {
		all.WriteByte(byte(b))
	}
	values := []string{
		"",
		"\x00",
		all.String(),
		"a;b'c\"d`e\\f\n\r\t",
		"--",
		"FORMAT Native",
		"\xff\xfe",
		strings.Repeat("x", 3<<20),
		"日本語",
	}
	batch, err := db.PrepareBatch(t.Context(), "INSERT INTO "+name)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		if err := batch.Append(uint32(i), v); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		N uint32 `ch:"n"`
		S string `ch:"s"`
	}
	if err := db.Select(t.Context(), &rows, "SELECT n, s FROM "+name+" ORDER BY n"); err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(values) {
		t.Fatalf("%d rows came back of %d", len(rows), len(values))
	}
	for i, v := range values {
		if rows[i].S != v {
			t.Errorf("value %d: %d bytes came back of %d, or other ones", i, len(rows[i].S), len(v))
		}
		var got string
		if err := db.QueryRow(t.Context(), "SELECT {v:String}", clickhouse.Named("v", v)).Scan(&got); err != nil || got != v {
			t.Errorf("value %d as a parameter: %d bytes came back of %d: %v", i, len(got), len(v), err)
		}
	}
}

func TestErrorsKeepCodeAndText(t *testing.T) {
	_, db := open(t)
	for _, tc := range []struct {
		name, sql string
		code      int32
		text      string
	}{
		{"unknown table", "SELECT * FROM nowhere", 60, "nowhere"},
		{"syntax", "SELEC 1", 62, "Syntax error"},
		{"unknown function", "SELECT nofunction(1)", 46, "nofunction"},
		{"before the first row", "SELECT throwIf(1, 'my words')", 395, "my words"},
		{"after a million rows", "SELECT number, throwIf(number = 1500000, 'late words') FROM numbers(2000000) SETTINGS " +
			"max_block_size = 1000", 395, "late words"},
		{"missing parameter", "SELECT {x:String}", 456, "x"},
		{"two statements", "SELECT 1; SELECT 2", 62, "one statement"},
		{"a statement without rows", "DROP TABLE nowhere", 60, "nowhere"},
		{"max_execution_time", "SELECT sum(sleepEachRow(0.01)) FROM numbers(1000) SETTINGS max_execution_time = 0.1, " +
			"max_block_size = 1, function_sleep_max_microseconds_per_block = 100000000", 159, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := drain(t.Context(), db, tc.sql)
			var ex *clickhouse.Exception
			if !errors.As(err, &ex) {
				t.Fatalf("got %v, want a *clickhouse.Exception", err)
			}
			if ex.Code != tc.code || !strings.Contains(ex.Message, tc.text) {
				t.Errorf("got code %d, text %q; want %d and %q", ex.Code, ex.Message, tc.code, tc.text)
			}
		})
	}
	if err := drain(t.Context(), db, "SELECT 1"); err != nil {
		t.Errorf("after the errors: %v", err)
	}
}

// drain reads all rows of a query.
func drain(ctx context.Context, db driver.Conn, sql string) error {
	rows, err := db.Query(ctx, sql)
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return errors.Join(rows.Err(), rows.Close())
}

func TestSettingsEndWithTheirQuery(t *testing.T) {
	_, db := open(t)
	one := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"max_block_size": 7}))
	setting := func(ctx context.Context) (n uint64) {
		t.Helper()
		if err := db.QueryRow(ctx, "SELECT toUInt64(getSetting('max_block_size'))").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	usual := setting(t.Context())
	if got := setting(one); got != 7 {
		t.Errorf("with the setting: %d, want 7", got)
	}
	mustExec(t, db, "SET max_block_size = 9")
	for range 20 {
		if got := setting(t.Context()); got != usual {
			t.Fatalf("a later query has max_block_size %d, want %d", got, usual)
		}
	}
	unknown := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"no_such_setting": 1}))
	var ex *clickhouse.Exception
	if err := db.Exec(unknown, "SELECT 1"); !errors.As(err, &ex) || ex.Code != 115 {
		t.Errorf("an unknown setting: %v, want code 115", err)
	}
}

func TestReadonly(t *testing.T) {
	_, db := open(t)
	name := table(t, db, "guarded", "a UInt8")
	mustExec(t, db, "INSERT INTO "+name+" VALUES (1)")
	out := t.TempDir() + "/out.txt"
	ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"readonly": 1}))
	for _, sql := range []string{
		"INSERT INTO " + name + " VALUES (2)", "INSERT INTO " + name + " SELECT 2", "DROP TABLE " + name, "TRUNCATE TABLE " + name,
		"ALTER TABLE " + name + " ADD COLUMN b UInt8", "ALTER TABLE " + name + " DELETE WHERE 1", "DELETE FROM " + name + " WHERE 1",
		"CREATE TABLE default.other (a UInt8) ENGINE = Memory", "CREATE TEMPORARY TABLE other (a UInt8)", "RENAME TABLE " + name + " TO default.z",
		"OPTIMIZE TABLE " + name,
		"DETACH TABLE " + name, "SYSTEM FLUSH LOGS", "SYSTEM SHUTDOWN", "KILL QUERY WHERE 1", "SET max_threads = 1", "SET readonly = 0", "USE system",
		"SELECT 1 SETTINGS readonly = 0", "SELECT 1 SETTINGS max_threads = 1", "SELECT 1; DROP TABLE " + name,
		"SELECT 1 INTO OUTFILE '" + out + "'", "SELECT * FROM " + name + " INTO OUTFILE '" + out + "' FORMAT TSV", "(SELECT 1) INTO OUTFILE '" + out + "'",
		"INSERT INTO FUNCTION file('" + out + "', 'TSV') SELECT 1", "INSERT INTO " + name + " FROM INFILE '/etc/passwd' " +
			"FORMAT LineAsString",
		"SELECT * FROM file('/etc/passwd', 'LineAsString')", "SELECT * FROM default.`/etc/passwd`", "SELECT * FROM `default`.`/etc/hosts`",
		"SELECT file('/etc/passwd')", "SELECT `file`('/etc/passwd')", "SELECT FILE('/etc/passwd')", "SELECT \"file\" /* x */ ('/etc/passwd')",
		"SELECT '/etc/passwd' AS f, file(f)", "SELECT arrayMap(x -> file(x), ['/etc/passwd'])", "SELECT * APPLY file FROM (SELECT '/etc/passwd')", "SELECT * APPLY(x -> file(x)) FROM (SELECT '/etc/passwd')",
		"SELECT COLUMNS('.*') APPLY(file) FROM (SELECT '/etc/passwd' AS x)", "SELECT 1 WHERE file('/etc/passwd') != ''", "WITH file('/etc/passwd') AS f SELECT f", "EXPLAIN SELECT file('/etc/passwd')",
		"SELECT 1 UNION ALL SELECT length(file('/etc/passwd'))", "SELECT (SELECT file('/etc/passwd'))", "DESCRIBE (SELECT * FROM file('/etc/passwd'))",
		"SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')", "SELECT * FROM remote('127.0.0.1', system.one)", "SELECT * FROM executable('x', 'TSV', 'a String')",
		"SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')", "SELECT * FROM s3('http://127.0.0.1:1/bucket/x', 'TSV', " +
			"'a String')", "SELECT * FROM sqlite('/tmp/x', 'y')",
		"BACKUP DATABASE default TO File('" + out + "')", "CREATE FUNCTION f AS (x) -> x", "GRANT ALL ON *.* TO default", "CREATE USER u",
	} {
		if err := drain(ctx, db, sql); err == nil {
			t.Errorf("%s: was not refused", sql)
		}
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("a file was written (%v)", err)
	}
	for _, sql := range []string{
		"SELECT * FROM " + name, "WITH 1 AS x SELECT x", "(SELECT 1)", "-- words\nSELECT 1", "/* a */ SELECT 1", "SHOW TABLES FROM default", "DESCRIBE " + name, "EXPLAIN SELECT 1",
		"EXISTS TABLE " + name, "SELECT 1;", "SELECT 'file(x)' AS file", "SELECT file FROM (SELECT 1 AS file)", "SHOW CREATE TABLE " + name, "SELECT 1 UNION ALL SELECT 2", "SELECT count() FROM system.tables",
	} {
		if err := drain(ctx, db, sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
	for range 20 { // readonly must not stay on a connection
		mustExec(t, db, "INSERT INTO "+name+" VALUES (3)")
	}
	if got := count(t, db, name); got != 21 {
		t.Errorf("%d rows, want 21", got)
	}
}

func TestLargeResultIsNotHeldInMemory(t *testing.T) {
	_, db := open(t)
	before := residentKB(t)
	rows, err := db.Query(t.Context(), "SELECT number, toString(cityHash64(number)) AS s, repeat('x', 100) AS pad FROM "+
		"numbers(3000000)")
	if err != nil {
		t.Fatal(err)
	}
	var n, sum, peak uint64
	for rows.Next() {
		var number uint64
		var s, pad string
		if err := rows.Scan(&number, &s, &pad); err != nil {
			t.Fatal(err)
		}
		n++
		sum += number
		if n%100_000 == 0 {
			peak = max(peak, residentKB(t))
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
	if n != 3_000_000 || sum != 3_000_000*2_999_999/2 {
		t.Errorf("%d rows with sum %d came", n, sum)
	}
	if grown := int64(peak) - int64(before); grown > 200<<10 {
		t.Errorf("the process grew by %d MB for a result of about 400 MB", grown>>10)
	}
	t.Logf("grew from %d to at most %d MB", before>>10, peak>>10)
}

// residentKB returns the memory of this process.
func residentKB(t *testing.T) uint64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0 // not Linux: the test then only checks the rows
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	var kb uint64
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		t.Fatal(err)
	}
	return kb
}

func TestQueriesRunSideBySide(t *testing.T) {
	_, db := open(t)
	began := time.Now()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			var n uint64
			err := db.QueryRow(t.Context(), "SELECT {i:UInt64} + sleep(1)", clickhouse.Named("i", i)).Scan(&n)
			if err != nil || n != uint64(i) {
				t.Errorf("query %d: %d, %v", i, n, err)
			}
		})
	}
	wg.Wait()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("8 queries of 1 s took %v; they ran one after the other", took)
	}
}

func TestManyQueriesAtOnce(t *testing.T) {
	_, db := open(t)
	name := table(t, db, "busy", "a UInt64")
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 25 {
				batch, err := db.PrepareBatch(t.Context(), "INSERT INTO "+name)
				if err == nil {
					err = errors.Join(batch.Append(uint64(w*1000+i)), batch.Send())
				}
				var n uint64
				if err == nil {
					err = db.QueryRow(t.Context(), "SELECT count() FROM "+name+" WHERE a = {a:UInt64}", clickhouse.Named("a", w*1000+i)).
						Scan(&n)
				}
				if err != nil || n != 1 {
					t.Errorf("worker %d row %d: %d, %v", w, i, n, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if got := count(t, db, name); got != 200 {
		t.Errorf("%d rows, want 200", got)
	}
}

func TestCancellation(t *testing.T) {
	_, db := open(t)
	for _, tc := range []struct{ name, sql string }{
		{"an aggregate that gives nothing before its end", "SELECT sum(cityHash64(number) % 7) FROM " +
			"numbers(1000000000000) GROUP BY number % 3"},
		{"a stream of rows", "SELECT number FROM numbers(1000000000000)"},
		{"sleeping", "SELECT sum(sleepEachRow(0.05)) FROM numbers(100000) SETTINGS max_block_size = 1, " +
			"function_sleep_max_microseconds_per_block = 100000000"},
		{"a statement without rows", "INSERT INTO FUNCTION null('n UInt64') SELECT sum(number) FROM " +
			"numbers(1000000000000) GROUP BY number % 3"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			began := time.Now()
			err := drain(ctx, db, tc.sql)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want the context's error", err)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("it took %v to return", took)
			}
			waitForQuiet(t, db)
		})
	}
}

// waitForQuiet waits until no statement but its own runs.
func waitForQuiet(t *testing.T, db driver.Conn) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		n := count(t, db, "system.processes WHERE query NOT LIKE '%system.processes%'")
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			var sql []string
			_ = db.QueryRow(t.Context(), "SELECT groupArray(query) FROM system.processes WHERE query NOT LIKE "+
				"'%system.processes%'").Scan(&sql)
			t.Fatalf("%d statements still run 5 s after their context ended: %q", n, sql)
		}
	}
}

func TestForgottenBodyIsFreed(t *testing.T) {
	e, db := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(
		ctx,
		http.MethodPost,
		"http://embedded/",
		strings.NewReader("SELECT number FROM numbers(1000000000000)"),
	)
	if err != nil {
		t.Fatal(err)
	}
	res, err := e.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	waitForQuiet(t, db)
	if _, err := io.ReadAll(res.Body); !errors.Is(err, context.Canceled) {
		t.Errorf("reading on gave %v", err)
	}
}

func TestInsertThatBreaksOffStoresNothing(t *testing.T) {
	e, db := open(t)
	name := table(t, db, "broken", "a UInt64, s String")
	for _, tc := range []struct {
		name string
		body io.Reader
	}{
		{"the client goes away", io.MultiReader(strings.NewReader("1\tx\n2\ty\n"), failing{})},
		{"a row that does not parse", strings.NewReader("1\tx\nnumber\ty\n")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(
				t.Context(),
				http.MethodPost,
				"http://embedded/?query=INSERT+INTO+"+name+"+FORMAT+TSV",
				tc.body,
			)
			if err != nil {
				t.Fatal(err)
			}
			res, err := e.RoundTrip(req)
			if err == nil {
				if res.StatusCode == http.StatusOK {
					t.Error("it was accepted")
				}
				_ = res.Body.Close()
			}
			if got := count(t, db, name); got != 0 {
				t.Errorf("%d rows were stored", got)
			}
		})
	}
	mustExec(t, db, "INSERT INTO "+name+" VALUES (1, 'x')") // the connection still works
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the line broke") }

func TestTypesOfParameters(t *testing.T) {
	_, db := open(t)
	at := time.Date(2026, 11, 22, 20, 15, 3, 456e6, time.UTC)
	var s string
	var f float64
	var b bool
	var got time.Time
	var list []string
	err := db.QueryRow(
		t.Context(),
		"SELECT {s:String}, {f:Float64}, {b:Bool}, {t:DateTime64(3)}, {l:Array(String)}",
		clickhouse.Named(
			"s",
			`it's "x"\n`,
		),
		clickhouse.Named("f", math.Pi),
		clickhouse.Named("b", true),
		clickhouse.Named("t", at),
		clickhouse.Named("l", []string{"a'b", `c\d`, "", "e\nf"}),
	).Scan(&s, &f, &b, &got, &list)
	if err != nil {
		t.Fatal(err)
	}
	if s != `it's "x"\n` || f != math.Pi || !b || !got.Equal(at) || fmt.Sprintf("%q", list) != `["a'b" "c\\d" "" "e\nf"]` {
		t.Errorf("got %q %v %v %v %q", s, f, b, got, list)
	}
}

func TestOneDirectoryAProcess(t *testing.T) {
	open(t)
	_, err := embedded.Open(t.Context(), embedded.Options{Path: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "another data directory open") {
		t.Errorf("a second directory in one process: %v", err)
	}
}
