package batch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// UndoHost is where pull requests are taken back. See [github.Host].
type UndoHost interface {
	Host
	PlanReversal(ctx context.Context, head github.Head, pull uint64, undo, patch string) (github.Reversal, error)
	Revert(ctx context.Context, r github.Reversal, batch string) (github.Pull, error)
	ForeignCommit(ctx context.Context, pull github.PullRef) (string, error)
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
	Failed    bool     `json:"failed"`    // it could not be planned
	run       int      // index
	pull      uint64
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
	Batch    string      `json:"batch"`
	Pulls    []Undoing   `json:"pull_requests"`
	Settings []Restoring `json:"settings"`
	Forecast Forecast    `json:"forecast"`

	needs github.Needs
}

// Digest identifies what would be done: "sha256:" and hex digits.
func (p *UndoPlan) Digest() string {
	text, _ := json.Marshal(struct {
		Batch    string
		Pulls    []Undoing
		Settings []Restoring
	}{p.Batch, p.Pulls, p.Settings}) // texts can always be encoded
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

// Restores returns how many settings are restored.
func (p *UndoPlan) Restores() int {
	n := 0
	for _, r := range p.Settings {
		n += len(r.Changes)
	}
	return n
}

// Changes reports whether carrying out the plan does something.
func (p *UndoPlan) Changes() bool { return p.Count(UndoNothing) < len(p.Pulls) || p.Restores() > 0 }

// Needs returns the rights that the plan takes.
func (p *UndoPlan) Needs() github.Needs { return p.needs }

// Unread returns how many settings could not be read.
func (p *UndoPlan) Unread() int {
	n := 0
	for _, r := range p.Settings {
		n += len(r.Unread)
	}
	return n
}

// Conflicts returns how many files and settings stay as they are, because somebody changed them.
func (p *UndoPlan) Conflicts() int {
	n := 0
	for _, r := range p.Settings {
		n += len(r.Left)
	}
	for _, u := range p.Pulls {
		n += len(u.Conflicts)
	}
	return n
}

// Writes of a pull request that is closed: a comment, and its state. A reversal is a pull request of its own.
const writesOfClosing = 2

// PlanUndo plans how a batch is taken back. A repository that cannot be planned does not stop the others.
func PlanUndo(ctx context.Context, host UndoHost, s State, limits github.Limits) (*UndoPlan, error) {
	p := &UndoPlan{Batch: s.Batch.ID, Pulls: []Undoing{}, Settings: []Restoring{}}
	var refs []github.PullRef
	var names []string
	for i := range s.Runs {
		run := s.Runs[i] // a copy: only what is done is recorded
		failure := error(nil)
		if !HasPull(&run) && unknown(&run) {
			found, err := host.PullWithPatch(ctx, run.Repository, run.Patch)
			if ends(ctx, err) {
				return nil, err
			}
			if failure = err; found.Number > 0 {
				adopt(&run, found)
				run.Status = event.Succeeded
			}
		}
		if !HasPull(&run) && failure == nil {
			continue
		}
		u := Undoing{Entity: run.Entity, URL: run.URL, run: i, pull: run.Pull, Action: UndoNothing, Files: []string{},
			Conflicts: []string{}}
		if failure != nil {
			u.Why, u.Failed = failure.Error(), true
		}
		p.Pulls = append(p.Pulls, u)
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
		if u.Failed {
			continue
		}
		if err := p.plan(ctx, host, u, refs[i], states[i], heads[i], s); ends(ctx, err) {
			return nil, err
		} else if err != nil {
			u.Action, u.Why, u.Failed = UndoNothing, err.Error(), true
		}
	}
	if err := p.planSettings(ctx, host, s); err != nil {
		return nil, err
	}
	p.Forecast.Requests = limits.Forecast(p.Forecast.Reads, p.Forecast.Writes)
	return p, nil
}

// planSettings plans how settings are restored.
func (p *UndoPlan) planSettings(ctx context.Context, host UndoHost, s State) error {
	var runs []int
	var names []string
	for i := range s.Runs {
		if len(s.Set[s.Runs[i].ID]) > 0 {
			runs, names = append(runs, i), append(names, s.Runs[i].Repository)
		}
	}
	heads, err := host.Heads(ctx, names)
	if err != nil {
		return err
	}
	for k, i := range runs {
		r, err := planRestoring(ctx, host, s, i)
		if ends(ctx, err) || err != nil && r == nil {
			return err
		}
		if r == nil {
			continue
		}
		if r.Why == "" && len(r.Changes) > 0 {
			r.Why = firstOf(heads[k].Problem, heads[k].Settings)
		}
		if r.Why != "" {
			r.Changes = []settings.Change{}
		}
		p.Settings = append(p.Settings, *r)
		if len(r.Changes) > 0 {
			reads, writes := settings.Forecast(r.Changes)
			p.Forecast.Reads, p.Forecast.Writes = p.Forecast.Reads+reads, p.Forecast.Writes+writes
			p.needs.Settings, p.needs.Private = true, p.needs.Private || heads[k].Private
		}
	}
	return nil
}

// unknown reports whether a run may have opened a pull request that was not recorded.
func unknown(run *event.ActionRun) bool {
	return run.Pull == 0 && run.Patch != "" &&
		(run.Status == event.Running || run.Status == event.Failed || run.Outcome == Changed)
}

// ends reports whether an error concerns all repositories.
func ends(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || errors.Is(err, rest.ErrUnauthorized))
}

