package batch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// UndoHost is where pull requests are taken back. See [github.Host].
type UndoHost interface {
	Host
	PlanReversal(ctx context.Context, head github.Head, pull uint64, undo string) (github.Reversal, error)
	Revert(ctx context.Context, r github.Reversal, batch string) (github.Pull, error)
	Withdraw(ctx context.Context, pull github.PullRef, note string) error
}

// Undoing is what undoing a batch does to the pull request of a run.
type Undoing struct {
	Entity    string   `json:"entity"`
	URL       string   `json:"url"`
	Action    string   `json:"action"`    // close, revert or nothing
	Why       string   `json:"why"`       // of nothing
	Files     []string `json:"files"`     // that a revert makes what they were
	Conflicts []string `json:"conflicts"` // that changed since, and stay as they are
	run       int      // index
	reversal  github.Reversal
}

// The actions of [Undoing].
const (
	UndoClose   = "close"
	UndoRevert  = "revert"
	UndoNothing = "nothing"
)

// UndoPlan is how a batch is taken back.
type UndoPlan struct {
	Batch    string    `json:"batch"`
	Pulls    []Undoing `json:"pull_requests"`
	Forecast Forecast  `json:"forecast"`
}

// Digest identifies what would be done: "sha256:" and hex digits.
func (p *UndoPlan) Digest() string {
	text, _ := json.Marshal(struct {
		Batch string
		Pulls []Undoing
	}{p.Batch, p.Pulls}) // texts can always be encoded
	return "sha256:" + sum(string(text))
}

// Count returns how many pull requests have an action.
func (p *UndoPlan) Count(action string) int {
	n := 0
	for _, u := range p.Pulls {
		if u.Action == action {
			n++
		}
	}
	return n
}

// Conflicts returns how many files stay as they are.
func (p *UndoPlan) Conflicts() int {
	n := 0
	for _, u := range p.Pulls {
		n += len(u.Conflicts)
	}
	return n
}

// Writes of a pull request that is closed: a comment, and its state. A reversal is a pull request of its own.
const writesOfClosing = 2

// PlanUndo plans how a batch is taken back. undo has, by run, what takes its changes back; see [github.Inverse].
func PlanUndo(ctx context.Context, host UndoHost, s State, undo map[string]string, limits github.Limits) (
	*UndoPlan, error) {
	p := &UndoPlan{Batch: s.Batch.ID, Pulls: []Undoing{}}
	var refs []github.PullRef
	var names []string
	for i := range s.Runs {
		run := &s.Runs[i]
		if !HasPull(run) {
			continue
		}
		p.Pulls = append(p.Pulls, Undoing{Entity: run.Entity, URL: run.URL, run: i, Files: []string{}, Conflicts: []string{}})
		refs = append(refs, github.PullRef{Repository: run.Repository, Number: run.Pull})
		names = append(names, run.Repository)
	}
	states, err := host.States(ctx, refs)
	if err != nil {
		return nil, err
	}
	heads, err := host.Heads(ctx, names)
	if err != nil {
		return nil, err
	}
	for i := range p.Pulls {
		u := &p.Pulls[i]
		run := &s.Runs[u.run]
		u.Action, u.Why = UndoNothing, "it was closed already"
		switch {
		case !states[i].Known:
			u.Why = "the pull request is not to be found"
		case states[i].Open:
			u.Action, u.Why = UndoClose, ""
			p.Forecast.Writes += writesOfClosing
			p.Forecast.Reads += 2
		case states[i].Merged() && heads[i].Problem != "":
			u.Why = heads[i].Problem
		case states[i].Merged() && undo[run.ID] == "":
			u.Why = "what it changed was not recorded"
		case states[i].Merged():
			if u.reversal, err = host.PlanReversal(ctx, heads[i], run.Pull, undo[run.ID]); err != nil {
				return nil, err
			}
			u.Files, u.Conflicts = append(u.Files, u.reversal.Files...), append(u.Conflicts, u.reversal.Conflicts...)
			u.Why = "nothing of it is left on the default branch"
			if len(u.Conflicts) > 0 {
				u.Why = "its files changed since"
			}
			if len(u.Files) > 0 {
				u.Action, u.Why = UndoRevert, ""
				p.Forecast.Writes += WritesOf
				p.Forecast.Reads++
			}
		}
	}
	p.Forecast.Requests = limits.Forecast(p.Forecast.Reads, p.Forecast.Writes)
	return p, nil
}

// Undo carries out a plan. What fails does not stop the others.
func (r *Runner) Undo(ctx context.Context, host UndoHost, s State, p *UndoPlan) (State, error) {
	w := &work{Runner: r, State: &s}
	if err := json.Unmarshal([]byte(s.Batch.Settings), &w.settings); err != nil {
		return s, fmt.Errorf("reading the settings of the batch %s: %w", s.Batch.ID, err)
	}
	failed := 0
	for i := range p.Pulls {
		u := &p.Pulls[i]
		if u.Action == UndoNothing {
			continue
		}
		err := w.undo(ctx, host, &s.Runs[u.run], u)
		if err != nil && (ctx.Err() != nil || errors.Is(err, rest.ErrUnauthorized)) {
			return s, fmt.Errorf("undoing the batch %s: %w; `dxctl fix --undo %s` goes on", s.Batch.ID, err, s.Batch.ID)
		}
		if err != nil {
			failed++
			w.Tell("%s: %v", u.Entity, err)
		}
	}
	w.Batch.Wave = max(w.Batch.Wave, 1)
	if failed > 0 {
		return s, fmt.Errorf("%w: %d of %d pull requests were not taken back; `dxctl fix --undo %s` tries them again",
			ErrPartly, failed, len(p.Pulls), s.Batch.ID)
	}
	return s, w.end(ctx, event.Cancelled, nil)
}

// undo takes back the pull request of a run and records it.
func (w *work) undo(ctx context.Context, host UndoHost, run *event.ActionRun, u *Undoing) error {
	step := event.ActionStep{Name: "undo", Status: event.Succeeded, URL: run.URL, Note: "closed"}
	var err error
	outcome := Undone
	if u.Action == UndoRevert {
		var pull github.Pull
		pull, err = host.Revert(ctx, u.reversal, w.Batch.ID)
		outcome, step.URL, step.Note = Reverted, pull.URL, fmt.Sprintf("reverted by #%d", pull.Number)
		if len(u.Conflicts) > 0 {
			step.Note += fmt.Sprintf(", but for %s", shortened(u.Conflicts))
		}
	} else {
		ref := github.PullRef{Repository: run.Repository, Number: run.Pull}
		err = host.Withdraw(ctx, ref, fmt.Sprintf("dxctl: the batch `%s` was undone, so this pull request is closed.", w.Batch.ID))
	}
	if err != nil {
		step.Status, step.Note = event.Failed, err.Error()
		return errors.Join(err, w.finish(ctx, run, []event.ActionStep{step}))
	}
	run.Outcome, run.Note = outcome, step.Note
	w.Tell("%s: %s %s", run.Entity, outcome, step.URL)
	return w.finish(ctx, run, []event.ActionStep{step})
}
