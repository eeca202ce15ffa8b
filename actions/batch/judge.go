package batch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/event"
)

// Outcomes of a run that no [github.Fate] has.
const (
	Failed   = "failed"
	Merged   = "merged"
	Changed  = "changed"  // the repository changed since the plan: not proposed
	Undone   = "undone"   // closed when the batch was undone
	Set      = "set"      // settings were changed, and there was no pull request to open
	Restored = "restored" // its settings were taken back when the batch was undone
	Reverted = "reverted" // a pull request with the inverse changes was opened when the batch was undone
)

// verdict is how the pull requests of a batch stand.
type verdict struct {
	pulls   int                // that the batch is about
	bad     []*event.ActionRun // with failing checks, or declined
	waiting []*event.ActionRun // whose checks are not finished
}

// judge waits until the checks of all pull requests so far are finished. The error wraps ErrStopped if more of them
// than the limit are bad, or if most runs failed.
func (w *work) judge(ctx context.Context) error {
	if err := w.failing(); err != nil {
		return err
	}
	for began := w.Now(); ; {
		v, err := w.look(ctx)
		if err != nil {
			return err
		}
		if n := len(v.bad); n > 0 && float64(n) > w.settings.Limit*float64(v.pulls) {
			w.settings.Stopped = names(v.bad)
			return fmt.Errorf("%w: %d of %d are red or were closed without being merged, and the limit is %.0f %%: %s; look "+
				"at them, then continue with `dxctl fix --all --resume %s`, or take all back with `dxctl fix --undo %s`",
				ErrStopped, n, v.pulls, 100*w.settings.Limit, shortened(urls(v.bad)), w.Batch.ID, w.Batch.ID)
		}
		switch {
		case len(v.waiting) == 0:
			return nil
		case w.Now().Sub(began) >= w.settings.Wait:
			w.settings.Waited = names(v.waiting)
			return fmt.Errorf("%w: those of %d pull requests, after %s of wave %d: %s", ErrUnfinished, len(v.waiting),
				w.settings.Wait, w.Batch.Wave, shortened(urls(v.waiting)))
		}
		if err := w.Sleep(ctx, Poll); err != nil {
			return err
		}
	}
}

// failing returns an error if more than half of the runs so far failed: the cause is then the same for the others.
func (w *work) failing() error {
	var failed []*event.ActionRun
	runs := 0
	for i := range w.Runs {
		run := &w.Runs[i]
		if run.Wave > w.Batch.Wave {
			continue
		}
		if runs++; run.Status == event.Failed && !slices.Contains(w.settings.Accepted, name(run)) {
			failed = append(failed, run)
		}
	}
	if 2*len(failed) <= runs {
		return nil
	}
	w.settings.Stopped = names(failed)
	return fmt.Errorf("%w: %d of %d runs failed, the first one with: %s; `dxctl fix --all --resume %s` tries them again",
		ErrStopped, len(failed), runs, failed[0].Note, w.Batch.ID)
}

func names(runs []*event.ActionRun) []string {
	all := make([]string, len(runs))
	for i, run := range runs {
		all[i] = name(run)
	}
	return all
}

func urls(runs []*event.ActionRun) []string {
	all := make([]string, len(runs))
	for i, run := range runs {
		all[i] = run.URL
	}
	return all
}

// shortened names the first of a list.
func shortened(list []string) string {
	const most = 5
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
}

// judged returns the runs whose pull requests decide whether the batch is good: also those that had the changes
// already.
func (w *work) judged() []*event.ActionRun {
	var runs []*event.ActionRun
	for i := range w.Runs {
		if run := &w.Runs[i]; HasPull(run) || run.Pull > 0 && run.Outcome == string(github.Unchanged) {
			runs = append(runs, run)
		}
	}
	return runs
}

// HasPull reports whether a run opened or updated a pull request, whatever has become of it, unless dxctl closed it.
func HasPull(run *event.ActionRun) bool {
	ours := []string{string(github.Opened), string(github.Updated), Merged, string(github.Declined)}
	return run.Pull > 0 && run.Status != event.Skipped && slices.Contains(ours, run.Outcome)
}

