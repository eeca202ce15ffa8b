package fix_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions/checkout"
	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards/paths"
)

const descriptor = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: %s}\nspec: {type: service}\n"

func component(name string) string { return fmt.Sprintf(descriptor, name) }

const unlimited = "# tests\non: push\npermissions: {contents: read}\njobs:\n  test:\n    runs-on: ubuntu-latest\n" +
	"    steps: [{run: make test}]\n"

func gitIn(t *testing.T, dir string, arguments ...string) {
	t.Helper()
	cmd := exec.Command("git", arguments...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull,
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", arguments, err, out)
	}
}

func changedFiles(p *fix.Plan) (names []string) {
	for _, f := range p.Files {
		names = append(names, f.Path)
	}
	return names
}

// TestMonorepo fixes one service of a repository with two, and changes nothing outside of its directory.
func TestMonorepo(t *testing.T) {
	dir := checkoutOf(t, map[string]string{
		"catalog-info.yaml":            "",
		"services/a/catalog-info.yaml": component("a"), "services/a/go.mod": "module a\n", "services/a/main.go": "package main\n",
		"services/b/catalog-info.yaml": component("b"), "services/b/go.mod": "module b\n", "services/b/main.go": "package main\n",
		".github/workflows/ci.yml": unlimited,
	})
	gitIn(t, dir, "init", "-q")
	p := goldenPath(t, nil)
	got := plan(t, filepath.Join(dir, "services/a"), p, nil)
	if len(got.Files) == 0 || slices.ContainsFunc(changedFiles(got), func(name string) bool {
		return !strings.HasPrefix(name, "services/a/")
	}) {
		t.Errorf("changes %v", changedFiles(got))
	}
	i := slices.IndexFunc(got.Rules, func(r fix.Rule) bool { return r.ID == "workflow-timeouts" })
	if i < 0 || !strings.Contains(fmt.Sprint(got.Rules[i].Asks), "outside of the directory of the service") {
		t.Errorf("rules %+v", got.Rules)
	}
	_, err := fix.New(t.Context(), fix.Options{Dir: dir, Engine: engine(t), Paths: []*paths.Path{p}, Now: now})
	if err == nil || !strings.Contains(err.Error(), "several services; name the directory of one: a (services/a), b (services/b)") {
		t.Errorf("error %v", err)
	}
}

