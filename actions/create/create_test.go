package create

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/github/hosttest"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// testPath is a small golden path.
func testPath(t *testing.T) *paths.Path {
	t.Helper()
	files := fstest.MapFS{}
	for name, text := range map[string]string{
		"path.yaml": `name: test-service
version: 1.0.0
service: {name: "{{ service_name }}", language: go, framework: net/http}
infrastructure: {compute: kubernetes, database: none, cache: none}
observability: {metrics: prometheus, logging: structured-json, tracing: opentelemetry}
ci_cd: {pipeline: github-actions, deploy_strategy: rolling, environments: [staging, production]}
`,
		"files.yaml": "commands: [{run: make lock, why: resolve the versions}]\n",
		"questions.yaml": `owner: {pattern: "[a-z:/-]+"}
description: {pattern: "[A-Za-z ]+", default: A service}
created_at: {pattern: "[0-9TZ:-]+"}
`,
		"template/catalog-info.yaml.tmpl": `apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: {{ service_name }}
  annotations: {dxctl.dev/created-at: {{ yaml created_at }}}
spec: {type: service, lifecycle: experimental, owner: {{ yaml owner }}}
`,
		"template/README.md.tmpl": "# {{ service_name }}\n\n{{ description }}\n",
		"template/run.sh":         "#!/bin/sh\necho hello\n",
		"template/empty":          "",
		"template/.github/workflows/ci.yaml": `name: ci
on: {pull_request: {}, push: {branches: [main]}}
jobs:
  test: {name: Unit tests, runs-on: ubuntu-latest, steps: [{run: make test}]}
  lint: {runs-on: ubuntu-latest, steps: [{run: make lint}]}
  deploy: {if: github.ref == 'refs/heads/main', runs-on: ubuntu-latest, steps: [{run: make deploy}]}
`,
	} {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	p, err := paths.Load(files, paths.Origin{Kind: paths.FromDirectory, Location: "test-service"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var now = time.Date(2026, 11, 26, 20, 0, 0, 0, time.UTC)

// action returns the action in a directory. s may be nil.
func action(t *testing.T, dir string, s *hosttest.Server) *Action {
	t.Helper()
	p := testPath(t)
	a := New(Deps{
		Path: func(_ context.Context, name string) (*paths.Path, error) {
			if name == "empty-service" {
				return paths.Load(fstest.MapFS{paths.DescriptionFile: {}}, paths.Origin{Location: name})
			}
			if name != p.Name {
				return nil, fmt.Errorf("there is no golden path %s", name)
			}
			return p, nil
		},
		Now: func() time.Time { return now }, Local: dir, Journals: filepath.Join(dir, ".dxctl", "create"),
	})
	if s != nil {
		s.Now, a.GitHubURL = a.Now, s.URL
		a.GitHub = func() (*github.Host, error) {
			return github.New(github.Config{URL: s.URL, AllowPrivateNetwork: true}, s.Token, "test",
				rest.Options{Tune: func(c *rest.Config) { c.Attempts = 1 }})
		}
	}
	return a
}

func input(more ...string) actions.Input {
	in := actions.Input{NameField: "pay", PathField: "test-service", OwnerField: "group:default/payments"}
	for i := 0; i < len(more); i += 2 {
		in[more[i]] = more[i+1]
	}
	return in
}

// begin plans, begins a journal and returns the action that applies the plan.
func begin(t *testing.T, a *Action, in actions.Input) (actions.Plan, *Action) {
	t.Helper()
	p, err := a.Plan(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	j, err := a.Begin(t.Context(), p, "run-1")
	if err != nil {
		t.Fatal(err)
	}
	going := *a
	going.Resume = j
	return p, &going
}

// apply applies a plan as the command does.
func apply(ctx context.Context, a *Action, p actions.Plan, progress func(actions.Step)) error {
	_, err := actions.Run(ctx, a, p.Input, p.Digest(), actions.RunOptions{ID: "run-1", Now: a.Now, Progress: progress})
	return err
}

func TestPlan(t *testing.T) {
	dir := t.TempDir()
	a := action(t, dir, nil)
	p, err := a.Plan(t.Context(), input())
	if err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("planning has written %v", entries)
	}
	again, err := a.Plan(t.Context(), p.Input)
	if err != nil || again.Digest() != p.Digest() {
		t.Errorf("planned again, the digest is %s, %v; want %s", again.Digest(), err, p.Digest())
	}
	texts := map[string]string{}
	for _, f := range p.Files {
		texts[f.Path] = string(f.After)
		if f.Executable != (f.Path == "run.sh") {
			t.Errorf("%s is executable: %v", f.Path, f.Executable)
		}
	}
	if !strings.Contains(texts["catalog-info.yaml"], "created-at: 2026-11-26T20:00:00Z") &&
		!strings.Contains(texts["catalog-info.yaml"], `created-at: "2026-11-26T20:00:00Z"`) {
		t.Errorf("the descriptor is\n%s", texts["catalog-info.yaml"])
	}
	lock, err := pathlock.Parse([]byte(texts[pathlock.File]), pathlock.File)
	if err != nil {
		t.Fatal(err)
	}
	if lock.Answers["owner"] != "group:default/payments" || lock.Path.Name != "test-service" ||
		lock.Files["README.md"].Hash != pathlock.Hash([]byte(texts["README.md"])) {
		t.Errorf("the lock file is\n%s", texts[pathlock.File])
	}
	want := actions.Command{Line: "make lock", Why: "resolve the versions"}
	if !slices.Contains(p.Commands, want) {
		t.Errorf("the commands are %v, without that of the golden path", p.Commands)
	}
	if p.Entity != "component:default/pay" || p.On["directory"] != "absent" || len(p.Requests) != 0 {
		t.Errorf("the plan is of %s, on %v, with the requests %v", p.Entity, p.On, p.Requests)
	}
}

func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"full/file", "committed/.git/HEAD"} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o750), os.WriteFile(file, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		in   actions.Input
		want []string
	}{
		{"a name that is none", input(NameField, "Pay Service"), []string{"name:", "for example payment-service"}},
		{"an unknown path", input(PathField, "nothing"), []string{"no golden path nothing"}},
		{"everything is missing", actions.Input{}, []string{"name is missing", "golden_path is missing"}},
		{"an answer is missing", actions.Input{NameField: "pay", PathField: "test-service"},
			[]string{"the answer to owner is missing"}},
		{"a directory that is not empty", input(DirField, "full"), []string{"it is not empty", "dxctl fix"}},
		{"a file", input(DirField, "full/file"), []string{"name another directory"}},
		{"a symbolic link to nothing", input(DirField, "dangling"), []string{"symbolic link to nothing"}},
		{"directory and repository", input(DirField, "x", RepositoryField, "acme/pay"), []string{"dir or repository, not both"}},
		{"a repository that is none", input(RepositoryField, "acme"), []string{"for example acme/payment-service"}},
		{"a repository of dots", input(RepositoryField, "acme/.."), []string{"no name of a repository"}},
		{"a repository that ends in .git", input(RepositoryField, "acme/pay.git"), []string{"no name of a repository"}},
		{"a repository that ends in a dot", input(RepositoryField, "acme/pay."), []string{"ends with a dot"}},
		{"a repository named like a device", input(RepositoryField, "acme/aux.js"), []string{"device on Windows"}},
		{"a service named like a device", input(NameField, "con"), []string{`name: "con"`, "device on Windows"}},
		{"a path without files", input(PathField, "empty-service"), []string{"no files in its directory template"}},
		{"GitHub without credentials", input(RepositoryField, "acme/pay"), []string{"GITHUB_TOKEN"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := action(t, dir, nil)
			a.GitHub = func() (*github.Host, error) { return nil, github.ErrNoCredentials }
			_, err := a.Plan(t.Context(), c.in)
			if err == nil {
				t.Fatal("there is a plan")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %v, want %q", err, want)
				}
			}
		})
	}
	a := action(t, dir, nil)
	a.Taken = func(ref string) string { return "catalog.yaml:3 of " + ref }
	if _, err := a.Plan(t.Context(), input()); err == nil || !strings.Contains(err.Error(), "catalog.yaml:3") {
		t.Errorf("a service of the catalog is created again: %v", err)
	}
	in := input()
	in[AnswersField] = map[string]string{"owner": "group:default/other"}
	if _, err := action(t, dir, nil).Plan(t.Context(), in); err == nil || !strings.Contains(err.Error(), "give one of them") {
		t.Errorf("two owners are taken: %v", err)
	}
}

