//go:build pathsbed

package fix_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// oldService is a service as it was written before anybody thought of golden paths. Steps with input have names:
// without one, a step is named after its command, which changes.
var oldService = map[string]string{
	"catalog-info.yaml": component("pay"),
	"go.mod":            "module example.com/pay\n\ngo 1.26\n",
	"main.go":           "package main\n\nfunc main() { println(\"pay\") }\n",
	"Makefile":          "test:\n\t@echo tested\n",
	"Dockerfile":        "FROM golang:1.26.1 AS build\nCOPY . .\nRUN go build -o /pay .\n\nFROM scratch\nCOPY --from=build /pay /pay\nENTRYPOINT [\"/pay\"]\n",
	"deploy/pay.yaml": `apiVersion: apps/v1
kind: Deployment
metadata: {name: pay} # ours
spec:
  selector: {matchLabels: {app: pay}}
  template:
    metadata: {labels: {app: pay}}
    spec:
      containers:
        - {name: pay, image: "pay:1.0.0"}
`,
	".github/workflows/ci.yml": `# the build
name: ci
on: pull_request
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4 # the code
      - name: Title
        run: echo "title is ${{ github.event.pull_request.title }}"
      - name: Branch
        run: |
          branch='${{ github.head_ref }}' # quoted
          test "$branch" = fix-it && echo "on [$branch]"
      - name: Soft
        continue-on-error: true
        run: exit 3
      - name: Summary
        run: |
          cat <<EOF
          from ${{ github.event.pull_request.user.login }}
          EOF
      - run: make test
  second:
    needs: test
    runs-on: ubuntu-latest
    steps:
      - name: After
        run: echo "after ${{ github.event.pull_request.title }}"
`,
	".github/workflows/fails.yml": `name: fails
on: pull_request
jobs:
  fails:
    runs-on: ubuntu-latest
    steps:
      - name: Compare
        run: test "${{ github.event.pull_request.title }}" = other
      - if: always()
        run: echo at the end
`,
}

// TestPatchedRunTheSame runs the workflows of an old service on this machine with act, patches them, and runs them
// again: the same steps succeed and fail, and print the same. What was an injection no longer is one. The judges of
// Dockerfiles and manifests have no complaint that they did not have before.
func TestPatchedRunTheSame(t *testing.T) {
	b := bedOf(t)
	dir := checkoutOf(t, oldService)
	gitIn(t, dir, "init", "-q", "-b", "main")
	gitIn(t, dir, "add", ".")
	gitIn(t, dir, "commit", "-q", "-m", "old")
	all, err := paths.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	golden := all[slices.IndexFunc(all, func(p *paths.Path) bool { return p.Name == "go-service" })]
	workflows := []string{"ci.yml", "fails.yml"}
	before := map[string]string{}
	for _, w := range workflows {
		before[w] = b.act(t, dir, w, "Pay twice")
	}
	complaints := b.manifests(t, dir)
	const hostile = "a\"; touch \"$INJECTED"
	if b.act(t, dir, "ci.yml", hostile); !b.injected() {
		t.Fatal("the old workflow runs no code of a title: the test shows nothing")
	}

	got := plan(t, dir, golden, nil)
	for _, rule := range []string{"actions-pinned", "workflow-permissions", "workflow-injection", "workflow-timeouts"} {
		i := slices.IndexFunc(got.Rules, func(r fix.Rule) bool { return r.ID == rule })
		if i < 0 || !slices.Contains(got.Rules[i].Files, ".github/workflows/ci.yml") {
			t.Errorf("%s did not patch the workflow: %+v", rule, got.Rules)
		}
	}
	writePlan(t, got)
	gitIn(t, dir, "add", ".")
	gitIn(t, dir, "commit", "-q", "-m", "fixed")

	for _, w := range workflows {
		if after := b.act(t, dir, w, "Pay twice"); after != before[w] {
			t.Errorf("%s ran as\n%s\nand runs as\n%s", w, before[w], after)
		}
	}
	if b.act(t, dir, "ci.yml", hostile); b.injected() {
		t.Error("the title is still run")
	}
	if out, err := b.command(dir, "bed", "dockerfile", "Dockerfile").CombinedOutput(); err != nil {
		t.Errorf("the Dockerfile is refused: %v\n%s", err, out)
	}
	for _, complaint := range b.manifests(t, dir) {
		if !slices.Contains(complaints, complaint) {
			t.Errorf("kube-score has a new complaint: %s", complaint)
		}
	}
}

