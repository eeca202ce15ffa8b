package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/batch"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/store"
)

// openedIssue is an issue that dxctl opened.
type openedIssue struct {
	rule, url string
	at        time.Time
}

// closings returns the issues, by entity, that dxctl opened and whose rules pass since, by a fact that was observed
// after the issue was opened. One that dxctl closed before is not closed again.
func closings(ctx context.Context, s *store.Store, services []report.Service) (
	map[string][]github.IssueClosing, error) {
	steps, runs, err := s.ActionStepsNamed(ctx, batchAction, batch.IssueStep)
	if err != nil {
		return nil, err
	}
	closed, _, err := s.ActionStepsNamed(ctx, batchAction, batch.ClosingStep)
	if err != nil {
		return nil, err
	}
	return closable(steps, closed, runs, services), nil
}

// closable returns the issues of steps that opened some, without those of steps that closed them, by entity.
func closable(steps, closed []event.ActionStep, runs map[string]event.ActionRun, services []report.Service,
) map[string][]github.IssueClosing {
	done := map[string]bool{}
	for _, step := range closed {
		done[step.URL] = true // whatever was found then: somebody may have reopened it
	}
	opened := map[string][]openedIssue{}
	for _, step := range steps {
		rule := strings.TrimPrefix(step.Name, batch.IssueStep)
		ref := runs[step.Run].Entity
		known := slices.ContainsFunc(opened[ref], func(o openedIssue) bool { return o.url == step.URL })
		if step.URL != "" && strings.HasPrefix(step.Note, "opened") && !done[step.URL] && !known {
			opened[ref] = append(opened[ref], openedIssue{rule, step.URL, step.At})
		}
	}
	all := map[string][]github.IssueClosing{}
	for _, service := range services {
		ref := service.Entity.Ref
		for _, o := range opened[ref] {
			if note := passesSince(service.Reports, o); note != "" {
				all[ref] = append(all[ref], github.IssueClosing{Rule: o.rule, Mark: github.IssueMark(ref, o.rule), URL: o.url,
					Note: note})
			}
		}
	}
	return all
}

// passesSince returns the comment with which an issue is closed: the latest fact by which its rule passes; "" if it
// does not pass everywhere, or by no fact that was observed since the issue was opened.
func passesSince(reports []scorecards.Report, o openedIssue) string {
	var latest scorecards.FactUsed
	for i := range reports {
		for k := range reports[i].Results {
			x := &reports[i].Results[k]
			if x.Rule != o.rule {
				continue
			}
			if x.Outcome != event.Pass {
				return ""
			}
			for _, fact := range x.FactsUsed() {
				if fact.ObservedAt.After(o.at) && fact.ObservedAt.After(latest.ObservedAt) {
					latest = fact
				}
			}
		}
	}
	if latest.Name == "" {
		return ""
	}
	return fmt.Sprintf("dxctl: the rule %s passes now: %s is %s, observed at %s by %s. "+
		"Reopen this issue to follow it again.",
		actions.InlineCode(o.rule), actions.InlineCode(latest.Name), actions.InlineCode(latest.Value),
		latest.ObservedAt.UTC().Format(time.RFC3339), latest.Source)
}

// closingsOf returns the issues of an entity that are closed, of some rules; none: of all.
func (f *fixer) closingsOf(ref string, rules []string) []github.IssueClosing {
	return ofRules(f.passing[ref], rules)
}

// ofRules returns the issues of some rules; none: of all.
func ofRules(all []github.IssueClosing, rules []string) []github.IssueClosing {
	return slices.DeleteFunc(slices.Clone(all), func(c github.IssueClosing) bool {
		return len(rules) > 0 && !slices.Contains(rules, c.Rule)
	})
}

// loadClosings finds the issues that are closed, for a batch that goes on.
func (f *fixer) loadClosings(ctx context.Context) error {
	reader, err := f.Reader()
	if err != nil {
		return err
	}
	services, err := reader.Services(ctx)
	if err != nil {
		return err
	}
	f.passing, err = closings(ctx, f.Store, services.List)
	return err
}
