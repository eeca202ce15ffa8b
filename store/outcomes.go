package store

import (
	"context"
	"fmt"
	"time"

	"github.com/dxctl/dxctl/event"
)

// outcomeRow is a change of the outcome or of the version of a rule.
type outcomeRow struct {
	Entity      string    `ch:"entity"`
	Scorecard   string    `ch:"scorecard"`
	Rule        string    `ch:"rule"`
	RuleVersion uint32    `ch:"rule_version"`
	Outcome     string    `ch:"outcome"`
	ValidFrom   time.Time `ch:"valid_from"`
}

// outcomesSQL leaves out the rows in which only the reason changed: of a metric, it changes with every grading. Arrays
// take half the time of a window function here.
const outcomesSQL = `SELECT entity, scorecard, rule, change.4 AS rule_version, change.3 AS outcome,
    change.1 AS valid_from
FROM
(
    SELECT entity, scorecard, rule,
        arraySort(groupArray((valid_from, seq, toString(outcome), rule_version))) AS states,
        arrayFilter((state, before) -> state.3 != before.3 OR state.4 != before.4,
            states, arrayPushFront(arrayPopBack(states), (states[1].1, 0, '', 0))) AS changes
    FROM grade_history
    WHERE concat(scorecard, '/', rule) IN {rules:Array(String)} AND entity IN (SELECT ref FROM catalog_entities)
    GROUP BY entity, scorecard, rule%s
)
ARRAY JOIN changes AS change
ORDER BY entity, scorecard, rule, valid_from, change.2`

// repairedSQL selects what has failed at some time and was found to pass at another.
const repairedSQL = `
    HAVING countIf(outcome = 'fail') > 0 AND countIf(outcome IN ('pass', 'warn')) > 0`

// OutcomeChanges returns the grades of the entities of the catalog at which the outcome of a rule, or its version,
// changed: by entity, scorecard and rule, those of one rule of an entity from the oldest. They have no level, reason
// and URL. rules are the rules that are asked for: scorecard/rule.
func (s *Store) OutcomeChanges(ctx context.Context, rules []string) ([]event.Grade, error) {
	return s.outcomes(ctx, "", rules)
}

// RepairedOutcomes is OutcomeChanges of those rules of entities only that have failed and were found to pass, in
// whatever order.
func (s *Store) RepairedOutcomes(ctx context.Context, rules []string) ([]event.Grade, error) {
	return s.outcomes(ctx, repairedSQL, rules)
}

func (s *Store) outcomes(ctx context.Context, which string, rules []string) ([]event.Grade, error) {
	var found []outcomeRow
	err := s.Select(ctx, &found, fmt.Sprintf(outcomesSQL, which), map[string]any{"rules": append([]string{}, rules...)})
	if err != nil {
		return nil, fmt.Errorf("reading how the outcomes of %d rules changed: %w", len(rules), err)
	}
	grades := make([]event.Grade, len(found))
	for i := range found {
		r := &found[i]
		grades[i] = event.Grade{Entity: r.Entity, Scorecard: r.Scorecard, Rule: r.Rule, RuleVersion: r.RuleVersion,
			Outcome: event.Outcome(r.Outcome), EvaluatedAt: r.ValidFrom}
	}
	return grades, nil
}
