package settings

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// Pending reports whether a step was planned, and is not known to have ended well.
func Pending(s event.ActionStep) bool {
	return s.Status == event.Queued || s.Status == event.Running || s.Status == event.Failed
}

// Resume sends the changes whose settings are still as they were when the changes were planned, and records what
// becomes of each. A setting that has the wanted value already is done: by an earlier attempt, or by somebody, and then
// it is not taken back later. One that has yet another value is left as it is, and so is one that the host does not
// offer.
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
	for i, c := range j.Changes {
		step := &j.Steps[i]
		value, read := now.Values[c.Setting]
		switch {
		case !read && now.Refused[c.Setting] != "":
			step.Status, step.Note, step.Undo = event.Skipped, "GitHub does not offer it here: "+now.Refused[c.Setting], ""
		case !read:
			step.Status, step.Note = event.Failed, "it could not be read"
		case covers(value, c.After) && step.Status == event.Queued:
			step.Status, step.Note, step.Undo = event.Skipped, "it is so already", ""
		case covers(value, c.After):
			if err := done(step, c, now); err != nil {
				return err
			}
		case same(c, value):
			step.Status, step.Note = event.Running, ""
			send = append(send, i)
		default:
			step.Status, step.Note = event.Skipped, "somebody has changed it since the plan: it is left as it is"
			step.Undo = ""
		}
		step.At = j.Now()
	}
	// What was there before is recorded before the first request.
	if err := j.record(ctx, j.Steps); err != nil {
		return fmt.Errorf("recording what was there before; nothing was changed: %w", err)
	}
	failed := make([]error, len(j.Changes))
	for _, i := range send {
		if failed[i] = ctx.Err(); failed[i] == nil {
			j.tell(actions.Step{Name: j.Steps[i].Name})
			failed[i] = j.Host.Send(ctx, j.Changes[i].Request(j.Host.API(), j.Repository, now.RulesetID))
		}
		if ctx.Err() != nil || errors.Is(failed[i], rest.ErrUnauthorized) {
			return errors.Join(failed[i], ctx.Err())
		}
	}
	return j.confirm(ctx, send, failed)
}

// same reports whether a setting has the value that a change was planned on. Of rulesets and environments, all of it is
// sent, so that all of it counts.
func same(c Change, now json.RawMessage) bool {
	if c.Setting == Ruleset || environmentOf(c.Setting) != "" {
		return bytes.Equal(now, c.Before)
	}
	return covers(now, c.Before)
}

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
		if step.Status == event.Failed && failed[i] == nil {
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
