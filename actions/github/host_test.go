package github_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/github/hosttest"
	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/rest"
)

// host returns a host whose requests are sent once.
func host(t *testing.T, s *hosttest.Server) *github.Host {
	t.Helper()
	h, err := github.New(github.Config{URL: s.URL, AllowPrivateNetwork: true}, s.Token, "test",
		rest.Options{Tune: func(c *rest.Config) { c.Attempts = 1 }})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestRights(t *testing.T) {
	ours := github.Repository{Owner: "acme", Name: "pay", Visibility: "private"}
	for _, c := range []struct {
		name   string
		change func(*hosttest.Server, *github.Repository)
		want   []string // in the error; none: it can be created
	}{
		{"a member with the scopes", func(*hosttest.Server, *github.Repository) {}, nil},
		{"no scopes at all", func(s *hosttest.Server, _ *github.Repository) { s.Scopes = "" },
			[]string{"the scope repo", "the scope workflow", "nothing was written"}},
		{"no workflows", func(s *hosttest.Server, _ *github.Repository) { s.Scopes = "repo" },
			[]string{"the scope workflow"}},
		{"public, with the scope for it", func(s *hosttest.Server, r *github.Repository) {
			s.Scopes, r.Visibility = "public_repo, workflow", "public"
		}, nil},
		{"no member, and no scope", func(s *hosttest.Server, _ *github.Repository) {
			s.Orgs["acme"], s.Scopes = "", "repo"
		}, []string{"ada is not a member of acme", "the scope workflow"}},
		{"members may not create", func(s *hosttest.Server, _ *github.Repository) { s.Closed = true },
			[]string{"members of acme may not create repositories"}},
		{"owners may", func(s *hosttest.Server, _ *github.Repository) { s.Closed, s.Orgs["acme"] = true, "admin" }, nil},
		{"somebody else", func(_ *hosttest.Server, r *github.Repository) { r.Owner = "bob" },
			[]string{"the token is of ada, and only bob"}},
		{"an account that does not exist", func(_ *hosttest.Server, r *github.Repository) { r.Owner = "nobody" },
			[]string{"GitHub has no account nobody"}},
		{"a wrong token", func(s *hosttest.Server, _ *github.Repository) { s.Token = "another" }, []string{"401"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, r := hosttest.New(t), ours
			h := host(t, s)
			c.change(s, &r)
			_, err := h.Check(t.Context(), r, true)
			if (err == nil) != (c.want == nil) {
				t.Fatalf("the error is %v, want %q", err, c.want)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %v, want %q", err, want)
				}
			}
			if len(s.Writes) > 0 {
				t.Errorf("it has written %v", s.Writes)
			}
		})
	}
	s := hosttest.New(t)
	s.Scopes = "-"
	found, err := host(t, s).Check(t.Context(), ours, true)
	if err != nil || len(found.Notes) != 1 || !strings.Contains(found.Notes[0], "Administration, Contents and Workflows") {
		t.Errorf("of a fine-grained token, it says %q, %v", found.Notes, err)
	}
}

// TestTreeID compares the ids with git's.
func TestTreeID(t *testing.T) {
	files := []actions.FileChange{
		{Path: "a.txt", After: []byte("1\n")}, {Path: "a/b", After: []byte{}}, {Path: "a-b/c/d.sh", After: []byte("x"),
			Executable: true}, {Path: ".github/workflows/ci.yaml", After: []byte("on: push\n")},
		{Path: "a/logo.png", After: []byte{0xff, 0, 1}},
	}
	dir := t.TempDir()
	for _, f := range files {
		name := filepath.Join(dir, filepath.FromSlash(f.Path))
		mode := os.FileMode(0o600)
		if f.Executable {
			mode = 0o700
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o750), os.WriteFile(name, f.After, mode)); err != nil {
			t.Fatal(err)
		}
	}
	script := "git init -q . && git -c core.autocrlf=false add -A && git write-tree"
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if want := strings.TrimSpace(string(out)); err != nil || github.TreeID(files) != want {
		t.Errorf("the tree is %s, want %s (%v)", github.TreeID(files), want, err)
	}
}