// look reads how the pull requests stand, and records what has become of them.
func (w *work) look(ctx context.Context) (verdict, error) {
	runs := w.judged()
	refs := make([]github.PullRef, len(runs))
	for i, run := range runs {
		refs[i] = github.PullRef{Repository: run.Repository, Number: run.Pull}
	}
	states, err := w.Host.States(ctx, refs)
	if err != nil {
		return verdict{}, err
	}
	v := verdict{pulls: len(runs)}
	for i, run := range runs {
		s := states[i]
		if err := w.became(ctx, run, s); err != nil {
			return v, err
		}
		red := s.Open && len(s.Failing) > 0
		if (red || s.Declined()) && !slices.Contains(w.settings.Accepted, name(run)) {
			v.bad = append(v.bad, run)
			continue
		}
		if err := s.Checks.Unseen(); s.Open && err != nil {
			return v, err
		}
		if s.Open && w.unfinished(run, s.Checks) && !slices.Contains(w.settings.Waived, name(run)) {
			v.waiting = append(v.waiting, run)
		}
	}
	return v, nil
}

// lateChecks is how long after a pull request is opened further checks can begin. A quick one may be green before.
const lateChecks = 2 * time.Minute

// unfinished reports whether checks of a pull request run, or may still begin.
func (w *work) unfinished(run *event.ActionRun, checks github.Checks) bool {
	age := w.Now().Sub(run.FinishedAt)
	switch checks {
	case github.ChecksRunning:
		return true
	case github.NoChecks:
		return age < w.settings.Settle
	case github.ChecksPassed:
		return age < min(w.settings.Settle, lateChecks)
	case github.ChecksFailed, github.ChecksHidden, github.ChecksUnserved:
	}
	return false
}

// name identifies the pull request of a run, or the run if it has none.
func name(run *event.ActionRun) string {
	if run.Pull == 0 {
		return run.ID
	}
	return fmt.Sprintf("%s#%d", run.Repository, run.Pull)
}

// became records that a pull request was merged, declined, or closed by dxctl. One that had the changes already
// belongs to another run.
func (w *work) became(ctx context.Context, run *event.ActionRun, s github.PullState) error {
	outcome, note := "", ""
	switch {
	case run.Outcome == string(github.Unchanged):
	case s.Withdrawn:
		outcome, note = string(github.Closed), "closed by dxctl"
	case s.Merged():
		outcome, note = Merged, "merged at "+s.MergedAt.UTC().Format(time.RFC3339)
	case s.Declined():
		outcome, note = string(github.Declined), "closed without being merged"
	}
	if outcome == "" || outcome == run.Outcome {
		return nil
	}
	run.Outcome, run.Note = outcome, note
	w.Tell("%s: %s %s", run.Entity, outcome, run.URL)
	return w.finish(ctx, run, []event.ActionStep{{Name: "outcome", Status: event.Succeeded, URL: run.URL, Note: note}})
}

// accept takes what the batch stopped or waited for as looked at by whoever resumes it. What became bad since was seen
// by nobody, and counts.
func (w *work) accept() {
	if w.Batch.Status == event.Failed && len(w.settings.Stopped) > 0 {
		w.Tell("accepted: %s", shortened(w.settings.Stopped))
		w.settings.Accepted = append(w.settings.Accepted, w.settings.Stopped...)
	}
	if len(w.settings.Waited) > 0 {
		w.Tell("no longer waited for: %s", shortened(w.settings.Waited))
		w.settings.Waived = append(w.settings.Waived, w.settings.Waited...)
	}
	w.settings.Stopped, w.settings.Waited = nil, nil
}

// Refresh records what has become of the pull requests of a batch, and changes nothing at the host.
func (r *Runner) Refresh(ctx context.Context, s State) (State, error) {
	w := &work{Runner: r, State: &s}
	_, err := w.look(ctx)
	if err != nil {
		err = errors.Join(errors.New("reading how the pull requests of the batch stand"), err)
	}
	return s, err
}
