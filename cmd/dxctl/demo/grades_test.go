package demo

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/waiver"
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
	dir := t.TempDir()
	if err := Generate(testNow).Write(dir); err != nil {
		t.Fatal(err)
	}
	waivers, problems := waiver.Load(nil, dir)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	book := waiver.NewBook(waivers, nil)
	grader = grader.WithWaivers(func() *waiver.Book { return book })
	if warnings := grader.WaiverWarnings(c); len(warnings) > 0 {
		t.Error(warnings)
	}
	reports, err := grader.Refresh(t.Context(), s, c, engine(t, s, testNow), nil)
	if err != nil {
		t.Fatal(err)
	}
	levels, outcomes, states := map[string]map[string]int{}, map[event.Outcome]int{}, map[waiver.State]int{}
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
			if result.Waiver != nil {
				states[result.Waiver.State]++
			}
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
		event.Pass, event.Warn, event.Fail, event.NotApplicable, event.Unknown, event.NeedsReview, event.Waived,
	} {
		if outcomes[outcome] == 0 {
			t.Errorf("no rule has the outcome %q: %v", outcome, outcomes)
		}
	}
	for _, state := range []waiver.State{waiver.Ending, waiver.Active, waiver.Requested, waiver.Expired} {
		if states[state] == 0 {
			t.Errorf("no waiver is %s: %v", state, states)
		}
	}
	if outcomes[event.ErrorOutcome] > 0 {
		t.Errorf("%d rules end with an error", outcomes[event.ErrorOutcome])
	}
}