// TestNoGit: that git is missing is noticed before a file is written.
func TestNoGit(t *testing.T) {
	a := action(t, t.TempDir(), nil)
	t.Setenv("PATH", "")
	if _, err := a.Plan(t.Context(), input()); err == nil || !strings.Contains(err.Error(), "git is not installed") {
		t.Errorf("the error is %v", err)
	}
}

// TestSharedRepository creates a service in a repository of others, from a directory in it and from one next to it, and
// runs the command that commits it.
func TestSharedRepository(t *testing.T) {
	for _, c := range []struct{ local, dir string }{
		{"mono", "services/pay"}, {"mono", "pay it"}, {"mono/services", "../pay"}, {"", "mono/services/pay"}, {"other", "../mono/pay"},
	} {
		t.Run(c.local+" "+c.dir, func(t *testing.T) {
			root := t.TempDir()
			for _, name := range []string{"mono/services", "other"} {
				if err := os.MkdirAll(filepath.Join(root, name), 0o750); err != nil {
					t.Fatal(err)
				}
			}
			git(t, root, "init", "-q", "-b", "main", "mono")
			local := filepath.Join(root, c.local)
			p, a := begin(t, action(t, local, nil), input(DirField, c.dir))
			if err := apply(t.Context(), a, p, nil); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "sh", "-c", p.Commands[0].Line)
			cmd.Dir = local
			cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@acme.example",
				"GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@acme.example")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v: %s", p.Commands[0].Line, err, out)
			}
			mono := filepath.Join(root, "mono")
			if s := git(t, mono, "ls-files"); strings.Count(s, "\n") != len(p.Files)-1 {
				t.Errorf("%d files were written, and these committed:\n%s", len(p.Files), s)
			}
			workflow := slices.ContainsFunc(p.Files, func(f actions.FileChange) bool { return strings.HasPrefix(f.Path, ".github/") })
			if note := strings.Join(p.Notes, " "); strings.Contains(note, "only at the root") != workflow {
				t.Errorf("the notes are %s", note)
			}
		})
	}
}

