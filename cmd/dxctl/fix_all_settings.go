package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/dxctl/dxctl/actions/batch"
	"github.com/dxctl/dxctl/actions/create"
	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/metrics"
)

// productionOf returns the names of environments for production, in lower case.
func productionOf(cfg config.Config) []string {
	var names []string
	for _, name := range cfg.Environments[metrics.Production] {
		names = append(names, strings.ToLower(name))
	}
	return names
}

// reviewersOf asks for each reviewer once: a team owns many services.
func reviewersOf(host *github.Host) func(context.Context, string) (settings.Reviewer, error) {
	type answer struct {
		settings.Reviewer
		err error
	}
	var mutex sync.Mutex
	known := map[string]answer{}
	return func(ctx context.Context, word string) (settings.Reviewer, error) {
		mutex.Lock()
		defer mutex.Unlock()
		a, found := known[word]
		if !found {
			a.Reviewer, a.err = host.Reviewer(ctx, word)
			if a.err == nil || errors.Is(a.err, github.ErrNoReviewer) {
				known[word] = a
			}
		}
		return a.Reviewer, a.err
	}
}

// planSettings adds to an item the settings that its rules need and that no patch makes unnecessary. What cannot be
// read is left, with the reason: it does not keep the pull request from being opened.
func (f *fixer) planSettings(ctx context.Context, item *batch.Item, head github.Head, s batch.Settings, plan *fix.Plan,
) error {
	want := settings.Want{Checks: s.Checks}
	for i := range plan.Rules {
		r := &plan.Rules[i]
		reason := r.Declined
		if reason == "" && r.Passes() {
			reason = "its pull request makes it pass"
		}
		switch {
		case !slices.Contains(settings.IDs(), r.ID) || slices.Contains(want.Rules, r.ID):
		case reason != "":
			item.Left = append(item.Left, settings.Left{Rule: r.ID, Reason: reason})
		default:
			want.Rules = append(want.Rules, r.ID)
		}
	}
	if len(want.Rules) == 0 {
		return nil
	}
	left := func(reason string) {
		for _, rule := range want.Rules {
			item.Left = append(item.Left, settings.Left{Rule: rule, Reason: reason})
		}
	}
	if head.Settings != "" {
		left(head.Settings)
		return nil
	}
	planned, err := f.settingsOf(ctx, head, s, plan, want)
	if err != nil && (errors.Is(err, rest.ErrUnauthorized) || ctx.Err() != nil) {
		return err
	}
	if err != nil {
		left(err.Error())
		return nil
	}
	item.Changes, item.Notes = planned.Changes, planned.Notes
	item.Left = append(item.Left, planned.Left...)
	return nil
}

// settingsOf plans the settings of a repository, by what was collected of it and by what is read of what is to change.
func (f *fixer) settingsOf(
	ctx context.Context, head github.Head, s batch.Settings, plan *fix.Plan, want settings.Want,
) (settings.Planned, error) {
	known, _, err := f.KnownSettings(ctx, plan.Service, f.changed[plan.Service.Ref])
	if err != nil {
		return settings.Planned{}, err
	}
	workflows := hasWorkflows(plan.Root)
	ask := settings.Ask{Repository: head.Repository, Branch: head.Branch, Production: f.production, Want: want,
		Known: known, Workflows: &workflows}
	words := s.Reviewers
	if team := create.TeamOf(plan.Service.Owner); len(words) == 0 && team != "" {
		owner, _, _ := strings.Cut(head.Repository, "/")
		words = []string{owner + "/" + team}
	}
	if !slices.Contains(settings.Open(known, want), "production-protected") {
		words = nil
	}
	for _, word := range words {
		reviewer, err := f.reviewer(ctx, word)
		if err == nil {
			ask.Want.Reviewers = append(ask.Want.Reviewers, reviewer)
		} else if len(s.Reviewers) > 0 || !errors.Is(err, github.ErrNoReviewer) {
			return settings.Planned{}, err
		}
	}
	state, err := f.host.Settings(ctx, ask)
	if err != nil {
		return settings.Planned{}, err
	}
	return settings.Plan(state, ask.Want)
}

// hasWorkflows reports whether a directory has workflows of GitHub.
func hasWorkflows(root string) bool {
	files, err := os.ReadDir(filepath.Join(root, ".github", "workflows"))
	return err == nil && slices.ContainsFunc(files, func(f os.DirEntry) bool {
		return strings.HasSuffix(f.Name(), ".yml") || strings.HasSuffix(f.Name(), ".yaml")
	})
}
