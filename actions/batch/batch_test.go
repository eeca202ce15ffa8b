package batch_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/actions/batch"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/github/hosttest"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		waves string
		items int
		want  []uint32
	}{
		{"1,5,25%,rest", 500, []uint32{1, 5, 125, 369}},
		{"1,5,25%,rest", 3, []uint32{1, 2}},
		{"1,5,25%,rest", 0, nil},
		{"rest", 7, []uint32{7}},
		{"2", 5, []uint32{2, 3}},
		{" 1 , 50% ", 5, []uint32{1, 3, 1}},
		{"0", 5, nil}, {"-1", 5, nil}, {"110%", 5, nil}, {"", 5, nil}, {"1,x", 5, nil}, {"1x", 5, nil}, {"1.5", 5, nil},
	} {
		got, err := batch.Sizes(c.waves, c.items)
		if !slices.Equal(got, c.want) || (err == nil) != (c.want != nil || c.items == 0) {
			t.Errorf("%q of %d: %v, %v; want %v", c.waves, c.items, got, err, c.want)
		}
	}
}

// TestBatch goes through all waves, and a repository that cannot be written does not stop the others.
func TestBatch(t *testing.T) { both(t, testBatch) }

func testBatch(t *testing.T, newWorld worlds) {
	t.Helper()
	w := newWorld(t, 8)
	p := w.plan(t, defaults())
	broken := p.Items[2].Proposal.Repository
	w.Refuse = func(r *http.Request, _ http.Header) (int, string) {
		if r.Method == http.MethodPost && strings.Contains(r.URL.Path, broken+"/git/commits") {
			return http.StatusForbidden, "Resource protected by organization SAML enforcement"
		}
		return 0, ""
	}
	err := w.start(t, p)
	if !errors.Is(err, batch.ErrPartly) || !strings.Contains(err.Error(), "1 of 8") {
		t.Errorf("%v", err)
	}
	if got := w.outcomes(); got["opened"] != 7 || got["failed"] != 1 || w.batch.Status != event.Succeeded {
		t.Errorf("%v, %s", got, w.batch.Status)
	}
	w.Refuse = nil
	if _, err := w.runner().Resume(t.Context(), w.state(), nil); err != nil || w.outcomes()["opened"] != 8 || w.opened() != 8 {
		t.Errorf("resumed: %v, %v, %d pull requests", err, w.outcomes(), w.opened())
	}
}

// TestStops: a red pull request of the first wave stops the batch; whoever resumes it has accepted it.
func TestStops(t *testing.T) { both(t, testStops) }

func testStops(t *testing.T, newWorld worlds) {
	t.Helper()
	for name, spoil := range map[string]func(*hosttest.Repo){
		"red checks": func(r *hosttest.Repo) { r.Checks[r.Refs["heads/dxctl/fix-go-service"]] = "FAILURE" },
		"a closure":  func(r *hosttest.Repo) { r.Requests[0].Open = false },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 6)
			w.After = func(r *http.Request) bool {
				if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/pulls") && w.opened() == 1 {
					spoil(w.Repos[strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/api/v3/repos/"), "/pulls")])
				}
				return true
			}
			err := w.start(t, w.plan(t, defaults()))
			if !errors.Is(err, batch.ErrStopped) || w.opened() != 1 || w.batch.Status != event.Failed || w.batch.Wave != 1 ||
				!strings.Contains(w.batch.Note, "--resume b1") || !strings.Contains(w.batch.Note, "/pull/1") {
				t.Fatalf("%v; %d opened, %s: %s", err, w.opened(), w.batch.Status, w.batch.Note)
			}
			if _, err := w.runner().Resume(t.Context(), w.state(), nil); err != nil || w.opened() != 6 {
				t.Errorf("resumed: %v, %d opened", err, w.opened())
			}
		})
	}
}

// TestRedBefore: checks that fail on the default branch, too, or failed on the commit that a pull request starts from,
// are no reason to stop. One that fails only on the pull request is, whatever else is red.
func TestRedBefore(t *testing.T) { both(t, testRedBefore) }

