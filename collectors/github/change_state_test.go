package github

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

// The state counts where GitHub leaves out the time, and the time where it has one.
func TestAPullRequestThatEndedAtAnUnknownTime(t *testing.T) {
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		pull           pullNode
		state, unknown string
	}{
		{pullNode{State: "OPEN", MergeCommit: &commitNode{OID: "a"}}, event.OpenChange, ""},
		{pullNode{State: "CLOSED"}, event.ClosedChange, event.ClosedChange},
		{pullNode{State: "CLOSED", ClosedAt: &at}, event.ClosedChange, ""},
		{pullNode{State: "MERGED", MergeCommit: &commitNode{OID: "a"}}, event.MergedChange, event.MergedChange},
		{pullNode{State: "MERGED", MergeCommit: &commitNode{OID: "a"}, ClosedAt: &at}, event.MergedChange, event.MergedChange},
		{pullNode{State: "MERGED", MergeCommit: &commitNode{OID: "a"}, ClosedAt: &at, MergedAt: &at}, event.MergedChange, ""},
	} {
		got := mapper{}.changeEvent(tt.pull)
		if got.State() != tt.state || got.EndUnknown != tt.unknown ||
			(got.MergeSHA == "a") != (tt.state == event.MergedChange) {
			t.Errorf("%+v: %s, %q, merged as %q", tt.pull, got.State(), got.EndUnknown, got.MergeSHA)
		}
	}
}
