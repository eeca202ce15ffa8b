package mapping

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// The state counts where GitLab leaves out the time, and the time where it has one.
func TestAMergeRequestThatEndedAtAnUnknownTime(t *testing.T) {
	at := source.Timestamp{Time: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)}
	for _, tt := range []struct {
		request        MergeRequest
		state, unknown string
	}{
		{MergeRequest{State: "opened", SHA: "a"}, event.OpenChange, ""},
		{MergeRequest{State: "locked", SHA: "a"}, event.OpenChange, ""},
		{MergeRequest{State: "closed", SHA: "a"}, event.ClosedChange, event.ClosedChange},
		{MergeRequest{State: "closed", SHA: "a", ClosedAt: at}, event.ClosedChange, ""},
		{MergeRequest{State: "merged", SHA: "a"}, event.MergedChange, event.MergedChange},
		{MergeRequest{State: "merged", SHA: "a", MergedAt: at}, event.MergedChange, ""},
	} {
		got := Mapper{}.ChangeEvent(tt.request)
		if got.State() != tt.state || got.EndUnknown != tt.unknown ||
			(got.MergeSHA == "a") != (tt.state == event.MergedChange) {
			t.Errorf("%+v: %s, %q, merged as %q", tt.request, got.State(), got.EndUnknown, got.MergeSHA)
		}
	}
}