// plan decides what is done about a pull request.
func (p *UndoPlan) plan(ctx context.Context, host UndoHost, u *Undoing, ref github.PullRef, state github.PullState,
	head github.Head, s State) (err error) {
	run := &s.Runs[u.run]
	undo := s.Files[run.ID]
	switch {
	case !state.Known:
		u.Why = "the pull request is not to be found"
	case state.Open && head.Problem != "":
		return errors.New(head.Problem)
	case state.Open:
		foreign, err := host.ForeignCommit(ctx, ref)
		if err != nil {
			return err
		}
		if foreign != "" {
			u.Why = fmt.Sprintf("its branch has the commit %.12s, which dxctl did not make; close it yourself", foreign)
			return nil
		}
		u.Action = UndoClose
		p.needs.Pulls, p.needs.Private = true, p.needs.Private || head.Private
		p.Forecast.Writes += writesOfClosing
		p.Forecast.Reads += 2
	case !state.Merged():
		u.Why = "it was closed already"
	case head.Problem != "":
		u.Why = head.Problem
	case undo == "":
		u.Why = "what it changed was not recorded"
	default:
		if u.reversal, err = host.PlanReversal(ctx, head, ref.Number, undo, run.Patch); err != nil {
			return err
		}
		if u.reversal.Gone != "" {
			u.Why = u.reversal.Gone
			return nil
		}
		u.Files, u.Conflicts = append(u.Files, u.reversal.Files...), append(u.Conflicts, u.reversal.Conflicts...)
		switch {
		case len(u.Files) > 0:
			u.Action = UndoRevert
			p.needs.Pulls, p.needs.Private = true, p.needs.Private || head.Private
			p.needs.Workflows = p.needs.Workflows || slices.ContainsFunc(u.Files, func(path string) bool {
				return isWorkflow(actions.FileChange{Path: path})
			})
			p.Forecast.Writes += WritesOf
			p.Forecast.Reads++
		case len(u.Conflicts) > 0:
			u.Why = "its files changed since"
		default:
			u.Why = "nothing of it is left on the default branch"
		}
	}
	return nil
}

// Undo carries out a plan. What fails does not stop the others.
func (r *Runner) Undo(ctx context.Context, host UndoHost, s State, p *UndoPlan) (State, error) {
	again := *r
	w := &work{Runner: &again, State: &s}
	if err := json.Unmarshal([]byte(s.Batch.Settings), &w.settings); err != nil {
		return s, fmt.Errorf("reading the settings of the batch %s: %w", s.Batch.ID, err)
	}
	w.Host = host
	failed := 0
	for i := range p.Settings {
		one := &p.Settings[i]
		err := error(nil)
		if len(one.Changes)+len(one.Met) > 0 {
			err = w.restore(ctx, one)
		}
		for _, u := range one.Unread {
			err = errors.Join(err, fmt.Errorf("%s of %s: %s", u.Rule, one.Repository, u.Reason))
		}
		if ends(ctx, err) {
			return s, w.unfinishedUndo(err)
		}
		if err != nil || one.Why != "" {
			failed++
			w.Tell("%s: %s", one.Entity, firstOf(one.Why, fmt.Sprint(err)))
		}
	}
	for i := range p.Pulls {
		u := &p.Pulls[i]
		if u.Failed {
			failed++
		}
		if u.Action == UndoNothing {
			continue
		}
		err := w.undo(ctx, host, &s.Runs[u.run], u)
		if ends(ctx, err) {
			return s, w.unfinishedUndo(err)
		}
		if err != nil {
			failed++
			w.Tell("%s: %v", u.Entity, err)
		}
	}
	if failed > 0 {
		return s, fmt.Errorf("%w: %d of %d pull requests and settings of repositories were not taken back; `dxctl fix "+
			"--undo %s` tries them again", ErrPartly, failed, len(p.Pulls)+len(p.Settings), s.Batch.ID)
	}
	return s, w.end(ctx, event.Cancelled, nil)
}

func (w *work) unfinishedUndo(err error) error {
	return fmt.Errorf("undoing the batch %s: %w; `dxctl fix --undo %s` goes on", w.Batch.ID, err, w.Batch.ID)
}

// undo takes back the pull request of a run and records it.
func (w *work) undo(ctx context.Context, host UndoHost, run *event.ActionRun, u *Undoing) error {
	run.Pull, run.URL = u.pull, u.URL // they may not have been recorded
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
	run.Status, run.Outcome, run.Note = event.Succeeded, outcome, step.Note
	w.Tell("%s: %s %s", run.Entity, outcome, step.URL)
	return w.finish(ctx, run, []event.ActionStep{step})
}
