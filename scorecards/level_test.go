package scorecards

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

// TestLevelIsAsOldAsItsFacts: a rule with a freshness sees how old the facts behind the level of another scorecard are.
func TestLevelIsAsOldAsItsFacts(t *testing.T) {
	cards, err := Parse([]byte(`apiVersion: dxctl.dev/v1
kind: Scorecard
name: base
levels: [bronze]
rules:
  - {id: owner, level: bronze, title: Owner, expr: 'facts["catalog.has_owner"]', effort: minutes}
---
apiVersion: dxctl.dev/v1
kind: Scorecard
name: upper
levels: [gold]
rules:
  - {id: base, level: gold, title: Base, expr: 'facts["scorecard.base.level"] == "bronze"', effort: minutes, freshness: 7d}
`), "cards.yaml")
	if err != nil {
		t.Fatal(err)
	}
	engine, err := New(Set{Cards: cards}, clock)
	if err != nil {
		t.Fatal(err)
	}
	for age, want := range map[time.Duration]event.Outcome{24 * time.Hour: event.Pass, 8 * 24 * time.Hour: event.Stale} {
		known := factsOf(map[string]any{"catalog.has_owner": true})
		f := known["catalog.has_owner"]
		f.ObservedAt = testNow.Add(-age)
		known["catalog.has_owner"] = f
		for _, r := range engine.Grade(testEntity(), known) {
			if r.Scorecard == "upper" && r.Results[0].Outcome != want {
				t.Errorf("a fact %s old: %s (%s), want %s", age, r.Results[0].Outcome, r.Results[0].Reason, want)
			}
		}
	}
}
