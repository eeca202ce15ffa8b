package batch_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions/batch"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/event"
)

// takeBack plans how the batch is taken back, calls between, and takes it back.
func (w *world) takeBack(t *testing.T, between func()) (*batch.UndoPlan, error) {
	t.Helper()
	back, err := batch.PlanUndo(t.Context(), w.host, w.state(), github.PublishedLimits)
	if err != nil {
		t.Fatal(err)
	}
	between()
	_, err = w.runner().Undo(t.Context(), w.host, w.state(), back)
	return back, err
}

// byHand sets all that a batch with settings sets.
func (w *world) byHand(t *testing.T) {
	t.Helper()
	first := w.journal
	w.journal = &journal{runs: map[string]event.ActionRun{}, steps: map[string]event.ActionStep{}}
	p := w.planSettings(t)
	if _, err := w.runner().Start(t.Context(), event.ActionBatch{ID: "b2", Action: "fix"}, p); err != nil {
		t.Fatal(err)
	}
	w.journal = first
}

// TestUndoneTwice: what somebody sets after a batch was undone stays when it is undone again, also if the settings had
// been restored by hand before, and if the ruleset is another one.
func TestUndoneTwice(t *testing.T) {
	for name, weaken := range map[string]bool{"restored by the undo": false, "restored by hand": true} {
		w := newWorld(t, 1)
		if err := w.start(t, w.planSettings(t)); err != nil {
			t.Fatal(err)
		}
		repo := w.Repos["acme/s000"]
		if weaken {
			repo.Set.Rulesets, repo.Set.ReadOnlyToken, repo.Set.Cleanup = nil, false, false
		}
		if _, err := w.takeBack(t, func() {}); err != nil || !isWeak(repo) {
			t.Fatalf("%s: %v, %+v", name, err, repo.Set)
		}
		w.byHand(t)
		back, err := w.takeBack(t, func() {})
		if err != nil || back.Changes() || !isSet(repo) {
			t.Errorf("%s: %v, %+v, %+v", name, err, back, repo.Set)
		}
	}
}

// TestSetByHand: a setting that dxctl did not change, or never sent, belongs to whoever sets it later.
func TestSetByHand(t *testing.T) {
	for name, prevent := range map[string]func(w *world){
		"the host ignored it": func(w *world) { w.Repos["acme/s000"].Set.Ignored = []string{"actions/permissions/workflow"} },
		"it was not read": func(w *world) {
			w.Refuse = func(r *http.Request, _ http.Header) (int, string) {
				if strings.HasSuffix(r.URL.Path, "/permissions/workflow") {
					return http.StatusForbidden, "Resource not accessible by personal access token"
				}
				return 0, ""
			}
		},
		"the process ended at the request before": func(w *world) {
			w.Before = func(*http.Request) bool {
				if len(w.Writes) == 0 {
					return true
				}
				w.kill(errors.New("killed"))
				return false
			}
		},
	} {
		w := newWorld(t, 1)
		p := w.planSettings(t)
		prevent(w)
		repo := w.Repos["acme/s000"]
		if err := w.start(t, p); err == nil {
			t.Fatalf("%s: %v, %+v", name, err, repo.Set)
		}
		w.heal()
		w.Refuse, repo.Set.Ignored = nil, nil
		hand := &repo.Set.ReadOnlyToken // is set by an administrator
		if *hand {
			t.Fatal(name)
		}
		if strings.HasPrefix(name, "the process") {
			hand = &repo.Set.Cleanup
		}
		*hand = true
		if err := w.resume(t); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := w.takeBack(t, func() {}); err != nil || !*hand ||
			repo.Set.ReadOnlyToken && repo.Set.Cleanup || len(repo.Set.Rulesets) > 0 {
			t.Errorf("%s: %v, %+v", name, err, repo.Set)
		}
	}
}

