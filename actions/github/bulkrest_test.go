package github_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/github/hosttest"
	"github.com/dxctl/dxctl/collectors/rest"
)

// TestManyChecks: through REST, the one check that a pull request broke is found among more than a page of those that
// were red before.
func TestManyChecks(t *testing.T) {
	s := hosttest.New(t)
	h := host(t, s)
	if _, err := h.Create(t.Context(), github.Repository{Owner: "acme", Name: "pay"}, "Organization"); err != nil {
		t.Fatal(err)
	}
	s.NoGraphQL = http.StatusNotFound
	head := headOf(t, h, "acme/pay")
	p := github.Proposal{Repository: "acme/pay", Base: head.Branch, On: head.Commit, Tree: head.Tree, Branch: "dxctl/fix-go",
		Files: changes("SECURITY.md", "one\n"), Message: "Fix", Title: "Fix", Body: "Why."}
	done, err := h.Propose(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, 250)
	for i := range names {
		names[i] = fmt.Sprintf("check-%03d", i)
	}
	repo := s.Repos["acme/pay"]
	repo.Checks[head.Commit], repo.Checks[done.Commit] = "FAILURE", "FAILURE"
	repo.Failing = map[string][]string{head.Commit: names[:249], done.Commit: names}
	s.Reads = nil
	states, err := h.States(t.Context(), []github.PullRef{{Repository: "acme/pay", Number: 1}, {Repository: "acme/pay", Number: 2}})
	if err != nil || states[0].Checks != github.ChecksFailed || !slices.Equal(states[0].Failing, names[249:]) || states[1].Known {
		t.Errorf("%+v, %v", states, err)
	}
	// The pull request, its commit, the base, and its parent, with three pages of check runs and one of statuses; and the
	// pull request that there is none of.
	if want := 1 + 4 + 4 + 1 + 4 + 1; len(s.Reads) != want {
		t.Errorf("%d reads, want %d: %q", len(s.Reads), want, s.Reads)
	}
}

// TestStateOfChecks: green is only what is known to be green, all of it.
func TestStateOfChecks(t *testing.T) {
	const refused = "403"
	runs, statuses := "", ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		answer := `{"state": "open", "head": {"sha": "abc"}, "base": {"ref": "main"}}`
		switch {
		case strings.Contains(r.URL.Path, "graphql"):
			answer = "404"
		case strings.HasSuffix(r.URL.Path, "/abc/check-runs"):
			answer = runs
		case strings.HasSuffix(r.URL.Path, "/abc/status"):
			answer = statuses
		case strings.Contains(r.URL.Path, "/commits/"): // of the base
			answer = "404"
		}
		if status, err := strconv.Atoi(answer); err == nil {
			w.WriteHeader(status)
			answer = `{}`
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(s.Close)
	h, err := github.New(github.Config{URL: s.URL, AllowPrivateNetwork: true}, "x", "test",
		rest.Options{Tune: func(c *rest.Config) { c.Attempts = 1 }})
	if err != nil {
		t.Fatal(err)
	}
	run := func(status, conclusion string) string {
		return fmt.Sprintf(`{"name": "a", "status": %q, "conclusion": %q}`, status, conclusion)
	}
	done := func(conclusion string) string { return run("completed", conclusion) }
	status := func(state string) string { return fmt.Sprintf(`{"context": "b", "state": %q}`, state) }
	for _, c := range []struct {
		run, status string // "": there is none
		want        github.Checks
	}{
		{"", "", github.NoChecks},
		{done("success"), "", github.ChecksPassed},
		{"", status("success"), github.ChecksPassed},
		{done("neutral"), status("success"), github.ChecksPassed},
		{done("skipped"), "", github.ChecksPassed},
		{done("something new"), status("success"), github.ChecksRunning},
		{done(""), "", github.ChecksRunning},
		{run("queued", ""), status("success"), github.ChecksRunning},
		{run("in_progress", "success"), "", github.ChecksRunning}, // it runs again
		{done("success"), status("pending"), github.ChecksRunning},
		{done("failure"), status("pending"), github.ChecksFailed},
		{done("cancelled"), "", github.ChecksFailed},
		{done("timed_out"), "", github.ChecksFailed},
		{done("action_required"), "", github.ChecksFailed},
		{done("success"), status("error"), github.ChecksFailed},
		{done("success"), status("failure"), github.ChecksFailed},
		{refused, status("success"), github.ChecksHidden},
		{done("success"), refused, github.ChecksHidden},
		{refused, status("failure"), github.ChecksFailed},
		{"404", status("success"), github.ChecksUnserved},
		{"", "404", github.ChecksUnserved},
		{done("success"), "501", github.ChecksUnserved},
		{run("queued", ""), "404", github.ChecksUnserved},
		{done("failure"), "404", github.ChecksFailed},
	} {
		list := func(one, name string) string {
			if _, err := strconv.Atoi(one); err == nil {
				return one
			}
			return fmt.Sprintf(`{"total_count": %d, %q: [%s]}`, min(len(one), 1), name, one)
		}
		runs, statuses = list(c.run, "check_runs"), list(c.status, "statuses")
		states, err := h.States(t.Context(), []github.PullRef{{Repository: "acme/pay", Number: 1}})
		if err != nil || states[0].Checks != c.want || (c.want == github.ChecksFailed) != (len(states[0].Failing) > 0) {
			t.Errorf("%s and %s: %+v, %v; want %s", c.run, c.status, states, err, c.want)
		}
	}
	runs = "500"
	if _, err := h.States(t.Context(), []github.PullRef{{Repository: "acme/pay", Number: 1}}); err == nil {
		t.Error("a server that fails has a state")
	}
}
