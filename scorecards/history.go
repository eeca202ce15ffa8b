package scorecards

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dxctl/dxctl/event"
)

// LevelChange is a time at which an entity's level or score by a scorecard changed.
type LevelChange struct {
	Scorecard string    `json:"scorecard"`
	At        time.Time `json:"at"`
	Level     string    `json:"level"` // empty: none
	Score     float64   `json:"score"` // as in Report
}

const historySQL = `SELECT scorecard, rule, level, outcome, valid_from FROM grade_history FINAL
WHERE entity = {entity:String} ORDER BY valid_from, seq`

// History returns how an entity's level and score changed, oldest first, by the scorecards that the engine has. A rule
// counts from its first grade on, with the level that it had then; one that the scorecard no longer has is left out.
func (e *Engine) History(ctx context.Context, store Querier, entity string) ([]LevelChange, error) {
	var rows []struct {
		Scorecard string    `ch:"scorecard"`
		Rule      string    `ch:"rule"`
		Level     string    `ch:"level"`
		Outcome   string    `ch:"outcome"`
		ValidFrom time.Time `ch:"valid_from"`
	}
	if err := store.Select(ctx, &rows, historySQL, map[string]any{"entity": entity}); err != nil {
		return nil, fmt.Errorf("read the grades' history of %s: %w", entity, err)
	}
	var changes []LevelChange
	for _, card := range e.cards {
		results := map[string]Result{}
		last := LevelChange{Score: -1}
		for i, row := range rows {
			if row.Scorecard == card.Name && card.has(row.Rule) {
				results[row.Rule] = Result{Rule: row.Rule, Level: row.Level, Outcome: event.Outcome(row.Outcome)}
			}
			sameTime := i+1 < len(rows) && rows[i+1].ValidFrom.Equal(row.ValidFrom)
			if sameTime || len(results) == 0 {
				continue // a refresh stores all of its grades with one time
			}
			now := card.standing(results)
			if now.Level != last.Level || now.Score != last.Score {
				now.At, last = row.ValidFrom, now
				changes = append(changes, now)
			}
		}
	}
	slices.SortStableFunc(changes, func(a, b LevelChange) int { return a.At.Compare(b.At) })
	return changes, nil
}

func (c *compiledCard) has(rule string) bool {
	return slices.ContainsFunc(c.Rules, func(r Rule) bool { return r.ID == rule })
}

// standing is the level and the score that the results give.
func (c *compiledCard) standing(results map[string]Result) LevelChange {
	var list []Result
	for _, r := range c.Rules {
		if result, ok := results[r.ID]; ok {
			list = append(list, result)
		}
	}
	report := newReport(c.Scorecard, "", list)
	return LevelChange{Scorecard: c.Name, Level: report.Level, Score: report.Score}
}
