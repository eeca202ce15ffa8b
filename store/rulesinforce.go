package store

import (
	"context"
	"fmt"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/rows"
)

// prepareRules returns what stores by which rules grades were given, where they are others than before.
func prepareRules(ctx context.Context, s *Store, grades []event.Grade) (func(context.Context) error, error) {
	given := rows.Rules(grades)
	if len(given) == 0 {
		return func(context.Context) error { return nil }, nil
	}
	cards := map[string]bool{}
	for _, r := range given {
		cards[r.Scorecard] = true
	}
	stored, err := selectRows[rows.RulesHistory](ctx, s, "rules_history WHERE scorecard IN {cards:Array(String)} "+
		"ORDER BY scorecard, seq DESC LIMIT 1 BY scorecard", map[string]any{"cards": keys(cards)})
	if err != nil {
		return nil, fmt.Errorf("looking up the rules of %d scorecards: %w", len(cards), err)
	}
	last := make(map[string]string, len(stored))
	for _, r := range stored {
		last[r.Scorecard] = r.Digest
	}
	var changed []rows.RulesHistory
	for _, r := range given {
		if last[r.Scorecard] != r.Digest {
			last[r.Scorecard] = r.Digest
			changed = append(changed, r)
		}
	}
	return func(ctx context.Context) error {
		return appendRows(ctx, s, "rules_history", changed, func(r *rows.RulesHistory) rows.RulesHistory { return *r })
	}, nil
}

// RulesHistory returns the rules by which each scorecard graded since when, oldest first. What was graded before the
// digests of rules were recorded is not in it.
func (s *Store) RulesHistory(ctx context.Context) ([]event.RulesInForce, error) {
	found, err := selectRows[rows.RulesHistory](ctx, s, "rules_history FINAL ORDER BY valid_from, seq", nil)
	if err != nil {
		return nil, fmt.Errorf("reading the history of the rules: %w", err)
	}
	all := make([]event.RulesInForce, len(found))
	for i, r := range found {
		all[i] = event.RulesInForce{Scorecard: r.Scorecard, Digest: r.Digest, Since: r.ValidFrom.UTC()}
	}
	return all, nil
}