// TestPush pushes to repositories whose first branch has one name or another, or that have no commit.
func TestPush(t *testing.T) {
	files := []actions.FileChange{{Path: "run.sh", After: []byte("#!/bin/sh\n"), Executable: true},
		{Path: "empty", After: []byte{}}, {Path: "logo", After: []byte{0xff, 0}}, {Path: "README.md", After: []byte("x")}}
	for _, branch := range []string{"main", "master"} {
		t.Run(branch, func(t *testing.T) {
			s := hosttest.New(t)
			s.Branch = branch
			h := host(t, s)
			r, err := h.Create(t.Context(), github.Repository{Owner: "acme", Name: "pay"}, "Organization")
			if err != nil {
				t.Fatal(err)
			}
			first, err := h.Commits(t.Context(), r.FullName, r.DefaultBranch)
			if err != nil || len(first) != 1 {
				t.Fatalf("GitHub's own commits are %v, %v", first, err)
			}
			commit, err := h.Push(t.Context(), r.FullName, files, "Create pay")
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := h.Move(t.Context(), r, commit, first); err != nil {
					t.Fatal(err)
				}
			}
			repo := s.Repos["acme/pay"]
			got, n := repo.Head()
			if n != 1 || len(repo.Refs) != 1 || repo.DefaultBranch != "main" || github.TreeID(got) != github.TreeID(files) {
				t.Errorf("it has %d commits, the refs %v and the files %+v", n, repo.Refs, got)
			}
			repo.Commit()
			if err := h.Move(t.Context(), r, commit, first); !errors.Is(err, github.ErrForeign) {
				t.Errorf("a foreign commit is overwritten: %v", err)
			}
		})
	}
}

func TestDelete(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*hosttest.Repo)
		want   string // in the error; "": it is deleted
	}{
		{"only what dxctl made", func(*hosttest.Repo) {}, ""},
		{"a commit", func(r *hosttest.Repo) { r.Commit() }, "the branch main has the commit"},
		{"a branch", func(r *hosttest.Repo) { r.Refs["heads/x"] = r.Refs["heads/main"] }, ""},
		{"a branch with a commit", func(r *hosttest.Repo) { r.Refs["heads/fix#12"] = "abc" }, "the branch fix#12 has the commit abc"},
		{"an issue", func(r *hosttest.Repo) { r.Issues = 1 }, "it has an issue"},
		{"a pull request", func(r *hosttest.Repo) { r.Pulls = 1 }, "it has a pull request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := hosttest.New(t)
			h := host(t, s)
			r, err := h.Create(t.Context(), github.Repository{Owner: "ada", Name: "pay"}, "User")
			if err != nil {
				t.Fatal(err)
			}
			ours, err := h.Commits(t.Context(), r.FullName, r.DefaultBranch)
			if err != nil {
				t.Fatal(err)
			}
			c.change(s.Repos["ada/pay"])
			err = h.Delete(t.Context(), r, ours)
			if deleted := s.Repos["ada/pay"] == nil; deleted != (c.want == "") {
				t.Errorf("deleted: %v, %v", deleted, err)
			}
			if c.want != "" && (!errors.Is(err, github.ErrForeign) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("the error is %v, want %q", err, c.want)
			}
		})
	}
}

func TestCredentials(t *testing.T) {
	if _, err := github.New(github.Config{}, " ", "test", rest.Options{}); !errors.Is(err, github.ErrNoCredentials) {
		t.Errorf("without credentials, the error is %v", err)
	}
	for _, c := range []struct {
		name string
		cfg  github.Config
		want string
	}{
		{"an address that is none", github.Config{URL: "ftp://x"}, "ftp"},
		{"both", github.Config{Token: "x", App: client.App{ID: "1"}}, "token or app, not both"},
	} {
		if err := c.cfg.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v, want %q", c.name, err, c.want)
		}
	}
	if err := (github.Config{}).Validate(); err != nil {
		t.Errorf("the empty configuration: %v", err)
	}
}
