package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/event"
)

// settingsOptions are the flags of `dxctl fix --settings` that others do not have.
type settingsOptions struct {
	settings, yes     bool
	undo              string
	checks, reviewers []string
}

// add adds the flags that `dxctl fix` does not have for itself: those that choose what is done, and the inputs of the
// settings, which say so in the help.
func (o *settingsOptions) add(cmd *cobra.Command, d actions.Descriptor) {
	flags := cmd.Flags()
	flags.BoolVar(&o.settings, "settings", false, d.Option("settings"))
	flags.BoolVar(&o.yes, "yes", false, d.Option("yes"))
	flags.StringVar(&o.undo, "undo", "", d.Option("undo"))
	of := (&settings.Action{}).Descriptor()
	for name, values := range map[string]*[]string{
		settings.ChecksField: &o.checks, settings.ReviewersField: &o.reviewers,
	} {
		f, _ := of.Field(name)
		flags.StringArrayVar(values, f.One, nil, "with --settings: "+f.Description+"; may be repeated")
		placeholder(flags, f.One, f.Placeholder)
	}
	for _, name := range []string{"write", "pr", "tasks"} {
		cmd.MarkFlagsMutuallyExclusive("settings", name)
	}
	cmd.MarkFlagsMutuallyExclusive("yes", "check")
}

// validate returns an error for flags that need others. all is whether there is --all, and issues whether there is
// --issues.
func (o *settingsOptions) validate(all, issues bool) error {
	if o.settings {
		return nil
	}
	for name, given := range map[string]bool{
		"required-check": len(o.checks) > 0, "reviewer": len(o.reviewers) > 0,
	} {
		if given {
			return exit.With(exit.Usage, fmt.Errorf("--%s is about settings: add --settings", name))
		}
	}
	if o.yes && !all && !issues && o.undo == "" {
		return exit.With(exit.Usage, errors.New("--yes applies a plan of --settings, --all, --issues or --undo: add one of "+
			"them"))
	}
	return nil
}

// settingsRun is a run of `dxctl fix --settings`.
type settingsRun struct {
	*cli
	flags  fixOptions
	cfg    config.Config
	app    *app.App // nil without a configuration
	host   *github.Host
	target settingsTarget
	action *settings.Action
}

// fixSettings plans, shows and applies settings.
func (s *cli) fixSettings(ctx context.Context, word string, o fixOptions) (err error) {
	r := &settingsRun{cli: s, flags: o}
	if err := r.open(ctx, word); err != nil {
		return err
	}
	if r.app != nil {
		defer closing(r.app, &err)
	}
	if err := r.resolve(ctx, word); err != nil {
		return err
	}
	r.host, err = r.github(r.cfg.Actions.GitHub)
	if err != nil {
		return credentials(err)
	}
	return credentials(r.run(ctx))
}

// run plans and does what the flags say.
func (r *settingsRun) run(ctx context.Context) error {
	target, notes, err := r.host.CheckSettings(ctx, r.target.repository)
	if err != nil {
		return err
	}
	for _, note := range notes {
		fmt.Fprintln(r.err, "dxctl: "+note)
	}
	r.target.repository, r.target.branch, r.target.record = target.FullName, target.DefaultBranch, target.Record
	if err := r.prepare(ctx); err != nil {
		return err
	}
	in := actions.Input{settings.ServiceField: r.target.entity, settings.RepositoryField: target.FullName}
	for name, words := range map[string][]string{
		settings.RulesField: r.flags.input.List(fix.RulesField), settings.ChecksField: r.flags.checks,
		settings.ReviewersField: r.flags.reviewers,
	} {
		if len(words) > 0 {
			in[name] = words
		}
	}
	if r.flags.undo != "" {
		in[settings.UndoField] = r.flags.undo
	}
	if in, err = r.action.Descriptor().Check(in, false); err != nil {
		return err
	}
	plan, err := r.action.Plan(ctx, in)
	if err != nil {
		return err
	}
	if r.flags.apply != "" {
		if err := r.compare(plan); err != nil {
			return err
		}
	}
	if err := r.show(plan); err != nil {
		return err
	}
	if r.flags.out != "" {
		return writePlan(r.flags.out, plan)
	}
	left := error(nil)
	if n := len(r.action.Planned.Unread); n > 0 {
		left = fmt.Errorf("undoing the run %s: %d settings could not be read; the plan says why", r.flags.undo, n)
	} else if n := len(r.action.Planned.Left); n > 0 && r.flags.undo != "" {
		left = exit.With(exit.Conflicts, fmt.Errorf("%d settings are left as they are; the plan says why", n))
	}
	switch {
	case !plan.Changes():
		fmt.Fprintln(r.err, "dxctl: nothing is to be changed")
	case r.flags.check:
		return exit.With(exit.Pending, fmt.Errorf("%d settings to change; add --yes to change them", len(plan.Requests)))
	case !r.flags.yes && r.flags.apply == "":
		fmt.Fprintln(r.err, "dxctl: nothing was changed; add --yes to apply this plan")
	default:
		return errors.Join(r.applyPlan(ctx, plan), left)
	}
	return left
}

