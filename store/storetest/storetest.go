// Package storetest opens stores for tests: the real engine, embedded, with a database of its own for every test.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/embedded"
)

// The engine can have one data folder open in a process and is meant to start once, so the tests of a process share
// one. Its folder is named after the process; a later run removes those of processes that are gone.
var (
	shared    = sync.OnceValues(openShared)
	opened    atomic.Pointer[embedded.Engine] // what shared returned, for closeShared
	willClose atomic.Bool                     // the package's TestMain calls Run
	counter   atomic.Uint64
)

const folderPrefix = "dxctl-storetest-"

// memoryDir is a file system in memory that Linux has. Most of the time that a test spends on its database is otherwise
// the disk's, which has to confirm each table that is created.
const memoryDir, memoryNeeded = "/dev/shm", 4 << 30

// parentDir returns where the engine's data goes: memory where there is enough of it, else the directory for temporary
// files. What must survive a killed process or a full disk is tested in directories of its own.
func parentDir() string {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memoryDir, &fs); err != nil || fs.Bavail*uint64(fs.Bsize) < memoryNeeded {
		return os.TempDir()
	}
	return memoryDir
}

func openShared() (*embedded.Engine, error) {
	parent := parentDir()
	old, err := filepath.Glob(filepath.Join(parent, folderPrefix+"*"))
	if err != nil {
		return nil, err
	}
	for _, dir := range old {
		pid, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(dir), folderPrefix))
		if err == nil && syscall.Kill(pid, 0) == syscall.ESRCH {
			_ = os.RemoveAll(dir) // another run may be removing it too
		}
	}
	dir := filepath.Join(parent, folderPrefix+strconv.Itoa(os.Getpid()))
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
		tb.Fatal("the tests of this package need func TestMain(m *testing.M) { os.Exit(storetest.Run(m)) }, which closes the engine")
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
