package settings

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/setting"
)

// Name is the name of the action.
const Name = "settings"

// The names of the input.
const (
	ServiceField    = "service"
	RepositoryField = "repository"
	RulesField      = "rules"
	ChecksField     = "required_checks"
	ReviewersField  = "reviewers"
	UndoField       = "undo"
)

var (
	// ErrNotOffered is the error of a setting that the host does not offer, such as rulesets of private repositories on a
	// free plan.
	ErrNotOffered = errors.New("GitHub does not offer the setting here")
	// ErrPartial is the error of a run of which some settings were changed and others were not.
	ErrPartial = errors.New("some settings were not changed")
)

// Host reads and changes the settings of repositories.
type Host interface {
	// Settings reads the settings that rules need.
	Settings(ctx context.Context, ask Ask) (State, error)
	// Values reads the values of settings by their keys. The state has nothing else, except the names and ids of rulesets.
	// A setting that does not exist, or may not be read, has no value; of the latter, the state has the reason.
	Values(ctx context.Context, repository string, keys []string) (State, error)
	// Send sends a request of a plan. The error wraps [ErrNotOffered] where that is the reason.
	Send(ctx context.Context, r actions.Request) error
	// API is the address of the API, without a slash at the end.
	API() string
}

// Action changes the settings of one repository, or takes back what a run of it has changed.
type Action struct {
	Host       Host
	Entity     string // ref of the service
	Repository string // owner/name
	Ask        Ask    // what is read to plan; its Repository is that of the action
	// Undo are the changes of the run UndoOf, which are taken back; nil: settings are made as rules need them.
	Undo     []Change
	UndoOf   string
	UndoLast uint32 // number of the last step of that run: what is taken back is recorded there, too
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
		Name:    Name,
		Command: "fix --settings",
		Title:   "Set the settings of a repository on GitHub as rules need them",
		Description: "Reads the settings of the repository, and plans the smallest change for each rule that a setting " +
			"decides: branch rules, permissions of workflows, push protection, environments. What was there before is " +
			"recorded, and --undo restores it.",
		Input: []actions.Field{
			{Name: ServiceField, Title: "Service", Type: actions.String, Entity: "Component", Argument: true,
				Example: "component:default/payment-service", Description: "service of the catalog; on the command line also a " +
					"directory, or the name of a service of this repository (default: the working directory)"},
			{Name: RepositoryField, Title: "Repository", Type: actions.String, MaxLength: 140, Placeholder: "OWNER/NAME",
				Pattern: `^[A-Za-z0-9](-?[A-Za-z0-9]){0,38}/[A-Za-z0-9._-]{1,100}$`, Example: "acme/payment-service",
				Description: "repository on GitHub (default: of the descriptor or origin)"},
			{Name: RulesField, Title: "Rules", Type: actions.List, One: "rule", MaxLength: 200, Placeholder: "ID",
				Pattern: `^[a-z0-9]+([-_.][a-z0-9]+)*$`, Example: "branch-protected",
				Description: "ids of the rules (default: all that a setting decides)"},
			{Name: ChecksField, Title: "Required checks", Type: actions.List, One: "required-check", MaxLength: 200,
				Placeholder: "NAME", Description: "names of checks that merges wait for (default: those that ran on each of the " +
					"last merged pull requests)"},
			{Name: ReviewersField, Title: "Reviewers", Type: actions.List, One: "reviewer", MaxLength: 200,
				Placeholder: "OWNER/TEAM", Description: "teams as owner/team, or logins, that approve deployments to production " +
					"(default: the team that owns the service)"},
			{Name: UndoField, Title: "Undo", Type: actions.String, MaxLength: 200, Placeholder: "ID",
				Description: "id of a run whose changes are taken back"},
		},
		Idempotent: true,
		Role:       actions.Owner,
		Plan: []string{
			"Each setting with its value before and after, and the rules that need it.",
			"The requests to GitHub, in their order.",
			"What it rests on: the value of each setting that is changed.",
		},
		Options: []actions.Option{
			{Flag: "yes", Description: "apply the plan", Applies: true},
			{Flag: "check", Description: "exit with 2 if there are settings to change"},
			{Flag: "out", Description: "save the plan as JSON in a `FILE`"},
			{Flag: "apply", Description: "apply the plan in a `FILE`, unless the settings changed"},
		},
		CommandLineOnly: "it reads the settings with the credentials of whoever asks, and the server has none of actions",
	}
}

// Plan returns the requests, after reading the settings.
func (a *Action) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	state, err := a.read(ctx)
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
	} else if a.Planned, err = Plan(state, a.Ask.Want); err != nil {
		return actions.Plan{}, err
	}
	a.state = state
	for _, c := range a.Planned.Changes {
		sum := sha256.Sum256(c.Before)
		p.On[c.Setting] = "sha256:" + hex.EncodeToString(sum[:])
		p.Requests = append(p.Requests, c.Request(a.Host.API(), a.Repository, state.RulesetID))
	}
	p.Notes = a.Planned.Notes
	return p, nil
}

