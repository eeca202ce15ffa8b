package batch_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/actions/batch"
	"github.com/dxctl/dxctl/actions/github/hosttest"
	"github.com/dxctl/dxctl/event"
)

// TestChangedBetween: what happens to a repository between the plan and its turn concerns that repository alone, and
// ends in a pull request or in a reason.
func TestChangedBetween(t *testing.T) { both(t, testChangedBetween) }

func testChangedBetween(t *testing.T, newWorld worlds) {
	t.Helper()
	const name = "acme/s000"
	for what, c := range map[string]struct {
		change  func(w *world, repo *hosttest.Repo)
		outcome string // of its run
		note    string // that it has
		at      string // repository with the pull request; "": there is none
	}{
		"the default branch is renamed": {func(_ *world, r *hosttest.Repo) { r.RenameDefault("trunk") }, "opened", "", name},
		"the repository is renamed": {func(w *world, r *hosttest.Repo) {
			delete(w.Repos, name)
			w.Repos["acme/paid"], w.Moved = r, map[string]string{name: "acme/paid"}
		}, "opened", "", "acme/paid"},
		"the repository is transferred": {func(w *world, r *hosttest.Repo) {
			delete(w.Repos, name)
			w.Repos["other/pay"], w.Moved = r, map[string]string{name: "other/pay"}
		}, "opened", "", "other/pay"},
		"it is archived":             {func(_ *world, r *hosttest.Repo) { r.Archived = true }, "failed", "archived", ""},
		"it is hidden":               {func(w *world, _ *hosttest.Repo) { delete(w.Repos, name) }, "failed", "see no repository", ""},
		"it is made private":         {func(_ *world, r *hosttest.Repo) { r.Private = true }, "opened", "", name},
		"the right to push is gone":  {func(_ *world, r *hosttest.Repo) { r.ReadOnly = true }, "failed", "the right to push", ""},
		"its history is gone":        {func(_ *world, r *hosttest.Repo) { clear(r.Refs) }, "failed", "it has no commit", ""},
		"its default branch is gone": {func(_ *world, r *hosttest.Repo) { delete(r.Refs, "heads/main") }, "failed", "it has no commit", ""},
		"somebody made the branch":   {func(_ *world, r *hosttest.Repo) { r.Push("dxctl/fix-go-service", "main", "mine", r.Refs["heads/main"]) }, "held", "did not make", ""},
		"the branch is that of main": {func(_ *world, r *hosttest.Repo) { r.Refs["heads/dxctl/fix-go-service"] = r.Refs["heads/main"] }, "opened", "", name},
		"it has another default branch": {func(_ *world, r *hosttest.Repo) {
			r.Push("develop", "main", "second", r.Refs["heads/main"])
			r.DefaultBranch = "develop"
		}, "opened", "", name},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, 3)
			s := defaults()
			s.Waves = "rest"
			p := w.plan(t, s)
			repo := w.Repos[name]
			c.change(w, repo)
			err := w.start(t, p)
			if want := c.outcome == "failed"; errors.Is(err, batch.ErrPartly) != want || err != nil && !want {
				t.Error(err)
			}
			run := w.runs[batch.RunID("b1", "component:default/s000")]
			if run.Outcome != c.outcome || !strings.Contains(run.Note, c.note) || w.outcomes()["opened"] < 2 {
				t.Errorf("%s, %q; %v", run.Outcome, run.Note, w.outcomes())
			}
			if c.at == "" {
				if len(repo.Requests) > 0 {
					t.Errorf("%+v", repo.Requests[0])
				}
				return
			}
			if len(repo.Requests) != 1 || repo.Requests[0].Base != repo.DefaultBranch || run.Repository != c.at ||
				repo.Ahead(repo.DefaultBranch, "dxctl/fix-go-service") != 1 {
				t.Errorf("%+v, recorded at %s", repo.Requests, run.Repository)
			}
			u, err := batch.PlanUndo(t.Context(), w.host, w.state(), w.limits())
			if err != nil || u.Count(batch.UndoClose) != 3 {
				t.Errorf("%+v, %v", u, err)
			}
		})
	}
}

// TestRenamedWhileOpen: a batch whose pull requests are open finds them again after their repository, or their base,
// was renamed.
func TestRenamedWhileOpen(t *testing.T) { both(t, testRenamedWhileOpen) }