// prepare makes the action.
func (r *settingsRun) prepare(ctx context.Context) error {
	r.action = &settings.Action{
		Host: r.host, Entity: r.target.entity, Repository: r.target.repository, Run: uuid.NewString(), Now: r.now,
		UndoOf: r.flags.undo, Ask: settings.Ask{
			Production: productionOf(r.cfg), Branch: r.target.branch, Record: r.target.record,
			Want: settings.Want{Rules: r.flags.input.List(fix.RulesField), Checks: r.flags.checks},
		},
	}
	if r.app != nil {
		r.action.Record = r.app.Store.Append
	}
	if r.flags.undo != "" {
		return r.recorded(ctx)
	}
	var err error
	if r.action.Ask.Want.Skip, err = r.skip(ctx); err != nil {
		return err
	}
	if r.target.collected {
		last, err := r.app.Store.LastActions(ctx, settings.Name, fix.Name)
		if err != nil {
			return err
		}
		e, _ := r.app.Catalog().Entity(r.target.entity)
		r.action.Ask.Known, r.action.Ask.Workflows, err = r.app.KnownSettings(ctx, e, last[r.target.entity])
		if err != nil {
			return err
		}
	}
	return r.reviewers(ctx)
}

// reviewers asks who approves deployments to production, if that may be set.
func (r *settingsRun) reviewers(ctx context.Context) error {
	want := &r.action.Ask.Want
	if !slices.Contains(settings.Open(r.action.Ask.Known, *want), "production-protected") {
		return nil
	}
	reviewers := r.flags.reviewers
	if team := r.target.team; len(reviewers) == 0 && team != "" {
		owner, _, _ := strings.Cut(r.target.repository, "/")
		reviewers = []string{owner + "/" + team}
	}
	for _, word := range reviewers {
		reviewer, err := r.host.Reviewer(ctx, word)
		switch {
		case err == nil:
			want.Reviewers = append(want.Reviewers, reviewer)
		case len(r.flags.reviewers) > 0 || !errors.Is(err, github.ErrNoReviewer):
			return err
		}
	}
	return nil
}

// recorded reads what a run changed.
func (r *settingsRun) recorded(ctx context.Context) error {
	steps, err := r.app.Store.StepsOf(ctx, r.flags.undo)
	if err != nil {
		return err
	}
	for _, step := range steps {
		r.action.UndoLast = max(r.action.UndoLast, step.Number)
	}
	r.action.Undo, err = settings.Recorded(steps)
	return err
}

// compare returns an error if a plan is not the one that was saved.
func (r *settingsRun) compare(plan actions.Plan) error {
	text, err := os.ReadFile(r.flags.apply)
	if err != nil {
		return fmt.Errorf("reading the plan: %w", err)
	}
	var saved struct {
		Action string `json:"action"`
		Digest string `json:"digest"`
	}
	if err := json.Unmarshal(text, &saved); err != nil || saved.Action != settings.Name || saved.Digest == "" {
		return fmt.Errorf("reading the plan %s: it is no plan of settings; `dxctl fix --settings --out FILE` writes one",
			r.flags.apply)
	}
	if saved.Digest != plan.Digest() {
		return exit.With(exit.Conflicts, fmt.Errorf("applying the plan %s: %w", r.flags.apply, actions.ErrChanged))
	}
	return nil
}

// applyPlan sends the requests of a plan, and says what has become of them.
func (r *settingsRun) applyPlan(ctx context.Context, plan actions.Plan) error {
	if r.app == nil {
		return errors.New("applying the settings: there is no configuration, so that what was there before cannot be " +
			"recorded; run dxctl where dx.yaml is, or pass --config")
	}
	planned := r.action.Planned
	rules := []string{}
	for _, c := range planned.Changes {
		rules = append(rules, c.Rules...)
	}
	slices.Sort(rules)
	record, recorded := r.action.Record, false // whether there are steps that can be taken back
	r.action.Record = func(ctx context.Context, events ...event.Event) error {
		err := record(ctx, events...)
		recorded = recorded || err == nil
		return err
	}
	_, err := actions.Run(ctx, r.action, plan.Input, plan.Digest(), actions.RunOptions{
		ID: r.action.Run, Actor: actor(ctx), Now: r.now, Record: record, Repository: r.target.repository,
		Rules: slices.Compact(rules),
		Progress: func(step actions.Step) {
			if step.Done {
				fmt.Fprintf(r.err, "done: %s\n", step.Note)
			}
		},
	})
	if errors.Is(err, actions.ErrChanged) {
		return exit.With(exit.Conflicts, err)
	}
	if recorded {
		fmt.Fprintf(r.err, "dxctl: run %s; `dxctl fix --settings --undo %s` shows how to take it back\n", r.action.Run,
			r.action.Run)
	}
	if err == nil && r.flags.undo == "" {
		for _, left := range r.action.After.Left {
			if slices.Contains(rules, left.Rule) {
				fmt.Fprintf(r.err, "dxctl: %s: %s\n", left.Rule, left.Reason)
			}
		}
	}
	if errors.Is(err, settings.ErrPartial) {
		err = exit.With(exit.Partial, err)
	}
	return err
}

// show prints the plan in the format that was asked for.
func (r *settingsRun) show(plan actions.Plan) error {
	changes := r.action.Planned
	if r.output == "json" {
		return output.Table{Document: settings.NewDocument(plan, changes)}.Print(r.out, r.output)
	}
	if r.output == "csv" || r.output == "tsv" {
		t := output.Table{Columns: []string{"setting", "rules", "before", "after", "method", "url"}}
		for i, c := range changes.Changes {
			q := plan.Requests[i]
			t.Rows = append(t.Rows, []string{c.Setting, strings.Join(c.Rules, " "), string(c.Before), string(c.After), q.Method,
				q.URL})
		}
		return t.Print(r.out, r.output)
	}
	var text bytes.Buffer
	if err := settings.WriteText(&text, plan, changes); err != nil {
		return err
	}
	_, err := fmt.Fprint(r.out, output.PrintableLines(text.String()))
	return err
}
