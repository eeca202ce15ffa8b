package batch_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions/batch"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/github/hosttest"
	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// wanted are rules of a request each: a ruleset, the token of workflows, branches after the merge.
var wanted = []string{"branch-protected", "workflow-permissions", "no-binaries-or-secrets"}

// withSettings adds to an item what the rules need of the settings.
func (w *world) withSettings(ctx context.Context, t *testing.T, i batch.Item) batch.Item {
	t.Helper()
	on := true
	ask := settings.Ask{Repository: i.Proposal.Repository, Branch: i.Proposal.Base, Workflows: &on,
		Want: settings.Want{Rules: wanted}}
	state, err := w.host.Settings(ctx, ask)
	if err != nil {
		t.Fatal(err)
	}
	p, err := settings.Plan(state, ask.Want)
	if err != nil {
		t.Fatal(err)
	}
	i.Changes, i.Left = p.Changes, p.Left
	return i
}

// planSettings plans a batch that changes settings; of the repositories with files, pull requests, too.
func (w *world) planSettings(t *testing.T, files ...string) *batch.Plan {
	t.Helper()
	for _, repo := range w.Repos {
		repo.Set.Cleanup = false
	}
	p := w.plan(t, defaults())
	var items []batch.Item
	for _, i := range p.Items {
		if !slices.Contains(files, i.Proposal.Repository) {
			i.Proposal.Files, i.Rules, i.Proposal.Partial = nil, nil, true
		}
		items = append(items, w.withSettings(t.Context(), t, i))
	}
	p, err := batch.New(defaults(), items, nil, github.PublishedLimits, github.Bulk{})
	if err != nil {
		t.Fatal(err)
	}
	w.Reads, w.Writes = nil, nil
	return p
}

// resume continues the batch in another process. Only s001 has files to change.
func (w *world) resume(t *testing.T) error {
	t.Helper()
	r := w.runner()
	r.Again = func(ctx context.Context, _ event.ActionRun, head github.Head, _ batch.Settings) (batch.Item, error) {
		i := item(head)
		if head.Repository != "acme/s001" {
			i.Proposal.Files, i.Proposal.Partial = nil, true
		}
		return w.withSettings(ctx, t, i), nil
	}
	_, err := r.Resume(t.Context(), w.state(), nil)
	return err
}

// isSet reports whether all wanted settings of a repository are set.
func isSet(r *hosttest.Repo) bool {
	return len(r.Set.Rulesets) == 1 && r.Set.ReadOnlyToken && r.Set.Cleanup
}

// isWeak reports whether none is.
func isWeak(r *hosttest.Repo) bool {
	return len(r.Set.Rulesets) == 0 && !r.Set.ReadOnlyToken && !r.Set.Cleanup
}

