package scorecards_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/format"
)

var firstDay = time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)

// historyFrom reads a history such as "0 fail, 3 pass, 5 pass v2": the day of each outcome, and the version if not 1.
func historyFrom(t *testing.T, text string) scorecards.OutcomeHistory {
	t.Helper()
	var h scorecards.OutcomeHistory
	for part := range strings.SplitSeq(text, ", ") {
		if part == "" {
			continue
		}
		day, version := 0, uint32(1)
		var rest []string
		for i, word := range strings.Fields(part) {
			switch n, isVersion := strings.CutPrefix(word, "v"); {
			case i == 0:
				if _, err := fmt.Sscan(word, &day); err != nil {
					t.Fatal(err)
				}
			case isVersion:
				if _, err := fmt.Sscan(n, &version); err != nil {
					t.Fatal(err)
				}
			default:
				rest = append(rest, word)
			}
		}
		h = append(h, scorecards.OutcomeAt{
			At: firstDay.AddDate(0, 0, day), Outcome: event.Outcome(strings.Join(rest, " ")), Version: version,
		})
	}
	return h
}

func TestSince(t *testing.T) {
	for _, tt := range []struct {
		history string
		outcome event.Outcome
		day     int // -1: not known
		first   bool
	}{
		{"", event.Fail, -1, false},
		{"2 fail", event.Fail, 2, true},
		{"2 fail", event.Pass, -1, false}, // it has changed, and is not stored yet
		{"0 pass, 4 fail", event.Fail, 4, false},
		{"0 fail, 4 fail v2, 6 fail v3", event.Fail, 0, true},
		{"0 fail, 2 unknown, 4 fail", event.Fail, 4, false},
	} {
		since, first := historyFrom(t, tt.history).Since(tt.outcome)
		want := time.Time{}
		if tt.day >= 0 {
			want = firstDay.AddDate(0, 0, tt.day)
		}
		if !since.Equal(want) || first != tt.first {
			t.Errorf("%s since %q: %v, %v; want day %d, %v", tt.outcome, tt.history, since, first, tt.day, tt.first)
		}
	}
}

func TestRepair(t *testing.T) {
	for history, want := range map[string]int{ // days; -1: not repaired
		"":                                     -1,
		"0 fail":                               -1,
		"0 pass":                               -1,
		"0 fail, 6 pass":                       6,
		"0 fail, 6 warn":                       6,
		"0 unknown, 2 fail, 3 unknown, 9 pass": 7, // no verdict in between
		"0 fail, 2 fail, 3 pass":               3,
		"0 fail, 2 pass, 5 fail, 9 pass":       4, // the last one
		"0 fail, 2 pass, 5 fail":               2,
		"0 fail, 2 waived, 9 pass":             -1,
		"0 fail, 2 not applicable, 9 pass":     -1,
		"0 fail, 2 pass v2":                    -1, // the rule became another one
		"0 fail, 2 fail v2, 5 pass v2":         3,
		"0 unknown, 4 pass":                    -1,
	} {
		took, repaired := historyFrom(t, history).Repair()
		if repaired != (want >= 0) || repaired && took != time.Duration(want)*24*time.Hour {
			t.Errorf("%q: %v, %v; want %d days", history, took, repaired, want)
		}
	}
}

func TestOutcomeHistoriesAreInOrder(t *testing.T) {
	grade := func(rule string, outcome event.Outcome, day int) event.Grade {
		return event.Grade{Entity: "component:default/a", Scorecard: "s", Rule: rule, RuleVersion: 1, Outcome: outcome,
			EvaluatedAt: firstDay.AddDate(0, 0, day)}
	}
	all := scorecards.OutcomeHistories([]event.Grade{grade("x", event.Pass, 3), grade("y", event.Pass, 0),
		grade("x", event.Fail, 1)})
	got := all["component:default/a"][scorecards.RuleName{Scorecard: "s", Rule: "x"}]
	if want := historyFrom(t, "1 fail, 3 pass"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLevelsOver(t *testing.T) {
	card := scorecards.Scorecard{Name: "s", Levels: []string{"bronze", "silver", "gold"}, Rules: []scorecards.Rule{
		{ID: "b", Level: "bronze"}, {ID: "g", Level: "gold"}, {ID: "old", Level: "bronze", Status: format.Retired},
	}}
	of := map[string]map[scorecards.RuleName]scorecards.OutcomeHistory{}
	for entity, rules := range map[string]map[string]string{
		"up":      {"b": "0 fail, 2 pass", "g": "0 pass", "old": "0 fail"}, // silver has no rule, so it is passed over
		"stays":   {"b": "0 pass", "g": "0 fail, 1 unknown"},
		"later":   {"b": "3 waived"},
		"retired": {"old": "0 pass"}, // by nothing that is left
		"absent":  {},
	} {
		of[entity] = map[scorecards.RuleName]scorecards.OutcomeHistory{}
		for rule, history := range rules {
			of[entity][scorecards.RuleName{Scorecard: "s", Rule: rule}] = historyFrom(t, history)
		}
	}
	var times []time.Time
	for day := -1; day <= 3; day++ {
		times = append(times, firstDay.AddDate(0, 0, day))
	}
	want := []string{"[0 0 0 0] 0", "[1 1 0 0] 2", "[1 1 0 0] 2", "[0 1 0 1] 2", "[0 2 0 1] 3"}
	for i, c := range scorecards.LevelsOver(&card, of, []string{"up", "stays", "later", "retired", "absent"}, times) {
		if got := fmt.Sprint(c.ByRank, " ", c.Graded); got != want[i] || !c.At.Equal(times[i]) {
			t.Errorf("day %d: %s, want %s", i-1, got, want[i])
		}
	}
}
