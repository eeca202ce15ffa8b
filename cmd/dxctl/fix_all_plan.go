package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/actions/batch"
	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/spelling"
)

// planners is how many repositories are planned at the same time.
const planners = 4

// planAll plans a batch: it selects services by what is stored, and reads the files of their repositories.
func (f *fixer) planAll(ctx context.Context, o fixOptions) (*batch.Plan, error) {
	s := batch.Settings{
		GoldenPath: o.input.Text(fix.PathField), Rules: o.input.List(fix.RulesField),
		Answers: o.input.Texts(fix.AnswersField), Issues: o.issues, Set: o.settings, Checks: o.checks,
		Reviewers: o.reviewers, Selection: o.all.selection(),
		Waves: o.all.waves, Limit: float64(o.all.limit) / 100, Settle: o.all.settle, Wait: o.all.wait,
	}
	services, err := f.selected(ctx, o)
	if err != nil {
		return nil, err
	}
	before, err := f.remembered(ctx)
	if err != nil {
		return nil, err
	}
	var left []batch.Left
	var entities []descriptor.Entity
	var names []string
	for _, e := range services {
		name, address := e.Repository()
		if name == "" {
			left = append(left, batch.Left{Entity: e.Ref, Reason: "its descriptor has no annotation github.com/project-slug"})
			continue
		}
		repository, err := onGitHub(name, address, f.server)
		if f.sources.Covers(github.PagesURL(f.server), name) != "" { // a slug without a host, of a server of our own
			repository, err = name, nil
		}
		if err != nil {
			left = append(left, batch.Left{Entity: e.Ref, Reason: err.Error()})
			continue
		}
		entities, names = append(entities, e), append(names, repository)
	}
	heads, err := f.host.Heads(ctx, names)
	if err != nil {
		return nil, err
	}
	if f.host.Bulk().REST {
		f.runner.Tell("%s offers no GraphQL: repositories and checks are read one by one, which takes more requests",
			f.host.API())
	}
	items, failed, err := f.items(ctx, entities, heads, s, before)
	if err != nil {
		return nil, err
	}
	//nolint:contextcheck // the forecast waits for a clock of its own
	return batch.New(s, items, append(left, failed...), github.PublishedLimits, f.host.Bulk())
}

