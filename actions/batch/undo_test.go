package batch_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions/batch"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// TestUndo closes what is open, reverts what was merged, and leaves what changed since.
func TestUndo(t *testing.T) {
	w := newWorld(t, 5)
	if err := w.start(t, w.plan(t, defaults())); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"acme/s001", "acme/s002", "acme/s003"} {
		w.Repos[name].Merge(1, noon)
	}
	w.Repos["acme/s002"].CommitFile("main", "LICENSE", "mine\n") // changed since
	w.Repos["acme/s003"].CommitFile("main", "docs.md", "other\n")
	w.Repos["acme/s004"].Requests[0].Open = false // declined
	p, err := batch.PlanUndo(t.Context(), w.host, w.state(), github.PublishedLimits)
	if err != nil {
		t.Fatal(err)
	}
	if p.Count(batch.UndoClose) != 1 || p.Count(batch.UndoRevert) != 2 || p.Conflicts() != 1 {
		t.Fatalf("%+v", p.Pulls)
	}
	w.Writes = nil
	s, err := w.runner().Undo(t.Context(), w.host, w.state(), p)
	if err != nil || s.Batch.Status != event.Cancelled || len(w.Writes) != p.Forecast.Writes {
		t.Errorf("%v, %s, %d writes of %d", err, s.Batch.Status, len(w.Writes), p.Forecast.Writes)
	}
	if w.Repos["acme/s000"].Requests[0].Open || w.outcomes()[batch.Undone] != 1 || w.outcomes()[batch.Reverted] != 2 {
		t.Errorf("%v", w.outcomes())
	}
	revert := w.Repos["acme/s003"].Requests[1]
	var paths []string
	for _, f := range w.Repos["acme/s003"].FilesOf(revert.Head) {
		paths = append(paths, f.Path)
	}
	if slices.Sort(paths); !slices.Equal(paths, []string{"README.md", "docs.md"}) ||
		!strings.Contains(revert.Body, "Reverts #1") {
		t.Errorf("the revert has %q: %s", paths, revert.Body)
	}
	if len(w.Repos["acme/s002"].Requests) != 1 {
		t.Error("a file that somebody changed is reverted")
	}
	again, err := batch.PlanUndo(t.Context(), w.host, w.state(), github.PublishedLimits)
	if err != nil || again.Count(batch.UndoNothing) != len(again.Pulls) {
		t.Errorf("a second time: %+v, %v", again, err)
	}
	// What was withdrawn was declined by nobody.
	if _, err := w.runner().Start(t.Context(), event.ActionBatch{ID: "b2", Action: "fix"}, w.plan(t, defaults())); err != nil {
		t.Fatal(err)
	}
	if n := len(w.Repos["acme/s000"].Requests); n != 2 {
		t.Errorf("acme/s000 has %d pull requests", n)
	}
	if n := len(w.Repos["acme/s004"].Requests); n != 1 {
		t.Errorf("what was declined is proposed again: %d pull requests", n)
	}
}

// TestUndoAfterLosses takes back pull requests that no run recorded, because it was killed or lost the answer.
func TestUndoAfterLosses(t *testing.T) {
	for name, killed := range map[string]bool{"killed": true, "a lost answer": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			w.After = func(r *http.Request) bool {
				if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/pulls") {
					return true
				}
				if killed {
					w.kill(errors.New("killed"))
				}
				return false
			}
			err := w.start(t, w.plan(t, defaults()))
			w.heal()
			if err == nil || w.opened() != 1 {
				t.Fatalf("%v, %d opened", err, w.opened())
			}
			if !killed { // the next attempt finds its own pull request
				if _, err := w.runner().Resume(t.Context(), w.state(), nil); err != nil || w.outcomes()["opened"] != 1 {
					t.Fatalf("resumed: %v, %v", err, w.outcomes())
				}
			}
			p, err := batch.PlanUndo(t.Context(), w.host, w.state(), github.PublishedLimits)
			if err != nil || p.Count(batch.UndoClose) != 1 {
				t.Fatalf("%+v, %v", p, err)
			}
			_, err = w.runner().Undo(t.Context(), w.host, w.state(), p)
			if err != nil || w.Repos["acme/s000"].Requests[0].Open || w.outcomes()[batch.Undone] != 1 {
				t.Errorf("%v, %v", err, w.outcomes())
			}
		})
	}
}

