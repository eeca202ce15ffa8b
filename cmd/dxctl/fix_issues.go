package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/batch"
	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/event"
)

// issuesOf returns an issue for each rule that is open and that no patch makes pass.
func issuesOf(plan *fix.Plan) []github.Issue {
	var issues []github.Issue
	for i := range plan.Rules {
		r := &plan.Rules[i]
		if !r.Open() || len(r.Files) > 0 {
			continue
		}
		title, body := plan.Issue(r)
		issues = append(issues, github.Issue{Rule: r.ID, Mark: github.IssueMark(plan.Entity, r.ID), Title: title, Body: body})
	}
	return issues
}

// withoutSet returns the issues without those of rules that changes of settings are made for.
func withoutSet(issues []github.Issue, changes []settings.Change) []github.Issue {
	return slices.DeleteFunc(issues, func(i github.Issue) bool {
		return slices.ContainsFunc(changes, func(c settings.Change) bool { return slices.Contains(c.Rules, i.Rule) })
	})
}

// proposeAndAsk opens the pull request, the issues, or both.
func (s *cli) proposeAndAsk(ctx context.Context, plan *fix.Plan, o fixOptions) error {
	var errs []error
	if o.pr {
		errs = append(errs, s.proposeFix(ctx, plan, o))
	}
	if o.issues {
		errs = append(errs, s.openIssues(ctx, plan, o))
	}
	return errors.Join(errs...)
}

// openIssues opens an issue for each rule of a plan that no patch makes pass.
func (s *cli) openIssues(ctx context.Context, plan *fix.Plan, o fixOptions) (err error) {
	issues := issuesOf(plan)
	if len(issues) == 0 {
		fmt.Fprintln(s.err, "dxctl: no rule needs an issue")
		return nil
	}
	cfg, err := s.actionsConfig(plan.Root)
	if err != nil {
		return err
	}
	repository, err := repositoryOf(ctx, pullRequest{root: plan.Root, service: plan.Service, repository: o.repository},
		cfg.Actions.GitHub.URL)
	if err != nil {
		return err
	}
	host, err := s.github(cfg.Actions.GitHub)
	if err != nil {
		return credentials(err)
	}
	notes, err := host.CheckBatch(ctx, github.Needs{Issues: true, Private: true})
	if err != nil {
		return credentials(err)
	}
	for _, note := range notes {
		fmt.Fprintln(s.err, "dxctl: "+note)
	}
	heads, err := host.Heads(ctx, []string{repository})
	if err != nil {
		return credentials(err)
	}
	if problem := heads[0].Problem; problem != "" { // without the right to push, issues get no label
		return fmt.Errorf("opening issues in %s: %s", repository, problem)
	}
	record := func(context.Context, ...event.Event) error { return nil }
	if cfg.File != "" {
		a, openErr := s.open(ctx, cfg, app.Options{Program: fix.Name})
		if openErr != nil {
			return fmt.Errorf("opening the store that records the run; no issue was opened: %w", openErr)
		}
		defer closing(a, &err)
		record = a.Store.Append
	}
	run := event.ActionRun{
		Source: actions.Source, ID: uuid.NewString(), Action: fix.Name, Entity: plan.Entity, Actor: actor(ctx),
		Plan: plan.Digest(), Repository: repository, Status: event.Running, StartedAt: s.now(),
	}
	if err := record(ctx, run); err != nil {
		return fmt.Errorf("recording the run; no issue was opened: %w", err)
	}
	opened, err := host.OpenIssues(ctx, repository, issues)
	run.Status, run.FinishedAt = event.Succeeded, s.now()
	if err != nil {
		run.Status, run.Note = event.Failed, err.Error()
	}
	events := []event.Event{run}
	for i, issue := range opened {
		fmt.Fprintf(s.err, "dxctl: issue for %s %s: %s\n", issue.Rule, issue.Result, issue.URL)
		events = append(events, event.ActionStep{
			Source: run.Source, Run: run.ID, Number: uint32(i + 1), Name: batch.IssueStep + issue.Rule, Status: event.Succeeded,
			At: s.now(), URL: issue.URL, Note: issue.Result,
		})
	}
	err = errors.Join(err, record(context.WithoutCancel(ctx), events...))
	return credentials(err)
}
