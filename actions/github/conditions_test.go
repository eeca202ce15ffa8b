package github_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/github/hosttest"
)

// TestProposeAfterPeople: what people did to a pull request decides what becomes of the next proposal.
func TestProposeAfterPeople(t *testing.T) {
	const branch = "dxctl/fix"
	first, second := changes("a", "one\n"), changes("a", "two\n")
	for what, c := range map[string]struct {
		people        func(r *hosttest.Repo)
		same, other   github.Fate // of a proposal with the same changes, and with others
		none          github.Fate // of one without changes
		reason        string      // of what is held
		pulls         int         // after others were proposed
		commented     bool
		untouchedHead bool // the branch is as people left it
	}{
		"nothing": {func(*hosttest.Repo) {}, github.Unchanged, github.Updated, github.Closed, "", 1, false, false},
		"a draft": {func(r *hosttest.Repo) { r.Requests[0].Draft = true }, github.Unchanged, github.Updated, github.Closed, "", 1,
			false, false},
		"another base": {func(r *hosttest.Repo) {
			r.Push("develop", "main", "second", r.Refs["heads/main"])
			r.Requests[0].Base = "develop"
		}, github.Held, github.Held, github.Held, "is for the branch develop", 1, false, true},
		"the base is merged into the branch": {func(r *hosttest.Repo) {
			r.Push(branch, branch, "Merge branch 'main'", r.Refs["heads/"+branch], r.Refs["heads/main"])
		}, github.Unchanged, github.Held, github.Held, "did not make", 1, true, true},
		"a forced push": {func(r *hosttest.Repo) { r.Push(branch, "main", "mine", r.Refs["heads/main"]) },
			github.Unchanged, github.Held, github.Held, "did not make", 1, true, true},
		"an amended commit": {func(r *hosttest.Repo) {
			message, parents := r.Messages[r.Refs["heads/"+branch]], r.Parents[r.Refs["heads/"+branch]]
			r.CommitFile("main", "x", "y")
			r.Push(branch, "main", message, parents...)
		}, github.Unchanged, github.Held, github.Held, "did not make", 1, true, true},
		"the branch is deleted": {func(r *hosttest.Repo) { r.DeleteBranch(branch) }, github.Declined, github.Opened, github.Nothing,
			"", 2, false, false},
		"closed, and the body rewritten": {func(r *hosttest.Repo) { r.Requests[0].Open, r.Requests[0].Body = false, "no" },
			github.Declined, github.Opened, github.Nothing, "", 2, false, false},
		"the body rewritten": {func(r *hosttest.Repo) { r.Requests[0].Body = "mine" }, github.Updated, github.Updated, github.Closed,
			"", 1, false, false},
	} {
		for _, next := range []string{"same", "other", "none"} {
			t.Run(what+", then "+next, func(t *testing.T) {
				s := hosttest.New(t)
				h := host(t, s)
				if _, err := h.Create(t.Context(), github.Repository{Owner: "acme", Name: "pay"}, "Organization"); err != nil {
					t.Fatal(err)
				}
				repo := s.Repos["acme/pay"]
				p := github.Proposal{Repository: "acme/pay", Base: "main", On: repo.Refs["heads/main"], Branch: branch,
					Files: first, Message: "m", Title: "t", Body: "b"}
				if done, err := h.Propose(t.Context(), p); err != nil || done.Fate != github.Opened {
					t.Fatal(done, err)
				}
				c.people(repo)
				left := repo.Refs["heads/"+branch]
				p.On, p.Files = repo.Refs["heads/main"], first
				want, pulls := c.same, 1
				switch next {
				case "other":
					want, pulls, p.Files = c.other, c.pulls, second
				case "none":
					want, p.Files = c.none, nil
				}
				done, err := h.Propose(t.Context(), p)
				if err != nil || done.Fate != want || len(repo.Requests) != pulls {
					t.Fatalf("%s (%s), %v, %d pull requests; want %s, %d", done.Fate, done.Reason, err, len(repo.Requests), want, pulls)
				}
				if done.Fate == github.Held && (!strings.Contains(done.Reason, c.reason) || c.reason == "") {
					t.Errorf("the reason is %q", done.Reason)
				}
				commented := len(repo.Requests[0].Comments) > 0
				if done.Fate == github.Held && commented != c.commented || done.Fate == github.Unchanged && commented {
					t.Errorf("%q", repo.Requests[0].Comments)
				}
				if c.untouchedHead && repo.Refs["heads/"+branch] != left {
					t.Error("the branch was moved")
				}
			})
		}
	}
}

// TestLocked: a pull request whose conversation is locked is closed without a comment. One that somebody opens again is
// updated and can be declined.
func TestLocked(t *testing.T) {
	s := hosttest.New(t)
	h := host(t, s)
	if _, err := h.Create(t.Context(), github.Repository{Owner: "acme", Name: "pay"}, "Organization"); err != nil {
		t.Fatal(err)
	}
	repo := s.Repos["acme/pay"]
	propose := func(want github.Fate, content string) {
		t.Helper()
		p := github.Proposal{Repository: "acme/pay", Base: "main", On: repo.Refs["heads/main"], Branch: "dxctl/fix",
			Message: "m", Title: "t", Body: "b"}
		if content != "" {
			p.Files = changes("a", content)
		}
		if done, err := h.Propose(t.Context(), p); err != nil || done.Fate != want {
			t.Fatalf("%s (%s), %v; want %s", done.Fate, done.Reason, err, want)
		}
	}
	propose(github.Opened, "one\n")
	pull := repo.Requests[0]
	pull.Locked = true
	propose(github.Closed, "")
	if pull.Open || len(pull.Comments) > 0 {
		t.Fatalf("%+v", pull)
	}
	pull.Open = true // by somebody
	propose(github.Updated, "one\n")
	if n := strings.Count(pull.Body, "<!-- dxctl -->"); n != 1 || strings.Contains(pull.Body, "dxctl closed") {
		t.Errorf("the body is %q", pull.Body)
	}
	pull.Open = false
	states, err := h.States(t.Context(), []github.PullRef{{Repository: "acme/pay", Number: 1}})
	if err != nil || !states[0].Declined() {
		t.Errorf("%+v, %v", states, err)
	}
	propose(github.Declined, "one\n")
}

// TestCommentOnce: a comment whose answer is lost is not written twice.
func TestCommentOnce(t *testing.T) {
	s := hosttest.New(t)
	h := host(t, s)
	if _, err := h.Create(t.Context(), github.Repository{Owner: "acme", Name: "pay"}, "Organization"); err != nil {
		t.Fatal(err)
	}
	repo := s.Repos["acme/pay"]
	p := github.Proposal{Repository: "acme/pay", Base: "main", On: repo.Refs["heads/main"], Branch: "dxctl/fix",
		Files: changes("a", "x"), Message: "m", Title: "t", Body: "b"}
	if _, err := h.Propose(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	lost := false
	s.Instead = func(r *http.Request) int {
		if !lost && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/comments") {
			lost = true
			return http.StatusBadGateway
		}
		return 0
	}
	p.Files = nil
	done, err := h.Propose(t.Context(), p)
	if err != nil || !lost || done.Fate != github.Closed || repo.Requests[0].Open || len(repo.Requests[0].Comments) != 1 {
		t.Errorf("%s, %v, %+v", done.Fate, err, repo.Requests[0])
	}
}
