package settings

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/event"
)

// Name is the name of the action.
const Name = "settings"

var (
	// ErrNotOffered is the error of a setting that the host does not offer, such as rulesets of private repositories on a
	// free plan.
	ErrNotOffered = errors.New("GitHub does not offer the setting here")
	// ErrPartial is the error of a run of which some settings were changed and others were not.
	ErrPartial = errors.New("some settings were not changed")
)

// Host reads and changes the settings of repositories.
type Host interface {
	// Settings reads the settings. production are the names of environments for production, in lower case.
	Settings(ctx context.Context, repository string, production []string) (State, error)
	// Send sends a request of a plan. The error wraps [ErrNotOffered] where that is the reason.
	Send(ctx context.Context, r actions.Request) error
	// API is the address of the API, without a slash at the end.
	API() string
}

// Action changes the settings of one repository, or takes back what a run of it has changed.
type Action struct {
	Host       Host
	Entity     string   // ref of the service
	Repository string   // owner/name
	Production []string // names of environments for production, in lower case
	Want       Want
	// Undo are the changes of the run UndoOf, which are taken back; nil: settings are made as rules need them.
	Undo   []Change
	UndoOf string
	// Run is the id under which the steps are recorded, by Record. A step is recorded before its request is sent, with
	// what was there before.
	Run    string
	Record func(ctx context.Context, events ...event.Event) error
	Now    func() time.Time

	// Planned is that of the last plan; After is what is left once the plan was applied.
	Planned, After Planned
	state          State
}

// Descriptor describes the action.
func (a *Action) Descriptor() actions.Descriptor {
	return actions.Descriptor{
		Name:  Name,
		Title: "Set the settings of a repository on GitHub as rules need them",
		Description: "Reads the settings of the repository, and plans the smallest change for each rule that a setting " +
			"decides: branch rules, permissions of workflows, push protection, environments. What was there before is " +
			"recorded, and --undo restores it.",
		Input: []actions.Field{
			{Name: "repository", Title: "Repository", Type: actions.String, Required: true, MaxLength: 140,
				Pattern: `^[A-Za-z0-9](-?[A-Za-z0-9]){0,38}/[A-Za-z0-9._-]{1,100}$`, Example: "acme/payment-service", Description: "repository on GitHub, as owner/name"},
			{Name: "rules", Title: "Rules", Type: actions.String,
				Description: "ids of the rules, separated by commas; none: all that a setting decides"},
			{Name: "undo", Title: "Undo", Type: actions.String, MaxLength: 200,
				Description: "id of a run whose changes are taken back"},
		},
		Idempotent: true,
		Role:       actions.Owner,
		Plan: []string{
			"Each setting with its value before and after, and the rules that need it.",
			"The requests to GitHub, in their order.",
			"What it rests on: the value of each setting that is changed.",
		},
	}
}

// Plan returns the requests, after reading the settings.
func (a *Action) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	state, err := a.Host.Settings(ctx, a.Repository, a.Production)
	if err != nil {
		return actions.Plan{}, err
	}
	p := actions.Plan{
		Action: Name, Entity: a.Entity, Input: in, On: map[string]string{"repository": a.Repository},
		Title: "Set the settings of " + a.Repository + " as rules need them",
	}
	if a.UndoOf != "" {
		p.Title = "Restore the settings of " + a.Repository + " as they were before the run " + a.UndoOf
		a.Planned = Undo(state, a.Undo)
	} else if a.Planned, err = Plan(state, a.Want); err != nil {
		return actions.Plan{}, err
	}
	a.state = state
	for _, c := range a.Planned.Changes {
		sum := sha256.Sum256(state.Values[c.Setting])
		p.On[c.Setting] = "sha256:" + hex.EncodeToString(sum[:])
		p.Requests = append(p.Requests, c.Request(a.Host.API(), a.Repository, state.RulesetID))
	}
	p.Notes = a.Planned.Notes
	return p, nil
}

