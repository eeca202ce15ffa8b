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
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/event"
)

// pullRequest is what a command proposes for a checkout.
type pullRequest struct {
	github.Proposal                   // without repository and base, which are found out
	root            string            // of the checkout
	service         descriptor.Entity // whose annotation names the repository; may be empty
	repository      string            // of the flag: owner/name
	run             event.ActionRun   // what is recorded: action, entity, plan
}

// proposeFix opens, updates or closes the pull request of a plan.
func (s *cli) proposeFix(ctx context.Context, plan *fix.Plan, o fixOptions) error {
	title, body := plan.PullRequest()
	return s.propose(ctx, pullRequest{
		Proposal: github.Proposal{
			On: plan.On["commit"], Branch: plan.Branch(), Files: plan.Files, Message: title, Title: title, Body: body,
			Partial: len(o.input.List(fix.RulesField)) > 0, Blocked: len(plan.Conflicts) > 0,
		},
		root: plan.Root, service: plan.Service, repository: o.repository,
		run: event.ActionRun{Action: fix.Name, Entity: plan.Entity, Plan: plan.Digest(), Rules: plan.Passing()},
	})
}

// propose opens, updates or closes a pull request. Everything that would stop it is reported before the first write.
func (s *cli) propose(ctx context.Context, p pullRequest) (err error) {
	cfg, err := s.actionsConfig(p.root)
	if err != nil {
		return err
	}
	repository, err := repositoryOf(ctx, p, cfg.Actions.GitHub.URL)
	if err != nil {
		return err
	}
	if err := committed(ctx, p); err != nil {
		return err
	}
	host, err := s.github(cfg.Actions.GitHub)
	if err != nil {
		return credentials(err)
	}
	target, notes, err := host.CheckProposal(ctx, repository, slices.ContainsFunc(p.Files, isWorkflow))
	if err != nil {
		return credentials(err)
	}
	for _, note := range notes {
		fmt.Fprintln(s.err, "dxctl: "+note)
	}
	record := func(context.Context, event.ActionRun) error { return nil }
	if cfg.File != "" { // without a configuration there is no store that would record the run
		a, openErr := s.open(ctx, cfg, app.Options{Program: p.run.Action})
		if openErr != nil {
			return fmt.Errorf("opening the store that records the run; nothing was proposed: %w", openErr)
		}
		defer closing(a, &err)
		record = func(ctx context.Context, run event.ActionRun) error { return a.Store.Append(ctx, run) }
	}
	p.Repository, p.Base = target.FullName, target.DefaultBranch
	run := p.run
	run.Source, run.ID, run.Actor = actions.Source, uuid.NewString(), actor(ctx)
	run.Status, run.StartedAt, run.Repository, run.Patch = event.Running, s.now(), p.Repository, p.Patch()
	if err := record(ctx, run); err != nil {
		return fmt.Errorf("recording the run; nothing was proposed: %w", err)
	}
	done, err := host.Propose(ctx, p.Proposal)
	run.Status, run.URL, run.FinishedAt = event.Succeeded, done.Pull.URL, s.now()
	run.Outcome, run.Note, run.Pull = string(done.Fate), done.Reason, uint64(max(0, done.Pull.Number))
	if err != nil {
		run.Status, run.Outcome, run.Note = event.Failed, "failed", err.Error()
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

// isWorkflow reports whether a change takes the right to change workflows.
func isWorkflow(f actions.FileChange) bool { return strings.HasPrefix(f.Path, ".github/workflows/") }

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

// repositoryOf returns the repository on GitHub, owner/name: the one of the flag, of the descriptor, or of the remote
// origin. On other hosts there are no pull requests by dxctl.
func repositoryOf(ctx context.Context, p pullRequest, server string) (string, error) {
	name, address := p.repository, ""
	if name == "" {
		name, address = p.service.Repository()
	}
	if name == "" {
		out, err := checkout.Git(ctx, p.root, "config", "--get", "remote.origin.url")
		if address = strings.TrimSpace(string(out)); err != nil || address == "" {
			return "", errors.New("the repository is not known: the descriptor has no annotation github.com/project-slug, " +
				"and git has no remote origin; name it with --repository owner/name")
		}
		name = address
	}
	path, err := onGitHub(name, address, server)
	if err != nil {
		return "", fmt.Errorf("proposing the changes to %s: %w; if it is on a GitHub Enterprise Server, name that as "+
			"actions.github.url in dx.yaml; on other hosts than GitHub, use --write and a branch of your own",
			identifier.RepositoryName(name), err)
	}
	return path, nil
}

// onGitHub returns a repository as owner/name, if it is on a server. address is its address, or "".
func onGitHub(name, address, server string) (string, error) {
	_, host, _ := strings.Cut(github.PagesURL(server), "://")
	path, err := identifier.RepositoryPath(name, "github", host)
	if err == nil && address != "" { // the slug alone does not tell the host
		_, err = identifier.RepositoryPath(address, "github", host)
	}
	return path, err
}

// committed returns an error if the changes were made to what the last commit does not have.
func committed(ctx context.Context, p pullRequest) error {
	if p.On == "none" || p.On == "" {
		return errors.New("proposing the changes: the directory is in no git repository with a commit")
	}
	open, err := checkout.Open(p.root)
	if err != nil {
		return err
	}
	names := make([]string, len(p.Files))
	for i, f := range p.Files {
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
