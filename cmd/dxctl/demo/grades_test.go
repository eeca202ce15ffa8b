package demo

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
)

// Teams differ: the built-in scorecard finds every level among the services, and some things that nobody can know.
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
	reports, err := grader.Refresh(t.Context(), s, c, engine(t, s, testNow))
	if err != nil {
		t.Fatal(err)
	}
	levels, unknown := map[string]int{}, 0
	for _, r := range reports {
		levels[r.Level]++
		unknown += r.Counts[event.Unknown]
		t.Logf("%-45s %-7q score %.2f coverage %.2f %v", r.Entity, r.Level, r.Score, r.Coverage, r.Counts)
	}
	for _, level := range []string{"", "bronze", "silver", "gold"} {
		if levels[level] < 2 {
			t.Errorf("level %q is that of %d services, want at least 2: %v", level, levels[level], levels)
		}
	}
	if unknown == 0 {
		t.Error("no rule is unknown, although a repository cannot be read and a CI is not connected")
	}
}