// TestUncommitted refuses to write a file with changes that are not committed, and writes nothing else either.
func TestUncommitted(t *testing.T) {
	dir := checkoutOf(t, map[string]string{
		"catalog-info.yaml": component("pay"), ".github/workflows/ci.yml": "on: push\n", "main.go": "package main\n",
	})
	gitIn(t, dir, "init", "-q")
	gitIn(t, dir, "add", "-A")
	gitIn(t, dir, "commit", "-qm", "first")
	file := filepath.Join(dir, ".github/workflows/ci.yml")
	if err := os.WriteFile(file, []byte(unlimited), 0o600); err != nil {
		t.Fatal(err)
	}
	got := plan(t, dir, goldenPath(t, nil), nil)
	written, err := got.Write(t.Context())
	var refused *checkout.RefusedError
	if !errors.As(err, &refused) || refused.Path != ".github/workflows/ci.yml" || len(written) > 0 {
		t.Errorf("written %v, error %v", written, err)
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != unlimited {
		t.Errorf("%q, %v", content, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "AGENTS.md")); err == nil {
		t.Error("another file was written")
	}
}

// TestWithoutCommit plans for a repository without a commit; files that are there are not written.
func TestWithoutCommit(t *testing.T) {
	dir := checkoutOf(t, map[string]string{"catalog-info.yaml": component("pay"), "go.mod": "module pay\n", "main.go": "package main\n"})
	gitIn(t, dir, "init", "-q")
	got := plan(t, dir, goldenPath(t, nil), func(o *fix.Options) { o.Rules = []string{"agents-md"} })
	if got.On["commit"] != "none" || !slices.Equal(changedFiles(got), []string{"AGENTS.md"}) {
		t.Errorf("on %v, files %v", got.On, changedFiles(got))
	}
	if _, err := got.Write(t.Context()); err != nil {
		t.Error(err) // a new file takes nothing away
	}
}

// TestChoose chooses the golden path.
func TestChoose(t *testing.T) {
	named := func(name, language string) *paths.Path {
		return goldenPath(t, map[string]string{"path.yaml": "name: " + name + "\nversion: 1.0.0\n" +
			"service: {name: \"{{ service_name }}\", language: " + language + "}\n"})
	}
	golang, python, other := named("go-service", "go"), named("python-service", "python"), named("go-worker", "go")
	for name, test := range map[string]struct {
		files map[string]string
		paths []*paths.Path
		named string
		want  string
	}{
		"by the language":   {map[string]string{"main.go": "package main\n"}, []*paths.Path{python, golang}, "", "go-service"},
		"by its name":       {map[string]string{"main.go": "package main\n"}, []*paths.Path{python, golang}, "python-service", "python-service"},
		"several":           {map[string]string{"main.go": "package main\n"}, []*paths.Path{golang, other}, "", "several golden paths are for Go; name one with --golden-path: go-service, go-worker"},
		"none":              {map[string]string{"main.rs": "fn main() {}\n"}, []*paths.Path{golang, python}, "", "(Rust); name one with --golden-path: go-service, python-service"},
		"without code":      {map[string]string{"README": "x"}, []*paths.Path{golang}, "", "(none that is recognized)"},
		"an unknown name":   {map[string]string{"main.go": "package main\n"}, []*paths.Path{golang}, "x", `there is no golden path "x"; use one of: go-service`},
		"by the lock file":  {map[string]string{".dxctl/golden-path.lock": lockOf(t, python), "main.go": "package main\n"}, []*paths.Path{golang, python}, "", "python-service"},
		"not the lock file": {map[string]string{".dxctl/golden-path.lock": lockOf(t, python)}, []*paths.Path{golang, python}, "go-service", "follows the golden path python-service"},
		"an unknown lock":   {map[string]string{".dxctl/golden-path.lock": lockOf(t, python)}, []*paths.Path{golang}, "", "list its source under paths in dx.yaml"},
		"a broken lock":     {map[string]string{".dxctl/golden-path.lock": "x: y\n"}, []*paths.Path{golang}, "", "golden-path.lock"},
	} {
		p, err := fix.New(t.Context(), fix.Options{
			Dir: checkoutOf(t, test.files), GoldenPath: test.named, Engine: engine(t), Paths: test.paths, Now: now,
		})
		got := fmt.Sprint(err)
		if err == nil {
			got = p.Path.Name
		}
		if !strings.Contains(got, test.want) {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// TestSecretAnswers refuses a secret as an answer, and does not repeat it.
func TestSecretAnswers(t *testing.T) {
	secret := "ghp_" + strings.Repeat("aB3", 12)
	for _, answers := range []map[string]string{{"system": secret}, {"made_up": secret}, {"contact": "token=" + secret[4:]}} {
		_, err := fix.New(t.Context(), fix.Options{Dir: t.TempDir(), Answers: answers})
		if err == nil || !strings.Contains(err.Error(), "contains a secret") || strings.Contains(err.Error(), secret[4:]) {
			t.Errorf("%d answers: the error is %v", len(answers), err)
		}
	}
}

func lockOf(t *testing.T, p *paths.Path) string {
	t.Helper()
	content, err := p.Lock(paths.Answers{"service_name": "pay"}, paths.Defaults{}, nil).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestDeclined takes what the lock file declines out of the plan and the tasks, until the end of the day.
func TestDeclined(t *testing.T) {
	p := goldenPath(t, nil)
	const without = "apiVersion: dxctl.dev/v1\nkind: GoldenPathLock\n"
	for name, c := range map[string]struct{ lock, declined, want string }{
		"a rule":               {lockOf(t, p), "rule: agents-md, until: 2026-11-26", "declined until 2026-11-26: No agents here"},
		"it ended":             {lockOf(t, p), "rule: agents-md, until: 2026-11-24", ""},
		"another rule":         {lockOf(t, p), "rule: license, until: 2026-11-26", ""},
		"a file":               {lockOf(t, p), "file: AGENTS.md, until: 2026-12-01", "AGENTS.md is declined until 2026-12-01: No agents here"},
		"a rule there is not":  {lockOf(t, p), "rule: agent-md, until: 2026-11-26", ""},
		"everything":           {lockOf(t, p), "all: true, until: 2027-03-01", "declined until 2027-03-01: No agents here"},
		"without golden path":  {without, "rule: agents-md, until: 2027-03-01", "declined until 2027-03-01: No agents here"},
		"everything, it ended": {without, "all: true, until: 2026-11-24", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := checkoutOf(t, map[string]string{
				"catalog-info.yaml": component("pay"), "go.mod": "module pay\n", "main.go": "package main\n",
				".dxctl/golden-path.lock": c.lock + "declined:\n  - {" + c.declined + ", reason: No agents here, by: ann}\n",
			})
			got := plan(t, dir, p, func(o *fix.Options) { o.Rules = []string{"agents-md"} })
			r := got.Rules[0]
			if r.Declined != c.want || (c.want == "") != (len(got.Files) > 0) || r.Open() != (c.want == "" && !r.Passes()) {
				t.Errorf("%v, declined %q, %q", changedFiles(got), r.Declined, r.NoPatch)
			}
			written, _, err := got.WriteTasks(t.TempDir())
			if err != nil || c.want != "" && len(written) > 0 {
				t.Errorf("tasks %v, %v", written, err)
			}
			var shown strings.Builder
			if err := got.WriteText(&shown, func(s string) string { return s }); err != nil ||
				!strings.Contains(shown.String(), c.want) {
				t.Errorf("%v\n%s", err, shown.String())
			}
			unknown := strings.Contains(shown.String(), "declines the rule agent-md, which no scorecard has (did you mean")
			if unknown != strings.Contains(c.declined, "agent-md") {
				t.Errorf("%q\n%s", got.Notes, shown.String())
			}
		})
	}
}

// TestDeclinesStay: a lock file that only declines keeps that when it begins to follow a golden path.
func TestDeclinesStay(t *testing.T) {
	p := goldenPath(t, map[string]string{
		"template/LICENSE": "Proprietary\n", "files.yaml": "fixes:\n  - {rule: license, files: [LICENSE]}\n",
	})
	dir := checkoutOf(t, map[string]string{
		"catalog-info.yaml": component("pay"), "go.mod": "module pay\n", "main.go": "package main\n",
		".dxctl/golden-path.lock": "apiVersion: dxctl.dev/v1\nkind: GoldenPathLock\ndeclined:\n" +
			"  - {rule: agents-md, until: 2027-03-01, reason: No agents here, by: ann}\n",
	})
	got := plan(t, dir, p, nil)
	for _, f := range got.Files {
		if f.Path == ".dxctl/golden-path.lock" {
			if text := string(f.After); !strings.Contains(text, "name: test") || !strings.Contains(text, "No agents here") {
				t.Error(text)
			}
			return
		}
	}
	t.Errorf("the lock file is not written: %v", changedFiles(got))
}

// TestRefusedByJudge takes a patch back that the API of Kubernetes would refuse: the golden path has a wrong number.
func TestRefusedByJudge(t *testing.T) {
	dir := checkoutOf(t, map[string]string{
		"catalog-info.yaml": component("pay"), "main.go": "package main\n",
		"deploy/pay.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: pay}\nspec:\n  selector: {matchLabels: {app: pay}}\n" +
			"  template:\n    metadata: {labels: {app: pay}}\n    spec:\n      containers:\n        - name: pay\n          image: pay:1.0.0\n",
	})
	p := goldenPath(t, map[string]string{"files.yaml": "fixes:\n  - {rule: resources-set, edit: resources-set, " +
		"with: {cpu: many, memory: 64Mi, memory_limit: 64Mi}}\n"})
	got := plan(t, dir, p, func(o *fix.Options) { o.Rules = []string{"resources-set"} })
	if got.Changes() || !strings.Contains(got.Rules[0].NoPatch, "the patch was refused: deploy/pay.yaml: ") {
		t.Errorf("%v, %q", changedFiles(got), got.Rules[0].NoPatch)
	}
}

// TestHostile plans for repositories that try to get out, or to exhaust the reader.
func TestHostile(t *testing.T) {
	outside := t.TempDir()
	target := filepath.Join(outside, "ci.yml")
	if err := os.WriteFile(target, []byte(unlimited), 0o600); err != nil {
		t.Fatal(err)
	}
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'j'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", c-1), 9), ","))
	}
	for name, prepare := range map[string]func(t *testing.T, dir string){
		"workflow behind a link": func(t *testing.T, dir string) {
			link(t, target, filepath.Join(dir, ".github/workflows/ci.yml"))
		},
		"directory of workflows behind a link": func(t *testing.T, dir string) {
			link(t, outside, filepath.Join(dir, ".github/workflows"))
		},
		"AGENTS.md as a dangling link": func(t *testing.T, dir string) {
			link(t, filepath.Join(outside, "new"), filepath.Join(dir, "AGENTS.md"))
		},
		"a chain of links": func(t *testing.T, dir string) {
			link(t, outside, filepath.Join(dir, "x"))
			link(t, "x", filepath.Join(dir, ".github"))
		},
		"a bomb of aliases": func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, ".github/workflows/ci.yml"), bomb+"jobs: {test: {steps: *i}}\n")
		},
		"names equal but for case": func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "agents.md"), "# mine\n")
			put(t, filepath.Join(dir, ".GitHub/x"), "x\n")
		},
		"a huge workflow": func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, ".github/workflows/ci.yml"), unlimited+strings.Repeat("# x\n", 1<<20))
		},
		"a descriptor that names another directory": func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "catalog-info.yaml"), component("../../x"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := checkoutOf(t, map[string]string{
				"catalog-info.yaml": component("pay"), "go.mod": "module pay\n", "main.go": "package main\n",
			})
			prepare(t, dir)
			before, err := os.ReadFile(target)
			if err != nil {
				t.Fatal(err)
			}
			got := plan(t, dir, goldenPath(t, nil), nil)
			_, err = got.Write(t.Context())
			var refused *checkout.RefusedError
			if err != nil && !errors.As(err, &refused) {
				t.Error(err)
			}
			after, err := os.ReadFile(target)
			if err != nil || !bytes.Equal(before, after) {
				t.Errorf("a file outside was changed: %q, %v", after, err)
			}
			if entries, err := os.ReadDir(outside); err != nil || len(entries) != 1 {
				t.Errorf("outside: %v, %v", entries, err)
			}
		})
	}
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTasks writes a task for what no patch can do, and removes it when the rule passes.
func TestTasks(t *testing.T) {
	dir := checkoutOf(t, map[string]string{"catalog-info.yaml": component("pay"), "main.go": "package main\n", "Dockerfile": "FROM debian\nCMD x\n"})
	tasks := filepath.Join(t.TempDir(), "tasks")
	p := goldenPath(t, nil)
	put(t, filepath.Join(tasks, "mine.md"), "# mine\n")
	if _, _, err := plan(t, dir, p, nil).WriteTasks(tasks); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(tasks, "base-image-pinned.md"))
	for _, want := range []string{
		"`base-image-pinned`", "At `Dockerfile:1`: `choose a version of the base image debian",
		"dxctl grade . --rule base-image-pinned",
	} {
		if err != nil || !strings.Contains(string(content), want) {
			t.Errorf("%v: the task lacks %q:\n%s", err, want, content)
		}
	}
	put(t, filepath.Join(dir, "Dockerfile"), "FROM debian:12.1@sha256:"+strings.Repeat("a", 64)+"\nCMD x\n")
	_, removed, err := plan(t, dir, p, nil).WriteTasks(tasks)
	if err != nil || !slices.Contains(removed, filepath.Join(tasks, "base-image-pinned.md")) {
		t.Errorf("removed %v, %v", removed, err)
	}
	if _, err := os.Stat(filepath.Join(tasks, "mine.md")); err != nil {
		t.Error("a file of somebody was removed")
	}
	put(t, filepath.Join(tasks, "license.md"), "# mine\n")
	if _, _, err := plan(t, dir, p, nil).WriteTasks(tasks); err == nil {
		t.Error("a file of somebody was replaced")
	}
}

