package create

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/github/hosttest"
)

// crash is the panic of a test in the middle of a creation.
type crash struct{}

// interrupt applies a plan and ends like a process that is killed, at the beginning or the end of a step: events of
// progress before it are at.
func interrupt(t *testing.T, a *Action, p actions.Plan, at int) {
	t.Helper()
	defer func() {
		if r := recover(); r != (crash{}) {
			t.Fatalf("it did not end at event %d: %v", at, r)
		}
	}()
	events := 0
	_ = apply(t.Context(), a, p, func(actions.Step) {
		if events++; events > at {
			panic(crash{})
		}
	})
}

// TestLocalCrash ends a creation at the beginning and at the end of each step, and before each is known to be done, and
// goes on.
func TestLocalCrash(t *testing.T) {
	for at := range 4 {
		for _, forget := range []bool{false, true} {
			t.Run(fmt.Sprintf("event %d, its end forgotten: %v", at, forget), func(t *testing.T) {
				dir := t.TempDir()
				p, a := begin(t, action(t, dir, nil), input())
				interrupt(t, a, p, at)
				j, err := ReadJournal(a.Journals, "pay")
				if err != nil {
					t.Fatal(err)
				}
				if forget && len(j.Done) > 0 { // the step was done, and the process ended before that was saved
					j.Done = j.Done[:len(j.Done)-1]
					if err := j.save(); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := a.Begin(t.Context(), p, "run-2"); err == nil || !strings.Contains(err.Error(), "--resume") {
					t.Errorf("a second creation begins: %v", err)
				}
				goOn(t, action(t, dir, nil))
				target := filepath.Join(dir, "pay")
				if n := git(t, target, "rev-list", "--count", "main"); n != "1" {
					t.Errorf("it has %s commits", n)
				}
				if s := git(t, target, "status", "--porcelain"); s != "" {
					t.Errorf("git status is %s", s)
				}
			})
		}
	}
}

// goOn resumes the creation of pay.
func goOn(t *testing.T, a *Action) {
	t.Helper()
	j, err := ReadJournal(a.Journals, "pay")
	if err != nil {
		t.Fatal(err)
	}
	a.Resume = j
	a.Now = func() time.Time { return now.Add(time.Hour) }
	in, err := j.DecodeInput(a.Descriptor())
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Plan(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if p.Digest() != j.Plan {
		t.Fatalf("the plan is %s, and it was %s", p.Digest(), j.Plan)
	}
	if err := apply(t.Context(), a, p, nil); err != nil {
		t.Fatal(err)
	}
}

// TestHostedCrash loses the connection before or after each request, and goes on.
func TestHostedCrash(t *testing.T) {
	for _, before := range []bool{true, false} {
		for at := 0; ; at++ {
			s := hosttest.New(t)
			s.Branch = []string{"main", "master"}[at%2]
			dir := t.TempDir()
			in := input(RepositoryField, "acme/pay")
			in[SettingsField] = true
			p, a := begin(t, action(t, dir, s), in)
			n := 0
			fails := func() bool {
				n++
				return n <= at
			}
			lost := func(*http.Request) bool { return fails() }
			if before {
				s.Interrupt(lost, nil)
			} else {
				s.Interrupt(nil, lost)
			}
			err := apply(t.Context(), a, p, nil)
			s.Interrupt(nil, nil)
			if err == nil {
				if at < 8 {
					t.Errorf("a creation takes only %d requests", at)
				}
				break
			}
			goOn(t, action(t, dir, s))
			checkRepository(t, s, p)
			if t.Failed() {
				t.Fatalf("after request %d was lost (before: %v)", at, before)
			}
		}
	}
}

// TestRepeated repeats a creation that was interrupted without --resume: the error names --resume, and neither the
// directory that is no longer empty, the repository that exists, nor `dxctl fix`.
func TestRepeated(t *testing.T) {
	for _, repository := range []string{"", "acme/pay"} {
		dir, s, in := t.TempDir(), hosttest.New(t), input()
		if repository != "" {
			in[RepositoryField] = repository
		}
		p, a := begin(t, action(t, dir, s), in)
		interrupt(t, a, p, 1)
		again := action(t, dir, s)
		again.Taken = func(string) string { return "pay/catalog-info.yaml" }
		_, err := again.Plan(t.Context(), in)
		if err == nil || !strings.Contains(err.Error(), "--resume") || strings.Contains(err.Error(), "dxctl fix") {
			t.Errorf("%q: the error is %v", repository, err)
		}
		goOn(t, again)
		again.Resume = nil
		if _, err := again.Plan(t.Context(), in); err == nil || strings.Contains(err.Error(), "--resume") {
			t.Errorf("%q: after its end, the error is %v", repository, err)
		}
	}
}

// TestOwnCommit commits in the directory of an interrupted creation, and resumes: the commit is not taken for dxctl's,
// so that a cleanup keeps it.
func TestOwnCommit(t *testing.T) {
	for name, args := range map[string][]string{
		"the same files":       {"commit", "-q", "--allow-empty-message", "-m", "mine"},
		"only one of them":     {"commit", "-q", "-m", "mine", "README.md"},
		"with dxctl's message": {"commit", "-q", "-F", "../message"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			p, a := begin(t, action(t, dir, nil), input())
			interrupt(t, a, p, 1) // after the files
			target := filepath.Join(dir, "pay")
			if err := os.WriteFile(filepath.Join(dir, "message"), []byte(message(p)), 0o600); err != nil {
				t.Fatal(err)
			}
			git(t, target, "init", "-q", "-b", "main", ".")
			git(t, target, "config", "user.name", "mine")
			git(t, target, "config", "user.email", "mine@example.com")
			git(t, target, "add", ".")
			git(t, target, args...)
			head := git(t, target, "rev-parse", "HEAD")
			again := action(t, dir, nil)
			goOn(t, again)
			if now := git(t, target, "rev-parse", "HEAD"); now != head {
				t.Errorf("the commit %s has become %s", head, now)
			}
			left, err := again.Leftover(t.Context(), again.Resume)
			if err != nil || len(left.Foreign) == 0 || !strings.Contains(left.Foreign[0], head[:12]) {
				t.Errorf("a cleanup keeps %v (%v)", left.Foreign, err)
			}
		})
	}
}

// TestOwnFirstCommit replaces the commit that GitHub made, while the answer to the creation was lost: dxctl takes a
// commit for GitHub's only if it has GitHub's message and text.
func TestOwnFirstCommit(t *testing.T) {
	for _, c := range []struct{ message, text string }{
		{"Initial commit", "# pay\n\nMy notes.\n"}, {"my notes", "# pay\n"}, {"Initial commit", "Notes\n"},
	} {
		dir, s := t.TempDir(), hosttest.New(t)
		p, a := begin(t, action(t, dir, s), input(RepositoryField, "acme/pay"))
		s.Interrupt(nil, func(r *http.Request) bool { return r.Method != http.MethodPost })
		if err := apply(t.Context(), a, p, nil); err == nil {
			t.Fatal("the answer was not lost")
		}
		s.Interrupt(nil, nil)
		host, err := a.hostOf()
		if err != nil {
			t.Fatal(err)
		}
		made, err := host.Find(t.Context(), "acme/pay")
		if err != nil {
			t.Fatal(err)
		}
		first, err := host.Commits(t.Context(), "acme/pay", made.DefaultBranch)
		if err != nil {
			t.Fatal(err)
		}
		own := []actions.FileChange{{Path: "README.md", After: []byte(c.text)}}
		commit, err := host.Push(t.Context(), "acme/pay", own, c.message)
		if err == nil {
			err = host.Move(t.Context(), made, commit, first)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := apply(t.Context(), a, p, nil); !errors.Is(err, github.ErrForeign) {
			t.Errorf("%v is taken for GitHub's: %v", c, err)
		}
	}
}
