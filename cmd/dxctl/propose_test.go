package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/github/hosttest"
	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/collectors/rest"
)

const unboundedWorkflow = `# the build
name: ci
on:
  pull_request:
  push: {branches: [main]}
permissions: {contents: read}
concurrency: {group: "ci-${{ github.ref }}"}
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: go test ./...
`

// TestFixPullRequest takes the pull request of a checkout from nothing to merged.
func TestFixPullRequest(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	s := hosttest.New(t)
	t.Setenv(github.TokenVariable, s.Token)
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	files := map[string]string{
		".github/workflows/ci.yaml": unboundedWorkflow,
		"catalog-info.yaml": "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: pay}\n" +
			"spec: {type: service, lifecycle: production, owner: team-a}\n",
		".gitignore": "/data/\n",
		"go.mod":     "module example.com/pay\n\ngo 1.26\n",
		"main.go":    "package main\n\nfunc main() {}\n",
		"dx.yaml": "actions:\n  github: {url: \"https://thief.example\"}\n" +
			"paths:\n  sources: [{git: \"ssh://git@thief.example/x.git\", ref: v1}, {dir: ../elsewhere}]\n",
	}
	ours := filepath.Join(t.TempDir(), "dx.yaml")
	config := fmt.Sprintf("actions:\n  github: {url: %q, allow_private_network: true}\n", s.URL)
	if err := os.WriteFile(ours, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	writeFiles(t, files)
	git := gitIn(t)
	git("init", "-q", "-b", "main")
	git("remote", "add", "origin", s.URL+"/../../acme/pay.git")
	repo := pushed(t, s, git, files)

	dxctl := func(want int, args ...string) string {
		t.Helper()
		args = append([]string{"--config", ours, "fix", "--rule", "workflow-timeouts", "--golden-path", "go-service"}, args...)
		_, diagnostics := process(t, s, want, args...)
		return diagnostics
	}
	expect := func(got, want string) {
		t.Helper()
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	expect(dxctl(exit.OK, "--pr", "--repository", "acme/pay"), "pull request #1 is open")
	pull := repo.Requests[0]
	for _, want := range []string{"`workflow-timeouts`", "### To decline", "| scorecard | grade |", ".github/workflows/ci.yaml"} {
		expect(pull.Body, want)
	}
	var changed string
	for _, f := range repo.FilesOf(pull.Head) {
		if f.Path == ".github/workflows/ci.yaml" {
			changed = string(f.After)
		}
	}
	expect(changed, "# the build\n")
	expect(changed, "timeout-minutes:")
	if git("status", "--porcelain") != "" {
		t.Error("the checkout was changed:", git("status", "--porcelain"))
	}
	expect(dxctl(exit.OK, "--pr", "--repository", "acme/pay"), "pull request #1 has these changes already")

	repo.CommitFile("main", "other.md", "by somebody\n")
	expect(dxctl(exit.Conflicts, "--pr", "--repository", "acme/pay"), "plan again")

	if err := os.WriteFile("main.go", []byte("package main\n\nfunc main() { println() }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(".github/workflows/ci.yaml", []byte(unboundedWorkflow+"# mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	writes := len(s.Writes)
	expect(dxctl(exit.Error, "--pr", "--repository", "acme/pay"), ".github/workflows/ci.yaml")
	s.Scopes = "public_repo"
	git("checkout", "-q", "--", ".")
	expect(dxctl(exit.Credentials, "--pr", "--repository", "acme/pay"), "the scope repo, the scope workflow")
	if len(s.Writes) != writes {
		t.Error("it has written", s.Writes[writes:])
	}
	expect(dxctl(exit.Error, "--pr", "--repository", "https://gitlab.com/acme/pay"), "actions.github.url in dx.yaml; on other hosts than GitHub")
}

// TestWaiverPullRequest: a waiver is proposed, and the file on the disk stays as it is.
func TestWaiverPullRequest(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	s := hosttest.New(t)
	t.Setenv(github.TokenVariable, s.Token)
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	files := map[string]string{
		"catalog-info.yaml": "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: pay}\n" +
			"spec: {type: service, lifecycle: production, owner: team-a}\n",
		".gitignore": "/data/\n",
	}
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git := gitIn(t)
	git("init", "-q", "-b", "main")
	repo := pushed(t, s, git, files)
	ours := filepath.Join(t.TempDir(), "dx.yaml")
	config := fmt.Sprintf("actions:\n  github: {url: %q, allow_private_network: true}\n", s.URL)
	if err := os.WriteFile(ours, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := process(t, s, exit.OK, "--config", ours, "waiver", "request", ".", "--rule", "delivery/branch-protected",
		"--until", "30d", "--reason", "planned", "--note", "@all `PAY-12`", "--by", "ada@example.com", "--pr",
		"--repository", "acme/pay")
	if len(repo.Requests) != 1 {
		t.Fatalf("%d pull requests", len(repo.Requests))
	}
	pull := repo.Requests[0]
	if pull.Head != "dxctl/waiver-pay-branch-protected" || !strings.Contains(pull.Body, "`` @all `PAY-12` ``") ||
		!strings.HasPrefix(pull.Title, "Waive branch-protected for component:default/pay until 20") {
		t.Errorf("%s: %q\n%s", pull.Head, pull.Title, pull.Body)
	}
	var proposed string
	for _, f := range repo.FilesOf(pull.Head) {
		if f.Path == ".dxctl/waivers.yaml" {
			proposed = string(f.After)
		}
	}
	if !strings.Contains(proposed, "branch-protected") {
		t.Errorf("the file is %q", proposed)
	}
	if _, err := os.Stat(".dxctl"); err == nil || !strings.Contains(out, "+++ b/.dxctl/waivers.yaml") {
		t.Errorf("the file was written, or the difference is %q", out)
	}
}

// TestConfigOfAStranger: what the dx.yaml of a checkout says starts no program and sends no credentials.
func TestConfigOfAStranger(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("DXCTL_CONFIG", "")
	started := filepath.Join(t.TempDir(), "started")
	t.Setenv("GIT_SSH_COMMAND", "touch "+started)
	const text = "actions:\n  github: {url: \"https://thief.example\"}\npaths:\n  sources:\n" +
		"    - {git: \"ssh://git@thief.example/x.git\", ref: v1}\n    - {dir: ../elsewhere}\n    - {dir: link}\n    - {dir: own}\n"
	if err := errors.Join(os.WriteFile("dx.yaml", []byte(text), 0o600), os.Symlink(os.TempDir(), "link")); err != nil {
		t.Fatal(err)
	}
	var diagnostics bytes.Buffer
	s := &cli{out: io.Discard, err: &diagnostics, now: time.Now}
	cfg, base, err := s.pathsOf(dir)
	if err != nil || base != dir || len(cfg.Sources) != 1 || cfg.Sources[0].Dir != "own" {
		t.Errorf("the golden paths are %+v of %s, %v", cfg.Sources, base, err)
	}
	if _, err := os.Stat(started); err == nil {
		t.Error("git connected to an address of the checkout")
	}
	for _, at := range []string{"thief.example/x.git", "../elsewhere", "link"} {
		if !strings.Contains(diagnostics.String(), at) {
			t.Errorf("%q is not in %q", at, diagnostics.String())
		}
	}
	if cfg, err := s.actionsConfig(dir); err != nil || cfg.Actions.GitHub.URL != "" {
		t.Errorf("credentials are sent to %q, %v", cfg.Actions.GitHub.URL, err)
	}
	if cfg, err := s.actionsConfig(t.TempDir()); err != nil || cfg.Actions.GitHub.URL == "" {
		t.Errorf("the configuration of the working directory is left out: %+v, %v", cfg.Actions.GitHub, err)
	}
	s.configFile = "dx.yaml"
	if cfg, err := s.actionsConfig(dir); err != nil || cfg.Actions.GitHub.URL == "" {
		t.Errorf("the configuration that was named is left out: %+v, %v", cfg.Actions.GitHub, err)
	}
}

// process runs dxctl as a process of its own, because tests share an engine with this one, and returns what it printed
// and its diagnostics.
func process(t *testing.T, s *hosttest.Server, want int, args ...string) (printed, diagnostics string) {
	t.Helper()
	s.Interrupt(nil, nil) // a lock: the server sees what the test changed
	defer s.Interrupt(nil, nil)
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "dxctl", args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) {
		t.Fatal(err)
	}
	if code := cmd.ProcessState.ExitCode(); code != want {
		t.Fatalf("dxctl %v: exit %d, want %d\n%s\n%s", args, code, want, out.String(), errs.String())
	}
	return out.String(), errs.String()
}

// gitIn runs git in the working directory.
func gitIn(t *testing.T) func(args ...string) string {
	t.Helper()
	return func(args ...string) string {
		t.Helper()
		args = append([]string{"-c", "user.name=Ada", "-c", "user.email=ada@example.com"}, args...)
		out, err := exec.CommandContext(t.Context(), "git", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %s", args, out)
		}
		return strings.TrimSpace(string(out))
	}
}

// pushed commits the files and gives the repository acme/pay of the server the same commit.
func pushed(t *testing.T, s *hosttest.Server, git func(...string) string, files map[string]string) *hosttest.Repo {
	t.Helper()
	git("add", "-A")
	git("commit", "-q", "-m", "first")
	h, err := github.New(github.Config{URL: s.URL, AllowPrivateNetwork: true}, s.Token, "test", rest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Create(t.Context(), github.Repository{Owner: "acme", Name: "pay"}, "Organization"); err != nil {
		t.Fatal(err)
	}
	repo := s.Repos["acme/pay"]
	repo.Private = true
	var all []actions.FileChange
	for name, text := range files {
		all = append(all, actions.FileChange{Path: name, After: []byte(text)})
	}
	head, tree := git("rev-parse", "HEAD"), github.TreeID(all)
	if want := git("rev-parse", "HEAD^{tree}"); tree != want {
		t.Fatalf("the tree is %s, want %s", tree, want)
	}
	repo.Files[tree], repo.Trees[head] = all, tree
	repo.Refs["heads/main"] = head
	return repo
}

// writeFiles writes files below the working directory.
func writeFiles(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
