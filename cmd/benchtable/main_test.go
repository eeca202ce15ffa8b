package main

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
)

const output = `goos: linux
pkg: github.com/dxctl/dxctl/collectors
BenchmarkCollectRuns/20000-2   1   3471261039 ns/op   42.67 peak-MB   1.025 requests/100runs   9162.4 runs/s
BenchmarkCollectRuns/100000-2   1   13471261039 ns/op   44.1 peak-MB   1.010 requests/100runs   8890 runs/s
PASS
pkg: github.com/dxctl/dxctl/collectors/jenkins
BenchmarkRequests-2   32   0.6800 requests/100builds   0.5000 requests/scope-unchanged   11975454 B/op   114547 allocs/op
ok  	github.com/dxctl/dxctl/collectors/jenkins	3.862s
pkg: github.com/dxctl/dxctl/collectors/github
BenchmarkRequests   2   1.020 requests/100runs   101.2 requests/100runs-with-jobs   4.000 requests/scope-unchanged
pkg: github.com/dxctl/dxctl/collectors/git
BenchmarkRequests   2   2.000 requests/repository   0 requests/scope-unchanged
pkg: github.com/dxctl/dxctl/store
BenchmarkAppend-2   5   1.634 times-engine   100 rows/s
BenchmarkAppendOne-2   500   2000 ns/op
Benchmark of something else
BenchmarkBroken-2   5   many rows/s
`

const table = `
Requests of a first sync                                for a scope where nothing is new
  git                      2 per repository             0
  github                   1.02 per 100 runs            4
                           101 per 100 runs with jobs
  jenkins                  0.68 per 100 builds          0.5

Speed                                                                                  goal
  collecting 20000 runs    9162 runs a second, from the socket to the store            at least 8000
                           42.7 MB of memory at most, without the engine's             at most 200
  collecting 100000 runs   8890 runs a second, from the socket to the store            at least 8000
                           44.1 MB of memory at most, without the engine's             at most 200
  appending events         1.63 times as long as the engine alone with the same rows   at most 2
`

var blanks = regexp.MustCompile(`(?m) +$`)

func TestTheTableFollowsTheOutput(t *testing.T) {
	var out strings.Builder
	if err := run(strings.NewReader(output), &out); err != nil {
		t.Fatal(err)
	}
	got, ok := strings.CutPrefix(out.String(), output)
	if !ok {
		t.Fatalf("the output of go test was changed:\n%s", out.String())
	}
	if got = blanks.ReplaceAllString(got, ""); got != table {
		t.Errorf("got\n%s\nwant\n%s", got, table)
	}
}

func TestWithoutBenchmarksThereIsNoTable(t *testing.T) {
	var out strings.Builder
	if err := run(strings.NewReader("PASS\n"), &out); err != nil || out.String() != "PASS\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestAnOutputThatBreaksOff(t *testing.T) {
	broken := errors.New("broken pipe")
	if err := run(iotest.ErrReader(broken), &strings.Builder{}); !errors.Is(err, broken) {
		t.Error(err)
	}
}
