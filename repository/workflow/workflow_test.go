package workflow

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dxctl/dxctl/repository/tree"
)

const example = `name: CI
on:
  push: {branches: [main]}
  pull_request:
    paths-ignore: ['docs/**']
permissions: read-all
concurrency: ${{ github.ref }}
env:
  TITLE: ${{ github.event.pull_request.title }}
jobs:
  test:
    runs-on: ubuntu-latest
    timeout-minutes: 10
    permissions: {contents: read, packages: write}
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
      - uses: ./.github/actions/setup
      - run: go test ./...
      - run: |
          echo one
          echo "${{ github.head_ref }}"
      - run: echo "${{ env.TITLE }}"
      - run: echo "$TITLE"
      - uses: actions/github-script@v7
        with:
          script: |
            console.log("${{ github.event.issue.body }}")
  release:
    uses: octo/repo/.github/workflows/release.yml@main
  slow:
    timeout-minutes: ${{ inputs.minutes }}
    steps:
      - uses: docker://alpine:3.20
      - uses: docker://alpine@sha256:abc
`

func TestParse(t *testing.T) {
	w, err := Parse("ci.yml", example)
	if err != nil {
		t.Fatal(err)
	}
	if w.Name != "CI" || len(w.Triggers) != 2 || w.On("pull_request").PathsIgnore[0] != "docs/**" || w.On("push").At.Line != 3 {
		t.Errorf("%+v", w)
	}
	if !w.Concurrency.Value || w.Concurrency.At.Line != 7 || w.Permissions.All != "read-all" {
		t.Errorf("concurrency %v, permissions %+v", w.Concurrency, w.Permissions)
	}
	test := &w.Jobs[0]
	if got := fmt.Sprint(w.Effective(test).Writes(), test.Timeout, test.Concurrency.Value); got != "[packages] 10 (ci.yml:13) false" {
		t.Error(got)
	}
	var uses, injected []string
	for _, u := range w.Uses() {
		uses = append(uses, fmt.Sprintf("%s %s %d %s", u.Action, u.Pin, u.At.Line, u.Comment))
	}
	want := []string{
		"actions/checkout commit 16 v4.2.2", "./.github/actions/setup local 17 ", "actions/github-script ref 24 ",
		"octo/repo/.github/workflows/release.yml ref 29 ", "docker://alpine ref 33 ", "docker://alpine digest 34 ",
	}
	if fmt.Sprint(uses) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", uses, want)
	}
	for _, s := range test.Steps {
		for _, i := range s.Injections {
			injected = append(injected, fmt.Sprint(i.Expression, " ", i.At.Line))
		}
	}
	if got := strings.Join(injected, ", "); got != "github.head_ref 21, env.TITLE 22, github.event.issue.body 27" {
		t.Error(got)
	}
	if got := w.Found(PurposeTest); len(got) != 1 || got[0].Line != 18 {
		t.Error(got)
	}
	if slow := w.Jobs[2].Timeout; slow.Known || !strings.Contains(slow.Reason, "inputs.minutes") {
		t.Error(slow)
	}
	if none := w.Jobs[1].Timeout; !none.Known || none.Value != 0 {
		t.Error(none)
	}
}

func TestUntrusted(t *testing.T) {
	for text, want := range map[string]bool{
		"github.event.issue.title":                                      true,
		"GITHUB.Event.Issue.Title":                                      true,
		"github['event']['issue'].title":                                true,
		"github.event.commits[0].message":                               true,
		"github.event.commits.*.author.name":                            true,
		"join(github.event.commits.*.message, ', ')":                    true,
		"toJSON(github.event)":                                          true,
		"toJSON(github)":                                                true,
		"toJSON(github.event.pull_request.labels)":                      false,
		"github.event":                                                  false, // the text "Object"
		"format('{0}', github.head_ref)":                                true,
		"github.head_ref || github.ref_name":                            true,
		"github.ref_name":                                               false,
		"github.event.pull_request.number":                              false,
		"contains(github.event.issue.title, 'bug')":                     false,
		"github.head_ref == 'main'":                                     false,
		"github.head_ref == 'main' && 'a' || 'b'":                       false,
		"github.event_name == 'pull_request' && github.head_ref || 'x'": true,
		"github.head_ref && 'x'":                                        false,
		"!github.head_ref":                                              false,
		"'github.head_ref'":                                             false,
		"'it''s github.head_ref'":                                       false,
		"(github.head_ref)":                                             true,
		"fromJSON(toJSON(github.event.pull_request)).title":             true,
		"steps.x.outputs.y":                                             false,
		"secrets.TOKEN":                                                 false,
		"env.title":                                                     true,
		"env.Other":                                                     false,
		"github.event.issue.title ???":                                  true,
		"matrix.os ???":                                                 false,
		"":                                                              false,
		"-1 < 2":                                                        false,
		strings.Repeat("(", 100_000) + "github.head_ref" + strings.Repeat(")", 100_000): true,
		strings.Repeat("!", 100_000) + "github.head_ref":                                false,
		strings.Repeat("a[", 100_000):                                                   false,
	} {
		if got := untrusted(text, map[string]bool{"title": true}); got != want {
			t.Errorf("%.80s: %v", text, got)
		}
	}
}