// Apply sends the requests of the last plan. A setting that cannot be changed does not keep the others from it.
func (a *Action) Apply(ctx context.Context, p actions.Plan, progress func(actions.Step)) (string, error) {
	changes := a.Planned.Changes
	steps := make([]event.ActionStep, len(changes))
	for i, c := range changes {
		undo, err := json.Marshal(c)
		if err != nil {
			return "", fmt.Errorf("recording what was there before: %w", err)
		}
		steps[i] = event.ActionStep{
			Source: actions.Source, Run: a.Run, Number: uint32(i) + 1,
			Name: stepName(c), Status: event.Running, At: a.Now(), Undo: string(undo),
		}
	}
	if err := a.record(ctx, steps); err != nil {
		return "", fmt.Errorf("recording what was there before; nothing was changed: %w", err)
	}
	failed := make([]error, len(changes))
	for i := range changes {
		if err := ctx.Err(); err != nil {
			steps[i].Status, steps[i].Note = event.Cancelled, "not sent: the run was interrupted"
			failed[i] = err
			continue
		}
		progress(actions.Step{Name: steps[i].Name})
		failed[i] = a.Host.Send(ctx, p.Requests[i])
	}
	return "", a.confirm(ctx, steps, failed, progress)
}

// confirm reads the settings again, and judges each step by them: an answer may have been lost although the request was
// obeyed, and GitHub may have accepted a request and done nothing. What took effect is recorded as it is, so that it is
// taken back only as long as nobody changes it. failed has what sending each request returned.
func (a *Action) confirm(
	ctx context.Context, steps []event.ActionStep, failed []error, progress func(actions.Step),
) error {
	kept, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	now, err := a.Host.Settings(kept, a.Repository, a.Production)
	if err != nil { // each may have taken effect: those that were sent stay as they are, and can be taken back
		for i, step := range steps {
			if failed[i] != nil && step.Status == event.Running {
				steps[i].Note = failed[i].Error()
			}
		}
		err = fmt.Errorf("reading the settings again: %w", err)
		return errors.Join(append(failed, err, a.record(kept, steps))...)
	}
	a.After, _ = Plan(now, a.Want) // the rules are known: they were planned
	var errs []error
	done := 0
	for i, c := range a.Planned.Changes {
		steps[i].At = a.Now()
		if c.Effective(now) && steps[i].Status == event.Running {
			undo, err := json.Marshal(c.Applied(now))
			if err != nil {
				errs = append(errs, err)
				continue
			}
			done++
			steps[i].Status, steps[i].Undo, steps[i].Note = event.Succeeded, string(undo), c.Why
			progress(actions.Step{Name: steps[i].Name, Done: true, Note: c.Why})
			continue
		}
		if failed[i] == nil {
			failed[i] = fmt.Errorf("%s: GitHub accepted the request and did not change the setting", c.Setting)
		}
		if steps[i].Status == event.Running {
			steps[i].Status, steps[i].Note = event.Failed, failed[i].Error()
		}
		errs = append(errs, failed[i])
	}
	if len(errs) > 0 && done > 0 {
		errs = append([]error{ErrPartial}, errs...)
	}
	return errors.Join(append(errs, a.record(kept, steps))...)
}

func (a *Action) record(ctx context.Context, steps []event.ActionStep) error {
	if a.Record == nil {
		return nil
	}
	events := make([]event.Event, len(steps))
	for i, s := range steps {
		events[i] = s
	}
	return a.Record(ctx, events...)
}

// stepName is the name of the step of a change.
func stepName(c Change) string {
	const most = 150
	name := "set: " + c.Setting
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "")
	}
	return name
}

// Recorded returns the changes that a run made, from its steps. A step that failed or did not end may have taken
// effect: [Undo] compares with what is there.
func Recorded(steps []event.ActionStep) ([]Change, error) {
	var changes []Change
	for _, s := range steps {
		if s.Undo == "" || s.Status == event.Cancelled {
			continue
		}
		var c Change
		if err := json.Unmarshal([]byte(s.Undo), &c); err != nil {
			return nil, fmt.Errorf("reading step %d of the run %s: %w", s.Number, s.Run, err)
		}
		changes = append(changes, c)
	}
	return changes, nil
}