// TestRestoredInPart: settings are called restored only if all of them are, and one that cannot be read is no conflict.
func TestRestoredInPart(t *testing.T) {
	guard := func(w *world) {
		for _, set := range w.Repos["acme/s000"].Set.Rulesets {
			set["bypass_actors"] = []any{map[string]any{"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}}
		}
	}
	for name, c := range map[string]struct {
		before, between   func(w *world)
		conflicts, unread int
	}{
		"changed before the plan": {guard, func(*world) {}, 1, 0},
		"changed after the plan":  {func(*world) {}, guard, 1, 0},
		"not readable": {func(w *world) {
			w.Refuse = func(r *http.Request, _ http.Header) (int, string) {
				if strings.HasSuffix(r.URL.Path, "/permissions/workflow") {
					return http.StatusForbidden, "Resource not accessible by personal access token"
				}
				return 0, ""
			}
		}, func(*world) {}, 0, 1},
	} {
		w := newWorld(t, 1)
		if err := w.start(t, w.planSettings(t)); err != nil {
			t.Fatal(err)
		}
		c.before(w)
		back, err := w.takeBack(t, func() { c.between(w) })
		run := w.runs["b1/component:default/s000"]
		if (err != nil) != (c.unread > 0) || back.Conflicts() != c.conflicts || back.Unread() != c.unread ||
			run.Outcome != batch.Set || run.Note != "2 of 3 settings are as they were before" {
			t.Errorf("%s: %v, %d conflicts, %d not read, %+v", name, err, back.Conflicts(), back.Unread(), run)
		}
		if c.unread > 0 && (!errors.Is(err, batch.ErrPartly) || w.batch.Status == event.Cancelled) {
			t.Errorf("%s: %v, %s", name, err, w.batch.Status)
		}
	}
}

// TestWaivedSince: of a change for several rules, only what a rule still needs is sent when a batch goes on.
func TestWaivedSince(t *testing.T) {
	for name, c := range map[string]struct {
		rules []string // that are still to be met
		left  []settings.Left
		note  string
		kinds int // rules of the ruleset
	}{
		"all waived":   {nil, nil, "no rule needs it now", 0},
		"all declined": {nil, []settings.Left{{Rule: "branch-protected", Reason: "x"}, {Rule: "human-review", Reason: "y"}}, "y", 0},
		"one waived":   {[]string{"branch-protected"}, nil, "no deletion", 3},
		"another one":  {[]string{"human-review"}, nil, "with an approval", 1},
		"none":         {[]string{"branch-protected", "human-review"}, nil, "with an approval", 3},
		"one more":     {[]string{"branch-protected", "human-review", "required-checks"}, nil, "with an approval", 3},
		"other ones":   {[]string{"branch-protected", "required-checks"}, nil, "plan another batch", 0},
	} {
		w := newWorld(t, 1)
		i := w.planSettings(t).Items[0]
		on := true
		plan := func(rules []string) []settings.Change {
			if len(rules) == 0 {
				return nil
			}
			ask := settings.Ask{Repository: "acme/s000", Branch: i.Proposal.Base, Workflows: &on,
				Want: settings.Want{Rules: rules, Checks: []string{"test"}}}
			state, err := w.host.Settings(t.Context(), ask)
			if err != nil {
				t.Fatal(err)
			}
			p, err := settings.Plan(state, ask.Want)
			if err != nil {
				t.Fatal(err)
			}
			return p.Changes
		}
		i.Changes = plan([]string{"branch-protected", "human-review"})
		p, err := batch.New(defaults(), []batch.Item{i}, nil, github.PublishedLimits, w.host.Bulk())
		if err != nil {
			t.Fatal(err)
		}
		w.Before = func(*http.Request) bool { w.kill(errors.New("killed")); return false }
		if err := w.start(t, p); err == nil {
			t.Fatal("it was not interrupted")
		}
		w.heal()
		i.Changes, i.Left = plan(c.rules), c.left
		r := w.runner()
		r.Again = func(context.Context, event.ActionRun, github.Head, batch.Settings) (batch.Item, error) { return i, nil }
		if _, err := r.Resume(t.Context(), w.state(), nil); err != nil {
			t.Fatal(err)
		}
		kinds := 0
		for _, set := range w.Repos["acme/s000"].Set.Rulesets {
			rules, _ := set["rules"].([]any)
			kinds += len(rules)
		}
		steps := w.state().Set["b1/component:default/s000"]
		if kinds != c.kinds || !strings.Contains(steps[0].Note, c.note) {
			t.Errorf("%s: %d rules, %+v", name, kinds, steps)
		}
		changes, err := settings.Recorded(steps)
		if err != nil || len(changes) != min(1, c.kinds) || len(changes) > 0 && c.note == "no deletion" &&
			!slices.Equal(changes[0].Rules, c.rules) {
			t.Errorf("%s: %v, %+v", name, err, changes)
		}
	}
}

// TestSettingsOfMonorepo: what services of one repository need of it is set once, stays while it is needed by one of
// them when the batch goes on, and is taken back.
func TestSettingsOfMonorepo(t *testing.T) {
	for name, killed := range map[string]bool{"at once": false, "interrupted": true} {
		w := newWorld(t, 1)
		i := w.planSettings(t).Items[0]
		on := true
		plan := func(i batch.Item, entity string, rules ...string) batch.Item {
			ask := settings.Ask{Repository: "acme/s000", Branch: i.Proposal.Base, Workflows: &on,
				Want: settings.Want{Rules: rules}}
			state, err := w.host.Settings(t.Context(), ask)
			if err != nil {
				t.Fatal(err)
			}
			p, err := settings.Plan(state, ask.Want)
			if err != nil {
				t.Fatal(err)
			}
			i.Entity, i.Changes, i.Proposal.Branch = entity, p.Changes, "dxctl/fix-"+strings.TrimPrefix(entity, "component:default/")
			return i
		}
		needs := map[string][]string{"component:default/a": {"branch-protected"},
			"component:default/b": {"human-review", "workflow-permissions"}, "component:default/c": {"workflow-permissions"}}
		var items []batch.Item
		for entity, rules := range needs {
			items = append(items, plan(i, entity, rules...))
		}
		p, err := batch.New(defaults(), items, nil, github.PublishedLimits, w.host.Bulk())
		if err != nil {
			t.Fatal(err)
		}
		if killed {
			w.Before = func(*http.Request) bool { w.kill(errors.New("killed")); return false }
		}
		err = w.start(t, p)
		if killed {
			w.heal()
			r := w.runner()
			r.Again = func(_ context.Context, run event.ActionRun, _ github.Head, _ batch.Settings) (batch.Item, error) {
				return plan(i, run.Entity, needs[run.Entity]...), nil
			}
			_, err = r.Resume(t.Context(), w.state(), nil)
		}
		repo := w.Repos["acme/s000"]
		kinds := ""
		for _, set := range repo.Set.Rulesets {
			kinds = fmt.Sprint(set["rules"])
		}
		for _, want := range []string{"deletion", "non_fast_forward", "required_approving_review_count:1"} {
			if err != nil || !strings.Contains(kinds, want) || !repo.Set.ReadOnlyToken || len(repo.Set.Rulesets) != 1 {
				t.Errorf("%s: %v, no %s: %+v", name, err, want, repo.Set)
			}
		}
		for _, step := range w.steps {
			if settings.Sets(step) && step.Status != event.Succeeded {
				t.Errorf("%s: %+v", name, step)
			}
		}
		if got := w.outcomes(); got[batch.Set] != 1 || got[string(github.Nothing)] != 2 {
			t.Errorf("%s: %v", name, got)
		}
		if _, err := w.takeBack(t, func() {}); err != nil || !isWeak(repo) {
			t.Errorf("%s: %v, %+v", name, err, repo.Set)
		}
	}
}
