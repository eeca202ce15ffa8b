package report

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
)

func TestBadgeOf(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	levels := []string{"bronze", "silver", "gold"}
	next := func(o event.Outcome) []scorecards.Result { return []scorecards.Result{{Outcome: o}} }
	for _, tt := range []struct {
		report         scorecards.Report
		message, color string
	}{
		{scorecards.Report{Level: "gold", Coverage: 1}, "gold", "brightgreen"},
		{scorecards.Report{Level: "silver", Coverage: 0.9}, "silver", "green"},
		{scorecards.Report{Level: "bronze", Coverage: 0.9, Next: next(event.Fail)}, "bronze", "yellow"},
		{scorecards.Report{Coverage: 0.5, Next: next(event.Fail)}, "no level", "red"},
		{scorecards.Report{Coverage: 0.5, Next: next(event.Unknown)}, "no level known", "lightgrey"},
		{scorecards.Report{}, "not known", "lightgrey"},
	} {
		tt.report.Title = "Delivery"
		if got, want := badgeOf(tt.report, levels, now), (Badge{1, "Delivery", tt.message, tt.color}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}