// TestUndoGoesOn: a repository that fails does not stop the others, and a reversal that was interrupted is completed.
func TestUndoGoesOn(t *testing.T) {
	w := newWorld(t, 3)
	if err := w.start(t, w.plan(t, defaults())); err != nil {
		t.Fatal(err)
	}
	w.Repos["acme/s001"].Merge(1, noon)
	refuse := func(method, path string) {
		w.Refuse = func(r *http.Request, _ http.Header) (int, string) {
			if r.Method == method && strings.Contains(r.URL.Path, path) {
				return http.StatusForbidden, "Resource protected by organization SAML enforcement"
			}
			return 0, ""
		}
	}
	undo := func() (*batch.UndoPlan, error) {
		t.Helper()
		p, err := batch.PlanUndo(t.Context(), w.host, w.state(), github.PublishedLimits)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.runner().Undo(t.Context(), w.host, w.state(), p)
		return p, err
	}
	refuse(http.MethodGet, "s001/git/trees")
	if p, err := undo(); !errors.Is(err, batch.ErrPartly) || p.Count(batch.UndoClose) != 2 || w.outcomes()[batch.Undone] != 2 {
		t.Errorf("%v, %v, %+v", err, w.outcomes(), p.Pulls)
	}
	refuse(http.MethodPost, "s001/pulls") // the branch is there, and no pull request
	if _, err := undo(); !errors.Is(err, batch.ErrPartly) {
		t.Error(err)
	}
	w.Refuse = nil
	if _, err := undo(); err != nil || len(w.Repos["acme/s001"].Requests) != 2 || w.batch.Status != event.Cancelled {
		t.Errorf("%v, %d pull requests, %s", err, len(w.Repos["acme/s001"].Requests), w.batch.Status)
	}
}

// TestUndoKilled interrupts the undoing of a batch at each of its requests, and repeats it. What dxctl closed was
// declined by nobody.
func TestUndoKilled(t *testing.T) {
	for n := 1; ; n++ {
		w := newWorld(t, 2)
		if err := w.start(t, w.plan(t, defaults())); err != nil {
			t.Fatal(err)
		}
		w.Repos["acme/s001"].Merge(1, noon)
		undo := func() error {
			p, err := batch.PlanUndo(t.Context(), w.host, w.state(), github.PublishedLimits)
			if err != nil {
				return err
			}
			_, err = w.runner().Undo(t.Context(), w.host, w.state(), p)
			return err
		}
		seen, killed := 0, false
		w.After = func(*http.Request) bool {
			if seen++; seen < n {
				return true
			}
			w.kill(errors.New("killed"))
			killed = true
			return false
		}
		err := undo()
		w.heal()
		if !killed {
			break
		}
		if err == nil {
			t.Fatalf("killed at request %d, and no error", n)
		}
		if err := undo(); err != nil {
			t.Fatalf("killed at request %d: %v", n, err)
		}
		reverts := w.Repos["acme/s001"].Requests
		if w.Repos["acme/s000"].Requests[0].Open || len(reverts) != 2 || w.outcomes()["declined"] > 0 {
			t.Errorf("killed at request %d: %d reverts, %v", n, len(reverts)-1, w.outcomes())
		}
		s, err := w.runner().Refresh(t.Context(), w.state())
		if err != nil || slices.ContainsFunc(s.Runs, func(r event.ActionRun) bool { return r.Outcome == "declined" }) {
			t.Errorf("killed at request %d: declined, %v", n, err)
		}
	}
}

// TestUndoOfSomebodysWork leaves a pull request to which somebody committed.
func TestUndoOfSomebodysWork(t *testing.T) {
	w := newWorld(t, 1)
	if err := w.start(t, w.plan(t, defaults())); err != nil {
		t.Fatal(err)
	}
	w.Repos["acme/s000"].CommitFile("dxctl/fix-go-service", "mine.md", "by hand")
	p, err := batch.PlanUndo(t.Context(), w.host, w.state(), github.PublishedLimits)
	if err != nil || p.Pulls[0].Action != batch.UndoNothing || !strings.Contains(p.Pulls[0].Why, "did not make") {
		t.Errorf("%+v, %v", p.Pulls, err)
	}
}