// TestSettings sets the settings of a batch in waves, leaves what somebody changed since the plan, and restores what it
// changed, but for what somebody changed since.
func TestSettings(t *testing.T) {
	w := newWorld(t, 4)
	for _, repo := range w.Repos {
		repo.Private = true
	}
	p := w.planSettings(t, "acme/s001")
	if !p.Needs.Settings || !p.Needs.Pulls {
		t.Errorf("%+v", p.Needs)
	}
	moved, refused, pull := w.Repos["acme/s000"], w.Repos["acme/s002"], w.Repos["acme/s001"]
	moved.Set.Cleanup = true // by somebody, after the plan
	refused.Set.Ignored = []string{"actions/permissions/workflow"}
	err := w.start(t, p)
	if !errors.Is(err, batch.ErrPartly) || !strings.Contains(err.Error(), "1 of 4") {
		t.Errorf("%v, %v", err, w.outcomes())
	}
	if got := w.outcomes(); got["opened"] != 1 || got[batch.Set] != 3 || !isSet(pull) || !isSet(w.Repos["acme/s003"]) {
		t.Errorf("%v", got)
	}
	failed := w.runs["b1/component:default/s002"]
	if failed.Status != event.Failed || !strings.Contains(failed.Note, "did not change the setting") || !refused.Set.Cleanup {
		t.Errorf("%+v", failed)
	}
	if reads, writes := len(w.Reads), len(w.Writes); reads != p.Forecast.Reads || writes+1 != p.Forecast.Writes {
		t.Errorf("%d reads and %d writes, and %+v was forecast; one write was not needed", reads, writes, p.Forecast)
	}
	refused.Set.Ignored = nil
	w.Writes = nil
	if err := w.resume(t); err != nil || !isSet(refused) || len(w.Writes) != 1 {
		t.Errorf("resumed: %v, %q", err, w.Writes)
	}

	w.Repos["acme/s003"].Set.ReadOnlyToken = false // somebody took it back
	for _, set := range pull.Set.Rulesets {        // somebody changed ours
		set["bypass_actors"] = []any{map[string]any{"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}}
	}
	w.Writes = nil
	back, err := batch.PlanUndo(t.Context(), w.host, w.state(), github.PublishedLimits)
	if err != nil || len(w.Writes) > 0 || back.Restores() != 2+2+3+2 || back.Conflicts() != 1 || len(back.Settings) != 4 ||
		!back.Needs().Settings || !back.Needs().Pulls || !back.Needs().Private || !back.Changes() {
		t.Fatalf("%v, %q, %+v", err, w.Writes, back)
	}
	s, err := w.runner().Undo(t.Context(), w.host, w.state(), back)
	if err != nil || s.Batch.Status != event.Cancelled || len(w.Writes) != back.Forecast.Writes {
		t.Errorf("%v, %s, %d writes of %d: %q", err, s.Batch.Status, len(w.Writes), back.Forecast.Writes, w.Writes)
	}
	if len(moved.Set.Rulesets) != 0 || moved.Set.ReadOnlyToken || !moved.Set.Cleanup || !isWeak(refused) ||
		!isWeak(w.Repos["acme/s003"]) || len(pull.Set.Rulesets) != 1 || pull.Set.Cleanup {
		t.Errorf("%+v\n%+v", moved.Set, pull.Set)
	}
	if got := w.outcomes(); got[batch.Restored] != 3 || got[batch.Undone] != 1 {
		t.Errorf("%v", got)
	}
	if again, err := batch.PlanUndo(t.Context(), w.host, w.state(), github.PublishedLimits); err != nil || again.Restores() != 0 {
		t.Errorf("%+v, %v", again, err)
	}
}

// TestSettingsKilled interrupts a batch with settings at each of its requests, before and after the host obeyed. It
// goes on, and what was there before is restored, whatever was recorded.
func TestSettingsKilled(t *testing.T) {
	whole := newWorld(t, 2)
	if err := whole.start(t, whole.planSettings(t, "acme/s001")); err != nil {
		t.Fatal(err)
	}
	requests := len(whole.Reads) + len(whole.Writes)
	for n := 1; n < requests; n++ {
		for _, obeyed := range []bool{false, true} {
			w := newWorld(t, 2)
			p := w.planSettings(t, "acme/s001")
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
			if err := w.resume(t); err != nil {
				t.Fatalf("killed at request %d (obeyed: %t): %v", n, obeyed, err)
			}
			if got := w.outcomes(); got["opened"] != 1 || got[batch.Set] != 1 || w.opened() != 1 || !isSet(w.Repos["acme/s000"]) {
				t.Errorf("killed at request %d (obeyed: %t): %v", n, obeyed, got)
			}
			back, err := batch.PlanUndo(t.Context(), w.host, w.state(), github.PublishedLimits)
			if err == nil {
				_, err = w.runner().Undo(t.Context(), w.host, w.state(), back)
			}
			for _, name := range slices.Sorted(maps.Keys(w.Repos)) {
				if err != nil || !isWeak(w.Repos[name]) {
					t.Errorf("killed at request %d (obeyed: %t): %v, %s is not restored: %+v", n, obeyed, err, name, w.Repos[name].Set)
				}
			}
		}
	}
}

// TestSettingsExpired: a token that expires pauses the batch, also between two settings.
func TestSettingsExpired(t *testing.T) {
	w := newWorld(t, 2)
	p := w.planSettings(t, "acme/s001")
	w.Refuse = func(*http.Request, http.Header) (int, string) {
		if len(w.Writes) >= 2 {
			return http.StatusUnauthorized, "Bad credentials"
		}
		return 0, ""
	}
	if err := w.start(t, p); !errors.Is(err, rest.ErrUnauthorized) || w.batch.Status != event.Waiting {
		t.Fatalf("%v, %s", err, w.batch.Status)
	}
	w.Refuse = nil
	if err := w.resume(t); err != nil || !isSet(w.Repos["acme/s000"]) ||
		!isSet(w.Repos["acme/s001"]) {
		t.Errorf("resumed: %v, %v", err, w.outcomes())
	}
}

// TestSettingsDeclined: a setting whose rule is declined after the plan is left, and so is one that is not offered.
func TestSettingsDeclined(t *testing.T) {
	w := newWorld(t, 1)
	p := w.planSettings(t)
	repo := w.Repos["acme/s000"]
	repo.Commit() // it is planned again
	repo.Set.NotOffered = "Upgrade to GitHub Pro or make this repository public to enable this feature."
	r := w.runner()
	r.Again = func(context.Context, event.ActionRun, github.Head, batch.Settings) (batch.Item, error) {
		i := p.Items[0]
		i.Left = []settings.Left{{Rule: "workflow-permissions", Reason: "declined until 2027-03-01: x"}}
		i.Changes = slices.DeleteFunc(slices.Clone(i.Changes), func(c settings.Change) bool {
			return c.Setting == settings.WorkflowToken
		})
		return i, nil
	}
	s, err := r.Start(t.Context(), event.ActionBatch{ID: "b1", Action: "fix"}, p)
	steps := w.state().Set[s.Runs[0].ID]
	if err != nil || repo.Set.ReadOnlyToken || !repo.Set.Cleanup || len(steps) != 3 {
		t.Fatalf("%v, %+v", err, steps)
	}
	for i, want := range []string{"Upgrade to GitHub Pro", "declined until", "delete the branch"} {
		if !strings.Contains(steps[i].Note, want) {
			t.Errorf("%+v: %q is not in it", steps[i], want)
		}
	}
}
