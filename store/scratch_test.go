package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/dxctl/dxctl/store/storetest"
)

// On a server another process may be migrating; and not every database with such a name is a scratch database.
func TestOnlyStaleScratchDatabasesAreDropped(t *testing.T) {
	s := storetest.Open(t)
	name, err := s.Scratch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	own := lines(t, s, "SELECT currentDatabase() AS line")[0]
	foreign := []string{
		own + "__scratch_pad",
		own + "__scratch_aaaaaaaaaaaaaaaaaaaaaaaaaa_mine",
		own + "0__scratch_aaaaaaaaaaaaaaaaaaaaaaaaaa",
	}
	for _, f := range foreign {
		mustExec(t, s, "CREATE DATABASE `"+f+"` ENGINE = Atomic")
	}
	defer func() {
		for _, f := range foreign {
			mustExec(t, s, "DROP DATABASE `"+f+"` SYNC")
		}
	}()
	left := func(age time.Duration) []string {
		t.Helper()
		if err := s.DropStaleScratch(t.Context(), age); err != nil {
			t.Fatal(err)
		}
		return lines(t, s, "SELECT name AS line FROM system.databases WHERE name LIKE '"+own+"%scratch%' ORDER BY name")
	}
	slices.Sort(foreign)
	with := append(slices.Clone(foreign), name)
	slices.Sort(with)
	if got := left(time.Hour); !slices.Equal(got, with) {
		t.Errorf("without a table: %v are left", got)
	}
	mustExec(t, s, "CREATE TABLE `"+name+"`.x (x UInt8) ENGINE = MergeTree ORDER BY x")
	if got := left(time.Hour); !slices.Equal(got, with) {
		t.Errorf("with a new table: %v are left", got)
	}
	time.Sleep(2 * time.Second) // the engine counts its tables' ages in seconds
	if got := left(time.Second); !slices.Equal(got, foreign) {
		t.Errorf("with an old table: %v are left", got)
	}
}