// TestRights: going on with a batch, and undoing it, ask for all rights that they take before anything is written.
func TestRights(t *testing.T) {
	w := newWorld(t, 2)
	for _, repo := range w.Repos {
		repo.Private = true
	}
	p := w.plan(t, defaults())
	issue := github.Issue{Rule: "readme", Mark: github.IssueMark("x", "readme"), Title: "T", Body: "B"}
	for i := range p.Items {
		p.Items[i].Proposal.Files[0].Path = ".github/workflows/ci.yaml"
		p.Items[i].Issues = []github.Issue{issue}
	}
	p, err := batch.New(defaults(), p.Items, nil, github.PublishedLimits, github.Bulk{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.start(t, p); err != nil {
		t.Fatal(err)
	}
	w.Repos["acme/s000"].Merge(1, noon)
	whole := github.Needs{Pulls: true, Workflows: true, Issues: true, Checks: true, Private: true}
	if needs, err := w.state().Required(); err != nil || needs != whole || *p.Needs != whole {
		t.Errorf("to go on: %+v, %v", needs, err)
	}
	back, err := batch.PlanUndo(t.Context(), w.host, w.state(), github.PublishedLimits)
	if want := (github.Needs{Pulls: true, Workflows: true, Private: true}); err != nil || back.Needs() != want {
		t.Errorf("to undo: %+v, %v", back.Needs(), err)
	}
	w.Scopes, w.Writes = "public_repo", nil
	for _, needs := range []github.Needs{whole, back.Needs()} {
		_, err := w.host.CheckBatch(t.Context(), needs)
		if !errors.Is(err, github.ErrRights) || !strings.Contains(err.Error(), "the scope repo, the scope workflow") {
			t.Error(err)
		}
	}
	earlier := w.state()
	earlier.Batch.Settings = `{"issues":true}` // a batch that did not record what it takes
	needs, err := earlier.Required()
	if want := (github.Needs{Pulls: true, Issues: true, Checks: true}); err != nil || needs != want {
		t.Errorf("of an earlier batch: %+v, %v", needs, err)
	}
}

// TestIssuesFail: a pull request whose issues fail is still open, and the issues are tried again unless the repository
// has none.
func TestIssuesFail(t *testing.T) {
	for name, c := range map[string]struct {
		status        int
		first, second error
		opened        int // issues, in the end
	}{
		"switched off":     {http.StatusGone, nil, nil, 0},
		"forbidden":        {http.StatusForbidden, batch.ErrPartly, nil, 1},
		"an expired token": {http.StatusUnauthorized, rest.ErrUnauthorized, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			p := w.plan(t, defaults())
			p.Items[0].Issues = []github.Issue{{Rule: "readme", Mark: github.IssueMark("x", "readme"), Title: "T", Body: "B"}}
			w.Refuse = func(r *http.Request, _ http.Header) (int, string) {
				if strings.HasSuffix(r.URL.Path, "/issues") {
					return c.status, "no"
				}
				return 0, ""
			}
			if err := w.start(t, p); !errors.Is(err, c.first) || w.runs["b1/component:default/s000"].Outcome != "opened" {
				t.Errorf("%v, %v", err, w.outcomes())
			}
			w.Refuse = nil
			r := w.runner()
			again := r.Again
			r.Again = func(ctx context.Context, run event.ActionRun, head github.Head, s batch.Settings) (batch.Item, error) {
				i, err := again(ctx, run, head, s)
				i.Issues = p.Items[0].Issues
				return i, err
			}
			if _, err := r.Resume(t.Context(), w.state(), nil); !errors.Is(err, c.second) {
				t.Error(err)
			}
			if got := w.outcomes(); got["opened"] != 1 || len(w.Repos["acme/s000"].Opened) != c.opened {
				t.Errorf("%v, %d issues", got, len(w.Repos["acme/s000"].Opened))
			}
		})
	}
}

// TestIssueOnce: an issue whose answer is lost is not opened twice.
func TestIssueOnce(t *testing.T) {
	w := newWorld(t, 1)
	lost := false
	w.After = func(r *http.Request) bool {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/issues") && !lost {
			lost = true
			return false
		}
		return true
	}
	issues := []github.Issue{{Rule: "readme", Mark: github.IssueMark("x", "readme"), Title: "T", Body: "B"}}
	opened, err := w.host.OpenIssues(t.Context(), "acme/s000", issues)
	w.heal()
	if err != nil || len(opened) != 1 || opened[0].Result != "opened" || len(w.Repos["acme/s000"].Opened) != 1 {
		t.Errorf("%+v, %v, %d issues", opened, err, len(w.Repos["acme/s000"].Opened))
	}
}

