package batch

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/event"
)

// shareSettings moves the changes of settings that services of one repository need to the first one of them: each was
// planned on what is there before any of them is made.
func shareSettings(items []Item) {
	first := map[string]int{}
	for i := range items {
		item := &items[i]
		if len(item.Changes) == 0 {
			continue
		}
		k, found := first[item.Proposal.Repository]
		if !found {
			first[item.Proposal.Repository] = i
			continue
		}
		if items[k].share(item) > 0 {
			item.SetWith = items[k].Entity
		}
		item.Changes = nil
	}
}

// share adds to an item the changes of settings that another service of the repository needs, and returns how many.
// What cannot be merged is left.
func (i *Item) share(other *Item) (shared int) {
	i.Changes = slices.Clone(i.Changes)
	for _, c := range other.Changes {
		k := slices.IndexFunc(i.Changes, func(has settings.Change) bool { return has.Setting == c.Setting })
		if k < 0 {
			c.Entities = []string{other.Entity}
			i.Changes = append(i.Changes, c)
			shared++
			continue
		}
		merged, err := settings.Merge(i.Changes[k], c)
		if err != nil {
			reason := fmt.Sprintf("%s and %s need different things of the %s: %v", i.Entity, other.Entity, c.Setting, err)
			for _, rule := range c.Rules {
				other.Left = append(other.Left, settings.Left{Rule: rule, Reason: reason})
			}
			continue
		}
		if settings.SharesReviewers(merged, i.Changes[k], c) {
			i.note(fmt.Sprintf("the %s of %s gets the reviewers of %s and those of %s: each of them can approve the "+
				"deployments of both", c.Setting, i.Proposal.Repository, strings.Join(i.neededBy(k), ", "), other.Entity))
		}
		merged.Entities = append(slices.Clone(merged.Entities), other.Entity)
		i.Changes[k] = merged
		shared++
	}
	// The ruleset comes first, as in the plan of one service: it is what others rest on.
	slices.SortStableFunc(i.Changes, func(a, b settings.Change) int { return isRuleset(b) - isRuleset(a) })
	for _, note := range other.Notes {
		i.note(note)
	}
	return shared
}

func (i *Item) note(text string) {
	if !slices.Contains(i.Notes, text) {
		i.Notes = append(slices.Clip(i.Notes), text)
	}
}

// neededBy returns the services that need a change.
func (i *Item) neededBy(change int) []string {
	return append([]string{i.Entity}, i.Changes[change].Entities...)
}

func isRuleset(c settings.Change) int {
	if c.Setting == settings.Ruleset {
		return 1
	}
	return 0
}

// again plans a run again, with the settings that other services of its repository need and that it makes for them.
func (w *work) again(ctx context.Context, run *event.ActionRun, head github.Head) (Item, error) {
	item, err := w.Again(ctx, *run, head, w.settings)
	if err != nil {
		return item, err
	}
	var entities []string
	for _, step := range w.Set[run.ID] {
		var c settings.Change
		if !settings.Pending(step) {
			continue
		}
		if err := json.Unmarshal([]byte(step.Undo), &c); err != nil {
			return item, fmt.Errorf("reading step %d of the run %s: %w", step.Number, run.ID, err)
		}
		for _, entity := range c.Entities {
			if !slices.Contains(entities, entity) {
				entities = append(entities, entity)
			}
		}
	}
	for _, entity := range entities {
		of := *run
		of.Entity = entity
		other, err := w.Again(ctx, of, head, w.settings)
		if err != nil {
			return item, fmt.Errorf("planning the settings that %s needs: %w", entity, err)
		}
		item.share(&other)
		item.Left = append(slices.Clip(item.Left), other.Left...)
	}
	return item, nil
}
