package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

// deploymentsFrom returns n deployments with ids from first on.
func deploymentsFrom(first, n int) []event.Event {
	events := make([]event.Event, n)
	for i := range events {
		events[i] = event.Deployment{
			Origin:    origin(fmt.Sprint(first + i)),
			Attempt:   1,
			Status:    event.Succeeded,
			CreatedAt: noon,
		}
	}
	return events
}

func mustExec(t *testing.T, s *store.Store, sql string) {
	t.Helper()
	if err := s.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// losses looks for losses and returns them by table.
func losses(t *testing.T, s *store.Store) map[string]store.Loss {
	t.Helper()
	found, err := s.Losses(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byTable := map[string]store.Loss{}
	for _, l := range found {
		byTable[l.Table] = l
	}
	return byTable
}

func noLosses(t *testing.T, s *store.Store, after string) {
	t.Helper()
	if found := losses(t, s); len(found) > 0 {
		t.Errorf("after %s these are lost: %v", after, found)
	}
}

func TestNothingIsLostInOrdinaryLife(t *testing.T) {
	s := storetest.Open(t)
	noLosses(t, s, "the migrations")
	for i := range 12 {
		mustAppend(t, s, deploymentsFrom(i*5, 10)...)
		if i%4 == 0 {
			noLosses(t, s, "an insert")
		}
	}
	noLosses(t, s, "inserts")
	mustExec(t, s, "OPTIMIZE TABLE raw_deployments FINAL")
	noLosses(t, s, "a merge that drops older observations")
	mustExec(t, s, "ALTER TABLE raw_deployments UPDATE url = 'x' WHERE 1 SETTINGS mutations_sync = 2")
	noLosses(t, s, "a mutation")
	mustReplace(t, s)
	mustReplace(t, s)
	noLosses(t, s, "tables of the catalog were replaced")
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	noLosses(t, s, "migrating again")
	if err := s.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	noLosses(t, s, "clearing")
	mustAppend(t, s, deploymentsFrom(0, 10)...)
	noLosses(t, s, "an insert into cleared tables")
	mustExec(t, s, "DETACH TABLE raw_deployments")
	mustExec(t, s, "ATTACH TABLE raw_deployments")
	noLosses(t, s, "a table was detached and attached")
}

func TestLostPart(t *testing.T) {
	s := storetest.Open(t)
	mustExec(t, s, "SYSTEM STOP MERGES raw_deployments") // a merge would give the parts other names
	mustAppend(t, s, deploymentsFrom(0, 50)...)
	noLosses(t, s, "an insert")
	mustAppend(t, s, deploymentsFrom(100, 7)...)
	noLosses(t, s, "another insert")
	var parts []struct {
		Name string `ch:"name"`
	}
	err := s.Select(t.Context(), &parts, `SELECT name FROM system.parts
WHERE database = currentDatabase() AND table = 'raw_deployments' AND active ORDER BY min_block_number`, nil)
	if err != nil || len(parts) != 2 {
		t.Fatalf("parts %v, error %v", parts, err)
	}
	mustExec(t, s, "ALTER TABLE raw_deployments DETACH PART '"+parts[0].Name+"'")
	l := losses(t, s)["raw_deployments"]
	if l.Parts != 1 || l.Rows == nil || *l.Rows != 50 || !strings.Contains(l.Detail, parts[0].Name) ||
		!strings.Contains(l.Remedy, "dxctl collect --backfill") {
		t.Fatalf("lost: %+v", l)
	}
	mustAppend(t, s, deploymentsFrom(200, 3)...)
	if again := losses(t, s)["raw_deployments"]; again.Parts != 1 || *again.Rows != 50 {
		t.Errorf("it is not told for long: %+v", again)
	}
	mustExec(t, s, "ALTER TABLE raw_deployments ATTACH PART '"+parts[0].Name+"'") // under a new name
	mustExec(t, s, "ALTER TABLE raw_deployments DROP PART '"+parts[1].Name+"'")
	if l := losses(t, s)["raw_deployments"]; l.Parts != 2 || *l.Rows != 57 {
		t.Errorf("lost: %+v", l)
	}
	if err := s.AcceptLosses(t.Context()); err != nil {
		t.Fatal(err)
	}
	noLosses(t, s, "accepting them")
}

func TestLostTable(t *testing.T) {
	s := storetest.Open(t)
	mustAppend(t, s, deploymentsFrom(0, 50)...)
	if err := s.SaveCheckpoint(t.Context(), "gh", "a/b", "runs", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	noLosses(t, s, "an insert")
	for _, sql := range []string{"DROP TABLE raw_deployments SYNC", "DROP TABLE checkpoints SYNC", "DROP TABLE raw_changes SYNC", "DROP TABLE catalog_people SYNC", "DROP VIEW facts SYNC"} {
		mustExec(t, s, sql)
	}
	found := losses(t, s)
	if l := found["raw_deployments"]; l.Parts != 1 || *l.Rows != 50 {
		t.Errorf("lost: %+v", l)
	}
	if l := found["checkpoints"]; l.Parts != 1 || !strings.Contains(l.Remedy, "reads every source again") {
		t.Errorf("lost: %+v", l)
	}
	for table, remedy := range map[string]string{"raw_changes": "--backfill", "catalog_people": "dx.yaml", "facts": "makes it again"} {
		if l, there := found[table]; !there || l.Parts != 0 || !strings.Contains(l.Remedy, remedy) {
			t.Errorf("%s: %+v", table, l)
		}
	}
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, deploymentsFrom(0, 50)...)
	if n := number(t, s, "SELECT count() AS n FROM deployments"); n != 50 {
		t.Errorf("%d rows", n)
	}
	found = losses(t, s)
	if len(found) != 2 || found["raw_deployments"].Parts != 1 || found["checkpoints"].Parts != 1 {
		t.Errorf("made again, these are lost: %v", found)
	}
}

// Without the record of migrations the tables that are missing seem to wait for a migration.
func TestLostTableAndRecord(t *testing.T) {
	s := storetest.Open(t)
	mustAppend(t, s, deploymentsFrom(0, 50)...)
	noLosses(t, s, "an insert")
	mustExec(t, s, "DROP TABLE schema_migrations SYNC")
	mustExec(t, s, "DROP TABLE raw_deployments SYNC")
	for _, step := range []string{"before", "after"} {
		found := losses(t, s)
		if l := found["raw_deployments"]; l.Parts != 1 || l.Rows == nil || *l.Rows != 50 {
			t.Errorf("%s the tables are made again: %+v", step, l)
		}
		if l := found["schema_migrations"]; l.Parts == 0 || !strings.Contains(l.Remedy, "recognizes the version") {
			t.Errorf("%s the tables are made again: %+v", step, l)
		}
		if _, err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLostTableThatNothingIsKnownOf(t *testing.T) {
	s := storetest.Open(t)
	mustExec(t, s, "DROP TABLE raw_incidents SYNC")
	if _, err := s.Migrate(t.Context()); err != nil { // before anybody has looked
		t.Fatal(err)
	}
	if l := losses(t, s)["raw_incidents"]; l.Rows != nil || !strings.Contains(l.String(), "unknown number of rows") {
		t.Errorf("lost: %v", l)
	}
}

func TestDetachedTableIsAttached(t *testing.T) {
	s := storetest.Open(t)
	mustAppend(t, s, deploymentsFrom(0, 50)...)
	noLosses(t, s, "an insert")
	mustExec(t, s, "DETACH TABLE raw_deployments PERMANENTLY")
	if l := losses(t, s)["raw_deployments"]; l.Parts != 1 {
		t.Errorf("lost: %+v", l)
	}
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := number(t, s, "SELECT count() AS n FROM deployments"); n != 50 {
		t.Errorf("%d rows", n)
	}
	noLosses(t, s, "attaching it")
}

// A record that is lost is made again from the tables, whatever is lost of it.
func TestLostRecordOfMigrations(t *testing.T) {
	s := storetest.Open(t)
	mustAppend(t, s, deploymentsFrom(0, 5)...)
	for name, sql := range map[string]string{
		"all of it":     "TRUNCATE TABLE schema_migrations",
		"the table":     "DROP TABLE schema_migrations SYNC",
		"the beginning": "ALTER TABLE schema_migrations DELETE WHERE version < 3 SETTINGS mutations_sync = 2",
		"the end":       "ALTER TABLE schema_migrations DELETE WHERE version > 3 SETTINGS mutations_sync = 2",
		"the last steps": "ALTER TABLE schema_migrations DELETE WHERE version > 4 OR version = 4 AND done > 2 SETTINGS " +
			"mutations_sync = 2",
	} {
		t.Run(name, func(t *testing.T) {
			mustExec(t, s, sql)
			for range 2 {
				applied, err := s.Migrate(t.Context())
				if err != nil || len(applied) > 0 {
					t.Fatalf("applied %v: %v", applied, err)
				}
			}
			info, err := s.Info(t.Context())
			if err != nil || info.SchemaVersion != info.LatestSchema {
				t.Errorf("%+v, %v", info, err)
			}
			if n := number(t, s, "SELECT count() AS n FROM deployments"); n != 5 {
				t.Errorf("%d rows", n)
			}
			if n := number(t, s, "SELECT count() AS n FROM system.databases WHERE name LIKE '%scratch%'"); n != 0 {
				t.Errorf("%d databases are left over", n)
			}
		})
	}
}