// bed has the programs that `make test-paths` installs.
type bed struct {
	dir    string
	stub   string // an action that does nothing
	marker string // what an injection writes
}

func bedOf(t *testing.T) *bed {
	t.Helper()
	b := &bed{dir: os.Getenv("PATHS_BED"), stub: t.TempDir(), marker: filepath.Join(t.TempDir(), "injected")}
	if b.dir == "" {
		t.Fatal("PATHS_BED is not set; run `make test-paths`")
	}
	put(t, filepath.Join(b.stub, "action.yml"),
		"name: stub\nruns:\n  using: composite\n  steps: [{run: \"true\", shell: sh}]\n")
	return b
}

func (b *bed) command(dir, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(b.dir, name), args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "INJECTED="+b.marker)
	return cmd
}

// injected reports whether code of a title ran since the last time.
func (b *bed) injected() bool { return os.Remove(b.marker) == nil }

var (
	reference = regexp.MustCompile(`actions/checkout@\S+`)
	took      = regexp.MustCompile(` \[[\d.]+[µnm]?s\]`)
	executor  = regexp.MustCompile(`/[0-9a-f]+/hostexecutor`) // the directory of a run, which make prints
	// told are the lines of act about steps and jobs, and what they print.
	told = regexp.MustCompile(`(Success|Failure) - Main|Job (succeeded|failed)|\]\s+\| `)
)

// act runs a workflow for a pull request with a title, and returns what its jobs did and printed.
func (b *bed) act(t *testing.T, dir, workflow, title string) string {
	t.Helper()
	event, err := json.Marshal(map[string]any{"pull_request": map[string]any{
		"number": 7, "title": title, "user": map[string]string{"login": "ada"}, "head": map[string]string{"ref": "fix-it"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "event.json")
	put(t, file, string(event))
	args := []string{
		"pull_request", "--workflows", ".github/workflows/" + workflow, "--eventpath", file, "--platform",
		"ubuntu-latest=-self-hosted", "--no-cache-server", "--action-offline-mode", "--env", "INJECTED=" + b.marker,
		"--local-repository", "https://github.com/actions/checkout@v4=" + b.stub,
	}
	content, err := os.ReadFile(filepath.Join(dir, ".github/workflows", workflow))
	if err != nil {
		t.Fatal(err)
	}
	for _, use := range reference.FindAll(content, -1) {
		args = append(args, "--local-repository", "https://github.com/"+string(use)+"="+b.stub)
	}
	out, _ := b.command(dir, "act", args...).CombinedOutput() // it fails if the workflow does
	var lines []string
	for line := range bytes.Lines(out) {
		if told.Match(line) {
			text := took.ReplaceAllString(reference.ReplaceAllString(string(line), "actions/checkout"), "")
			lines = append(lines, executor.ReplaceAllString(text, "/hostexecutor"))
		}
	}
	if len(lines) == 0 {
		t.Fatalf("act ran nothing:\n%s", out)
	}
	slices.Sort(lines) // the jobs run at the same time
	return strings.Join(lines, "")
}

// manifests returns the complaints of kube-score.
func (b *bed) manifests(t *testing.T, dir string) []string {
	t.Helper()
	out, _ := b.command(dir, "kube-score", "score", "--output-format", "ci", "deploy/pay.yaml").Output()
	var complaints []string
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "[CRITICAL]") || strings.HasPrefix(line, "[WARNING]") {
			complaints = append(complaints, line)
		}
	}
	if len(out) == 0 {
		t.Fatal("kube-score printed nothing")
	}
	return complaints
}
