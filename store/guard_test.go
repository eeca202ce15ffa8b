package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/dxctl/dxctl/migrations"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/guard"
	"github.com/dxctl/dxctl/store/storetest"
)

// query runs a reader's query to its end and returns everything that it answered as text.
func query(t *testing.T, s *store.Store, sql string) (string, error) {
	t.Helper()
	rows, err := s.Rows(t.Context(), sql, nil)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for rows.Next() {
		dest := make([]any, len(rows.ColumnTypes()))
		for i := range dest {
			dest[i] = new(any)
		}
		if err := rows.Scan(dest...); err != nil {
			text.WriteString(err.Error())
			continue
		}
		for _, d := range dest {
			fmt.Fprintf(&text, "%v\t", *d.(*any))
		}
	}
	return text.String(), errors.Join(rows.Err(), rows.Close())
}

func TestReadersCannotLeaveTheStore(t *testing.T) {
	s := storetest.Open(t)
	secret := filepath.Join(t.TempDir(), "secret.txt")
	if err := os.WriteFile(secret, []byte("the-secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out.txt")
	for _, sql := range []string{
		// Views that hide it.
		"CREATE VIEW hidden AS SELECT file('" + secret + "') AS x",
		"CREATE VIEW hidden_by_name AS SELECT arrayMap(file, ['" + secret + "']) AS x",
		"CREATE VIEW hidden_deeper AS SELECT * FROM hidden",
	} {
		mustExec(t, s, sql)
	}
	refused := []string{
		// By a call, however it is written.
		"SELECT file('%s')",
		"SELECT `file`('%s')",
		`SELECT "file" /* x */ ('%s')`,
		"SELECT '%s' AS f, file(f)",
		"WITH file('%s') AS f SELECT f",
		"SELECT arrayMap(x -> file(x), ['%s'])",
		"SELECT (SELECT file('%s'))",
		"SELECT 1 WHERE file('%s') != ''",
		"SELECT 1 ORDER BY file('%s')",
		"SELECT count() GROUP BY file('%s')",
		"SELECT 1 HAVING file('%s') != ''",
		"SELECT 1 LIMIT length(file('%s'))",
		"SELECT sum(1) OVER (ORDER BY file('%s'))",
		"SELECT * REPLACE (file(a) AS a) FROM (SELECT '%s' AS a)",
		"SELECT quantile(length(file('%s')))(1)",
		"SELECT if(0, file('%s'), '')",
		"SELECT 1 UNION ALL SELECT length(file('%s'))",
		"SELECT 1 EXCEPT SELECT length(file('%s'))",
		"SELECT 1 AS x ORDER BY x WITH FILL INTERPOLATE (x AS length(file('%s')))",
		"EXPLAIN SELECT file('%s')",
		"EXPLAIN QUERY TREE SELECT file('%s')",
		"SELECT * FROM (EXPLAIN actions = 1 SELECT " +
			"file('%s'))",
		"DESCRIBE (SELECT file('%s'))",
		"SELECT * FROM view(SELECT file('%s'))",
		"SELECT * FROM viewExplain('EXPLAIN', '', (SELECT file('%s')))",
		// By its name.
		"SELECT arrayMap(file, ['%s'])",
		"SELECT arrayMap(`file`, ['%s'])[1]",
		"SELECT arrayFilter(file, ['%s'])",
		"SELECT (SELECT arrayMap(file, ['%s']))",
		"SELECT 1 WHERE 'x' IN (SELECT arrayJoin(arrayMap(file, ['%s'])))",
		"WITH (SELECT arrayMap(file, ['%s'])) AS f " +
			"SELECT f",
		"SELECT arrayMap(file, ['%s']) FROM (SELECT 1 AS file2)",
		"SELECT (SELECT arrayMap(file, ['%s'])), 1 AS file",
		"SELECT mapApply(file, map('a', '%s'))",
		"EXPLAIN actions = 1 SELECT arrayMap(file, ['%s'])",
		"SELECT * FROM (EXPLAIN actions = 1 SELECT arrayMap(file, " +
			"['%s']))",
		"SELECT arrayFold(file, ['%s'], '')",
		"SELECT arraySort(file, ['%s'])",
		"SELECT * APPLY(file) FROM (SELECT '%s' AS x)",
		"SELECT * APPLY file FROM (SELECT '%s')",
		"SELECT COLUMNS('x') APPLY(file) FROM (SELECT '%s' AS x)",
		"SELECT * APPLY(y -> file(y)) FROM (SELECT '%s' AS x)",
		// Through views.
		"SELECT * FROM hidden",
		"SELECT * FROM hidden_by_name",
		"SELECT * FROM hidden_deeper",
		"WITH v AS (SELECT * FROM " +
			"hidden) SELECT * FROM v",
		"SELECT 1 IN hidden",
		// Table functions and tables that are files.
		"SELECT * FROM file('%s', 'LineAsString')",
		"SELECT * FROM default.`%s`",
		"SELECT * FROM eval('SELECT 1')",
		"SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
		"SELECT * FROM s3('http://127.0.0.1:1/b/x', 'TSV', 'a String')",
		"SELECT * FROM remote('127.0.0.1', system.one)",
		"SELECT * FROM executable('x', 'TSV', 'a String')",
		"SELECT * FROM cluster('default', system.one)",
		"SELECT * FROM merge('system', 'users')",
		"SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
		"SELECT * FROM sqlite('/tmp/x', 'y')",
		"SELECT * FROM dictionary('x')",
		"SELECT * FROM mergeTreeIndex(currentDatabase(), 'raw_changes')",
		"SELECT * FROM input('a String')",
		// Functions that reach out of the query.
		"SELECT dictGet('d', 'a', 1)",
		"SELECT joinGet('a', 'b', 1)",
		"SELECT hasColumnInTable('127.0.0.1:9000', 'u', " +
			"'p', 'd', 't', 'c')",
		"SELECT catboostEvaluate('/x', 1)",
		"SELECT evalMLMethod(1, 2)",
		"SELECT aiGenerate('x')",
		"SELECT getSetting('max_threads')",
		"SELECT getServerSetting('max_server_memory_usage')",
		"SELECT getMacro('x')",
		"SELECT getClientHTTPHeader('Authorization')",
		"SELECT showCertificate()",
		"SELECT sleep(3)",
		"SELECT sleepEachRow(1) FROM numbers(3)",
		"SELECT logTrace('x')",
		"SELECT addressToLine(1)",
		"SELECT hostName()",
		"SELECT filesystemAvailable()",
		"SELECT structureToCapnProtoSchema('a String')",
		"SELECT regionToName(1)",
		"SELECT FQDN()",
		"SELECT fqdn()",
		"SELECT arrayMap(hostName, [1])",
		"SELECT arrayMap(getSetting, ['max_threads'])",
		"SELECT no_such_function(1)",
		// Tables of the server.
		"SELECT * FROM system.processes",
		"SELECT * FROM system.users",
		"SELECT * FROM system.named_collections",
		"SELECT * FROM system.server_settings",
		"SELECT * FROM `system`.`stack_trace`",
		"SELECT 1 IN system.users",
		"SELECT * FROM (SELECT * FROM system.quotas)",
		"WITH p AS (SELECT * FROM " +
			"system.processes) SELECT * FROM p",
		"SHOW PROCESSLIST",
		"SHOW GRANTS",
		"SHOW ACCESS",
		"SHOW USERS",
		"SELECT * FROM one, system.certificates",
		"DESCRIBE system.users",
		"EXPLAIN SELECT * FROM system.users",
		"SHOW CREATE TABLE system.users",
		"CHECK TABLE system.users",
		// Changes, several statements, files that are written, limits that are lifted.
		"DROP TABLE raw_changes",
		"INSERT INTO checkpoints SELECT * FROM checkpoints",
		"INSERT INTO FUNCTION file('" + out + "', 'TSV') SELECT 1",
		"SELECT 1; SELECT 2",
		"SELECT 1; DROP TABLE raw_changes",
		"SELECT 1 INTO OUTFILE '" + out + "'",
		"(SELECT 1) INTO OUTFILE '" + out + "' FORMAT TSV",
		"INSERT INTO checkpoints FROM INFILE '%s' FORMAT CSV",
		"SELECT 1 SETTINGS readonly = 0",
		"SELECT 1 SETTINGS max_memory_usage = 0",
		"SELECT 1 SETTINGS max_execution_time = 0",
		"SELECT * FROM (SELECT 1 SETTINGS max_result_rows = 0)",
		"SET max_memory_usage = 0",
		"KILL QUERY WHERE 1",
		"SYSTEM FLUSH LOGS",
		"BACKUP DATABASE default TO File('" + out + "')",
		"CREATE FUNCTION f AS (x) -> x",
		"EXPLAIN AST DROP TABLE x; SELECT 1",
	}
	for _, sql := range refused {
		sql = strings.ReplaceAll(sql, "%s", secret)
		answer, err := query(t, s, sql)
		var forbidden *guard.ForbiddenError
		var ex *clickhouse.Exception
		if !errors.As(err, &forbidden) && !errors.As(err, &ex) {
			t.Errorf("%s: was not refused (%v): %s", sql, err, answer)
		}
		if strings.Contains(answer, "the-secret") || err != nil && strings.Contains(err.Error(), "the-secret") {
			t.Errorf("%s: shows the file: %s %v", sql, answer, err)
		}
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("a file was written (%v)", err)
	}
}

func TestReadersCanReadTheStore(t *testing.T) {
	s := storetest.Open(t)
	allowed := []string{
		"SELECT 1",
		"SELECT 1;",
		"-- words\nSELECT 1",
		"/* a */ (SELECT 1)",
		"FROM deployments SELECT count()",
		"SELECT 'file(x)' AS file, upper(file)",
		"SELECT file FROM (SELECT 1 AS file)",
		"SELECT file, count(file), max(length(file)) FROM (SELECT id AS file FROM " +
			"deployments) GROUP BY file",
		"WITH f AS (SELECT 'a' AS file) SELECT upper(file) FROM f",
		"SELECT arrayMap(x -> concat(x, file), ['a']) FROM " +
			"(SELECT 'b' AS file)",
		"SELECT arrayMap(upper, ['a'])",
		"SELECT service, sumIf(1, status = 'succeeded'), quantilesExactIf(0.5, " +
			"0.9)(attempt, 1), uniqOrNull(id), anyLastOrDefaultIf(id, bot) FROM deployments GROUP BY ALL",
		"SELECT toStartOfWeek(created_at) AS w, COUNT(*), Count(DISTINCT id) FROM pipeline_runs WHERE created_at > now() " +
			"- INTERVAL 30 DAY GROUP BY w ORDER BY w WITH FILL",
		"SELECT *, row_number() OVER (PARTITION BY service ORDER BY created_at) AS n FROM deployments QUALIFY n = 1",
		"SELECT CASE WHEN 1 THEN 'a' ELSE 'b' END, CAST('1' AS UInt8), 1::String, [1, 2][1], (1, 'a').2",
		"SELECT number FROM numbers(3) WHERE number IN (1, 2) AND number NOT IN (SELECT 3) AND number BETWEEN 0 AND 9",
		"SELECT * FROM generate_series(1, 3)",
		"SELECT * FROM VALUES('a UInt8', 1, 2)",
		"SELECT 1 UNION ALL SELECT 2",
		"SELECT 1 INTERSECT SELECT 1",
		"SELECT d.id, c.id FROM deployments AS d LEFT JOIN " +
			"changes AS c ON c.service = d.service",
		"SELECT id FROM deployments LIMIT 1 BY service",
		"SELECT * EXCEPT (url) FROM incidents",
		"SELECT JSONExtractString('{\"a\":1}', 'a'), extractAll('ab', '.'), " +
			"splitByChar(',', 'a,b'), dateDiff('day', now(), now())",
		"SELECT number, grouping(number) FROM numbers(1) GROUP " +
			"BY number",
		"SELECT path, rows FROM system.parts",
		"SELECT table, reason FROM system.detached_parts",
		"SELECT name FROM system.columns WHERE table = 'deployments'",
		"SELECT table_name FROM information_schema.tables LIMIT 1",
		"SHOW TABLES",
		"SHOW DATABASES",
		"SHOW COLUMNS FROM deployments",
		"SHOW CREATE TABLE raw_deployments",
		"DESCRIBE deployments",
		"DESCRIBE (SELECT 1)",
		"EXISTS TABLE deployments",
		"EXPLAIN SELECT count() FROM deployments",
		"EXPLAIN PIPELINE SELECT 1",
		"SELECT version(), currentDatabase(), timezone()",
		"SELECT id FROM raw_deployments FINAL",
		"SELECT count(version), max(version), any(user) FROM (SELECT version, actor AS user FROM deployments)",
		"SELECT 1 WHERE EXISTS (SELECT 1)",
		"SELECT groupArray((id, attempt)) FROM deployments",
		"SELECT NOT (1 = 2 OR 3 > 4) AND -1 < +2 AND NULL IS NULL",
		"SELECT toDateTime64('2026-01-01 00:00:00', 3, 'UTC') AT TIME ZONE 'Europe/Berlin'",
	}
	for _, o := range migrations.Objects() {
		allowed = append(allowed, "SELECT * FROM "+o.Name)
	}
	for _, sql := range allowed {
		if _, err := query(t, s, sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// No column of ours has a name that is taken for a function.
func TestColumnsAreNoSuspects(t *testing.T) {
	s := storetest.Open(t)
	for _, o := range migrations.Objects() {
		var columns []struct {
			Name string `ch:"name"`
		}
		if err := s.Select(t.Context(), &columns, "SELECT name FROM system.columns WHERE database = currentDatabase() AND "+
			"table = {t:String}", map[string]any{"t": o.Name}); err != nil {
			t.Fatal(err)
		}
		names := make([]string, len(columns))
		for i, c := range columns {
			names[i] = "toTypeName(" + c.Name + ")"
		}
		if _, err := query(t, s, "EXPLAIN SELECT "+strings.Join(names, ", ")+" FROM "+o.Name); err != nil {
			t.Errorf("%s: %v", o.Name, err)
		}
	}
}

func TestLimits(t *testing.T) {
	limits := guard.Limits{MemoryMiB: 200, Time: time.Second, Threads: 1, ResultRows: 1000, ResultMiB: 1}
	s, err := store.Open(
		t.Context(),
		store.Config{DSN: "embedded:shared?database=limited", Limits: limits},
		store.Options{Engine: storetest.Engine(t)},
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Drop(t.Context()), s.Close()); err != nil && !strings.Contains(err.Error(), "canceled") {
			t.Error(err)
		}
	})
	for sql, setting := range map[string]string{
		"SELECT toString(length(groupArray(repeat('x', 1000000 + number % 2)))) AS x FROM numbers(100000)": "store.limits.memory_mib",
		"SELECT toString(sum(cityHash64(number))) AS x FROM numbers(1000000000000)":                        "store.limits.time",
		"SELECT toString(number) AS x FROM numbers(1001)":                                                  "store.limits.result_rows",
		"SELECT repeat(toString(number), 100000) AS x FROM numbers(100)":                                   "store.limits.result_mib",
	} {
		_, err := query(t, s, sql)
		var limit *guard.LimitError
		if !errors.As(err, &limit) || !strings.Contains(limit.Setting, setting) || !strings.Contains(err.Error(), "dx.yaml") {
			t.Errorf("%s: %v, want the limit %s", sql, err, setting)
		}
		var rows []struct {
			X string `ch:"x"`
		}
		if err := s.Reader().
			Select(t.Context(), &rows, sql, nil); !errors.As(err, &limit) ||
			!strings.Contains(limit.Setting, setting) {
			t.Errorf("a page's %s: %v, want the limit %s", sql, err, setting)
		}
	}
	if _, err := query(t, s, "SELECT number FROM numbers(1000)"); err != nil {
		t.Errorf("what is within the limits: %v", err)
	}
}
