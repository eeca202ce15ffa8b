package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dxctl/dxctl/event"
)

// How many facts or grades are compared with the stored ones at a time, and of how many entities: their refs stand in
// the query. What is known of some thousand services fits.
const (
	compareRows     = 100_000
	compareEntities = 5_000
)

// compared returns how many of the first rows are compared at a time.
func compared[R any](rows []R, entity func(*R) string) int {
	entities, last := map[string]bool{}, ""
	for i := range rows[:min(len(rows), compareRows)] {
		if e := entity(&rows[i]); i == 0 || e != last {
			if !entities[e] && len(entities) == compareEntities {
				return i
			}
			entities[e], last = true, e
		}
	}
	return min(len(rows), compareRows)
}

// appendFacts writes what changed to fact_history, then what holds to current_facts. The history comes first and is
// what new facts are compared with, so that an end of the process between the two neither loses nor doubles a change.
func (s *Store) appendFacts(ctx context.Context, facts []event.Fact) error {
	s.observed.Lock()
	defer s.observed.Unlock()
	for len(facts) > 0 {
		n := compared(facts, func(f *event.Fact) string { return f.Entity })
		changed, err := s.changedFacts(ctx, facts[:n])
		if err != nil {
			return err
		}
		if err := appendRows(ctx, s, "fact_history", changed, factHistoryColumns); err != nil {
			return err
		}
		if err := appendRows(ctx, s, "current_facts", facts[:n], factColumns); err != nil {
			return err
		}
		facts = facts[n:]
	}
	return nil
}

type factKey struct{ entity, fact, source string }

type factState struct{ kind, value, err string }

// changedFacts returns the facts that differ from the last one of the same entity, name and source.
func (s *Store) changedFacts(ctx context.Context, facts []event.Fact) ([]event.Fact, error) {
	var stored []struct {
		Entity string `ch:"entity"`
		Fact   string `ch:"fact"`
		Source string `ch:"source"`
		Type   string `ch:"type"`
		Value  string `ch:"value"`
		Error  string `ch:"error"`
	}
	entities, names := map[string]bool{}, map[string]bool{}
	for _, f := range facts {
		entities[f.Entity], names[f.Name] = true, true
	}
	err := s.Select(ctx, &stored, `SELECT entity, fact, source, type, value, error FROM fact_history
WHERE entity IN {entities:Array(String)} AND fact IN {facts:Array(String)}
ORDER BY entity, fact, source, seq DESC LIMIT 1 BY entity, fact, source`, map[string]any{"entities": keys(entities), "facts": keys(names)})
	if err != nil {
		return nil, fmt.Errorf("comparing facts with the stored ones: %w", err)
	}
	last := make(map[factKey]factState, len(stored))
	for _, f := range stored {
		last[factKey{f.Entity, f.Fact, f.Source}] = factState{f.Type, f.Value, f.Error}
	}
	var changed []event.Fact
	for _, f := range facts {
		key, state := factKey{f.Entity, f.Name, f.Source}, factState{string(f.Type), factValue(&f), f.Error}
		if before, known := last[key]; !known || before != state {
			changed = append(changed, f)
			last[key] = state
		}
	}
	return changed, nil
}

// factValue returns the value as it is stored: compact JSON, empty where there is an error instead.
func factValue(f *event.Fact) string {
	if f.Error != "" || len(f.Value) == 0 {
		return ""
	}
	if plain(f.Value) {
		return string(f.Value)
	}
	var v any
	if err := json.Unmarshal(f.Value, &v); err != nil {
		return string(f.Value)
	}
	if _, isNumber := v.(float64); isNumber {
		return string(f.Value) // a number keeps its digits
	}
	compact, err := json.Marshal(v)
	if err != nil {
		return string(f.Value)
	}
	return string(compact)
}

