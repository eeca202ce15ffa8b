package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// testRun is a go test command of make test.
type testRun struct {
	packages  []string
	run, skip *regexp.Regexp // nil: all, none
	raced     bool
}

var (
	runFlag  = regexp.MustCompile(` -run '([^']*)'`)
	skipFlag = regexp.MustCompile(` -skip '([^']*)'`)
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Example)\w*)\(`)
)

// testRuns are the go test commands of make test.
func testRuns(t *testing.T) (runs []testRun) {
	t.Helper()
	for _, read := range []string{"Makefile", ".ci/tests"} { // by make; go test runs this test again if one has changed
		if _, err := os.Stat(filepath.Join(moduleRoot, read)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "make", "-n", "test")
	cmd.Dir = moduleRoot
	for _, v := range os.Environ() { // make test, which runs this test, sets some
		if !strings.HasPrefix(v, "MAKE") && !strings.HasPrefix(v, "MFLAGS") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("make -n test: %v", err)
	}
	for line := range strings.Lines(strings.ReplaceAll(string(out), "\\\n", " ")) {
		if !strings.Contains(line, "go test ") {
			continue
		}
		r := testRun{raced: strings.Contains(line, " -race ")}
		for _, word := range strings.Fields(line) {
			if strings.HasPrefix(word, "./") {
				r.packages = append(r.packages, strings.TrimPrefix(word, "./"))
			}
		}
		if m := runFlag.FindStringSubmatch(line); m != nil {
			r.run = regexp.MustCompile(m[1])
		}
		if m := skipFlag.FindStringSubmatch(line); m != nil {
			r.skip = regexp.MustCompile(m[1])
		}
		runs = append(runs, r)
	}
	return runs
}

// TestMakeRunsEveryTest checks that each test of each package is run by exactly one command of make test, and with the
// race detector if it is named TestConcurrent….
func TestMakeRunsEveryTest(t *testing.T) {
	runs := testRuns(t)
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f",
		"{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}}{{range .TestGoFiles}} {{.}}{{end}}{{range .XTestGoFiles}} {{.}}{{end}}{{end}}",
		"../../...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	top, err := filepath.Abs(moduleRoot)
	if err != nil {
		t.Fatal(err)
	}
	_, err = exec.LookPath("cc")
	detector, concurrent, tests := err == nil, 0, 0
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		name, err := filepath.Rel(top, words[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range words[1:] {
			text, err := os.ReadFile(filepath.Join(words[0], file))
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range testFunc.FindAllStringSubmatch(string(text), -1) {
				test := found[1]
				if test == "TestMain" {
					continue
				}
				tests++
				var raced []bool
				for _, r := range runs {
					if slices.Contains(r.packages, name) && (r.run == nil || r.run.MatchString(test)) &&
						(r.skip == nil || !r.skip.MatchString(test)) {
						raced = append(raced, r.raced)
					}
				}
				if len(raced) != 1 {
					t.Errorf("%s: %d commands of make test run %s, want 1", name, len(raced), test)
				} else if strings.HasPrefix(test, "TestConcurrent") {
					if concurrent++; raced[0] != detector {
						t.Errorf("%s: %s runs without the race detector", name, test)
					}
				}
			}
		}
	}
	if tests < 1000 || concurrent < 5 {
		t.Errorf("only %d tests found, %d of them named TestConcurrent", tests, concurrent)
	}
}
