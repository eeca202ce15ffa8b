package batch_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions/batch"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/event"
)

// undos is what takes the changes of each run back, as the store has it.
func (w *world) undos() map[string]string {
	all := map[string]string{}
	for _, step := range w.steps {
		if step.Undo != "" {
			all[step.Run] = step.Undo
		}
	}
	return all
}

// TestUndo closes what is open, reverts what was merged, and leaves what changed since.
func TestUndo(t *testing.T) {
	w := newWorld(t, 5)
	if err := w.start(t, w.plan(t, settings())); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"acme/s001", "acme/s002", "acme/s003"} {
		w.Repos[name].Merge(1, noon)
	}
	w.Repos["acme/s002"].CommitFile("main", "LICENSE", "mine\n") // changed since
	w.Repos["acme/s003"].CommitFile("main", "docs.md", "other\n")
	w.Repos["acme/s004"].Requests[0].Open = false // declined
	p, err := batch.PlanUndo(t.Context(), w.host, w.state(), w.undos(), github.PublishedLimits)
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
	again, err := batch.PlanUndo(t.Context(), w.host, w.state(), w.undos(), github.PublishedLimits)
	if err != nil || again.Count(batch.UndoNothing) != len(again.Pulls) {
		t.Errorf("a second time: %+v, %v", again, err)
	}
	// What was withdrawn was declined by nobody.
	if _, err := w.runner().Start(t.Context(), event.ActionBatch{ID: "b2", Action: "fix"}, w.plan(t, settings())); err != nil {
		t.Fatal(err)
	}
	if n := len(w.Repos["acme/s000"].Requests); n != 2 {
		t.Errorf("acme/s000 has %d pull requests", n)
	}
	if n := len(w.Repos["acme/s004"].Requests); n != 1 {
		t.Errorf("what was declined is proposed again: %d pull requests", n)
	}
}

// TestIssues opens an issue once, also after it was closed.
func TestIssues(t *testing.T) {
	w := newWorld(t, 1)
	p := w.plan(t, settings())
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
	p2 := w.plan(t, settings())
	p2.Items[0].Issues = p.Items[0].Issues
	if _, err := w.runner().Start(t.Context(), event.ActionBatch{ID: "b2", Action: "fix"}, p2); err != nil || len(repo.Opened) != 1 {
		t.Errorf("%v, %d issues", err, len(repo.Opened))
	}
	last := w.steps[len(w.steps)-1]
	if last.Name != "issue readme-complete" || !strings.Contains(last.Note, "closed before") {
		t.Errorf("%+v", last)
	}
}