// plain reports whether JSON is a boolean, a number or a text of plain characters, which stay as they are.
func plain(raw json.RawMessage) bool {
	switch c := raw[0]; {
	case c == '-' || '0' <= c && c <= '9', string(raw) == "true", string(raw) == "false":
		return true
	case c != '"' || len(raw) < 2 || raw[len(raw)-1] != '"':
		return false
	}
	for _, c := range raw[1 : len(raw)-1] {
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

func factColumns(rows []event.Fact) []column {
	type row = event.Fact
	return []column{
		collect("source", rows, func(r *row) string { return r.Source }),
		collect("source_key", rows, func(r *row) string { return r.Source }),
		collect("entity", rows, func(r *row) string { return r.Entity }),
		collect("fact", rows, func(r *row) string { return r.Name }),
		collect("type", rows, func(r *row) string { return string(r.Type) }),
		collect("value", rows, factValue),
		collect("observed_at", rows, func(r *row) time.Time { return r.ObservedAt }),
		nullable("expires_at", rows, func(r *row) *time.Time { return &r.ExpiresAt }),
		collect("error", rows, func(r *row) string { return r.Error }),
		collect("url", rows, func(r *row) string { return r.URL }),
	}
}

func factHistoryColumns(rows []event.Fact) []column {
	type row = event.Fact
	return []column{
		collect("source", rows, func(r *row) string { return r.Source }),
		collect("source_key", rows, func(r *row) string { return r.Source }),
		collect("entity", rows, func(r *row) string { return r.Entity }),
		collect("fact", rows, func(r *row) string { return r.Name }),
		collect("type", rows, func(r *row) string { return string(r.Type) }),
		collect("value", rows, factValue),
		collect("error", rows, func(r *row) string { return r.Error }),
		collect("valid_from", rows, func(r *row) time.Time { return r.ObservedAt }),
	}
}

// appendGrades is appendFacts for grades.
func (s *Store) appendGrades(ctx context.Context, grades []event.Grade) error {
	s.observed.Lock()
	defer s.observed.Unlock()
	for len(grades) > 0 {
		n := compared(grades, func(g *event.Grade) string { return g.Entity })
		changed, err := s.changedGrades(ctx, grades[:n])
		if err != nil {
			return err
		}
		if err := appendRows(ctx, s, "grade_history", changed, gradeHistoryColumns); err != nil {
			return err
		}
		if err := appendRows(ctx, s, "current_grades", grades[:n], gradeColumns); err != nil {
			return err
		}
		grades = grades[n:]
	}
	return nil
}

type gradeKey struct{ entity, scorecard, rule string }

type gradeState struct {
	version                uint32
	level, outcome, reason string
}

// changedGrades returns the grades that differ from the last one of the same entity and rule.
func (s *Store) changedGrades(ctx context.Context, grades []event.Grade) ([]event.Grade, error) {
	var stored []struct {
		Entity      string `ch:"entity"`
		Scorecard   string `ch:"scorecard"`
		Rule        string `ch:"rule"`
		RuleVersion uint32 `ch:"rule_version"`
		Level       string `ch:"level"`
		Outcome     string `ch:"outcome"`
		Reason      string `ch:"reason"`
	}
	entities, rules := map[string]bool{}, map[string]bool{}
	for _, g := range grades {
		entities[g.Entity], rules[g.Rule] = true, true
	}
	err := s.Select(ctx, &stored, `SELECT entity, scorecard, rule, rule_version, level, outcome, reason FROM grade_history
WHERE entity IN {entities:Array(String)} AND rule IN {rules:Array(String)}
ORDER BY entity, scorecard, rule, seq DESC LIMIT 1 BY entity, scorecard, rule`, map[string]any{"entities": keys(entities), "rules": keys(rules)})
	if err != nil {
		return nil, fmt.Errorf("comparing grades with the stored ones: %w", err)
	}
	last := make(map[gradeKey]gradeState, len(stored))
	for _, g := range stored {
		last[gradeKey{g.Entity, g.Scorecard, g.Rule}] = gradeState{g.RuleVersion, g.Level, g.Outcome, g.Reason}
	}
	var changed []event.Grade
	for _, g := range grades {
		key, state := gradeKey{g.Entity, g.Scorecard, g.Rule}, gradeState{g.RuleVersion, g.Level, string(g.Outcome), g.Reason}
		if before, known := last[key]; !known || before != state {
			changed = append(changed, g)
			last[key] = state
		}
	}
	return changed, nil
}

func gradeColumns(rows []event.Grade) []column {
	type row = event.Grade
	return append(gradeCommonColumns(rows),
		collect("url", rows, func(r *row) string { return r.URL }),
		collect("evaluated_at", rows, func(r *row) time.Time { return r.EvaluatedAt }))
}

func gradeHistoryColumns(rows []event.Grade) []column {
	return append(gradeCommonColumns(rows), collect("valid_from", rows, func(r *event.Grade) time.Time { return r.EvaluatedAt }))
}

func gradeCommonColumns(rows []event.Grade) []column {
	type row = event.Grade
	return []column{
		collect("entity", rows, func(r *row) string { return r.Entity }),
		collect("scorecard", rows, func(r *row) string { return r.Scorecard }),
		collect("rule", rows, func(r *row) string { return r.Rule }),
		collect("rule_version", rows, func(r *row) uint32 { return r.RuleVersion }),
		collect("level", rows, func(r *row) string { return r.Level }),
		collect("outcome", rows, func(r *row) string { return string(r.Outcome) }),
		collect("reason", rows, func(r *row) string { return r.Reason }),
	}
}

func keys(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	return out
}
