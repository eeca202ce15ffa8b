package github_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/github/hosttest"
)

// world is a repository acme/pay and the people who work in it, besides dxctl.
type world interface {
	commit(t *testing.T, branch, path, content string)
	edit(t *testing.T, number int, body string) // of the pull request
	end(t *testing.T, number int, merge bool)
	content(t *testing.T, branch, path string) string // "" if there is no such file
	commits(t *testing.T, branch string) int          // that main does not have
	head(t *testing.T, branch string) string
	comments(t *testing.T, number int) []string
	name() string
}

// TestPropose takes a pull request through all that may become of it.
func TestPropose(t *testing.T) {
	s := hosttest.New(t)
	h := host(t, s)
	if _, err := h.Create(t.Context(), github.Repository{Owner: "acme", Name: "pay"}, "Organization"); err != nil {
		t.Fatal(err)
	}
	proposals(t, h, &inMemory{s: s, repo: s.Repos["acme/pay"]})
}

// changes returns a change of one file.
func changes(path, content string) []actions.FileChange {
	return []actions.FileChange{{Path: path, After: []byte(content)}}
}

func proposals(t *testing.T, h *github.Host, w world) {
	t.Helper()
	change := func(path, content string) actions.FileChange {
		return actions.FileChange{Path: path, After: []byte(content)}
	}
	first := []actions.FileChange{change("SECURITY.md", "one\n"), {Path: "bin/run", After: []byte("#!/bin/sh\n"), Executable: true}}
	second := []actions.FileChange{change("SECURITY.md", "two\n"), {Path: "logo.png", After: []byte{0xff, 0, 1}}}
	proposal := func(files []actions.FileChange) github.Proposal {
		return github.Proposal{Repository: w.name(), Base: "main", On: w.head(t, "main"), Branch: "dxctl/fix-go-service",
			Files: files, Message: "Adopt golden-path defaults", Title: "Adopt golden-path defaults", Body: "Why."}
	}
	propose := func(p github.Proposal, want github.Fate, number int) github.Proposed {
		t.Helper()
		done, err := h.Propose(t.Context(), p)
		if err != nil || done.Fate != want || done.Pull.Number != number {
			t.Fatalf("%s #%d (%s), %v; want %s #%d", done.Fate, done.Pull.Number, done.Reason, err, want, number)
		}
		return done
	}
	const branch = "dxctl/fix-go-service"
	propose(proposal(nil), github.Nothing, 0)
	one := propose(proposal(first), github.Opened, 1)
	if w.commits(t, branch) != 1 || w.content(t, branch, "SECURITY.md") != "one\n" || w.content(t, branch, "README.md") == "" {
		t.Errorf("the branch has %d commits, SECURITY.md %q", w.commits(t, branch), w.content(t, branch, "SECURITY.md"))
	}
	propose(proposal(first), github.Unchanged, 1)

	w.edit(t, 1, "Before.\n\n"+one.Pull.Body+"\n\nAfter.")
	propose(proposal(first), github.Unchanged, 1)
	w.commit(t, "main", "docs.md", "new\n") // the base moves
	late := proposal(second)
	late.On = one.Commit
	if _, err := h.Propose(t.Context(), late); !errors.Is(err, actions.ErrChanged) {
		t.Errorf("a plan of another commit: %v", err)
	}
	propose(proposal(first), github.Unchanged, 1)
	two := propose(proposal(second), github.Updated, 1)
	if body := two.Pull.Body; !strings.HasPrefix(body, "Before.") || !strings.HasSuffix(body, "After.") ||
		strings.Count(body, "<!-- dxctl patch ") != 1 {
		t.Errorf("the body is %q", body)
	}
	if w.commits(t, branch) != 1 || w.content(t, branch, "SECURITY.md") != "two\n" || w.content(t, branch, "docs.md") != "new\n" ||
		w.content(t, branch, "bin/run") != "" {
		t.Errorf("after the update, the branch has %d commits, SECURITY.md %q", w.commits(t, branch),
			w.content(t, branch, "SECURITY.md"))
	}

	w.commit(t, branch, "mine.md", "by hand\n")
	for range 2 {
		done := propose(proposal(first), github.Held, 1)
		if !strings.Contains(done.Reason, "which dxctl did not make") {
			t.Error(done.Reason)
		}
	}
	propose(proposal(nil), github.Held, 1)
	if w.content(t, branch, "mine.md") == "" || len(w.comments(t, 1)) == 0 {
		t.Errorf("the commit of somebody else is gone, or the comments are %q", w.comments(t, 1))
	}
	w.end(t, 1, true) // with the second changes, squashed; the branch is deleted

	propose(proposal(first), github.Opened, 2)
	w.end(t, 2, false)
	propose(proposal(first), github.Declined, 2)
	third := []actions.FileChange{change("SECURITY.md", "three\n"), {Path: "README.md", Before: []byte("# pay\n")}}
	three := propose(proposal(third), github.Opened, 3) // other changes
	if w.content(t, branch, "README.md") != "" || w.content(t, branch, "SECURITY.md") != "three\n" || three.Commit == "" {
		t.Errorf("the third time, README.md is %q, SECURITY.md %q, the commit %q", w.content(t, branch, "README.md"),
			w.content(t, branch, "SECURITY.md"), three.Commit)
	}
	partial := proposal(third[:1])
	partial.Partial = true
	propose(partial, github.Held, 3)
	partial.Files = nil
	propose(partial, github.Nothing, 3)
	blocked := proposal(nil)
	blocked.Blocked = true
	propose(blocked, github.Nothing, 3)
	propose(proposal(nil), github.Closed, 3)
	propose(proposal(nil), github.Nothing, 3)
	if n := len(w.comments(t, 3)); n != 1 {
		t.Errorf("%d comments on the pull request that was closed", n)
	}
}