func testRenamedWhileOpen(t *testing.T, newWorld worlds) {
	t.Helper()
	w := newWorld(t, 2)
	s := defaults()
	s.Waves = "rest"
	if err := w.start(t, w.plan(t, s)); err != nil {
		t.Fatal(err)
	}
	repo := w.Repos["acme/s000"]
	repo.RenameDefault("trunk")
	delete(w.Repos, "acme/s000")
	w.Repos["acme/paid"], w.Moved = repo, map[string]string{"acme/s000": "acme/paid"}
	p, err := batch.PlanUndo(t.Context(), w.host, w.state(), w.limits())
	if err != nil || p.Count(batch.UndoClose) != 2 {
		t.Fatalf("%+v, %v", p, err)
	}
	repo.Merge(1, noon)
	p, err = batch.PlanUndo(t.Context(), w.host, w.state(), w.limits())
	if err != nil || p.Count(batch.UndoRevert) != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	if _, err := w.runner().Undo(t.Context(), w.host, w.state(), p); err != nil || len(repo.Requests) != 2 ||
		repo.Requests[1].Base != "trunk" {
		t.Errorf("%v, %+v", err, repo.Requests)
	}
}

// TestGateway: an error of a gateway, whether the request was obeyed or not, and a secondary limit in the middle of a
// commit, leave one pull request with one commit that the run has opened.
func TestGateway(t *testing.T) {
	for _, path := range []string{"git/trees", "git/commits", "git/refs", "pulls"} {
		for _, what := range []string{"obeyed", "not obeyed", "limited"} {
			w := newWorld(t, 1)
			w.attempts(t, 3)
			p := w.plan(t, defaults())
			done := false
			hits := func(r *http.Request) bool {
				hit := r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/"+path) && !done
				done = done || hit
				return hit
			}
			switch what {
			case "obeyed":
				w.Instead = func(r *http.Request) int { return map[bool]int{true: http.StatusBadGateway}[hits(r)] }
			case "not obeyed":
				w.Refuse = func(r *http.Request, _ http.Header) (int, string) {
					return map[bool]int{true: http.StatusBadGateway}[hits(r)], "Server Error"
				}
			case "limited":
				w.Refuse = func(r *http.Request, h http.Header) (int, string) {
					if !hits(r) {
						return 0, ""
					}
					h.Set("Retry-After", "90")
					return http.StatusForbidden, "You have exceeded a secondary rate limit."
				}
			}
			began := w.clock.Now()
			err := w.start(t, p)
			repo := w.Repos["acme/s000"]
			if err != nil || !done || len(repo.Requests) != 1 || repo.Ahead("main", "dxctl/fix-go-service") != 1 ||
				w.outcomes()["opened"] != 1 {
				t.Errorf("%s, %s: %v, %v, %d pull requests: %q", path, what, err, w.outcomes(), len(repo.Requests), w.said)
			}
			if waited := w.clock.Now().Sub(began); what == "limited" && waited < 90*time.Second {
				t.Errorf("%s: waited %s", path, waited)
			}
			u, err := batch.PlanUndo(t.Context(), w.host, w.state(), w.limits())
			if err != nil || u.Count(batch.UndoClose) != 1 {
				t.Errorf("%s, %s: %+v, %v", path, what, u, err)
			}
		}
	}
}

// TestMergedElsewhere: whatever way a pull request was merged, its run becomes merged, and it can be taken back.
func TestMergedElsewhere(t *testing.T) {
	for way, merge := range map[string]func(r *hosttest.Repo){
		"squashed": func(r *hosttest.Repo) { r.Merge(1, noon) },
		"as it is": func(r *hosttest.Repo) { r.FastForward(1, noon) },
		"and stayed": func(r *hosttest.Repo) {
			head := r.Refs["heads/dxctl/fix-go-service"]
			r.Merge(1, noon)
			r.Refs["heads/dxctl/fix-go-service"] = head
		},
	} {
		w := newWorld(t, 1)
		if err := w.start(t, w.plan(t, defaults())); err != nil {
			t.Fatal(err)
		}
		repo := w.Repos["acme/s000"]
		merge(repo)
		s, err := w.runner().Refresh(t.Context(), w.state())
		if err != nil || s.Runs[0].Outcome != batch.Merged {
			t.Errorf("%s: %+v, %v", way, s.Runs, err)
		}
		p, err := batch.PlanUndo(t.Context(), w.host, w.state(), w.limits())
		if err != nil || p.Count(batch.UndoRevert) != 1 {
			t.Fatalf("%s: %+v, %v", way, p, err)
		}
		if _, err := w.runner().Undo(t.Context(), w.host, w.state(), p); err != nil || len(repo.Requests) != 2 {
			t.Errorf("%s: %v", way, err)
		}
		repo.Merge(2, noon)
		b := event.ActionBatch{ID: "b2", Action: "fix", Actor: "ada"}
		if _, err := w.runner().Start(t.Context(), b, w.plan(t, defaults())); err != nil || len(repo.Requests) != 3 ||
			repo.Ahead("main", "dxctl/fix-go-service") != 1 || repo.Refs["heads/main"] != repo.Parents[repo.Refs["heads/dxctl/fix-go-service"]][0] {
			t.Errorf("%s: proposed again %v, %d pull requests, %d commits", way, err, len(repo.Requests),
				repo.Ahead("main", "dxctl/fix-go-service"))
		}
	}
}
