package create

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/collectors/rest"
)

// The steps of a creation on GitHub.
const (
	stepRepository = "create the repository"
	stepPush       = "push the first commit"
	stepSettings   = "apply the settings"
)

// Begin returns the journal of a creation that begins. It returns an error if one of the same service has not ended.
func (a *Action) Begin(ctx context.Context, p actions.Plan, run string) (*Journal, error) {
	name := p.Input.Text(NameField)
	if err := a.unfinished(name); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(p.Input)
	if err != nil {
		return nil, fmt.Errorf("writing the journal of %s: %w", name, err)
	}
	j := &Journal{
		Version: journalVersion, Run: run, Input: raw, Plan: p.Digest(), On: p.On,
		// git has seconds, and the run that is recorded has milliseconds.
		StartedAt: a.Now().UTC().Truncate(time.Millisecond),
		Files:     map[string]string{}, Wanted: p.Input.Text(RepositoryField),
		OwnerType: p.On["owner"], file: journalName(a.Journals, name),
	}
	if j.Wanted == "" {
		t := Target{Name: name}
		if err := a.target(ctx, &actions.Plan{Input: p.Input, On: map[string]string{}}, &t); err != nil {
			return nil, err
		}
		j.Dir, j.MadeDir, j.MadeGit = t.Dir, j.On["directory"] != emptyRepository, t.InRepo == ""
	}
	for _, f := range p.Files {
		j.Files[f.Path] = hash(f.After)
	}
	return j, nil
}

// unfinished returns an error if a creation of the service has begun here and has not ended. Without it, what is left
// of that creation would be taken for a service of somebody else.
func (a *Action) unfinished(name string) error {
	if a.Journals == "" || name == "" {
		return nil
	}
	old, err := ReadJournal(a.Journals, name)
	var none *NoJournalError
	switch {
	case errors.As(err, &none):
		return nil
	case err != nil:
		return err
	case !old.Finished():
		return fmt.Errorf("the creation of %s that began on %s has not ended: add --resume to continue it, or --cleanup to "+
			"undo it", name, old.StartedAt.Format(time.DateTime))
	}
	return nil
}

// Apply creates the service, or continues creating it, by the journal in Resume.
func (a *Action) Apply(ctx context.Context, p actions.Plan, progress func(actions.Step)) (url string, err error) {
	j := a.Resume
	if j == nil {
		return "", errors.New("creating a service: no journal was begun")
	}
	if err := j.save(); err != nil {
		return "", err
	}
	if j.Wanted == "" {
		err = a.local(ctx, p, j, progress)
	} else {
		url, err = a.hosted(ctx, p, j, progress)
	}
	if err != nil {
		return url, err
	}
	j.FinishedAt = a.Now().UTC()
	return url, j.save()
}

// hosted creates the repository and pushes the files.
func (a *Action) hosted(ctx context.Context, p actions.Plan, j *Journal, progress func(actions.Step)) (string, error) {
	host, err := a.hostOf()
	if err != nil {
		return "", err
	}
	t := Target{Workflows: workflows(p.Files)}
	if err := a.repositoryTarget(ctx, &actions.Plan{Input: p.Input, On: map[string]string{}}, &t, j.Wanted); err != nil {
		return "", err
	}
	err = j.step(stepRepository, progress, func() (string, error) { return a.repository(ctx, host, *t.Repository, j) })
	if err != nil {
		return "", err
	}
	url := j.Repository.HTMLURL
	err = j.step(stepPush, progress, func() (string, error) { return push(ctx, host, p, j) })
	if err != nil || !p.Input.Bool(SettingsField) {
		return url, err
	}
	return url, j.step(stepSettings, progress, func() (string, error) { return applySettings(ctx, host, p, j) })
}

// repository creates the repository. One that an earlier attempt created whose answer was lost is recognized, see ours.
func (a *Action) repository(ctx context.Context, host *github.Host, r github.Repository, j *Journal) (string, error) {
	found, err := host.Find(ctx, r.FullName())
	if err != nil {
		return "", err
	}
	if found != nil {
		if j.Commits, err = a.ours(ctx, host, found, r.Description, j); err != nil {
			return "", err
		}
		j.Repository = found
		return found.HTMLURL, nil
	}
	// Saved before: only a repository that was asked for can be taken for ours when the answer is lost.
	j.Sent = true
	if err := j.save(); err != nil {
		return "", err
	}
	if found, err = host.Create(ctx, r, j.OwnerType); err != nil {
		j.Sent = !github.Refused(err)
		return "", err
	}
	j.Repository = found
	if j.Commits, err = host.FirstCommit(ctx, found); err != nil {
		return "", err
	}
	return found.HTMLURL, nil
}

