package settings

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// Job is a number of changes of one repository that are sent and recorded.
type Job struct {
	Host       Host
	Repository string // owner/name
	Changes    []Change
	// Steps are the recorded steps of the changes, in their order. They are updated in place.
	Steps  []event.ActionStep
	Record func(ctx context.Context, events ...event.Event) error // nil: nowhere
	Now    func() time.Time
	// Tell gets each step when it begins and when it is done. It may be nil.
	Tell func(actions.Step)

	// Still returns what of a change is wanted now, and why if nothing of it is. nil: all of each.
	Still func(c Change) (now Change, reason string)

	skipNotOffered bool // what the host does not offer is no failure
}

// stepPrefix begins the names of the steps that set something; restorePrefix those that take it back.
const (
	stepPrefix    = "set: "
	restorePrefix = "restore: "
)

// PlannedSteps returns the steps of changes that are about to be made, with what takes each back. The first one has the
// number after last.
func PlannedSteps(changes []Change, run string, last uint32, at time.Time, restore bool) ([]event.ActionStep, error) {
	prefix := stepPrefix
	if restore {
		prefix = restorePrefix
	}
	steps := make([]event.ActionStep, len(changes))
	for i, c := range changes {
		undo, err := json.Marshal(c)
		if err != nil {
			return nil, fmt.Errorf("recording what was there before: %w", err)
		}
		steps[i] = event.ActionStep{
			Source: actions.Source, Run: run, Number: last + uint32(i) + 1, Name: stepName(prefix, c.Setting),
			Status: event.Queued, At: at, Undo: string(undo),
		}
	}
	return steps, nil
}

// RestoredSteps returns the steps that record that settings of a run are as they were before. The first one has the
// number after last.
func RestoredSteps(keys []string, run string, last uint32, at time.Time) []event.ActionStep {
	steps := make([]event.ActionStep, len(keys))
	for i, key := range keys {
		steps[i] = event.ActionStep{
			Source: actions.Source, Run: run, Number: last + uint32(i) + 1, Name: stepName(restorePrefix, key),
			Status: event.Succeeded, At: at, Note: "it is as it was before",
		}
	}
	return steps
}

// stepName is the name of the step of a setting.
func stepName(prefix, key string) string {
	const most = 150
	name := prefix + key
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "")
	}
	return name
}

// Sets reports whether a step sets something, so that its Undo is a [Change].
func Sets(s event.ActionStep) bool { return strings.HasPrefix(s.Name, stepPrefix) }

// Restores reports whether a step took back what another one had set.
func Restores(s event.ActionStep) bool { return strings.HasPrefix(s.Name, restorePrefix) }

// Pending reports whether a step was planned, and is not known to have ended well. Of one that is queued, nothing was
// sent; of one that failed, nothing was sent or the setting was read and had not changed. Only one that is running may
// have taken effect.
func Pending(s event.ActionStep) bool {
	return s.Status == event.Queued || s.Status == event.Running || s.Status == event.Failed
}

// Resume sends the changes whose settings are still as they were when the changes were planned, and records what
// becomes of each. A setting that has the wanted value already is done: by an earlier attempt that did not end, or
// by somebody, and then it is not taken back later. One that has yet another value is left as it is, and so is one that
// is no longer wanted, or that the host does not offer.
//
// The error wraps [rest.ErrUnauthorized] if the credentials have expired; what was not sent then remains pending.
func (j *Job) Resume(ctx context.Context) error {
	if len(j.Changes) == 0 {
		return nil
	}
	now, err := j.read(ctx)
	if err != nil {
		return err
	}
	j.skipNotOffered = true // trying again would not help
	var send []int
	for i := range j.Changes {
		ready, err := j.judge(i, now)
		if err != nil {
			return err
		}
		if ready {
			send = append(send, i)
		}
		j.Steps[i].At = j.Now()
	}
	// What was there before is recorded before the first request.
	if err := j.record(ctx, j.Steps); err != nil {
		return fmt.Errorf("recording what was there before; nothing was changed: %w", err)
	}
	failed := make([]error, len(j.Changes))
	for _, i := range send {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		failed[i] = j.send(ctx, i, j.Changes[i].Request(j.Host.API(), j.Repository, now.RulesetID))
		if errors.Is(failed[i], rest.ErrUnauthorized) { // it was refused, so that nothing of it took effect
			j.Steps[i].Status = event.Queued
			return errors.Join(failed[i], j.record(context.WithoutCancel(ctx), j.Steps[i:i+1]))
		}
		if ctx.Err() != nil {
			return errors.Join(failed[i], ctx.Err())
		}
	}
	return j.confirm(ctx, send, failed)
}