// TestSecrets looks for a secret in everything that a creation writes.
func TestSecrets(t *testing.T) {
	dir, secret := t.TempDir(), "ghp_"+strings.Repeat("aB3", 12)
	in := input()
	in[AnswersField] = map[string]string{"description": secret}
	if _, err := action(t, dir, nil).Plan(t.Context(), in); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("the error of a secret as an answer is %v", err)
	}
	s := hosttest.New(t)
	s.Token = secret
	p, a := begin(t, action(t, dir, s), input(RepositoryField, "acme/pay"))
	var steps strings.Builder
	if err := apply(t.Context(), a, p, func(s actions.Step) { fmt.Fprintln(&steps, s) }); err != nil {
		t.Fatal(err)
	}
	journal, err := os.ReadFile(journalName(a.Journals, "pay"))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := json.Marshal(p.Document())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"journal": string(journal), "plan": string(plan), "steps": steps.String()} {
		if text == "" || strings.Contains(text, secret) {
			t.Errorf("the %s has the token:\n%s", name, text)
		}
	}
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestLocal creates a service in a directory of every kind.
func TestLocal(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, dir string)
		commits int // of the directory; -1: it is in another repository
	}{
		{"a new directory", func(*testing.T, string) {}, 1},
		{"an empty one", func(t *testing.T, dir string) {
			t.Helper()
			if err := os.Mkdir(filepath.Join(dir, "pay"), 0o750); err != nil {
				t.Fatal(err)
			}
		}, 1},
		{"an empty repository", func(t *testing.T, dir string) {
			t.Helper()
			git(t, dir, "init", "-q", "-b", "main", "pay")
		}, 1},
		{"in a repository", func(t *testing.T, dir string) {
			t.Helper()
			git(t, dir, "init", "-q", "-b", "main", ".")
		}, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			c.prepare(t, dir)
			p, a := begin(t, action(t, dir, nil), input())
			if err := apply(t.Context(), a, p, nil); err != nil {
				t.Fatal(err)
			}
			target := filepath.Join(dir, "pay")
			for _, f := range p.Files {
				name := filepath.Join(target, filepath.FromSlash(f.Path))
				got, err := os.ReadFile(name)
				if err != nil || string(got) != string(f.After) {
					t.Errorf("%s is %q, %v", f.Path, got, err)
				}
				if st, err := os.Stat(name); err != nil || (st.Mode()&0o100 != 0) != f.Executable {
					t.Errorf("%s: %v, %v", f.Path, st, err)
				}
			}
			if c.commits < 0 {
				if _, err := os.Stat(filepath.Join(target, ".git")); err == nil {
					t.Error("a repository was made in a repository")
				}
				return
			}
			if n := git(t, target, "rev-list", "--count", "main"); n != fmt.Sprint(c.commits) {
				t.Errorf("it has %s commits", n)
			}
			if s := git(t, target, "status", "--porcelain"); s != "" {
				t.Errorf("git status is %s", s)
			}
		})
	}
}

