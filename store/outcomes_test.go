package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/storetest"
)

func TestOutcomeChanges(t *testing.T) {
	s := storetest.Open(t)
	describe(t, s)
	grade := func(entity, rule string, version uint32, outcome event.Outcome, reason string, hours int) {
		mustAppend(t, s, event.Grade{Entity: entity, Scorecard: "s", Rule: rule, RuleVersion: version, Level: "gold",
			Outcome: outcome, Reason: reason, EvaluatedAt: noon.Add(time.Duration(hours) * time.Hour)})
	}
	grade(payment, "a", 1, event.Fail, "12 minutes", 0)
	grade(payment, "a", 1, event.Fail, "13 minutes", 1) // only the reason
	grade(payment, "a", 1, event.Pass, "9 minutes", 2)
	grade(payment, "a", 2, event.Pass, "9 minutes", 3) // only the version
	grade(payment, "b", 1, event.Pass, "", 0)
	grade(payment, "other", 1, event.Fail, "", 0)
	grade("component:default/gone", "a", 1, event.Fail, "", 0) // not of the catalog
	lines := func(grades []event.Grade, err error) []string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, g := range grades {
			if g.Entity != payment || g.Scorecard != "s" {
				t.Errorf("another grade: %+v", g)
			}
			list = append(list, fmt.Sprintf("%s v%d %s %.0fh", g.Rule, g.RuleVersion, g.Outcome, g.EvaluatedAt.Sub(noon).Hours()))
		}
		return list
	}
	rules := []string{"s/a", "s/b"}
	want := []string{"a v1 fail 0h", "a v1 pass 2h", "a v2 pass 3h", "b v1 pass 0h"}
	if got := lines(s.OutcomeChanges(t.Context(), rules)); !slices.Equal(got, want) {
		t.Errorf("changes %q, want %q", got, want)
	}
	if got := lines(s.RepairedOutcomes(t.Context(), rules)); !slices.Equal(got, want[:3]) {
		t.Errorf("repaired %q, want %q", got, want[:3])
	}
	if got := lines(s.OutcomeChanges(t.Context(), nil)); len(got) != 0 {
		t.Errorf("of no rule: %q", got)
	}
}
