package github_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions/checkout"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/github/hosttest"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/repository/tree"
)

// headOf returns the only head of a repository.
func headOf(t *testing.T, h *github.Host, repository string) github.Head {
	t.Helper()
	heads, err := h.Heads(t.Context(), []string{repository})
	if err != nil || len(heads) != 1 {
		t.Fatalf("%v, %v", heads, err)
	}
	return heads[0]
}

// TestFiles reads a repository in one request, or, if the archive lacks files, with one more for each of them.
func TestFiles(t *testing.T) {
	s := hosttest.New(t)
	h := host(t, s)
	if _, err := h.Create(t.Context(), github.Repository{Owner: "acme", Name: "pay"}, "Organization"); err != nil {
		t.Fatal(err)
	}
	repo := s.Repos["acme/pay"]
	repo.CommitFile("main", ".github/workflows/ci.yml", "on: push\n")
	repo.CommitFile("main", "bin/run", "#!/bin/sh\n")
	for _, c := range []struct {
		name   string
		hidden []string
		reads  int
	}{
		{"whole", nil, 1},
		{"with files that .gitattributes excludes", []string{".github/workflows/ci.yml", "README.md"}, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			repo.Hidden = c.hidden
			head := headOf(t, h, "acme/pay")
			s.Reads = nil
			dir := t.TempDir()
			if err := h.Files(t.Context(), head, dir); err != nil {
				t.Fatal(err)
			}
			for path, want := range map[string]string{".github/workflows/ci.yml": "on: push\n", "README.md": "# pay\n"} {
				if got, err := os.ReadFile(filepath.Join(dir, path)); string(got) != want {
					t.Errorf("%s is %q, %v", path, got, err)
				}
			}
			if len(s.Reads) != c.reads {
				t.Errorf("the requests are %q, want %d", s.Reads, c.reads)
			}
		})
	}
	repo.CommitFile("main", "../outside", "no")
	dir := filepath.Join(t.TempDir(), "below")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := h.Files(t.Context(), headOf(t, h, "acme/pay"), dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "../outside")); err == nil {
		t.Error("a file was written outside of the directory")
	}
}

// TestSubmodule: nothing is changed or added below a submodule, which the archive of a repository does not show.
func TestSubmodule(t *testing.T) {
	s := hosttest.New(t)
	h := host(t, s)
	if _, err := h.Create(t.Context(), github.Repository{Owner: "acme", Name: "pay"}, "Organization"); err != nil {
		t.Fatal(err)
	}
	repo := s.Repos["acme/pay"]
	repo.Submodules, repo.Hidden = []string{"deploy/base"}, []string{"README.md"} // so that it lacks something
	dir := t.TempDir()
	if err := h.Files(t.Context(), headOf(t, h, "acme/pay"), dir); err != nil {
		t.Fatal(err)
	}
	open, err := checkout.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var refused *checkout.RefusedError
	if _, err := open.Read("deploy/base/deployment.yaml"); !errors.As(err, &refused) {
		t.Errorf("a file of the submodule can be changed: %v", err)
	}
	if _, err := open.Read("deploy/other.yaml"); err != nil {
		t.Error(err)
	}
	listed, err := tree.List(t.Context(), os.DirFS(dir), tree.Limits{})
	if err != nil || len(listed.Files) != 1 || listed.Files[0].Path != "README.md" {
		t.Errorf("%+v, %v", listed.Files, err)
	}
}

func TestHeads(t *testing.T) {
	s := hosttest.New(t)
	h := host(t, s)
	for _, name := range []string{"pay", "old", "theirs", "empty"} {
		if _, err := h.Create(t.Context(), github.Repository{Owner: "acme", Name: name}, "Organization"); err != nil {
			t.Fatal(err)
		}
	}
	s.Repos["acme/old"].Archived, s.Repos["acme/theirs"].ReadOnly = true, true
	s.Repos["acme/pay"].Checks[s.Repos["acme/pay"].Refs["heads/main"]] = "FAILURE"
	s.Repos["acme/empty"].Refs = nil
	for _, status := range []int{0, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone,
		http.StatusNotImplemented} {
		s.NoGraphQL, s.Reads = status, nil
		checkHeads(t, s, host(t, s))
	}
	s.NoGraphQL, s.Reads = http.StatusUnauthorized, nil
	h = host(t, s)
	if _, err := h.Heads(t.Context(), []string{"acme/pay"}); !errors.Is(err, rest.ErrUnauthorized) || h.Bulk().REST {
		t.Errorf("a wrong token: %v, %+v", err, h.Bulk())
	}
}