func testRedBefore(t *testing.T, newWorld worlds) {
	t.Helper()
	red := func(repo *hosttest.Repo, commit string, failing ...string) {
		repo.Checks[commit], repo.Failing = "FAILURE", map[string][]string{commit: failing}
	}
	for name, c := range map[string]struct {
		before func(*hosttest.Repo, string) // with the last commit of the default branch
		after  func(*hosttest.Repo, string) // with that of the pull request
		opened int
	}{
		"red before": {
			func(r *hosttest.Repo, c string) { red(r, c) }, func(r *hosttest.Repo, c string) { r.Checks[c] = "FAILURE" }, 4,
		},
		"red before, and green since": {
			func(r *hosttest.Repo, c string) { red(r, c) },
			func(r *hosttest.Repo, c string) {
				r.Checks[c] = "FAILURE"
				r.Commit()
				r.Checks[r.Refs["heads/main"]] = "SUCCESS"
			}, 4,
		},
		"another check": {
			func(r *hosttest.Repo, c string) { red(r, c, "lint") },
			func(r *hosttest.Repo, c string) { r.Checks[c], r.Failing[c] = "FAILURE", []string{"lint", "test"} }, 1,
		},
		"green before": {
			func(r *hosttest.Repo, c string) { r.Checks[c] = "SUCCESS" },
			func(r *hosttest.Repo, c string) { r.Checks[c] = "FAILURE" }, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 4)
			for _, repo := range w.Repos {
				c.before(repo, repo.Refs["heads/main"])
			}
			w.After = func(*http.Request) bool {
				for _, repo := range w.Repos {
					if head := repo.Refs["heads/dxctl/fix-go-service"]; head != "" && len(repo.Requests) > 0 && repo.Checks[head] == "" {
						c.after(repo, head)
					}
				}
				return true
			}
			err := w.start(t, w.plan(t, defaults()))
			if errors.Is(err, batch.ErrStopped) != (c.opened == 1) || w.opened() != c.opened {
				t.Errorf("%v, %d opened", err, w.opened())
			}
		})
	}
}

// paint gives the checks of all pull requests a state.
func (w *world) paint(state string) {
	for _, repo := range w.Repos {
		if head := repo.Refs["heads/dxctl/fix-go-service"]; head != "" {
			repo.Checks[head] = state
		}
	}
}

// TestReddened: what became red while a batch was paused was seen by nobody, and stops it.
func TestReddened(t *testing.T) { both(t, testReddened) }

func testReddened(t *testing.T, newWorld worlds) {
	t.Helper()
	w := newWorld(t, 4)
	w.After = func(*http.Request) bool { w.paint("PENDING"); return true }
	if err := w.start(t, w.plan(t, defaults())); !errors.Is(err, batch.ErrUnfinished) || !strings.Contains(err.Error(), "/pull/1") {
		t.Fatal(err)
	}
	w.After = nil
	w.paint("FAILURE")
	if _, err := w.runner().Resume(t.Context(), w.state(), nil); !errors.Is(err, batch.ErrStopped) || w.opened() != 1 {
		t.Errorf("%v, %d opened", err, w.opened())
	}
}

// TestEndless: checks that never end are waited for once; whoever resumes the batch has decided.
func TestEndless(t *testing.T) { both(t, testEndless) }

func testEndless(t *testing.T, newWorld worlds) {
	t.Helper()
	w := newWorld(t, 4)
	w.After = func(r *http.Request) bool {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/pulls") && w.opened() == 1 {
			w.paint("EXPECTED")
		}
		return true
	}
	if err := w.start(t, w.plan(t, defaults())); !errors.Is(err, batch.ErrUnfinished) {
		t.Fatal(err)
	}
	began := w.clock.Now()
	if _, err := w.runner().Resume(t.Context(), w.state(), nil); err != nil || w.opened() != 4 || w.clock.Now() != began {
		t.Errorf("%v, %d opened", err, w.opened())
	}
}

