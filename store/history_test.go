package store_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/storetest"
)

// TestFactsOfManyEntities: facts of more entities than one comparison takes are all stored, and no change is seen where
// there is none.
func TestFactsOfManyEntities(t *testing.T) {
	const entities = 11_000
	s := storetest.Open(t)
	var facts, grades []event.Event
	for i := range entities {
		entity := fmt.Sprintf("component:default/s%05d", i)
		facts = append(
			facts,
			event.Fact{
				Source:     "gh",
				Entity:     entity,
				Name:       "a.b",
				Type:       event.BoolFact,
				Value:      json.RawMessage("true"),
				ObservedAt: noon,
			},
		)
		grades = append(
			grades,
			event.Grade{Entity: entity, Scorecard: "c", Rule: "r", Level: "l", Outcome: event.Pass, EvaluatedAt: noon},
		)
	}
	for range 2 {
		for _, events := range [][]event.Event{facts, grades} {
			if err := s.Append(t.Context(), events...); err != nil {
				t.Fatal(err)
			}
		}
	}
	var got []struct {
		Table string `ch:"name"`
		N     uint64 `ch:"n"`
		Total uint64 `ch:"total"`
	}
	const sql = `SELECT name, uniqExact(entity) AS n, count() AS total FROM (
SELECT 'facts' AS name, entity FROM current_facts FINAL UNION ALL SELECT 'fact history', entity FROM fact_history
UNION ALL SELECT 'grades', entity FROM current_grades FINAL UNION ALL SELECT 'grade history', entity FROM grade_history)
GROUP BY name ORDER BY name`
	if err := s.Select(t.Context(), &got, sql, nil); err != nil {
		t.Fatal(err)
	}
	if len(got) != 4 {
		t.Fatal(got)
	}
	for _, row := range got {
		if row.N != entities || row.Total != entities {
			t.Errorf("%s: %d rows of %d entities", row.Table, row.Total, row.N)
		}
	}
}

// TestFactValues: a value is stored as compact JSON, and a number with its digits, however it was written.
func TestFactValues(t *testing.T) {
	values := []struct {
		kind       event.FactType
		value, out string
	}{
		{event.BoolFact, "true", "true"},
		{event.BoolFact, " false ", "false"},
		{event.NumberFact, "1.50", "1.50"},
		{event.NumberFact, "-3e2", "-3e2"},
		{
			event.StringFact,
			`"a plain text"`,
			`"a plain text"`,
		},
		{event.StringFact, `""`, `""`},
		{event.StringFact, `"é\/<"`, `"é/\u003c"`},
		{event.StringFact, `"a\u0041"`, `"aA"`},
		{event.ListFact, `[ "a", "b" ]`, `["a","b"]`},
		{event.ListFact, `[]`, `[]`},
	}
	s := storetest.Open(t)
	for i, v := range values {
		f := event.Fact{
			Source:     "gh",
			Entity:     fmt.Sprint("component:default/s", i),
			Name:       "a.b",
			Type:       v.kind,
			Value:      json.RawMessage(v.value),
			ObservedAt: noon,
		}
		if err := s.Append(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		var got []struct {
			Value string `ch:"value"`
		}
		err := s.Select(
			t.Context(),
			&got,
			"SELECT value FROM current_facts WHERE entity = {entity:String}",
			map[string]any{"entity": f.Entity},
		)
		if err != nil || len(got) != 1 || got[0].Value != v.out {
			t.Errorf("%s is stored as %v, want %s, %v", v.value, got, v.out, err)
		}
	}
}