// items plans the services of repositories, several at a time. One that cannot be planned is left out, with the reason.
func (f *fixer) items(ctx context.Context, entities []descriptor.Entity, heads []github.Head, s batch.Settings,
	before map[string]event.ActionRun) (items []batch.Item, left []batch.Left, err error) {
	planned := make([]batch.Item, len(entities))
	reasons := make([]batch.Left, len(entities))
	var done atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(planners)
	for i, e := range entities {
		group.Go(func() error {
			reasons[i].Entity = e.Ref
			if reasons[i].Reason = heads[i].Problem; reasons[i].Reason != "" {
				return nil
			}
			item, err := f.item(ctx, e, heads[i], s)
			switch {
			case errors.Is(err, rest.ErrUnauthorized) || ctx.Err() != nil:
				return err
			case err != nil:
				reasons[i].Reason, reasons[i].Failed = err.Error(), true
			default:
				planned[i], reasons[i].Reason = item, nothing(item, before[e.Ref])
			}
			if n := done.Add(1); n%25 == 0 {
				f.runner.Tell("planned %d of %d repositories", n, len(entities))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	for i := range planned {
		if reasons[i].Reason != "" {
			left = append(left, reasons[i])
		} else {
			items = append(items, planned[i])
		}
	}
	return items, left, nil
}

// nothing returns why nothing is proposed to a service, by what is known of it; "" if something is.
func nothing(item batch.Item, before event.ActionRun) string {
	switch {
	case len(item.Issues)+len(item.Closings)+len(item.Changes) > 0:
		return ""
	case before.Outcome == string(github.Declined) && before.Patch == item.Proposal.Patch():
		return "declined: " + before.URL + " with the same changes was closed without being merged"
	case len(item.Proposal.Files) > 0:
		return ""
	case item.Proposal.Partial || item.Proposal.Blocked || !openBefore(before):
		return "no patch makes a rule pass"
	}
	return "" // its pull request is closed
}

// openBefore reports whether a run left a pull request that was open when it was looked at.
func openBefore(run event.ActionRun) bool {
	open := []string{string(github.Opened), string(github.Updated), string(github.Unchanged)}
	return run.Pull > 0 && slices.Contains(open, run.Outcome)
}

// item plans the fixes of a service.
func (f *fixer) item(ctx context.Context, e descriptor.Entity, head github.Head, s batch.Settings) (
	item batch.Item, err error,
) {
	err = f.unpacked(ctx, head, func(root string) error {
		plan, err := f.PlanFix(ctx, app.FixRequest{
			Entity: e, Root: root, Commit: head.Commit, Rules: s.Rules, GoldenPath: s.GoldenPath, Answers: s.Answers,
			Paths: f.golden, Resolve: f.resolve,
		})
		if err != nil {
			return err
		}
		title, body := plan.PullRequest()
		item = batch.Item{Entity: e.Ref, Private: head.Private, Checks: head.Checks, Rules: plan.Passing()}
		item.Proposal = github.Proposal{
			Repository: head.Repository, Base: head.Branch, On: head.Commit, Tree: head.Tree,
			Branch: plan.Branch(), Files: plan.Files, Message: title, Title: title, Body: body,
			Partial: len(s.Rules) > 0, Blocked: len(plan.Conflicts) > 0,
		}
		if s.Issues {
			item.Issues, item.Closings = issuesOf(plan), f.closingsOf(e.Ref, s.Rules)
		}
		if s.Set {
			if err := f.planSettings(ctx, &item, head, s, plan); err != nil {
				return err
			}
			item.Issues = withoutSet(item.Issues, item.Changes)
		}
		return nil
	})
	return item, err
}

// remembered returns the last run of each service, after what has become of open pull requests was recorded.
func (f *fixer) remembered(ctx context.Context) (map[string]event.ActionRun, error) {
	runs, err := f.Store.ActionRunsOf(ctx, batchAction)
	if err != nil {
		return nil, err
	}
	var left []event.ActionRun
	for _, run := range runs {
		if openBefore(run) && run.Repository != "" {
			left = append(left, run)
		}
	}
	steps, err := f.steps(ctx, left)
	if err != nil {
		return nil, err
	}
	open := batch.NewState(event.ActionBatch{}, left, steps)
	if open, err = f.runner.Refresh(ctx, open); err != nil {
		return nil, err
	}
	last := map[string]event.ActionRun{}
	for _, run := range slices.Concat(open.Runs, runs) {
		if known, ok := last[run.Entity]; !ok || run.FinishedAt.After(known.FinishedAt) {
			last[run.Entity] = run
		}
	}
	return last, nil
}

// selection describes the filters.
func (o *fixAllOptions) selection() string {
	var parts []string
	for _, f := range []struct{ name, value string }{
		{"team", o.team}, {"scorecard", o.scorecard}, {"level", o.level}, {"filter", o.filter},
	} {
		if f.value != "" {
			parts = append(parts, f.name+" "+f.value)
		}
	}
	if len(parts) == 0 {
		return "all services"
	}
	return strings.Join(parts, ", ")
}

// selected returns the services that the filters select and that do not meet a rule.
func (f *fixer) selected(ctx context.Context, o fixOptions) ([]descriptor.Entity, error) {
	filter, mistakes := scorecards.CompileFilter(o.all.filter)
	for _, m := range mistakes {
		return nil, fmt.Errorf("--filter, character %d: %s", m.Offset+1, m.Message)
	}
	owned, err := f.ownedBy(o.all.team)
	if err != nil {
		return nil, err
	}
	if err := f.knows(o); err != nil {
		return nil, err
	}
	reader, err := f.Reader()
	if err != nil {
		return nil, err
	}
	services, err := reader.Services(ctx)
	if err != nil {
		return nil, err
	}
	if o.issues {
		if f.passing, err = closings(ctx, f.Store, services.List); err != nil {
			return nil, err
		}
	}
	var selected []descriptor.Entity
	for i := range services.List {
		one := &services.List[i]
		closes := len(f.closingsOf(one.Entity.Ref, o.input.List(fix.RulesField))) > 0
		if owned != nil && !slices.Contains(owned, one.Entity.Ref) || !closes && !unmet(one, o) {
			continue
		}
		takes, err := filter.Takes(one.Entity, f.now())
		if err != nil {
			return nil, fmt.Errorf("--filter for %s: %w", one.Entity.Ref, err)
		}
		if takes {
			selected = append(selected, one.Entity)
		}
	}
	return selected, nil
}

// ownedBy returns the services of a team; nil if none is named.
func (f *fixer) ownedBy(team string) ([]string, error) {
	if team == "" {
		return nil, nil
	}
	ref, err := identifier.ParseRef(team, "group", "")
	if err != nil {
		return nil, fmt.Errorf("--team: %w", err)
	}
	if _, ok := f.Catalog().Entity(ref.String()); !ok && len(f.Catalog().OwnedBy(team)) == 0 {
		return nil, fmt.Errorf("--team %s: the catalog has no such team", team)
	}
	return append([]string{}, f.Catalog().OwnedBy(team)...), nil
}

// knows returns an error for a scorecard, a level or a rule that there is none of.
func (f *fixer) knows(o fixOptions) error {
	var cards, levels, rules []string
	for _, card := range f.Scorecards() {
		if cards = append(cards, card.Name); o.all.scorecard != "" && card.Name != o.all.scorecard {
			continue
		}
		for _, level := range card.Levels {
			levels = append(levels, words.Level(level))
		}
		for i := range card.Rules {
			rules = append(rules, card.Rules[i].ID)
		}
	}
	for _, w := range []struct {
		flag, value string
		all         []string
	}{
		{"--scorecard", o.all.scorecard, cards},
		{"--level", strings.ToLower(o.all.level), append(levels, words.Level(""))},
	} {
		if w.value != "" && !slices.Contains(w.all, w.value) {
			return unknownWord(w.flag, w.value, w.all)
		}
	}
	for _, rule := range o.input.List(fix.RulesField) {
		if !slices.Contains(rules, rule) {
			return fmt.Errorf("--rule %s: no scorecard has this rule%s", rule, spelling.Hint(rule, rules))
		}
	}
	return nil
}

// unmet reports whether a scorecard that the flags select has the level, and a rule of it is not met.
func unmet(s *report.Service, o fixOptions) bool {
	rules := o.input.List(fix.RulesField)
	for i := range s.Reports {
		r := &s.Reports[i]
		if o.all.scorecard != "" && r.Scorecard != o.all.scorecard ||
			o.all.level != "" && words.Level(r.Level) != strings.ToLower(o.all.level) {
			continue
		}
		for k := range r.Results {
			x := &r.Results[k]
			open := x.Outcome == event.Fail || x.Outcome == event.Warn || x.Outcome == event.Unknown
			if open && (len(rules) == 0 || slices.Contains(rules, x.Rule)) {
				return true
			}
		}
	}
	return false
}