// TestEarlyCheck: a quick check that is green says nothing of those that begin later.
func TestEarlyCheck(t *testing.T) { both(t, testEarlyCheck) }

func testEarlyCheck(t *testing.T, newWorld worlds) {
	t.Helper()
	w := newWorld(t, 3)
	w.Before = func(*http.Request) bool {
		state := "SUCCESS"
		if w.clock.Now().Sub(noon) > time.Minute {
			state = "FAILURE"
		}
		w.paint(state)
		return true
	}
	s := defaults()
	s.Settle = 5 * time.Minute
	if err := w.start(t, w.plan(t, s)); !errors.Is(err, batch.ErrStopped) || w.opened() != 1 {
		t.Errorf("%v, %d opened", err, w.opened())
	}
}

// TestAllFail: what fails everywhere stops the batch after the first wave.
func TestAllFail(t *testing.T) {
	w := newWorld(t, 6)
	w.Refuse = func(r *http.Request, _ http.Header) (int, string) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/git/refs") {
			return http.StatusForbidden, "Resource not accessible by personal access token"
		}
		return 0, ""
	}
	err := w.start(t, w.plan(t, defaults()))
	if !errors.Is(err, batch.ErrStopped) || !strings.Contains(err.Error(), "not accessible") || w.outcomes()["failed"] != 1 {
		t.Errorf("%v, %v", err, w.outcomes())
	}
	w.Refuse = nil
	if _, err := w.runner().Resume(t.Context(), w.state(), nil); err != nil || w.outcomes()["opened"] != 6 {
		t.Errorf("resumed: %v, %v", err, w.outcomes())
	}
}

// TestSecondBatch: a red pull request that has the changes already counts for the next batch, too.
func TestSecondBatch(t *testing.T) { both(t, testSecondBatch) }

func testSecondBatch(t *testing.T, newWorld worlds) {
	t.Helper()
	w := newWorld(t, 4)
	w.After = func(*http.Request) bool { w.paint("FAILURE"); return true }
	if err := w.start(t, w.plan(t, defaults())); !errors.Is(err, batch.ErrStopped) {
		t.Fatal(err)
	}
	_, err := w.runner().Start(t.Context(), event.ActionBatch{ID: "b2", Action: "fix"}, w.plan(t, defaults()))
	if !errors.Is(err, batch.ErrStopped) || w.opened() != 1 {
		t.Errorf("%v, %d opened", err, w.opened())
	}
}

// TestOneBranch: of two services with one branch, one gets the pull request.
func TestOneBranch(t *testing.T) {
	w := newWorld(t, 1)
	i := w.plan(t, defaults()).Items[0]
	other := i
	other.Entity = "component:default/other"
	p, err := batch.New(defaults(), []batch.Item{i, other}, nil, github.PublishedLimits, github.Bulk{})
	if err != nil || len(p.Items) != 1 || len(p.Left) != 1 || p.Left[0].Entity != other.Entity {
		t.Errorf("%+v, %v", p, err)
	}
}

// TestWaits: the next wave begins when the checks of the one before are finished, or never.
func TestWaits(t *testing.T) { both(t, testWaits) }

func testWaits(t *testing.T, newWorld worlds) {
	t.Helper()
	w := newWorld(t, 4)
	running := func(state string) {
		for _, repo := range w.Repos {
			if head := repo.Refs["heads/dxctl/fix-go-service"]; head != "" && repo.Checks[head] != "SUCCESS" {
				repo.Checks[head] = state
			}
		}
	}
	w.After = func(*http.Request) bool {
		running("PENDING")
		if w.clock.Now().Sub(noon) > 7*time.Minute {
			running("SUCCESS")
		}
		return true
	}
	s := defaults()
	s.Waves = "1,rest"
	if err := w.start(t, w.plan(t, s)); err != nil || w.opened() != 4 || w.clock.Now().Sub(noon) < 7*time.Minute {
		t.Errorf("%v, %d opened after %s", err, w.opened(), w.clock.Now().Sub(noon))
	}
	w = newWorld(t, 4)
	w.After = func(*http.Request) bool { running("PENDING"); return true }
	err := w.start(t, w.plan(t, s))
	if paused := new(batch.PausedError); !errors.As(err, &paused) || w.opened() != 1 || w.batch.Status != event.Waiting ||
		!strings.Contains(err.Error(), "not finished: those of 1 pull requests, after 1h") {
		t.Errorf("%v, %d opened, %s", err, w.opened(), w.batch.Status)
	}
}

