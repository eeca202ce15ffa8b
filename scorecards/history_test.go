package scorecards

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/event"
)

func TestHistory(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	card := &Scorecard{Name: "card", Levels: []string{"bronze", "silver"}, Rules: []Rule{
		{ID: "a", Title: "A", Level: "bronze", Weight: 1}, {ID: "b", Title: "B", Level: "silver", Weight: 3},
	}}
	grade := func(n int, scorecard, rule string, outcome event.Outcome) event.Grade {
		return event.Grade{Scorecard: scorecard, Rule: rule, RuleVersion: 1, Outcome: outcome, EvaluatedAt: day(n)}
	}
	got := History(card, []event.Grade{
		grade(1, "card", "a", event.Pass), grade(1, "card", "b", event.Unknown), grade(1, "other", "a", event.Fail),
		grade(2, "other", "a", event.Pass), // another scorecard changes nothing
		grade(3, "card", "b", event.Fail),
		grade(4, "card", "b", event.Pass), grade(4, "card", "gone", event.Fail), // a rule that is no longer there
		grade(5, "card", "b", event.Warn),
	})
	change := func(rule, title string, from, to event.Outcome) OutcomeChange {
		return OutcomeChange{Rule: rule, Title: title, Version: 1, From: from, To: to}
	}
	want := []Moment{
		{At: day(1), Level: "bronze", Score: 0.25, ScoreHigh: 1, Coverage: 0.25,
			Changes: []OutcomeChange{change("a", "A", "", event.Pass), change("b", "B", "", event.Unknown)}},
		{At: day(3), Level: "bronze", Score: 0.25, ScoreHigh: 0.25, Coverage: 1,
			Changes: []OutcomeChange{change("b", "B", event.Unknown, event.Fail)}},
		{At: day(4), Level: "silver", Score: 1, ScoreHigh: 1, Coverage: 1,
			Changes: []OutcomeChange{change("b", "B", event.Fail, event.Pass)}},
		{At: day(5), Level: "silver", Score: 1, ScoreHigh: 1, Coverage: 1,
			Changes: []OutcomeChange{change("b", "B", event.Pass, event.Warn)}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for n, want := range []time.Time{{}, day(1), day(1), day(4), day(4)} {
		if since := LevelSince(got[:n]); !since.Equal(want) {
			t.Errorf("after %d moments the level is held since %v, want %v", n, since, want)
		}
	}
}