// assumed reads the settings of changes that were planned on values that were not read, and returns which changes are
// sent. Of the others, it has decided what becomes of them.
func (j *Job) assumed(ctx context.Context, assumed map[string]bool) (ready []bool, err error) {
	ready = slices.Repeat([]bool{true}, len(j.Changes))
	some := &Job{Host: j.Host, Repository: j.Repository}
	for _, c := range j.Changes {
		if assumed[c.Setting] {
			some.Changes = append(some.Changes, c)
		}
	}
	if len(some.Changes) == 0 {
		return ready, nil
	}
	now, err := some.read(ctx)
	if err != nil {
		return ready, err
	}
	for i, c := range j.Changes {
		if !assumed[c.Setting] {
			continue
		}
		if ready[i], err = j.judge(i, now); err != nil {
			return ready, err
		}
		if step := j.Steps[i]; step.Status == event.Skipped {
			j.tell(actions.Step{Name: step.Name, Done: true, Note: c.Setting + ": " + step.Note})
		}
	}
	return ready, nil
}

// judge decides by what is there now what becomes of the change i, and reports whether it is sent.
func (j *Job) judge(i int, now State) (send bool, err error) {
	c, step := j.Changes[i], &j.Steps[i]
	value, read := now.Values[c.Setting]
	want, unwanted := c, ""
	if j.Still != nil {
		want, unwanted = j.Still(c)
	}
	skip := func(note string) { step.Status, step.Note, step.Undo = event.Skipped, note, "" }
	unsent := step.Status == event.Queued || step.Status == event.Failed
	switch {
	case read && covers(value, c.After) && unsent && Restores(*step):
		step.Status, step.Note = event.Succeeded, "it was as it was before"
	case read && covers(value, c.After) && unsent:
		skip("it is so already")
	case read && covers(value, c.After):
		return false, done(step, c, now)
	case unwanted != "" && (read || unsent):
		skip(unwanted)
	case !read && now.Refused[c.Setting] != "":
		skip("GitHub does not offer it here: " + now.Refused[c.Setting])
	case !read && unsent:
		step.Status, step.Note = event.Failed, now.whyUnread(c.Setting)
	case !read:
		step.Note = now.whyUnread(c.Setting)
	case same(c, value) && same(want, value):
		undo, err := json.Marshal(want)
		if err != nil {
			return false, fmt.Errorf("recording what was there before: %w", err)
		}
		j.Changes[i], step.Undo, step.Note = want, string(undo), ""
		return true, nil
	default:
		skip("somebody has changed it since the plan: it is left as it is")
	}
	return false, nil
}

// send sends the request of the change i. That it may have taken effect is recorded just before, so that what somebody
// sets by hand after an interruption is not taken for the effect of a request that was never sent.
func (j *Job) send(ctx context.Context, i int, r actions.Request) error {
	step := &j.Steps[i]
	was := step.Status
	step.Status, step.At = event.Running, j.Now()
	if err := j.record(ctx, j.Steps[i:i+1]); err != nil {
		step.Status = was
		return fmt.Errorf("recording what was there before; %s was not changed: %w", j.Changes[i].Setting, err)
	}
	j.tell(actions.Step{Name: step.Name})
	return j.Host.Send(ctx, r)
}

