package demo

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dxctl/dxctl/scorecards"
)

// TestScorecards: the copies are scorecards without mistakes, and the announced rule begins on the first day of next
// month, whatever day it is.
func TestScorecards(t *testing.T) {
	for _, today := range []time.Time{
		time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC),
		time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC),
	} {
		files, err := (&Organization{Today: today}).scorecardFiles()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		set, err := scorecards.Load(scorecards.Config{Files: []string{"*.yaml"}}, dir)
		if err != nil || len(set.Broken) > 0 || len(set.Cards) != 3 {
			t.Fatal(len(set.Cards), set.Broken, err)
		}
		var begins []time.Time
		for _, card := range set.Cards {
			for _, rule := range card.Rules {
				if !rule.EnforcedFrom.IsZero() {
					begins = append(begins, rule.EnforcedFrom)
				}
			}
		}
		want := today.AddDate(0, 0, 32-today.Day())
		want = want.AddDate(0, 0, 1-want.Day())
		if len(begins) != 1 || !begins[0].Equal(want) {
			t.Errorf("on %s: announced for %v, want %s", today.Format(time.DateOnly), begins, want.Format(time.DateOnly))
		}
	}
}