// TestHidden: where the credentials may not read checks, nobody knows whether a wave is good. A single wave needs none.
func TestHidden(t *testing.T) { both(t, testHidden) }

func testHidden(t *testing.T, newWorld worlds) {
	t.Helper()
	w := newWorld(t, 3)
	w.Scopes = "-"
	w.After = func(*http.Request) bool {
		for _, repo := range w.Repos {
			for _, branch := range []string{"main", "dxctl/fix-go-service"} {
				if commit := repo.Refs["heads/"+branch]; commit != "" {
					repo.Checks[commit] = "FAILURE"
				}
			}
		}
		return true
	}
	_ = w.plan(t, defaults())
	p := w.plan(t, defaults())
	if p.Blind() == nil {
		t.Error("the plan does not say that checks are hidden")
	}
	if err := w.start(t, p); !errors.Is(err, github.ErrRights) || w.opened() != 1 || w.batch.Status != event.Waiting {
		t.Errorf("%v, %d opened, %s", err, w.opened(), w.batch.Status)
	}
	w = newWorld(t, 3)
	w.Scopes = "-"
	s := defaults()
	s.Waves = "rest"
	if p = w.plan(t, s); p.Blind() != nil {
		t.Error("a single wave needs no checks")
	}
	if err := w.start(t, p); err != nil || w.opened() != 3 {
		t.Errorf("%v, %d opened", err, w.opened())
	}
}

// TestUnserved: checks that a host does not offer are green for nobody, and red ones that it does offer count.
func TestUnserved(t *testing.T) {
	for _, kind := range []string{"/check-runs", "/status"} {
		for _, status := range []int{http.StatusNotFound, http.StatusNotImplemented} {
			w := newWorld(t, 3)
			w.NoGraphQL = status
			w.Refuse = func(r *http.Request, _ http.Header) (int, string) {
				if strings.HasSuffix(r.URL.Path, kind) {
					return status, "Not Found"
				}
				return 0, ""
			}
			w.After = func(*http.Request) bool { w.paint("SUCCESS"); return true }
			p := w.plan(t, defaults())
			if !errors.Is(p.Blind(), github.ErrUnserved) {
				t.Errorf("%s: the plan is blind for %v", kind, p.Blind())
			}
			if err := w.start(t, p); !errors.Is(err, github.ErrUnserved) || w.opened() != 1 || w.batch.Status != event.Waiting {
				t.Errorf("%s: %v, %d opened, %s", kind, err, w.opened(), w.batch.Status)
			}
			w.After = nil
			w.paint("FAILURE")
			_, err := w.runner().Resume(t.Context(), w.state(), nil)
			if want := kind == "/status"; errors.Is(err, batch.ErrStopped) != want || w.opened() != 1 {
				t.Errorf("%s, red: %v, %d opened", kind, err, w.opened())
			}
		}
	}
}

// TestExpired: a token that expires pauses the batch, and the batch resumes with another one.
func TestExpired(t *testing.T) { both(t, testExpired) }