func TestCheckProposal(t *testing.T) {
	for _, c := range []struct {
		name      string
		change    func(*hosttest.Server, *hosttest.Repo)
		workflows bool
		want      string // in the error; "": none
	}{
		{"all rights", func(*hosttest.Server, *hosttest.Repo) {}, true, ""},
		{"archived", func(_ *hosttest.Server, r *hosttest.Repo) { r.Archived = true }, false, "archived"},
		{"not seen", func(s *hosttest.Server, _ *hosttest.Repo) { delete(s.Repos, "acme/pay") }, false,
			"see no repository acme/pay"},
		{"all that is missing", func(s *hosttest.Server, r *hosttest.Repo) { s.Scopes, r.ReadOnly = "public_repo", true }, true,
			"the scope repo, the scope workflow, the right to push to acme/pay; nothing was written"},
		{"no workflow in it", func(s *hosttest.Server, _ *hosttest.Repo) { s.Scopes = "repo" }, false, ""},
		{"public", func(s *hosttest.Server, r *hosttest.Repo) { s.Scopes, r.Private = "public_repo", false }, false, ""},
	} {
		s := hosttest.New(t)
		h := host(t, s)
		if _, err := h.Create(t.Context(), github.Repository{Owner: "acme", Name: "pay"}, "Organization"); err != nil {
			t.Fatal(err)
		}
		c.change(s, s.Repos["acme/pay"])
		writes := len(s.Writes)
		target, _, err := h.CheckProposal(t.Context(), "acme/pay", c.workflows)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v, want %q", c.name, err, c.want)
		}
		if err == nil && target.DefaultBranch != "main" || len(s.Writes) != writes {
			t.Errorf("%s: the branch is %q, and %v was written", c.name, target.DefaultBranch, s.Writes[writes:])
		}
	}
}

// TestProposeResumes: whichever request is lost, before or after it was obeyed, proposing again leaves one pull request
// with one commit.
func TestProposeResumes(t *testing.T) {
	for _, obeyed := range []bool{false, true} {
		for lost := 1; lost < 20; lost++ {
			s := hosttest.New(t)
			h := host(t, s)
			if _, err := h.Create(t.Context(), github.Repository{Owner: "acme", Name: "pay"}, "Organization"); err != nil {
				t.Fatal(err)
			}
			repo := s.Repos["acme/pay"]
			n := 0
			lose := func(*http.Request) bool { n++; return n != lost }
			if obeyed {
				s.After = lose
			} else {
				s.Before = lose
			}
			p := github.Proposal{Repository: "acme/pay", Base: "main", On: repo.Refs["heads/main"], Branch: "dxctl/fix",
				Files: []actions.FileChange{{Path: "a", After: []byte("x")}}, Message: "m", Title: "t", Body: "b"}
			_, err := h.Propose(t.Context(), p)
			if err == nil && n < lost {
				break // there are no more requests
			}
			done, err := h.Propose(t.Context(), p)
			if err != nil || len(repo.Requests) != 1 || done.Pull.Number != 1 || repo.Ahead("main", "dxctl/fix") != 1 {
				t.Errorf("request %d lost, obeyed %v: %s, %v, %d pull requests, %d commits", lost, obeyed, done.Fate, err,
					len(repo.Requests), repo.Ahead("main", "dxctl/fix"))
			}
		}
	}
}

// inMemory is a repository of the fake server.
type inMemory struct {
	s    *hosttest.Server
	repo *hosttest.Repo
}

func (m *inMemory) name() string { return "acme/pay" }

func (m *inMemory) commit(_ *testing.T, branch, path, content string) {
	m.repo.CommitFile(branch, path, content)
}

func (m *inMemory) edit(_ *testing.T, number int, body string) { m.repo.Requests[number-1].Body = body }

func (m *inMemory) end(_ *testing.T, number int, merge bool) {
	if merge {
		m.repo.Merge(number, time.Now())
		return
	}
	m.repo.Requests[number-1].Open = false
}

func (m *inMemory) content(_ *testing.T, branch, path string) string {
	for _, f := range m.repo.FilesOf(branch) {
		if f.Path == path {
			return string(f.After)
		}
	}
	return ""
}

func (m *inMemory) commits(_ *testing.T, branch string) int { return m.repo.Ahead("main", branch) }

func (m *inMemory) head(_ *testing.T, branch string) string { return m.repo.Refs["heads/"+branch] }

func (m *inMemory) comments(_ *testing.T, number int) []string {
	return m.repo.Requests[number-1].Comments
}
