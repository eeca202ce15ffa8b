package scorecards

import (
	"context"
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

// GradeHistorian returns the grades of an entity whenever they changed, oldest first; the store does.
type GradeHistorian interface {
	GradeHistory(ctx context.Context, entity string) ([]event.Grade, error)
}

// History returns how an entity's level and score changed, oldest first, by the scorecards that the engine has. A rule
// counts from its first grade on, with the level that it had then; one that the scorecard no longer has is left out.
func (e *Engine) History(ctx context.Context, store GradeHistorian, entity string) ([]LevelChange, error) {
	grades, err := store.GradeHistory(ctx, entity)
	if err != nil {
		return nil, err
	}
	var changes []LevelChange
	for _, card := range e.cards {
		results := map[string]Result{}
		last := LevelChange{Score: -1}
		for i, g := range grades {
			if g.Scorecard == card.Name && card.has(g.Rule) {
				results[g.Rule] = Result{Rule: g.Rule, Level: g.Level, Outcome: g.Outcome}
			}
			sameTime := i+1 < len(grades) && grades[i+1].EvaluatedAt.Equal(g.EvaluatedAt)
			if sameTime || len(results) == 0 {
				continue // a refresh stores all of its grades with one time
			}
			now := card.standing(results)
			if now.Level != last.Level || now.Score != last.Score {
				now.At, last = g.EvaluatedAt, now
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