func testExpired(t *testing.T, newWorld worlds) {
	t.Helper()
	w := newWorld(t, 6)
	w.Refuse = func(*http.Request, http.Header) (int, string) {
		if len(w.Writes) >= 10 { // in the third repository, between the commit and the branch
			return http.StatusUnauthorized, "Bad credentials"
		}
		return 0, ""
	}
	err := w.start(t, w.plan(t, defaults()))
	if !errors.Is(err, rest.ErrUnauthorized) || w.batch.Status != event.Waiting || w.opened() != 2 {
		t.Fatalf("%v, %s, %d opened", err, w.batch.Status, w.opened())
	}
	if w.outcomes()["failed"] != 0 {
		t.Errorf("the repository counts as failed: %v", w.outcomes())
	}
	w.Refuse = nil
	if _, err := w.runner().Resume(t.Context(), w.state(), nil); err != nil || w.opened() != 6 || w.outcomes()["opened"] != 6 {
		t.Errorf("resumed: %v, %d opened, %v", err, w.opened(), w.outcomes())
	}
}

// TestKilled interrupts a batch at each of its requests, before and after the host obeyed. Whatever was recorded, it
// goes on, and nothing is opened twice.
func TestKilled(t *testing.T) {
	whole := newWorld(t, 4)
	if err := whole.start(t, whole.plan(t, defaults())); err != nil {
		t.Fatal(err)
	}
	requests := len(whole.Reads) + len(whole.Writes)
	for n := 1; n < requests; n++ {
		for _, obeyed := range []bool{false, true} {
			w := newWorld(t, 4)
			p := w.plan(t, defaults())
			seen := 0
			lost := func(*http.Request) bool {
				if seen++; seen < n {
					return true
				}
				w.kill(errors.New("killed")) // nothing more is recorded
				return false
			}
			if obeyed {
				w.After = lost
			} else {
				w.Before = lost
			}
			if err := w.start(t, p); err == nil {
				t.Fatalf("killed at request %d, and no error", n)
			}
			w.heal()
			if _, err := w.runner().Resume(t.Context(), w.state(), nil); err != nil {
				t.Fatalf("killed at request %d (obeyed: %t): %v", n, obeyed, err)
			}
			if w.opened() != 4 || w.outcomes()["opened"] != 4 {
				t.Errorf("killed at request %d (obeyed: %t): %d pull requests, %v", n, obeyed, w.opened(), w.outcomes())
			}
		}
	}
}

// TestMoved: a repository that moved is planned again; if that changes the patch, nobody has seen it, and it is left.
func TestMoved(t *testing.T) {
	w := newWorld(t, 2)
	p := w.plan(t, defaults())
	for _, repo := range w.Repos {
		repo.CommitFile("main", "docs.md", "new\n")
	}
	again := w.runner().Again
	r := w.runner()
	r.Again = func(ctx context.Context, run event.ActionRun, head github.Head, s batch.Settings) (batch.Item, error) {
		i, err := again(ctx, run, head, s)
		if run.Wave == 2 {
			i.Proposal.Files[0].After = []byte("other\n")
		}
		return i, err
	}
	_, err := r.Start(t.Context(), event.ActionBatch{ID: "b1", Action: "fix"}, p)
	if got := w.outcomes(); err != nil || got["opened"] != 1 || got[batch.Changed] != 1 {
		t.Errorf("%v, %v", err, got)
	}
	if files := w.repoOf(1).FilesOf("dxctl/fix-go-service"); len(files) != 3 {
		t.Errorf("the branch is not on the present commit: %d files", len(files))
	}
}

// TestDigest: the same changes on another commit are the same batch; other changes are not.
func TestDigest(t *testing.T) {
	w := newWorld(t, 3)
	first := w.plan(t, defaults())
	w.Repos["acme/s001"].Commit()
	second := w.plan(t, defaults())
	if first.Digest() != second.Digest() {
		t.Error("another commit changes the digest")
	}
	second.Items[1].Proposal.Files[0].After = []byte("x")
	if first.Digest() == second.Digest() {
		t.Error("other changes have the same digest")
	}
	other := defaults()
	other.Waves = "rest"
	if w.plan(t, other).Digest() == first.Digest() {
		t.Error("other waves have the same digest")
	}
}