// same reports whether a setting has the value that a change was planned on. Of rulesets and environments, all of it is
// sent, so that all of it counts.
func same(c Change, now json.RawMessage) bool {
	if wholly(c.Setting) {
		return bytes.Equal(now, c.Before)
	}
	return covers(now, c.Before)
}

// wholly reports whether a request sets all of a setting.
func wholly(key string) bool { return key == Ruleset || environmentOf(key) != "" }

func (j *Job) read(ctx context.Context) (State, error) {
	keys := make([]string, len(j.Changes))
	for i, c := range j.Changes {
		keys[i] = c.Setting
	}
	return j.Host.Values(ctx, j.Repository, keys)
}

// confirm reads the settings again, and judges the steps by them; see [Action].
func (j *Job) confirm(ctx context.Context, sent []int, failed []error) error {
	kept, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if len(sent) > 0 {
		now, err := j.read(kept)
		if err != nil { // each may have taken effect: those that were sent stay as they are, and can be taken back
			for _, i := range sent {
				if failed[i] != nil {
					j.Steps[i].Note = failed[i].Error()
				}
			}
			err = fmt.Errorf("reading the settings again: %w", err)
			return errors.Join(append(failed, err, j.record(kept, j.Steps))...)
		}
		for _, i := range sent {
			c, step := j.Changes[i], &j.Steps[i]
			step.At = j.Now()
			switch {
			case c.Effective(now):
				failed[i] = nil
				if err := done(step, c, now); err != nil {
					failed[i] = err
				}
			case j.skipNotOffered && errors.Is(failed[i], ErrNotOffered):
				step.Status, step.Note, failed[i] = event.Skipped, failed[i].Error(), nil
			default:
				if failed[i] == nil {
					failed[i] = fmt.Errorf("%s: GitHub accepted the request and did not change the setting", c.Setting)
				}
				step.Status, step.Note = event.Failed, failed[i].Error()
			}
		}
	}
	for i, step := range j.Steps {
		open := step.Status == event.Failed || step.Status == event.Running // of one that is running, the effect is not known
		if open && failed[i] == nil {
			failed[i] = fmt.Errorf("%s: %s", j.Changes[i].Setting, step.Note)
		}
		if step.Status == event.Succeeded {
			j.tell(actions.Step{Name: step.Name, Done: true, Note: step.Note})
		}
	}
	return errors.Join(append(failed, j.record(kept, j.Steps))...)
}

// done records that a change took effect.
func done(step *event.ActionStep, c Change, now State) error {
	undo, err := json.Marshal(c.Applied(now))
	if err != nil {
		return fmt.Errorf("recording what was set: %w", err)
	}
	step.Status, step.Undo, step.Note = event.Succeeded, string(undo), c.Why
	return nil
}

func (j *Job) record(ctx context.Context, steps []event.ActionStep) error {
	if j.Record == nil || len(steps) == 0 {
		return nil
	}
	events := make([]event.Event, len(steps))
	for i, s := range steps {
		events[i] = s
	}
	return j.Record(ctx, events...)
}

func (j *Job) tell(s actions.Step) {
	if j.Tell != nil {
		j.Tell(s)
	}
}

// Forecast returns how many requests changes take: reading the settings before and after, and a write each.
func Forecast(changes []Change) (reads, writes int) {
	if len(changes) == 0 {
		return 0, 0
	}
	paths := map[string]bool{}
	for _, c := range changes {
		switch {
		case c.Setting == Ruleset: // the list, and ours if there is one
			paths["rulesets"] = true
			if string(c.Before) != null {
				reads++
			}
			if string(c.After) != null {
				reads++
			}
		case c.Setting == Security, c.Setting == BranchCleanup:
			paths["repository"] = true
		case environmentOf(c.Setting) != "":
			paths["environments"] = true
		default:
			paths[c.Setting] = true
		}
	}
	return reads + 2*len(paths), len(changes)
}
