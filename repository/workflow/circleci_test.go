package workflow

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
)

func readCircle(t testing.TB, text string) fact.Value[*CircleCI] {
	t.Helper()
	fsys := fstest.MapFS{".circleci/config.yml": {Data: []byte(text)}}
	tr, err := tree.List(context.Background(), fsys, tree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return ReadCircleCI(tr)
}

const circle = `version: 2.1
orbs: {node: circleci/node@5.2}
commands:
  check:
    steps:
      - run: {name: x, command: go test ./...}
      - check
jobs:
  test:
    steps: [checkout, check, {run: echo done}]
  lint: {steps: [{run: npm test}]}
  unused: {steps: [{run: make test}]}
workflows:
  all: {jobs: [test, {lint: {requires: [test]}}]}
`

func TestCircleCI(t *testing.T) {
	c := readCircle(t, circle)
	if !c.Known || len(c.Value.Jobs) != 3 || fmt.Sprint(c.Value.Orbs) != "[circleci/node@5.2]" {
		t.Fatalf("%+v", c)
	}
	if got := c.Value.Jobs[0].Script; !strings.HasPrefix(got, "go test ./...\n") || !strings.HasSuffix(got, "echo done\n") {
		t.Errorf("%q", got)
	}
	if got := fmt.Sprint(c.Value.Found(PurposeTest)); got != "[.circleci/config.yml:9 .circleci/config.yml:11]" {
		t.Error(got)
	}
	for text, want := range map[string]string{"a: [": "line 1", "- a": "it is not a configuration", "": "it is not a configuration", laughs: "nodes"} {
		if c := readCircle(t, text); c.Known || !strings.Contains(c.Reason, want) {
			t.Errorf("%.20q: %v", text, c)
		}
	}
	// Each command calls the next one ten times.
	var fan strings.Builder
	fan.WriteString("jobs: {build: {steps: [c0]}}\ncommands:\n")
	for i := range 10 {
		fmt.Fprintf(&fan, "  c%d: {steps: [%s{run: x}]}\n", i, strings.Repeat(fmt.Sprintf("c%d, ", i+1), 10))
	}
	if c := readCircle(t, fan.String()); len(c.Value.Jobs[0].Script) > 2*maxSteps {
		t.Error("unbounded")
	}
}

func FuzzReadCircleCI(f *testing.F) {
	f.Add(circle)
	f.Fuzz(func(t *testing.T, text string) {
		if c := readCircle(t, text); c.Value != nil {
			c.Value.Found(PurposeTest)
		}
	})
}
