package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/checkout"
	"github.com/dxctl/dxctl/actions/create"
	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// proposeFix opens, updates or closes the pull request of a plan. Everything that would stop it is reported before the
// first write.
func (s *cli) proposeFix(ctx context.Context, plan *fix.Plan, o fixOptions) (err error) {
	cfg, err := s.actionsConfig(plan.Root)
	if err != nil {
		return err
	}
	repository, err := repositoryOf(ctx, plan, o.repository, cfg.Actions.GitHub.URL)
	if err != nil {
		return err
	}
	if err := committed(ctx, plan); err != nil {
		return err
	}
	host, err := github.New(cfg.Actions.GitHub, os.Getenv(github.TokenVariable), "dxctl/"+versionString(),
		rest.Options{Now: s.now})
	if err != nil {
		return credentials(err)
	}
	workflow := func(f actions.FileChange) bool { return strings.HasPrefix(f.Path, ".github/workflows/") }
	target, notes, err := host.CheckProposal(ctx, repository, slices.ContainsFunc(plan.Files, workflow))
	if err != nil {
		return credentials(err)
	}
	for _, note := range notes {
		fmt.Fprintln(s.err, "dxctl: "+note)
	}
	record := func(context.Context, event.ActionRun) error { return nil }
	if cfg.File != "" { // without a configuration there is no store that would record the run
		a, err := s.open(ctx, cfg, app.Options{Program: "fix"})
		if err != nil {
			return fmt.Errorf("opening the store that records the run; nothing was proposed: %w", err)
		}
		defer closing(a, &err)
		record = func(ctx context.Context, run event.ActionRun) error { return a.Store.Append(ctx, run) }
	}
	title, body := plan.PullRequest()
	proposal := github.Proposal{
		Repository: target.FullName, Base: target.DefaultBranch, On: plan.On["commit"], Branch: plan.Branch(),
		Files: plan.Files, Message: title, Title: title, Body: body,
		Partial: len(o.rules) > 0, Blocked: len(plan.Conflicts) > 0,
	}
	run := event.ActionRun{Source: actions.Source, ID: uuid.NewString(), Action: fix.Name, Entity: plan.Entity,
		Actor: actor(ctx), Plan: plan.Digest(), Status: event.Running, StartedAt: s.now()}
	if err := record(ctx, run); err != nil {
		return fmt.Errorf("recording the run; nothing was proposed: %w", err)
	}
	done, err := host.Propose(ctx, proposal)
	run.Status, run.URL, run.FinishedAt = event.Succeeded, done.Pull.URL, s.now()
	if err != nil {
		run.Status = event.Failed
	}
	if done.Fate == github.Declined || done.Fate == github.Held {
		run.Status = event.Skipped
	}
	err = errors.Join(err, record(context.WithoutCancel(ctx), run))
	if errors.Is(err, actions.ErrChanged) {
		return exit.With(exit.Conflicts, fmt.Errorf("%w; get the present commit of %s, and plan again", err,
			target.DefaultBranch))
	}
	if err != nil {
		return credentials(err)
	}
	return s.printProposed(done, target)
}

// printProposed says what became of the pull request.
func (s *cli) printProposed(done github.Proposed, target github.Target) error {
	number := fmt.Sprintf("pull request #%d", done.Pull.Number)
	text := map[github.Fate]string{
		github.Nothing:   "nothing is proposed to " + target.FullName,
		github.Closed:    "nothing remains to change: " + number + " is closed",
		github.Opened:    number + " is open",
		github.Updated:   number + " has the present changes",
		github.Unchanged: number + " has these changes already",
		github.Declined:  "not proposed: " + done.Reason,
		github.Held:      "not changed: " + done.Reason,
	}[done.Fate]
	fmt.Fprintln(s.err, strings.TrimSpace("dxctl: "+text+" "+done.Pull.URL))
	return nil
}

// repositoryOf returns the repository on GitHub, owner/name, of a plan: the one of the flag, of the descriptor, or of
// the remote origin. On other hosts there are no pull requests by dxctl.
func repositoryOf(ctx context.Context, plan *fix.Plan, given, server string) (string, error) {
	name, address := given, ""
	if name == "" {
		name, address = plan.Service.Repository()
	}
	if name == "" {
		out, err := checkout.Git(ctx, plan.Root, "config", "--get", "remote.origin.url")
		if address = strings.TrimSpace(string(out)); err != nil || address == "" {
			return "", errors.New("the repository is not known: the descriptor has no annotation github.com/project-slug, " +
				"and git has no remote origin; name it with --repository owner/name")
		}
		name = address
	}
	_, host, _ := strings.Cut(github.PagesURL(server), "://")
	path, err := identifier.RepositoryPath(name, "github", host)
	if err == nil && address != "" { // the slug alone does not tell the host
		_, err = identifier.RepositoryPath(address, "github", host)
	}
	if err != nil {
		return "", fmt.Errorf("proposing the changes to %s: %w; on other hosts than GitHub, use --write and a branch of "+
			"your own", identifier.RepositoryName(name), err)
	}
	return path, nil
}

// committed returns an error if the plan looked at what the last commit does not have.
func committed(ctx context.Context, plan *fix.Plan) error {
	if plan.On["commit"] == "none" {
		return errors.New("proposing the changes: the repository has no commit")
	}
	open, err := checkout.Open(plan.Root)
	if err != nil {
		return err
	}
	names := make([]string, len(plan.Files))
	for i, f := range plan.Files {
		names[i] = f.Path
	}
	changed, err := open.Uncommitted(ctx, names...)
	if err != nil {
		return err
	}
	for _, name := range names {
		if reason := changed[name]; reason != "" {
			return fmt.Errorf("proposing the changes: %s %s; commit or remove what is in it", name, reason)
		}
	}
	return nil
}

// actor is who runs the command: the e-mail address of git, or else the user of the system.
func actor(ctx context.Context) string {
	if by := create.Identity(ctx, "."); by.Email != "" && by.Name != "dxctl" {
		return by.Email
	}
	return os.Getenv("USER")
}
