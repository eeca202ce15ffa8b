package storetest

import (
	"fmt"
	"os"
)

// Run runs the tests of a package, closes the shared engine and returns the exit code. Every package whose tests open a
// store calls it:
//
//	func TestMain(m *testing.M) { os.Exit(storetest.Run(m)) }
//
// The engine's threads must have ended before the process exits: under the race detector, exiting runs the C library's
// exit handlers (runtime.racefini), which destroy what those threads still use, and the process ends with SIGSEGV after
// "PASS".
func Run(m interface{ Run() int }) int {
	willClose.Store(true)
	code := m.Run()
	if err := closeShared(); err != nil {
		fmt.Fprintln(os.Stderr, "closing the engine of the tests:", err)
		code = max(code, 1)
	}
	return code
}
