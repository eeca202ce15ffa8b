package batch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/batch"
	"github.com/dxctl/dxctl/actions/github/hosttest"
	"github.com/dxctl/dxctl/event"
)

// TestUndoOfWhatIsGone: what a batch did and what was taken back since is not taken back again, although a later batch
// made the same changes.
func TestUndoOfWhatIsGone(t *testing.T) {
	again := func(t *testing.T, w *world, id string) {
		t.Helper()
		b := event.ActionBatch{ID: id, Action: "fix", Actor: "ada"}
		if _, err := w.runner().Start(t.Context(), b, w.plan(t, defaults())); err != nil {
			t.Fatal(err)
		}
	}
	const name = "acme/s000"
	// reverted merges a pull request of somebody that takes back what number did.
	reverted := func(w *world, number int, content string) {
		repo := w.Repos[name]
		branch := fmt.Sprintf("revert-%d-dxctl/fix-go-service", number)
		repo.Push(branch, "main", "Revert", repo.Refs["heads/main"])
		if content == "" {
			repo.RemoveFile(branch, "LICENSE")
		} else {
			repo.CommitFile(branch, "LICENSE", content)
		}
		n := len(repo.Requests) + 1
		repo.Requests = append(repo.Requests, &hosttest.Pull{Number: n, Head: branch, Base: "main", Open: true,
			Body: fmt.Sprintf("Reverts acme/s000#%d", number)})
		repo.Merge(n, noon)
	}
	for what, c := range map[string]struct {
		since  func(t *testing.T, w *world)
		action string
		why    string
	}{
		"nothing happened": {func(*testing.T, *world) {}, batch.UndoRevert, ""},
		"reverted":         {func(_ *testing.T, w *world) { reverted(w, 1, "") }, batch.UndoNothing, "nothing of it is left"},
		"reverted, and made again by a batch": {func(t *testing.T, w *world) {
			t.Helper()
			reverted(w, 1, "")
			again(t, w, "b2")
			w.Repos[name].Merge(3, noon)
		}, batch.UndoNothing, "its changes were gone when pull request #3 made them again"},
		"reverted, and made again by hand": {func(_ *testing.T, w *world) {
			reverted(w, 1, "")
			w.Repos[name].CommitFile("main", "LICENSE", "free\n")
		}, batch.UndoNothing, "pull request #2 has taken it back"},
		"reverted, and the revert reverted": {func(_ *testing.T, w *world) {
			reverted(w, 1, "")
			reverted(w, 2, "free\n")
		}, batch.UndoRevert, ""},
		"removed by hand, and made again by a batch": {func(t *testing.T, w *world) {
			t.Helper()
			w.Repos[name].RemoveFile("main", "LICENSE")
			again(t, w, "b2")
			w.Repos[name].Merge(2, noon)
		}, batch.UndoNothing, "its changes were gone when pull request #2 made them again"},
		"undone by dxctl, and made again by a batch": {func(t *testing.T, w *world) {
			t.Helper()
			p, err := batch.PlanUndo(t.Context(), w.host, w.state(), w.limits())
			if err != nil {
				t.Fatal(err)
			}
			killed := w.state() // the end of undoing is not recorded
			if _, err := w.runner().Undo(t.Context(), w.host, killed, p); err != nil {
				t.Fatal(err)
			}
			for _, run := range killed.Runs {
				run.Outcome = batch.Merged
				w.runs[run.ID] = run
			}
			w.Repos[name].Merge(2, noon)
			again(t, w, "b2")
			w.Repos[name].Merge(3, noon)
		}, batch.UndoNothing, "its changes were gone when pull request #3 made them again"},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, 1)
			if err := w.start(t, w.plan(t, defaults())); err != nil {
				t.Fatal(err)
			}
			w.Repos[name].Merge(1, noon)
			if s, err := w.runner().Refresh(t.Context(), w.state()); err != nil || s.Runs[0].Outcome != batch.Merged {
				t.Fatal(s.Runs, err)
			}
			c.since(t, w)
			s := w.state()
			s.Runs = slices.DeleteFunc(s.Runs, func(r event.ActionRun) bool { return r.Batch != "b1" })
			w.Writes = nil
			p, err := batch.PlanUndo(t.Context(), w.host, s, w.limits())
			if err != nil || len(p.Pulls) != 1 || p.Pulls[0].Action != c.action || !strings.Contains(p.Pulls[0].Why, c.why) {
				t.Fatalf("%+v, %v", p.Pulls, err)
			}
			s.Batch.ID = "b1"
			if _, err := w.runner().Undo(t.Context(), w.host, s, p); err != nil || len(w.Writes) > 0 != (c.action == batch.UndoRevert) {
				t.Errorf("%v, written %q", err, w.Writes)
			}
		})
	}
}

// TestUndoOfExecutable: a file that a fix deleted comes back with its mode, and one that it changed keeps it.
func TestUndoOfExecutable(t *testing.T) {
	w := newWorld(t, 1)
	repo := w.Repos["acme/s000"]
	for _, name := range []string{"gone.sh", "changed.sh"} {
		repo.CommitFile("main", name, "#!/bin/sh\n")
		repo.SetExecutable("main", name)
	}
	p := w.plan(t, defaults())
	p.Items[0].Proposal.Files = []actions.FileChange{
		{Path: "gone.sh", Before: []byte("#!/bin/sh\n"), Executable: true},
		{Path: "changed.sh", Before: []byte("#!/bin/sh\n"), After: []byte("#!/bin/bash\n"), Executable: true},
	}
	if err := w.start(t, p); err != nil {
		t.Fatal(err)
	}
	check := func(branch string, want map[string]string) {
		t.Helper()
		for _, f := range repo.FilesOf(branch) {
			if content, ok := want[f.Path]; ok && string(f.After) == content && f.Executable {
				delete(want, f.Path)
			}
		}
		if len(want) > 0 {
			t.Errorf("%s lacks %q: %+v", branch, want, repo.FilesOf(branch))
		}
	}
	check("dxctl/fix-go-service", map[string]string{"changed.sh": "#!/bin/bash\n"})
	repo.Merge(1, noon)
	u, err := batch.PlanUndo(t.Context(), w.host, w.state(), w.limits())
	if err != nil || u.Count(batch.UndoRevert) != 1 {
		t.Fatalf("%+v, %v", u, err)
	}
	if _, err := w.runner().Undo(t.Context(), w.host, w.state(), u); err != nil {
		t.Fatal(err)
	}
	check("dxctl/revert-1", map[string]string{"gone.sh": "#!/bin/sh\n", "changed.sh": "#!/bin/sh\n"})
}
