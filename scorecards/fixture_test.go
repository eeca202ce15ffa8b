package scorecards

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards/format"
)

var testNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return testNow }

func testEntity() descriptor.Entity {
	return descriptor.Entity{
		Ref:         "component:default/pay",
		Kind:        "Component",
		Namespace:   "default",
		Name:        "pay",
		Type:        "service",
		Lifecycle:   "production",
		Owner:       "group:default/team-a",
		Tags:        []string{"go"},
		Annotations: map[string]string{"x": "y"},
	}
}

// factsOf makes facts of plain values: bool, number, string, time.Time, []string; an error is a fact without a value.
func factsOf(values map[string]any) map[string]event.Fact {
	facts := map[string]event.Fact{}
	for name, value := range values {
		f := event.Fact{Source: "test", Entity: "component:default/pay", Name: name, ObservedAt: testNow.Add(-time.Hour)}
		switch v := value.(type) {
		case bool:
			f.Type = event.BoolFact
		case int, float64:
			f.Type = event.NumberFact
		case string:
			f.Type = event.StringFact
		case time.Time:
			f.Type = event.TimeFact
		case []string:
			f.Type = event.ListFact
		case error:
			f.Type, f.Error = event.NumberFact, v.Error()
		case event.Fact:
			v.Name = name
			facts[name] = v
			continue
		}
		if f.Error == "" {
			raw, err := json.Marshal(value)
			if err != nil {
				panic(err)
			}
			f.Value = raw
		}
		facts[name] = f
	}
	return facts
}

func card(rules ...Rule) Scorecard {
	for i := range rules {
		r := &rules[i]
		if r.ID == "" {
			r.ID = fmt.Sprintf("r%d", i)
		}
		if r.Level == "" {
			r.Level = "bronze"
		}
		if r.Effort == "" {
			r.Effort = Minutes
		}
		if r.Weight == 0 {
			r.Weight = 1
		}
		if r.Status == "" {
			r.Status = format.Enforced
		}
	}
	return Scorecard{
		Name:   "test",
		Title:  "Test",
		Levels: []string{"bronze", "silver", "gold"},
		Rules:  rules,
		File:   "test.yaml",
		Line:   1,
	}
}

func gradeOne(t testing.TB, c Scorecard, facts map[string]event.Fact) Report {
	t.Helper()
	e, err := New(Set{Cards: []Scorecard{c}}, clock)
	if err != nil {
		t.Fatal(err)
	}
	reports := e.Grade(testEntity(), facts)
	if len(reports) != 1 {
		t.Fatalf("%d reports, want 1", len(reports))
	}
	return reports[0]
}
