package fix_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/actions/fix/edits"
)

// TestTimeoutsFromRuns sets limits by how long jobs took, and a default where that is not known; the plan says which.
func TestTimeoutsFromRuns(t *testing.T) {
	text := "name: build\non: push\npermissions: {}\njobs:\n" +
		"  test:\n    runs-on: ubuntu-latest\n    strategy: {matrix: {go: [1, 2]}}\n    steps: [{run: make test}]\n" +
		"  slow:\n    name: End to end\n    runs-on: ubuntu-latest\n    steps: [{run: make e2e}]\n" +
		"  quick:\n    runs-on: ubuntu-latest\n    steps: [{run: make lint}]\n" +
		"  steps:\n    runs-on: ubuntu-latest\n    steps: [{run: make x, timeout-minutes: 50}]\n" +
		"  rare:\n    runs-on: ubuntu-latest\n    steps: [{run: make rare}]\n" +
		"  new:\n    runs-on: ubuntu-latest\n    steps: [{run: make new}]\n"
	dir := checkoutOf(t, map[string]string{"catalog-info.yaml": component("pay"), ".github/workflows/ci.yml": text})
	jobs := []edits.JobTime{
		{Workflow: "build", Job: "test (1)", Longest: 8 * time.Minute, Runs: 6},
		{Workflow: "build", Job: "test (2)", Longest: 11*time.Minute + time.Second, Runs: 6},
		{Workflow: "build", Job: "testing", Longest: 3 * time.Hour, Runs: 60},
		{Workflow: "other", Job: "test", Longest: 3 * time.Hour, Runs: 60},
		{Workflow: ".github/workflows/ci.yml", Job: "End to end", Longest: 5 * time.Hour, Runs: 20},
		{Workflow: "build", Job: "quick", Longest: 20 * time.Second, Runs: 100},
		{Workflow: "build", Job: "steps", Longest: time.Minute, Runs: 100},
		{Workflow: "build", Job: "rare", Longest: time.Minute, Runs: 9},
	}
	asked, unknown := "", error(nil)
	planned := func() *fix.Plan {
		return plan(t, dir, goldenPath(t, nil), func(o *fix.Options) {
			o.Rules = []string{"workflow-timeouts"}
			o.JobsOf = func(_ context.Context, service string) ([]edits.JobTime, error) {
				asked = service
				return jobs, unknown
			}
		})
	}
	got := planned()
	if asked != "component:default/pay" {
		t.Errorf("asked for the jobs of %q", asked)
	}
	if len(got.Files) != 1 {
		t.Fatalf("%d files, %s", len(got.Files), fmt.Sprint(got.Notes))
	}
	after := string(got.Files[0].After)
	for job, want := range map[string]string{
		"test": "25", "slow": "360", "quick": "10", "steps": "65", "rare": "120", "new": "120",
	} {
		_, rest, _ := strings.Cut(after, "\n  "+job+":\n")
		_, limit, _ := strings.Cut(rest, "timeout-minutes: ")
		if limit, _, _ = strings.Cut(limit, "\n"); limit != want {
			t.Errorf("%s has %s, want %s", job, limit, want)
		}
	}
	notes := strings.Join(got.Notes, "\n")
	for _, want := range []string{
		"the job test of ci.yml gets a limit of 25 minutes: at least twice the longest of its 12 successful runs in 90 days, " +
			"which took 11m1s",
		"2 jobs get the default limit of 120 minutes, because it is not known here how long they take",
	} {
		if !strings.Contains(notes, want) {
			t.Errorf("%q is not in the notes:\n%s", want, notes)
		}
	}
	jobs, unknown = nil, errors.New("the store is down")
	notes = strings.Join(planned().Notes, "\n")
	for _, want := range []string{"get the default limit: the store is down", "6 jobs get the default limit"} {
		if !strings.Contains(notes, want) {
			t.Errorf("%q is not in the notes:\n%s", want, notes)
		}
	}
}
