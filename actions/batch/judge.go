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
	Merged   = "merged"
	Changed  = "changed"  // the repository changed since the plan: not proposed
	Undone   = "undone"   // closed when the batch was undone
	Reverted = "reverted" // a pull request with the inverse changes was opened when the batch was undone
)

// verdict is how the pull requests of a batch stand.
type verdict struct {
	pulls   int      // that the batch opened or updated
	bad     []string // with failing checks, or declined; addresses
	waiting int      // whose checks are not finished
}

// judge waits until the checks of all pull requests so far are finished. The error wraps ErrStopped if more of them
// than the limit are bad.
func (w *work) judge(ctx context.Context) error {
	for began := w.Now(); ; {
		v, err := w.look(ctx)
		if err != nil {
			return err
		}
		if n := len(v.bad); n > 0 && float64(n) > w.settings.Limit*float64(v.pulls) {
			return fmt.Errorf("%w: %d of %d are red or were closed without being merged, and the limit is %.0f %%: %s; look "+
				"at them, then go on with `dxctl fix --all --resume %s`, or take all back with `dxctl fix --undo %s`",
				ErrStopped, n, v.pulls, 100*w.settings.Limit, shortened(v.bad), w.Batch.ID, w.Batch.ID)
		}
		switch {
		case v.waiting == 0:
			return nil
		case w.Now().Sub(began) >= w.settings.Wait:
			return fmt.Errorf("%w: those of %d pull requests, after %s of wave %d", ErrUnfinished, v.waiting, w.settings.Wait,
				w.Batch.Wave)
		}
		if err := w.Sleep(ctx, Poll); err != nil {
			return err
		}
	}
}

// shortened names the first of a list.
func shortened(list []string) string {
	const most = 5
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
}

// open returns the runs with a pull request that the batch opened or updated.
func (w *work) open() []*event.ActionRun {
	var runs []*event.ActionRun
	for i := range w.Runs {
		if run := &w.Runs[i]; HasPull(run) {
			runs = append(runs, run)
		}
	}
	return runs
}

// HasPull reports whether a run opened or updated a pull request, whatever has become of it.
func HasPull(run *event.ActionRun) bool {
	ours := []string{string(github.Opened), string(github.Updated), Merged, string(github.Declined)}
	return run.Pull > 0 && run.Status == event.Succeeded && slices.Contains(ours, run.Outcome)
}

// look reads how the pull requests stand, and records what has become of them.
func (w *work) look(ctx context.Context) (verdict, error) {
	runs := w.open()
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
		red := s.Open && s.Checks == github.ChecksFailed && s.Base != github.ChecksFailed
		if (red || s.Declined()) && !slices.Contains(w.settings.Accepted, name(run)) {
			v.bad = append(v.bad, run.URL)
			continue
		}
		if s.Open && s.Checks == github.ChecksHidden {
			return v, github.ErrChecks
		}
		young := w.Now().Sub(run.FinishedAt) < w.settings.Settle
		if s.Open && (s.Checks == github.ChecksRunning || s.Checks == github.NoChecks && young) {
			v.waiting++
		}
	}
	return v, nil
}

func name(run *event.ActionRun) string { return fmt.Sprintf("%s#%d", run.Repository, run.Pull) }

// became records that a pull request was merged or declined.
func (w *work) became(ctx context.Context, run *event.ActionRun, s github.PullState) error {
	outcome, note := "", ""
	switch {
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

// accept notes the pull requests that are bad when a batch is resumed: whoever resumes it has looked at them.
func (w *work) accept(ctx context.Context) error {
	v, err := w.look(ctx)
	if err != nil {
		return err
	}
	for _, run := range w.open() {
		if slices.Contains(v.bad, run.URL) {
			w.settings.Accepted = append(w.settings.Accepted, name(run))
		}
	}
	if n := len(v.bad); n > 0 {
		w.Tell("%d pull requests that are red or were closed are accepted: %s", n, shortened(v.bad))
	}
	return nil
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