// clockSkew is how far the clocks of GitHub and of this machine may differ.
const clockSkew = 2 * time.Minute

// ours returns the commits of a repository that an earlier attempt created without getting an answer. It returns an
// error for any other one: it was not asked for, is older, has another description, or has more than GitHub's first
// commit.
func (a *Action) ours(ctx context.Context, host *github.Host, found *github.Created, description string, j *Journal) (
	[]string, error) {
	switch {
	case j.Repository != nil && j.Repository.ID == found.ID: // the answer came, and what followed it did not
	case !j.Sent:
		return nil, fmt.Errorf("the repository %s exists already: %w: it was created since the plan was made", found.FullName,
			github.ErrForeign)
	case found.CreatedAt.Before(j.StartedAt.Add(-clockSkew)):
		return nil, fmt.Errorf("%s: %w: it was created on %s, before this creation began", found.FullName, github.ErrForeign,
			found.CreatedAt.Format(time.DateTime))
	case found.Description != description:
		return nil, fmt.Errorf("%s: %w: it has another description", found.FullName, github.ErrForeign)
	}
	commits, err := host.FirstCommit(ctx, found)
	if err == nil && len(commits) > 0 && j.Repository == nil {
		err = host.Generated(ctx, found, commits[0])
	}
	if err != nil {
		return nil, err
	}
	foreign, err := host.Foreign(ctx, found, commits)
	if err == nil && len(foreign) > 0 {
		err = fmt.Errorf("%s: %w: %s", found.FullName, github.ErrForeign, foreign[0])
	}
	return commits, err
}

// push pushes the files as the first commit.
func push(ctx context.Context, host *github.Host, p actions.Plan, j *Journal) (string, error) {
	if j.Pushed == "" {
		commit, err := host.Push(ctx, j.Repository.FullName, p.Files, message(p))
		if err != nil {
			return "", err
		}
		j.Pushed = commit
		if err := j.save(); err != nil {
			return "", err
		}
	}
	commit := j.Pushed
	if err := host.Move(ctx, j.Repository, commit, j.Commits); err != nil {
		return "", err
	}
	return fmt.Sprintf("%.12s on %s", commit, github.Branch), nil
}

// applySettings sends the requests of the plan that are settings. One that GitHub does not offer to the repository, or
// refuses, does not keep the others from it: the note names it, and `dxctl fix --settings` shows what is left. An
// environment that somebody has protected since, because the creation was interrupted, stays as it is.
func applySettings(ctx context.Context, host *github.Host, p actions.Plan, j *Journal) (string, error) {
	n := 0
	var refused []string
	for _, r := range p.Requests {
		if !r.Setting {
			continue
		}
		kept, set, err := protectedSince(ctx, host, j.Repository.FullName, r)
		if err != nil {
			return "", err
		}
		if set {
			n++
			continue
		}
		if kept != "" {
			refused = append(refused, kept)
			continue
		}
		err = host.Send(ctx, r)
		switch {
		case github.Exists(err), err == nil:
			n++
		case errors.Is(err, settings.ErrNotOffered), github.Refused(err) && !errors.Is(err, rest.ErrUnauthorized):
			refused = append(refused, err.Error())
		default:
			return "", err
		}
	}
	note := fmt.Sprintf("%d requests", n)
	if len(refused) > 0 {
		note += "; not set: " + strings.Join(refused, "; ")
	}
	return note, nil
}

// protectedSince says why a request is not sent: it would replace what somebody has set, or may have. set is whether it
// need not be sent. Of other requests, both are empty.
func protectedSince(ctx context.Context, host *github.Host, repository string, r actions.Request) (
	kept string, set bool, err error) {
	key := settings.EnvironmentOf(r)
	if key == "" {
		return "", false, nil
	}
	now, err := host.Values(ctx, repository, []string{key})
	if err != nil {
		return "", false, err
	}
	if reason := now.WhyUnread(key); reason != "" {
		return "the " + key + ", because its protection could not be read: it is left as it is (" + reason + ")", false, nil
	}
	value, exists := now.Values[key]
	switch {
	case exists && settings.IsSet(r, value):
		return "", true, nil
	case exists && !settings.MayReplace(value):
		return "the " + key + ", which somebody has protected otherwise since: it is left as it is", false, nil
	}
	return "", false, nil
}
