package create

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/github/hosttest"
)

func TestCleanDirectory(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(t *testing.T, dir string)
		want   string // in the error; "": everything is deleted
	}{
		{"nothing has changed", func(*testing.T, string) {}, ""},
		{"a file was changed", func(t *testing.T, dir string) {
			t.Helper()
			if err := os.WriteFile(filepath.Join(dir, "README.md"), []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "README.md was changed since"},
		{"a file was added", func(t *testing.T, dir string) {
			t.Helper()
			if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "mine was not written by dxctl"},
		{"a commit was made", func(t *testing.T, dir string) {
			t.Helper()
			git(t, dir, "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "--allow-empty", "-m", "mine")
		}, "has the commit"},
		{"a branch was made", func(t *testing.T, dir string) {
			t.Helper()
			git(t, dir, "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "--allow-empty", "-m", "mine")
			git(t, dir, "branch", "-q", "mine")
			git(t, dir, "reset", "-q", "--hard", "HEAD^")
		}, "has the commit"},
		{"a file was deleted", func(t *testing.T, dir string) {
			t.Helper()
			if err := os.Remove(filepath.Join(dir, "README.md")); err != nil {
				t.Fatal(err)
			}
		}, ""},
		{"the directory was deleted", func(t *testing.T, dir string) {
			t.Helper()
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			p, a := begin(t, action(t, dir, nil), input())
			if err := apply(t.Context(), a, p, nil); err != nil {
				t.Fatal(err)
			}
			target := filepath.Join(dir, "pay")
			c.change(t, target)
			j, err := ReadJournal(a.Journals, "pay")
			if err != nil {
				t.Fatal(err)
			}
			left, err := a.Leftover(t.Context(), j)
			if err != nil || !left.Equal("pay\n") || left.Equal("") {
				t.Errorf("what is left is %+v, %v", left, err)
			}
			err = a.Clean(t.Context(), j)
			if c.want != "" {
				if !errors.Is(err, github.ErrForeign) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("the error is %v, want %q", err, c.want)
				}
				if _, err := os.Stat(filepath.Join(target, "run.sh")); err != nil {
					t.Errorf("something was deleted: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Lstat(target); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the directory is still there: %v", err)
			}
			var none *NoJournalError
			if _, err := ReadJournal(a.Journals, "pay"); !errors.As(err, &none) {
				t.Errorf("the journal is still there: %v", err)
			}
		})
	}
}

// TestCleanMonorepo cleans up in a repository of others.
func TestCleanMonorepo(t *testing.T) {
	dir := t.TempDir()
	git(t, dir, "init", "-q", "-b", "main", ".")
	if err := os.WriteFile(filepath.Join(dir, "other"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p, a := begin(t, action(t, dir, nil), input())
	if err := apply(t.Context(), a, p, nil); err != nil {
		t.Fatal(err)
	}
	if err := a.Clean(t.Context(), a.Resume); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"other": true, ".git": true, "pay": false} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCleanRepository(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*hosttest.Server)
		want   string
	}{
		{"only what dxctl made", func(*hosttest.Server) {}, ""},
		{"a commit", func(s *hosttest.Server) { s.Repos["acme/pay"].Commit() }, "the branch main has the commit"},
		{"an issue", func(s *hosttest.Server) { s.Repos["acme/pay"].Issues++ }, "an issue or a pull request"},
		{"another repository of the name", func(s *hosttest.Server) { s.Repos["acme/pay"].ID++ }, "another repository"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := hosttest.New(t)
			p, a := begin(t, action(t, t.TempDir(), s), input(RepositoryField, "acme/pay"))
			if err := apply(t.Context(), a, p, nil); err != nil {
				t.Fatal(err)
			}
			c.change(s)
			left, err := a.Leftover(t.Context(), a.Resume)
			if err != nil || left.Equal("pay") || !left.Equal("acme/pay") {
				t.Errorf("what is left is %+v, %v", left, err)
			}
			err = a.Clean(t.Context(), a.Resume)
			if deleted := s.Repos["acme/pay"] == nil; deleted != (c.want == "") {
				t.Errorf("deleted: %v, %v", deleted, err)
			}
			if c.want != "" && (!errors.Is(err, github.ErrForeign) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("the error is %v, want %q", err, c.want)
			}
		})
	}
}
