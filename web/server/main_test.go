package server_test

import (
	"fmt"
	"io"
	"os"
	"sync"
	"testing"

	"github.com/dxctl/dxctl/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Run(withShared{m})) }

// withShared runs the tests, and then what the shared fixture has to clean up.
type withShared struct{ m *testing.M }

func (w withShared) Run() int {
	code := w.m.Run()
	for i := range shared.cleanups {
		shared.cleanups[len(shared.cleanups)-1-i]()
	}
	if shared.failed {
		code = max(code, 1)
	}
	return code
}

// shared is the fixture of the tests that only read.
var shared struct {
	sync.Mutex
	fixture  *fixture
	cleanups []func() // of the fixture, run after all tests
	failed   bool     // a cleanup has failed
}

// sharedFixture returns the dashboard over testCatalog, testPeople and testEvents for tests that change nothing. As for
// the readers of a server, an answer that one test has asked for is cached for the others. A test that appends events,
// or that counts computations, needs a fixture of its own.
func sharedFixture(tb testing.TB) *fixture {
	tb.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.fixture == nil {
		shared.fixture = newFixture(process{tb}, testCatalog, testPeople, testEvents())
	}
	return shared.fixture
}

// process is a testing.TB for what outlives the test that makes it.
type process struct{ testing.TB }

// Cleanup runs f after all tests.
func (process) Cleanup(f func()) { shared.cleanups = append(shared.cleanups, f) }

// Output discards the log: no single test has written it.
func (process) Output() io.Writer { return io.Discard }

// Error reports the failure of a cleanup: no test runs then.
func (process) Error(args ...any) {
	shared.failed = true
	fmt.Fprintln(os.Stderr, append([]any{"cleaning up the shared fixture:"}, args...)...)
}