func TestHosted(t *testing.T) {
	s := hosttest.New(t)
	dir := t.TempDir()
	in := input(RepositoryField, "acme/pay", VisibilityField, "internal")
	in[SettingsField] = true
	s.Teams = map[string]int64{"acme/payments": 42}
	p, a := begin(t, action(t, dir, s), in)
	if len(s.Writes) > 0 || p.On["repository"] != "absent" {
		t.Errorf("planning has sent %v; it is on %v", s.Writes, p.On)
	}
	if err := apply(t.Context(), a, p, nil); err != nil {
		t.Fatal(err)
	}
	checkRepository(t, s, p)
	settings := strings.Join(s.Repos["acme/pay"].Settings, "\n")
	for _, want := range []string{`"context":"Unit tests"`, `"context":"lint"`, `"reviewers":[{"id":42,"type":"Team"}]`} {
		if !strings.Contains(settings, want) {
			t.Errorf("the settings lack %s:\n%s", want, settings)
		}
	}
	if strings.Contains(settings, `"context":"deploy`) {
		t.Errorf("a job that pull requests skip is required:\n%s", settings)
	}
	if _, err := action(t, dir, s).Plan(t.Context(), in); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("it is created again: %v", err)
	}
}

// checkRepository compares the repository with the plan.
func checkRepository(t *testing.T, s *hosttest.Server, p actions.Plan) {
	t.Helper()
	repo := s.Repos["acme/pay"]
	if repo == nil || len(s.Repos) != 1 {
		t.Fatalf("the repositories are %v", s.Repos)
	}
	files, commits := repo.Head()
	if commits != 1 || len(repo.Refs) != 1 || repo.DefaultBranch != "main" || github.TreeID(files) != github.TreeID(p.Files) {
		t.Errorf("it has %d commits and the refs %v", commits, repo.Refs)
	}
	if !slices.ContainsFunc(files, func(f actions.FileChange) bool { return f.Path == "run.sh" && f.Executable }) {
		t.Error("run.sh is not executable")
	}
}

// TestForeignRepository creates what somebody else has created meanwhile.
func TestForeignRepository(t *testing.T) {
	s := hosttest.New(t)
	dir := t.TempDir()
	p, a := begin(t, action(t, dir, s), input(RepositoryField, "acme/pay"))
	host, err := a.hostOf()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := host.Create(t.Context(), github.Repository{Owner: "acme", Name: "pay"}, "Organization"); err != nil {
		t.Fatal(err)
	}
	work := []actions.FileChange{{Path: "work.go", After: []byte("package work\n")}}
	push := func() {
		t.Helper()
		r, err := host.Find(t.Context(), "acme/pay")
		if err != nil {
			t.Fatal(err)
		}
		first, err := host.Commits(t.Context(), r.FullName, r.DefaultBranch)
		if err != nil {
			t.Fatal(err)
		}
		commit, err := host.Push(t.Context(), r.FullName, work, "work")
		if err != nil {
			t.Fatal(err)
		}
		if err := host.Move(t.Context(), r, commit, first); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name   string
		change func()
		want   string
	}{
		{"it was not asked for", func() {}, "exists already"},
		{"it has the only commit of a colleague", push, "exists already"},
		{"the answer was lost, and a colleague has pushed", func() { a.Resume.Sent = true }, "the commit"},
		{"it is older", func() { s.Repos["acme/pay"].CreatedAt = now.Add(-time.Hour) }, "before this creation began"},
		{"it has another description", func() {
			s.Repos["acme/pay"].CreatedAt, s.Repos["acme/pay"].Description = now, "Another one"
		}, "another description"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.change()
			before, _ := s.Repos["acme/pay"].Head()
			if err := apply(t.Context(), a, p, nil); !errors.Is(err, github.ErrForeign) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %q", err, c.want)
			}
			if after, _ := s.Repos["acme/pay"].Head(); github.TreeID(after) != github.TreeID(before) {
				t.Error("the files of the repository have changed")
			}
			left, err := a.Leftover(t.Context(), a.Resume)
			if err != nil || len(left.Foreign) == 0 || len(left.Deletes) > 0 {
				t.Errorf("a cleanup would delete %v and keep %v (%v)", left.Deletes, left.Foreign, err)
			}
		})
	}
}
