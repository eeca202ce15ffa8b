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
	}, nil)
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

// TestHistoryOfRules checks that a change of the rules is where it happened, whether or not an outcome changed with it.
func TestHistoryOfRules(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	card := &Scorecard{Name: "card", Levels: []string{"bronze"}, Rules: []Rule{{ID: "a", Title: "A", Level: "bronze", Weight: 1}}}
	var grades []event.Grade
	for i, outcome := range []event.Outcome{event.Pass, event.Fail, event.Pass} {
		grades = append(grades, event.Grade{Scorecard: "card", Rule: "a", RuleVersion: 1, Outcome: outcome, EvaluatedAt: day(3 + 2*i)})
	}
	in := func(n int, card, digest string) event.RulesInForce {
		return event.RulesInForce{Scorecard: card, Digest: digest, Since: day(n)}
	}
	type moment struct {
		Day     int
		Level   string
		Digest  string
		Changed bool
		Changes int
	}
	for _, tc := range []struct {
		name    string
		inForce []event.RulesInForce
		want    []moment
	}{
		{"not recorded", nil, []moment{{3, "bronze", "", false, 1}, {5, "", "", false, 1}, {7, "bronze", "", false, 1}}},
		{"of another scorecard", []event.RulesInForce{in(1, "other", "x"), in(5, "other", "y")},
			[]moment{{3, "bronze", "", false, 1}, {5, "", "", false, 1}, {7, "bronze", "", false, 1}}},
		{"with an outcome", []event.RulesInForce{in(3, "card", "x"), in(5, "card", "y")},
			[]moment{{3, "bronze", "x", false, 1}, {5, "", "y", true, 1}, {7, "bronze", "y", false, 1}}},
		{"without an outcome, and last", []event.RulesInForce{in(1, "card", "x"), in(6, "card", "y"), in(9, "card", "x")},
			[]moment{{3, "bronze", "x", false, 1}, {5, "", "x", false, 1}, {6, "", "y", true, 0}, {7, "bronze", "y", false, 1}, {9, "bronze", "x", true, 0}}},
		{"before the first grade of the service", []event.RulesInForce{in(1, "card", "x"), in(2, "card", "y")},
			[]moment{{3, "bronze", "y", false, 1}, {5, "", "y", false, 1}, {7, "bronze", "y", false, 1}}},
		{"recorded since later", []event.RulesInForce{in(6, "card", "x")},
			[]moment{{3, "bronze", "", false, 1}, {5, "", "", false, 1}, {7, "bronze", "x", false, 1}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []moment
			for _, m := range History(card, grades, tc.inForce) {
				got = append(got, moment{m.At.Day(), m.Level, m.RulesDigest, m.RulesChanged, len(m.Changes)})
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