func checkHeads(t *testing.T, s *hosttest.Server, h *github.Host) {
	t.Helper()
	main := s.Repos["acme/pay"].Refs["heads/main"]
	heads, err := h.Heads(t.Context(), []string{"acme/none", "acme/pay", "acme/old", "acme/theirs", "acme/empty"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"see no repository", "", "archived", "right to push", "no commit"}
	for i, head := range heads {
		if (want[i] == "") != (head.Problem == "") || !strings.Contains(head.Problem, want[i]) {
			t.Errorf("%s: %q, want %q", head.Repository, head.Problem, want[i])
		}
	}
	if pay := heads[1]; pay.Commit != main || pay.Branch != "main" || pay.Checks != github.ChecksFailed {
		t.Errorf("%+v", pay)
	}
	if h.Bulk().REST != (s.NoGraphQL != 0) || s.NoGraphQL == 0 && !slices.Equal(s.Reads, []string{"graphql"}) {
		t.Errorf("five repositories took %q", s.Reads)
	}
}

// TestReads counts what a proposal takes, with the base that was read before: of a new pull request one read and four
// writes; of an open one the commits of its branch, too.
func TestReads(t *testing.T) {
	s := hosttest.New(t)
	h := host(t, s)
	if _, err := h.Create(t.Context(), github.Repository{Owner: "acme", Name: "pay"}, "Organization"); err != nil {
		t.Fatal(err)
	}
	head := headOf(t, h, "acme/pay")
	p := github.Proposal{Repository: "acme/pay", Base: head.Branch, On: head.Commit, Tree: head.Tree, Branch: "dxctl/fix-go",
		Files: changes("SECURITY.md", "one\n"), Message: "Fix", Title: "Fix", Body: "Why."}
	for _, want := range []struct {
		fate          github.Fate
		reads, writes int
	}{{github.Opened, 1, 4}, {github.Unchanged, 2, 0}} {
		s.Reads, s.Writes = nil, nil
		done, err := h.Propose(t.Context(), p)
		if err != nil || done.Fate != want.fate || len(s.Reads) != want.reads || len(s.Writes) != want.writes {
			t.Errorf("%s, %v: read %q, wrote %q; want %+v", done.Fate, err, s.Reads, s.Writes, want)
		}
	}
	// Somebody has a branch of that name, and no pull request.
	s.Repos["acme/pay"].Requests = nil
	s.Repos["acme/pay"].CommitFile("dxctl/fix-go", "mine", "by hand")
	done, err := h.Propose(t.Context(), p)
	if err != nil || done.Fate != github.Held {
		t.Errorf("over a branch of somebody: %s, %v", done.Fate, err)
	}
}

// TestClosedByUs proposes changes again that dxctl itself had withdrawn: nobody declined them.
func TestClosedByUs(t *testing.T) {
	s := hosttest.New(t)
	h := host(t, s)
	if _, err := h.Create(t.Context(), github.Repository{Owner: "acme", Name: "pay"}, "Organization"); err != nil {
		t.Fatal(err)
	}
	head := headOf(t, h, "acme/pay")
	p := github.Proposal{Repository: "acme/pay", Base: head.Branch, On: head.Commit, Tree: head.Tree, Branch: "dxctl/fix-go",
		Files: changes("SECURITY.md", "one\n"), Message: "Fix", Title: "Fix", Body: "Why."}
	without := p
	without.Files = nil
	for i, c := range []struct {
		p    github.Proposal
		want github.Fate
	}{{p, github.Opened}, {without, github.Closed}, {p, github.Opened}} {
		if done, err := h.Propose(t.Context(), c.p); err != nil || done.Fate != c.want {
			t.Fatalf("%d: %s, %v, want %s", i, done.Fate, err, c.want)
		}
	}
}