// TestDocument encodes a plan and identifies it: another content has another digest.
func TestDocument(t *testing.T) {
	files := map[string]string{"catalog-info.yaml": component("pay"), "main.go": "package main\n", ".github/workflows/ci.yml": unlimited}
	dir := checkoutOf(t, files)
	p := goldenPath(t, nil)
	got := plan(t, dir, p, nil)
	data, err := json.Marshal(got.Document())
	if err != nil || bytes.Contains(data, []byte(":null")) {
		t.Errorf("%v\n%s", err, data)
	}
	if again := plan(t, dir, p, nil); again.Digest() != got.Digest() {
		t.Error("two plans of the same have different digests")
	}
	put(t, filepath.Join(dir, ".github/workflows/ci.yml"), unlimited+"# more\n")
	if other := plan(t, dir, p, nil); other.Digest() == got.Digest() {
		t.Error("a plan for another content has the same digest")
	}
	if _, err := got.Write(t.Context()); err == nil {
		t.Error("a plan was written to files that changed since")
	}
	var text strings.Builder
	if err := got.WriteText(&text, func(s string) string { return s }); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"pay: golden path test 1.0.0", "Passes with the patch", "workflow-timeouts", "+    timeout-minutes: 120", "Without a patch"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, text.String())
		}
	}
	for _, r := range got.Rules {
		if len(r.Files) == 0 && !r.Passes() && r.NoPatch == "" {
			t.Errorf("%s has no patch, and not why", r.ID)
		}
		if r.After == event.Pass && len(r.Files) == 0 && r.Before == event.Pass {
			t.Errorf("%s passes and is in the plan", r.ID)
		}
	}
}
