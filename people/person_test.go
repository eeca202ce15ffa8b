package people_test

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/people"
)

func TestMembershipCovers(t *testing.T) {
	day := time.Date(2026, 10, 10, 0, 0, 0, 0, time.UTC)
	start := day.AddDate(0, 0, -9)
	tests := []struct {
		name string
		m    people.Membership
		at   time.Time
		want bool
	}{
		{"before the first day", people.Membership{StartedOn: start}, start.Add(-time.Millisecond), false},
		{"the first moment of the first day", people.Membership{StartedOn: start}, start, true},
		{"the last day's evening", people.Membership{StartedOn: start, LeftOn: day}, day.Add(23 * time.Hour), true},
		{"the day after", people.Membership{StartedOn: start, LeftOn: day}, day.AddDate(0, 0, 1), false},
		{"one day only", people.Membership{StartedOn: day, LeftOn: day}, day.Add(time.Hour), true},
		{"no dates", people.Membership{}, day, true},
	}
	for _, tc := range tests {
		if got := tc.m.Covers(tc.at); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}
