package report

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
)

// TestOtherRules checks that a scorecard that graded by other rules at a past time is named with both digests.
func TestOtherRules(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	reports := []scorecards.Report{{Scorecard: "a", Digest: "aaaaaaaaaaaaaaaa"}, {Scorecard: "b", Digest: "b"}}
	inForce := []event.RulesInForce{
		{Scorecard: "a", Digest: "0123456789abcdef", Since: day(3)}, {Scorecard: "b", Digest: "b", Since: day(3)},
		{Scorecard: "a", Digest: "aaaaaaaaaaaaaaaa", Since: day(7)},
	}
	other := []string{"Scorecard a graded by other rules then: digest 0123456789ab, in force since 2026-11-03T00:00:00Z; " +
		"it is aaaaaaaaaaaa now."}
	for _, tc := range []struct {
		name string
		at   time.Time
		want []string
	}{
		{"before it was recorded", day(2), nil},
		{"from its time on", day(3), other},
		{"just before the change", day(7).Add(-time.Millisecond), other},
		{"the rules of today", day(7), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, otherRules(reports, inForce, tc.at)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
