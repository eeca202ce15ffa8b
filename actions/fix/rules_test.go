package fix_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/actions/fix/edits"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/paths"
)

var update = flag.Bool("update", false, "write what the edits make into testdata")

// patched are the rules that a change of files can make pass, by the list of the rules.
var patched = []string{
	"actions-pinned", "agents-md", "alert-with-runbook", "base-image-pinned", "codeowners-complete", "container-non-root",
	"dependency-updates", "descriptor-valid", "dev-environment", "disruption-budget", "image-immutable", "license",
	"metrics-scraped", "on-call", "owner-exists", "probes-set", "provenance-attested", "resources-set", "sbom-on-release",
	"security-context", "security-policy", "tests-on-pull-requests", "traces-exported", "workflow-injection",
	"workflow-permissions", "workflow-timeouts",
}

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func engine(t testing.TB) *scorecards.Engine {
	t.Helper()
	set, err := scorecards.Load(scorecards.Config{}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	e, err := scorecards.New(set, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// goldenPath is the golden path of the tests: that of a case, with this description if it has none.
func goldenPath(t testing.TB, files map[string]string) *paths.Path {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, content := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
	}
	if _, ok := files["path.yaml"]; !ok {
		fsys["path.yaml"] = &fstest.MapFile{Data: []byte("apiVersion: dxctl.dev/v1\nkind: GoldenPath\nname: test\n" +
			"version: 1.0.0\nservice: {name: \"{{ service_name }}\", language: go, framework: net-http}\n")}
	}
	p, err := paths.Load(fsys, paths.Origin{Kind: paths.FromDirectory, Location: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// checkoutOf writes files into a directory that is no git repository.
func checkoutOf(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pay")
	for name, content := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// parts returns the files of a case below a directory.
func parts(a *txtar.Archive, dir string) map[string]string {
	files := map[string]string{}
	for _, f := range a.Files {
		if name, ok := strings.CutPrefix(f.Name, dir+"/"); ok {
			files[name] = string(f.Data)
		}
	}
	return files
}

func plan(t testing.TB, dir string, p *paths.Path, change func(o *fix.Options)) *fix.Plan {
	t.Helper()
	o := fix.Options{
		Dir: dir, Engine: engine(t), Paths: []*paths.Path{p}, GoldenPath: p.Name, Now: now,
		Actions: []edits.Action{{Name: "acme/tool", Tag: "v1.2.3", Commit: strings.Repeat("a", 40)}},
		Images: map[string]string{
			"golang:1.26.1": "sha256:" + strings.Repeat("b", 64), "node:22": "sha256:" + strings.Repeat("d", 64),
			"golang:1.26": "sha256:" + strings.Repeat("e", 64), "acme/pay:main": "sha256:" + strings.Repeat("c", 64),
		},
	}
	if change != nil {
		change(&o)
	}
	got, err := fix.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestRules runs each case of testdata/rules: the rule of the case is fixed in the tree before, and the files that
// change are those of the tree after. A second run changes nothing.
func TestRules(t *testing.T) {
	covered := map[string]bool{}
	cases, err := filepath.Glob("testdata/rules/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			rule, outcome, ok := strings.Cut(strings.TrimSpace(string(a.Comment)), " → ")
			if !ok {
				t.Fatalf("%s does not begin with the rule and its outcome", file)
			}
			dir := checkoutOf(t, parts(a, "before"))
			path := goldenPath(t, parts(a, "path"))
			only := func(o *fix.Options) { o.Rules = []string{rule} }
			got := plan(t, dir, path, only)
			if len(got.Rules) != 1 || len(got.Conflicts) > 0 {
				t.Fatalf("rules %+v, conflicts %+v", got.Rules, got.Conflicts)
			}
			r := got.Rules[0]
			if r.Before == event.Pass || string(r.After) != outcome {
				t.Errorf("%s → %s, want %s: %s (%v, %v)", r.Before, r.After, outcome, r.Reason, r.NoPatch, r.Asks)
			}
			if len(got.Files) > 0 {
				covered[rule] = true
			}
			compare(t, file, a, got)
			if _, err := got.Write(t.Context()); err != nil {
				t.Fatal(err)
			}
			if again := plan(t, dir, path, only); again.Changes() {
				t.Errorf("a second run changes\n%s", again.Diff())
			}
		})
	}
	for _, rule := range patched {
		if !covered[rule] && !t.Failed() {
			t.Errorf("no case of testdata/rules has a patch of %s", rule)
		}
		if !edits.Has(rule) {
			t.Errorf("%s has no edit", rule)
		}
	}
	for _, rule := range edits.Rules() {
		if !slices.Contains(patched, rule) {
			t.Errorf("%s has an edit and is not in the list", rule)
		}
	}
}

// compare compares the changed files of a plan with the tree after, or writes it.
func compare(t *testing.T, file string, a *txtar.Archive, got *fix.Plan) {
	t.Helper()
	changed := map[string]string{}
	for _, f := range got.Files {
		if f.After == nil {
			t.Errorf("%s would be removed", f.Path)
		}
		changed[f.Path] = string(f.After)
		for _, comment := range comments(f.Before) {
			if !strings.Contains(comment, "${{") && !bytes.Contains(f.After, []byte(comment)) {
				t.Errorf("%s: the comment %q is lost", f.Path, comment)
			}
		}
	}
	if !*update {
		if diff := cmp.Diff(parts(a, "after"), changed); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		return
	}
	a.Files = slices.DeleteFunc(a.Files, func(f txtar.File) bool { return strings.HasPrefix(f.Name, "after/") })
	for _, f := range got.Files {
		a.Files = append(a.Files, txtar.File{Name: "after/" + f.Path, Data: f.After})
	}
	if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}

// comments returns the comments of YAML and Dockerfiles of a text.
func comments(text []byte) (found []string) {
	for line := range bytes.Lines(text) {
		if i := bytes.IndexByte(line, '#'); i >= 0 {
			found = append(found, string(bytes.TrimSpace(line[i:])))
		}
	}
	return found
}