// TestIssues opens an issue once, also after it was closed.
func TestIssues(t *testing.T) {
	w := newWorld(t, 1)
	p := w.plan(t, defaults())
	mark := github.IssueMark(p.Items[0].Entity, "readme-complete")
	p.Items[0].Issues = []github.Issue{{Rule: "readme-complete", Mark: mark, Title: "Complete the README", Body: "What to do."}}
	if err := w.start(t, p); err != nil {
		t.Fatal(err)
	}
	repo := w.Repos["acme/s000"]
	if len(repo.Opened) != 1 || !strings.Contains(repo.Opened[0].Body, mark) {
		t.Fatalf("%+v", repo.Opened)
	}
	repo.Opened[0].Closed = true
	p2 := w.plan(t, defaults())
	p2.Items[0].Issues = p.Items[0].Issues
	if _, err := w.runner().Start(t.Context(), event.ActionBatch{ID: "b2", Action: "fix"}, p2); err != nil || len(repo.Opened) != 1 {
		t.Errorf("%v, %d issues", err, len(repo.Opened))
	}
	last := w.last
	if last.Name != "issue readme-complete" || !strings.Contains(last.Note, "closed before") {
		t.Errorf("%+v", last)
	}
}

// TestIssuesClosed closes an issue once its rule passes, with a comment, and leaves one that somebody reopened.
func TestIssuesClosed(t *testing.T) {
	w := newWorld(t, 2)
	p := w.plan(t, defaults())
	closing := map[string]github.IssueClosing{}
	for i := range p.Items {
		one := &p.Items[i]
		mark := github.IssueMark(one.Entity, "readme-complete")
		one.Issues = []github.Issue{{Rule: "readme-complete", Mark: mark, Title: "T", Body: "B"}}
		closing[one.Entity] = github.IssueClosing{Rule: "readme-complete", Mark: mark, Note: "It passes: x is true."}
	}
	if err := w.start(t, p); err != nil {
		t.Fatal(err)
	}
	passed, reopened := w.Repos["acme/s000"].Opened[0], w.Repos["acme/s001"].Opened[0]
	reopened.Reason = "reopened"
	again := w.plan(t, defaults())
	for i := range again.Items {
		one := &again.Items[i]
		c := closing[one.Entity]
		c.URL = "https://github.example/" + one.Proposal.Repository + "/issues/1000"
		one.Closings = []github.IssueClosing{c}
	}
	again, err := batch.New(defaults(), again.Items, nil, github.PublishedLimits, github.Bulk{})
	if err != nil || !again.Needs.Issues || again.Digest() == w.plan(t, defaults()).Digest() {
		t.Fatalf("%v, %+v", err, again.Needs)
	}
	lost := false // the first answer to closing it
	w.After = func(r *http.Request) bool {
		first := r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, "/issues/1000") && !lost
		lost = lost || first
		return !first
	}
	_, err = w.runner().Start(t.Context(), event.ActionBatch{ID: "b2", Action: "fix"}, again)
	w.heal()
	r := w.runner()
	r.Again = func(_ context.Context, run event.ActionRun, head github.Head, _ batch.Settings) (batch.Item, error) {
		i := item(head)
		i.Closings = again.Items[slices.IndexFunc(again.Items, func(i batch.Item) bool { return i.Entity == run.Entity })].Closings
		return i, nil
	}
	delete(w.runs, "b1/component:default/s000")
	delete(w.runs, "b1/component:default/s001")
	if err != nil {
		_, err = r.Resume(t.Context(), w.state(), nil)
	}
	if err != nil || !lost || !passed.Closed || passed.Reason != "completed" || len(passed.Comments) != 1 ||
		!strings.Contains(passed.Comments[0], "x is true") {
		t.Errorf("%v, %+v", err, passed)
	}
	if reopened.Closed || len(reopened.Comments) > 0 {
		t.Errorf("%+v", reopened)
	}
}