func TestParseUse(t *testing.T) {
	for text, want := range map[string]string{
		"actions/checkout@v4":                            "actions actions/checkout v4 ref",
		"actions/checkout":                               "actions actions/checkout  none",
		"a/b/c@0123456789012345678901234567890123456789": "a a/b/c 0123456789012345678901234567890123456789 commit",
		"a/b@0123456":                                    "a a/b 0123456 ref",
		"docker://ghcr.io:443/x":                         " docker://ghcr.io:443/x  none",
		"docker://ghcr.io:443/x:1":                       " docker://ghcr.io:443/x 1 ref",
		"./x":                                            " ./x  local",
		"a/b@${{ matrix.v }}":                            "a a/b ${{ matrix.v }} unknown",
		"":                                               "   none",
	} {
		u := ParseUse(text)
		if got := fmt.Sprint(u.Owner(), " ", u.Action, " ", u.Ref, " ", u.Pin); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestRunsTests(t *testing.T) {
	for script, want := range map[string]bool{
		"go test ./...": true, "go build": false, "make test": true, "make -C x": false, "make build": false,
		"npm test": true, "npm run test:unit": true, "npm ci": false, "yarn test": true, "pnpm -r test": true,
		"pytest -q": true, "pip install pytest": false, "python -m pytest": true, "./gradlew build": true,
		"./mvnw -B verify": true, "mvn deploy -DskipTests": true, "cargo test --all": true, "cargo build": false,
		"cd x && dotnet test": true, "bundle exec rspec": true, "./scripts/test.sh": true, "echo latest": false,
		"npx vitest run": true, "docker build -t test .": false, "uv run pytest": true, "echo 'go test'": false,
		"if ! CGO_ENABLED=0 go test ./...; then": true, "docker compose run --rm app pytest": true, "python3 -m unittest": true,
		"make test-unit coverage": true, "make ci-test-no-generate": true, "make -j 4 V=1 check": true, "make recipe": false,
		"make latest": false, "mise run test": true, "make richtest": true, "make unittests": true, "task ci:all": true,
		"npm run ci": true, "npm ci --ignore-scripts": false, "yarn backstage-cli repo test": true, "yarn backstage-cli repo lint": false,
		"apt-get install -y tox": false, "ls test.sh": false, "for i in 1; do make check; done": true,
	} {
		if RunsTests(script) != want {
			t.Errorf("%s: %v", script, !want)
		}
	}
}

func TestUntrustedCheckout(t *testing.T) {
	const head = "jobs: {a: {steps: [{uses: actions/checkout@v4, with: {ref: '${{ github.event.pull_request.head.sha }}'}}]}}"
	for text, want := range map[string]int{
		"on: pull_request_target\n" + head:                                                                  1,
		"on: [pull_request]\n" + head:                                                                       0,
		"on: {workflow_run: {workflows: [CI]}}\n" + head:                                                    1,
		"on: pull_request_target\njobs: {a: {steps: [{uses: actions/checkout@v4}]}}":                        0,
		"on: issue_comment\njobs: {a: {steps: [{run: 'gh pr checkout ${{ github.event.issue.number }}'}]}}": 1,
	} {
		w, err := Parse("x.yml", text)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.UntrustedCheckouts(); len(got) != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestPurposes(t *testing.T) {
	w, err := Parse("x.yml", `
on: push
jobs:
  a:
    steps:
      - uses: anchore/sbom-action@v0
      - uses: actions/attest-build-provenance@v2
      - uses: docker/build-push-action@v6
        with: {sbom: true, provenance: mode=max}
      - uses: docker/build-push-action@v6
        with: {provenance: false}
      - run: syft . -o spdx-json
  b: {uses: slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml@v2.0.0}
`)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(w.Found(PurposeSBOM), w.Found(PurposeProvenance)); got != "[x.yml:6 x.yml:8 x.yml:12] [x.yml:7 x.yml:8 x.yml:13]" {
		t.Error(got)
	}
}

// TestRead reads a good workflow next to broken ones.
func TestRead(t *testing.T) {
	files := fstest.MapFS{
		".github/workflows/ci.yml":         {Data: []byte("\ufeff" + strings.ReplaceAll(example, "\n", "\r\n"))},
		".github/workflows/broken.yml":     {Data: []byte("jobs: [")},
		".github/workflows/list.yaml":      {Data: []byte("- a\n")},
		".github/workflows/empty.yaml":     {},
		".github/workflows/binary.yml":     {Data: []byte("a\x00")},
		".github/workflows/latin.yml":      {Data: []byte("a: \xe9")},
		".github/workflows/big.yml":        {Data: make([]byte, 2<<20)},
		".github/workflows/sub/x.yml":      {Data: []byte("jobs: {}")},
		".github/workflows/laughs.yml":     {Data: []byte(laughs)},
		".github/workflows/cycle.yml":      {Data: []byte("jobs: &a {b: *a}")},
		".github/actions/setup/action.yml": {Data: []byte("runs: {using: composite, steps: [{uses: a/b@v1}]}")},
		"deploy/action.yaml":               {Data: []byte("kind: other")},
	}
	tr, err := tree.List(context.Background(), files, tree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	s := Read(tr)
	if len(s.Workflows) != 1 || s.Workflows[0].Jobs[0].At.Line != 11 || len(s.Actions) != 1 || len(s.Actions[0].Uses()) != 1 {
		t.Errorf("%+v", s)
	}
	if s.Complete.Known {
		t.Error("complete")
	}
	var got []string
	for _, p := range s.Unreadable {
		got = append(got, p.String())
	}
	for i, want := range []string{
		"big.yml: .github/workflows/big.yml is larger than 1 MB", "binary.yml: .github/workflows/binary.yml is binary",
		"broken.yml: line 1:", "cycle.yml: a YAML alias refers to a part that contains it", "empty.yaml: it is not a workflow",
		"latin.yml: .github/workflows/latin.yml is not UTF-8", "laughs.yml: its YAML has more than 500000 nodes", "list.yaml: it is not a workflow",
	} {
		if i >= len(got) || !strings.Contains(got[i], want) {
			t.Errorf("%d: %q, want %q", i, got, want)
		}
	}
}

const laughs = `
a: &a [x,x,x,x,x,x,x,x,x,x]
b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]
c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]
d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]
e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]
f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]
jobs: *f
`

func FuzzReadWorkflow(f *testing.F) {
	for _, seed := range []string{
		example, laughs, "jobs: &a {b: *a}", "on: [push]\njobs: {a: {<<: [{uses: x}]}}", "runs: {steps: [{run: '${{ a[b'}]}",
		"jobs:\n  a:\n    steps:\n    - run: ${{ toJSON(github.event) }}\n", "\xff", "on: !!binary x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w, err := Parse("f", text)
		if err == nil {
			for i := range w.Jobs {
				w.Effective(&w.Jobs[i]).Writes()
			}
			w.Uses()
			w.UntrustedCheckouts()
			w.Found(PurposeTest)
		}
		_, _ = ParseAction("f", text)
		untrusted(text, nil)
	})
}

// TestElsewhere is about steps behind a checkout of another repository: what they use from the directory of the job is
// not in this repository.
func TestElsewhere(t *testing.T) {
	for name, test := range map[string]struct {
		checkouts string
		want      bool
	}{
		"its own":                {"[{uses: actions/checkout@v4}]", false},
		"another":                {"[{uses: actions/checkout@v4, with: {repository: acme/other}}]", true},
		"another in the root":    {"[{uses: Actions/Checkout@v4, with: {repository: acme/other, path: ./}}]", true},
		"another in a directory": {"[{uses: actions/checkout@v4, with: {repository: acme/other, path: other}}]", false},
		"another in any":         {"[{uses: actions/checkout@v4, with: {repository: acme/other, path: '${{ inputs.dir }}'}}]", true},
		"any":                    {"[{uses: actions/checkout@v4, with: {repository: '${{ inputs.repository }}'}}]", true},
		"its own by name":        {"[{uses: actions/checkout@v4, with: {repository: '${{ github.repository }}'}}]", false},
		"a fork": {
			"[{uses: actions/checkout@v4, with: {repository: '${{ github.event.pull_request.head.repo.full_name }}'}}]", false,
		},
		"another, then its own": {
			"[{uses: actions/checkout@v4, with: {repository: acme/other}}, {uses: actions/checkout@v4}]", false,
		},
		"another, then perhaps its own": {
			"[{uses: actions/checkout@v4, with: {repository: acme/other}}, {uses: actions/checkout@v4, if: inputs.own}]", true,
		},
		"its own, then perhaps another": {
			"[{uses: actions/checkout@v4}, {uses: actions/checkout@v4, if: inputs.other, with: {repository: acme/other}}]", true,
		},
	} {
		list := strings.TrimSuffix(test.checkouts, "]") + ", {uses: ./setup}, {run: make}]"
		w, err := Parse("ci.yml", "on: push\njobs: {one: {steps: "+list+"}}\n")
		if err != nil {
			t.Fatal(err)
		}
		steps := w.Jobs[0].Steps
		local, script := steps[len(steps)-2], steps[len(steps)-1]
		if local.Elsewhere != test.want || script.Elsewhere != test.want ||
			(local.Uses.Pin == PinUnknown) != test.want || !test.want && local.Uses.Pin != PinLocal {
			t.Errorf("%s: elsewhere %v and %v, pin %s", name, local.Elsewhere, script.Elsewhere, local.Uses.Pin)
		}
	}
}

// TestElsewhereByAction is about steps behind a composite action of the repository that checks out another one.
func TestElsewhereByAction(t *testing.T) {
	const other = "{uses: actions/checkout@v4, with: {repository: acme/other}}"
	for name, test := range map[string]struct {
		fetch string // the steps of the action fetch
		use   string // the step of the job that uses it
		want  bool
	}{
		"another":                 {"[" + other + "]", "{uses: ./fetch}", true},
		"another, perhaps":        {"[" + other + "]", "{uses: ./fetch, if: inputs.other}", true},
		"through a second action": {"[{run: a}, {uses: ./.github/actions/second}]", "{uses: ./fetch/}", true},
		"itself and another":      {"[{uses: ./fetch}, {uses: ./fetch}, " + other + "]", "{uses: ./fetch}", true},
		"itself":                  {"[{uses: ./fetch}]", "{uses: ./fetch}", false},
		"its own":                 {"[{uses: actions/checkout@v4}]", "{uses: ./fetch}", false},
		"another, then its own":   {"[" + other + ", {uses: actions/checkout@v4}]", "{uses: ./fetch}", false},
		"in a directory": {
			"[{uses: actions/checkout@v4, with: {repository: acme/other, path: other}}]", "{uses: ./fetch}", false,
		},
		"not used": {"[" + other + "]", "{run: ls fetch}", false},
	} {
		tr, err := tree.List(context.Background(), fstest.MapFS{
			".github/workflows/ci.yml": {Data: []byte(
				"on: push\njobs: {one: {steps: [{uses: actions/checkout@v4}, " + test.use + ", {uses: ./setup}, {run: make}]}}\n")},
			"fetch/action.yml":                   {Data: []byte("runs: {using: composite, steps: " + test.fetch + "}\n")},
			".github/actions/second/action.yaml": {Data: []byte("runs: {using: composite, steps: [" + other + "]}\n")},
		}, tree.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		steps := Read(tr).Workflows[0].Jobs[0].Steps
		local, script := steps[2], steps[3]
		if local.Elsewhere != test.want || script.Elsewhere != test.want || (local.Uses.Pin == PinUnknown) != test.want {
			t.Errorf("%s: elsewhere %v and %v, pin %s", name, local.Elsewhere, script.Elsewhere, local.Uses.Pin)
		}
	}
}

// TestSessions is about programs that run other programs, or sessions of which only some test.
func TestSessions(t *testing.T) {
	for script, want := range map[string]bool{
		"tox run -e docset": false, "tox -e lint,py": true, "nox -s mypy": false, "tox -e py312-docs": false, "tox": true,
		"tox run -e py312": true, "nox --session=tests": true, "tox -e lint && tox -e py": true,
		"uvx --with tox-uv tox run --installpkg dist/*.whl": true, "uvx ruff check": false,
		"uv run --group test pytest -x": true, "uv run --group docs mkdocs build": false, "pipx run nox -s tests": true,
	} {
		if got := RunsTests(script); got != want {
			t.Errorf("%q tests: %v, want %v", script, got, want)
		}
	}
}
