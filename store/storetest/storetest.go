// Package storetest opens stores for tests: the real engine, embedded, with a database of its own for every test.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/embedded"
)

// The engine can have one data directory open in a process and is meant to start once, so the tests of a process share
// one.
var (
	shared    = sync.OnceValues(openShared)
	opened    atomic.Pointer[embedded.Engine] // what shared returned, for closeShared
	willClose atomic.Bool                     // the package's TestMain calls Run
	counter   atomic.Uint64
)

func openShared() (*embedded.Engine, error) {
	dir, err := makeDir()
	if err != nil {
		return nil, err
	}
	engine, err := embedded.Open(context.Background(), embedded.Options{Path: dir, Program: "go test"})
	if err != nil {
		return nil, err
	}
	opened.Store(engine)
	return engine, nil
}

// closeShared closes the engine if a test opened it, and removes its data.
func closeShared() error {
	engine := opened.Load()
	if engine == nil {
		return nil
	}
	return errors.Join(engine.Close(), os.RemoveAll(engine.Path()))
}

// Engine returns the engine that the tests of this process share. Run closes it.
func Engine(tb testing.TB) *embedded.Engine {
	tb.Helper()
	if !willClose.Load() {
		tb.Fatal("the tests of this package need func TestMain(m *testing.M) { os.Exit(storetest.Run(m)) }, which closes " +
			"the engine")
	}
	engine, err := shared()
	if err != nil {
		tb.Fatalf("these tests need the embedded ClickHouse; run \"make engine\" first: %v", err)
	}
	return engine
}

// Open returns a migrated store with an empty database, which is dropped when the test ends.
func Open(tb testing.TB) *store.Store {
	tb.Helper()
	s := OpenEmpty(tb, store.Options{})
	if _, err := s.Migrate(context.Background()); err != nil {
		tb.Fatal(err)
	}
	return s
}

// OpenEmpty is Open without the migrations and with options; Options.Engine is set by it.
func OpenEmpty(tb testing.TB, o store.Options) *store.Store {
	tb.Helper()
	o.Engine = Engine(tb)
	database := fmt.Sprintf("test%d", counter.Add(1))
	s, err := store.Open(context.Background(), store.Config{DSN: "embedded:shared?database=" + database}, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Drop(context.Background()); err != nil {
			tb.Error(err)
		}
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}
