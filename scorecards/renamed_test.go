package scorecards

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/event"
)

func TestContinue(t *testing.T) {
	at := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	grade := func(card, rule string, day int) event.Grade {
		return event.Grade{
			Entity: "component:default/pay", Scorecard: card, Rule: rule, RuleVersion: 1, Level: "bronze",
			Outcome: event.Pass, EvaluatedAt: at.AddDate(0, 0, day),
		}
	}
	stored := []event.Grade{
		grade("production-service", "has-readme", 0),
		grade("production-service", "deploys-weekly", 1),
		grade("other", "has-readme", 2),
		grade("developer-experience", "readme-complete", 3),
	}
	moved := append([]event.Grade{grade("developer-experience", "readme-complete", 0)}, stored[1:]...)
	for name, tc := range map[string]struct {
		loaded []string
		want   []event.Grade
	}{
		"the built-in scorecards": {[]string{"production-readiness", "delivery", "developer-experience"}, moved},
		"a copy of the earlier one": {
			[]string{"production-service", "developer-experience"}, stored,
		},
		"other scorecards": {[]string{"other"}, stored},
	} {
		before := append([]event.Grade{}, stored...)
		if diff := cmp.Diff(tc.want, Continue(stored, tc.loaded...)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff(before, stored); diff != "" {
			t.Errorf("%s: the grades that were given changed: %s", name, diff)
		}
	}
}
