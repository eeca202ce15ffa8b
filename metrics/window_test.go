package metrics

import (
	"testing"
	"time"
)

func TestGroupingSpans(t *testing.T) {
	at := func(s string) time.Time {
		parsed, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	tests := []struct {
		name              string
		by                Grouping
		in                string
		start, next, word string
	}{
		{
			"a Sunday belongs to the week that began on Monday",
			Week,
			"2026-11-22T23:59:59Z",
			"2026-11-16T00:00:00Z",
			"2026-11-23T00:00:00Z",
			"2026-11-16",
		},
		{
			"a Monday begins its week",
			Week,
			"2026-11-23T00:00:00Z",
			"2026-11-23T00:00:00Z",
			"2026-11-30T00:00:00Z",
			"2026-11-23",
		},
		{
			"a week over the turn of the year",
			Week,
			"2027-01-01T12:00:00Z",
			"2026-12-28T00:00:00Z",
			"2027-01-04T00:00:00Z",
			"2026-12-28",
		},
		{
			"the day in UTC, not where the time was noted",
			Day,
			"2026-11-22T23:30:00-05:00",
			"2026-11-23T00:00:00Z",
			"2026-11-24T00:00:00Z",
			"2026-11-23",
		},
		{"a month of 31 days", Month, "2026-01-31T12:00:00Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-01"},
		{"the fourth quarter", Quarter, "2026-12-31T12:00:00Z", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z", "2026-Q4"},
		{"the first half", HalfYear, "2026-06-30T12:00:00Z", "2026-01-01T00:00:00Z", "2026-07-01T00:00:00Z", "2026-H1"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			start := tc.by.start(at(tc.in))
			if !start.Equal(at(tc.start)) || !tc.by.next(start).Equal(at(tc.next)) || tc.by.label(start) != tc.word {
				t.Errorf("got %s to %s, %q", start, tc.by.next(start), tc.by.label(start))
			}
		})
	}
}

func TestWindowContains(t *testing.T) {
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name string
		w    Window
		at   time.Time
		want bool
	}{
		{"an open window holds everything", Window{}, day, true},
		{"the beginning is in it", Window{From: day}, day, true},
		{"the end is not", Window{To: day}, day, false},
		{"before the beginning", Window{From: day}, day.Add(-time.Millisecond), false},
		{"before the end", Window{From: day.AddDate(0, 0, -1), To: day}, day.Add(-time.Millisecond), true},
	}
	for _, tc := range tests {
		if got := tc.w.Contains(tc.at); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}