// read reads what a plan is made of.
func (a *Action) read(ctx context.Context) (State, error) {
	if a.UndoOf != "" {
		return (&Job{Host: a.Host, Repository: a.Repository, Changes: a.Undo}).read(ctx)
	}
	ask := a.Ask
	ask.Repository = a.Repository
	a.Ask.Record = nil // it was just read: the next plan reads it again
	return a.Host.Settings(ctx, ask)
}

// Apply sends the requests of the last plan. A setting that cannot be changed does not keep the others from it.
func (a *Action) Apply(ctx context.Context, p actions.Plan, progress func(actions.Step)) (string, error) {
	steps, err := PlannedSteps(a.Planned.Changes, a.Run, 0, a.Now(), false)
	if err != nil {
		return "", err
	}
	j := &Job{Host: a.Host, Repository: a.Repository, Changes: a.Planned.Changes, Steps: steps, Record: a.Record,
		Now: a.Now, Tell: progress}
	if err := j.record(ctx, steps); err != nil {
		return "", fmt.Errorf("recording what was there before; nothing was changed: %w", err)
	}
	ready, err := j.assumed(ctx, a.state.Assumed)
	if err != nil {
		return "", fmt.Errorf("reading the settings; nothing was changed: %w", err)
	}
	failed := make([]error, len(steps))
	var sent []int
	for i := range steps {
		if !ready[i] {
			continue
		}
		if failed[i] = ctx.Err(); failed[i] != nil {
			steps[i].Status, steps[i].Note = event.Cancelled, "not sent: the run was interrupted"
			continue
		}
		failed[i] = j.send(ctx, i, p.Requests[i])
		if steps[i].Status == event.Running {
			sent = append(sent, i)
		}
	}
	err = j.confirm(ctx, sent, failed)
	done := 0
	for _, step := range steps {
		if step.Status == event.Succeeded {
			done++
		}
	}
	if a.UndoOf == "" {
		a.After = a.look(ctx)
	} else {
		err = errors.Join(err, a.recordRestored(ctx, steps))
	}
	if err != nil && done > 0 {
		err = errors.Join(ErrPartial, err)
	}
	return "", err
}

// recordRestored records with the run that was taken back which of its settings are as they were before, so that it
// does not take back what somebody sets afterwards.
func (a *Action) recordRestored(ctx context.Context, steps []event.ActionStep) error {
	keys := slices.Clone(a.Planned.Met)
	for i, step := range steps {
		if step.Status == event.Succeeded {
			keys = append(keys, a.Planned.Changes[i].Setting)
		}
	}
	if a.Record == nil || len(keys) == 0 {
		return nil
	}
	var events []event.Event
	for _, step := range RestoredSteps(keys, a.UndoOf, a.UndoLast, a.Now()) {
		events = append(events, step)
	}
	if err := a.Record(context.WithoutCancel(ctx), events...); err != nil {
		return fmt.Errorf("recording what the run %s has taken back: %w", a.Run, err)
	}
	return nil
}

// look returns what is left of the rules whose settings were changed. A failure is no error: all was done by then.
func (a *Action) look(ctx context.Context) Planned {
	ask := a.Ask
	ask.Repository, ask.Branch, ask.Known = a.Repository, a.state.Branch, setting.UnknownSettings("it was just changed")
	ask.Want.Rules, ask.Want.Skip = nil, nil
	for _, c := range a.Planned.Changes {
		if c.Setting == Ruleset { // of others, the value says all
			ask.Want.Rules = append(ask.Want.Rules, c.Rules...)
		}
	}
	if len(ask.Want.Rules) == 0 || ctx.Err() != nil {
		return Planned{}
	}
	now, err := a.Host.Settings(ctx, ask)
	if err != nil {
		return Planned{Notes: []string{"whether the rules are met now is not known: " + err.Error()}}
	}
	p, _ := Plan(now, ask.Want) // the rules are known: they were planned
	return p
}

// Recorded returns the changes that a run made and that were not taken back since, from its steps; others are left out.
// A step that did not end may have taken effect: [Undo] compares with what is there. One that failed has not.
func Recorded(steps []event.ActionStep) ([]Change, error) {
	var changes []Change
	back := map[string]time.Time{} // when each setting was restored last, by the name of its step
	for _, s := range steps {
		name, restores := strings.CutPrefix(s.Name, restorePrefix)
		if restores && s.Status == event.Succeeded && s.At.After(back[name]) {
			back[name] = s.At
		}
	}
	for _, s := range steps {
		if !Sets(s) || s.Undo == "" || s.Status != event.Running && s.Status != event.Succeeded {
			continue
		}
		if at, restored := back[strings.TrimPrefix(s.Name, stepPrefix)]; restored && !s.At.After(at) {
			continue // what has the same value now was set by somebody
		}
		var c Change
		if err := json.Unmarshal([]byte(s.Undo), &c); err != nil {
			return nil, fmt.Errorf("reading step %d of the run %s: %w", s.Number, s.Run, err)
		}
		changes = append(changes, c)
	}
	return changes, nil
}
