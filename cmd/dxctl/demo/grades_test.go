package demo

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
)

// Teams differ: each built-in scorecard finds every level among the services, and there is every kind of verdict that a
// real organization has.
func TestGradesAreSpread(t *testing.T) {
	s, c := loaded(t, testNow)
	now := func() time.Time { return testNow }
	cards, err := scorecards.Load(scorecards.Config{}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	grader, err := scorecards.New(cards, now)
	if err != nil {
		t.Fatal(err)
	}
	reports, err := grader.Refresh(t.Context(), s, c, engine(t, s, testNow), nil)
	if err != nil {
		t.Fatal(err)
	}
	levels, outcomes := map[string]map[string]int{}, map[event.Outcome]int{}
	for _, r := range reports {
		if levels[r.Scorecard] == nil {
			levels[r.Scorecard] = map[string]int{}
		}
		levels[r.Scorecard][r.Level]++
		for outcome, n := range r.Counts {
			outcomes[outcome] += n
		}
		t.Logf("%-42s %-21s %-7q score %v coverage %.2f %v", r.Entity, r.Scorecard, r.Level, r.Score, r.Coverage, r.Counts)
		for _, result := range r.Results {
			if result.Outcome != event.Pass && result.Outcome != event.NotApplicable {
				t.Logf("    %-22s %-12s %s", result.Rule, result.Outcome, result.Reason)
			}
		}
	}
	for card, found := range levels {
		for _, level := range []string{"", "bronze", "silver", "gold"} {
			if found[level] == 0 {
				t.Errorf("%s: no service has the level %q: %v", card, level, found)
			}
		}
	}
	for _, outcome := range []event.Outcome{
		event.Pass, event.Warn, event.Fail, event.NotApplicable, event.Unknown, event.NeedsReview,
	} {
		if outcomes[outcome] == 0 {
			t.Errorf("no rule has the outcome %q: %v", outcome, outcomes)
		}
	}
	if outcomes[event.ErrorOutcome] > 0 {
		t.Errorf("%d rules end with an error", outcomes[event.ErrorOutcome])
	}
}
