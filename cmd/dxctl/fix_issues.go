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
	"github.com/dxctl/dxctl/report"
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

// issuesRun opens and closes the issues of one service.
type issuesRun struct {
	*cli
	host       *github.Host
	repository string // owner/name
	open       []github.Issue
	shut       []github.IssueClosing
	run        event.ActionRun
	steps      []event.Event
}

// openIssues opens an issue for each rule of a plan that no patch makes pass, and closes those whose rule passes since:
// with --yes, and else it shows them.
func (s *cli) openIssues(ctx context.Context, plan *fix.Plan, o fixOptions) (err error) {
	cfg, err := s.actionsConfig(plan.Root)
	if err != nil {
		return err
	}
	r := &issuesRun{cli: s, open: issuesOf(plan)}
	record := func(context.Context, ...event.Event) error { return nil }
	if cfg.File != "" {
		a, openErr := s.open(ctx, cfg, app.Options{Program: fix.Name})
		if openErr != nil {
			return fmt.Errorf("opening the store that records the run; no issue was opened: %w", openErr)
		}
		defer closing(a, &err)
		record = a.Store.Append
		if r.shut, err = closingsOfOne(ctx, a, plan.Entity, o.input.List(fix.RulesField)); err != nil {
			return fmt.Errorf("looking for issues whose rules pass; no issue was opened: %w", err)
		}
	}
	for _, c := range r.shut {
		fmt.Fprintf(s.err, "dxctl: closes %s: %s\n", c.URL, c.Note)
	}
	if len(r.shut) > 0 && !o.yes {
		fmt.Fprintln(s.err, "dxctl: no issue was closed; add --yes to close these")
		r.shut = nil
	}
	if len(r.open)+len(r.shut) == 0 {
		fmt.Fprintln(s.err, "dxctl: no rule needs an issue")
		return nil
	}
	if err := r.prepare(ctx, plan, o, cfg.Actions.GitHub); err != nil {
		return err
	}
	r.run = event.ActionRun{
		Source: actions.Source, ID: uuid.NewString(), Action: fix.Name, Entity: plan.Entity, Actor: actor(ctx),
		Plan: plan.Digest(), Repository: r.repository, Status: event.Running, StartedAt: s.now(),
	}
	if err := record(ctx, r.run); err != nil {
		return fmt.Errorf("recording the run; no issue was opened: %w", err)
	}
	err = r.send(ctx)
	r.run.Status, r.run.FinishedAt = event.Succeeded, s.now()
	if err != nil {
		r.run.Status, r.run.Note = event.Failed, err.Error()
	}
	err = errors.Join(err, record(context.WithoutCancel(ctx), append(r.steps, r.run)...))
	return credentials(err)
}

// closingsOfOne returns the issues of a service that are closed, by what is stored of it.
func closingsOfOne(ctx context.Context, a *app.App, ref string, rules []string) ([]github.IssueClosing, error) {
	entity, found := a.Catalog().Entity(ref)
	if !found {
		return nil, nil
	}
	reports, _, err := a.GradeService(ctx, ref, false)
	if err != nil {
		return nil, err
	}
	passing, err := closings(ctx, a.Store, []report.Service{{Entity: entity, Reports: reports}})
	return ofRules(passing[ref], rules), err
}

// prepare finds the repository, and reports everything that would stop the issues.
func (r *issuesRun) prepare(ctx context.Context, plan *fix.Plan, o fixOptions, cfg github.Config) (err error) {
	of := pullRequest{root: plan.Root, service: plan.Service, repository: o.repository}
	if r.repository, err = repositoryOf(ctx, of, cfg.URL); err != nil {
		return err
	}
	if r.host, err = r.github(cfg); err != nil {
		return credentials(err)
	}
	notes, err := r.host.CheckBatch(ctx, github.Needs{Issues: true, Private: true})
	if err != nil {
		return credentials(err)
	}
	for _, note := range notes {
		fmt.Fprintln(r.err, "dxctl: "+note)
	}
	heads, err := r.host.Heads(ctx, []string{r.repository})
	if err != nil {
		return credentials(err)
	}
	if problem := heads[0].Problem; problem != "" { // without the right to push, issues get no label
		return fmt.Errorf("opening issues in %s: %s", r.repository, problem)
	}
	return nil
}

// send opens and closes the issues, and keeps the steps that are to be recorded.
func (r *issuesRun) send(ctx context.Context) error {
	var errs []error
	if len(r.open) > 0 {
		opened, err := r.host.OpenIssues(ctx, r.repository, r.open)
		r.note(batch.IssueStep, opened)
		errs = append(errs, err)
	}
	if len(r.shut) > 0 && ctx.Err() == nil {
		closed, err := r.host.CloseIssues(ctx, r.repository, r.shut)
		r.note(batch.ClosingStep, closed)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (r *issuesRun) note(name string, issues []github.OpenedIssue) {
	for _, issue := range issues {
		fmt.Fprintf(r.err, "dxctl: issue for %s %s: %s\n", issue.Rule, issue.Result, issue.URL)
		r.steps = append(r.steps, event.ActionStep{
			Source: r.run.Source, Run: r.run.ID, Number: uint32(len(r.steps) + 1), Name: name + issue.Rule,
			Status: event.Succeeded, At: r.now(), URL: issue.URL, Note: issue.Result,
		})
	}
}
