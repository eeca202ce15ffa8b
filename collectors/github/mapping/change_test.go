package mapping

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

// The state counts where GitHub leaves out the time, and the time where it has one.
func TestAPullRequestThatEndedAtAnUnknownTime(t *testing.T) {
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		pull           Pull
		state, unknown string
	}{
		{Pull{State: "OPEN", MergeCommit: &Commit{OID: "a"}}, event.OpenChange, ""},
		{Pull{State: "CLOSED"}, event.ClosedChange, event.ClosedChange},
		{Pull{State: "CLOSED", ClosedAt: &at}, event.ClosedChange, ""},
		{Pull{State: "MERGED", MergeCommit: &Commit{OID: "a"}}, event.MergedChange, event.MergedChange},
		{Pull{State: "MERGED", MergeCommit: &Commit{OID: "a"}, ClosedAt: &at}, event.MergedChange, event.MergedChange},
		{Pull{State: "MERGED", MergeCommit: &Commit{OID: "a"}, ClosedAt: &at, MergedAt: &at}, event.MergedChange, ""},
	} {
		got := Mapper{}.ChangeEvent(tt.pull)
		if got.State() != tt.state || got.EndUnknown != tt.unknown ||
			(got.MergeSHA == "a") != (tt.state == event.MergedChange) {
			t.Errorf("%+v: %s, %q, merged as %q", tt.pull, got.State(), got.EndUnknown, got.MergeSHA)
		}
	}
}

func TestWhatAPullRequestReverts(t *testing.T) {
	for _, tc := range []struct{ body, branch, want string }{
		{"Reverts acme/shop#12", "", "12"}, {"text\n\nreverts #7 because", "", "7"}, {"", "revert-41-topic", "41"},
		{"This reverts commit 0123456789abcdef0123456789abcdef01234567.", "x", "0123456789abcdef0123456789abcdef01234567"},
		{"It no longer reverts the order", "reverting-3", ""}, {"", "", ""},
	} {
		if got := reverts(Pull{Body: tc.body, HeadRefName: tc.branch}); got != tc.want {
			t.Errorf("%q %q: %q, want %q", tc.body, tc.branch, got, tc.want)
		}
	}
}

// TestReviewsOfMachines: the review of a machine that GitHub calls a user is none, where the people's rules name it.
func TestReviewsOfMachines(t *testing.T) {
	at := func(minute int) *time.Time {
		when := time.Date(2026, 11, 22, 12, minute, 0, 0, time.UTC)
		return &when
	}
	n := Pull{Number: 1, Author: &Actor{Login: "ana"}, CreatedAt: *at(0), State: "OPEN"}
	n.Reviews.Nodes = []Review{
		{State: "APPROVED", SubmittedAt: at(1), Author: &Actor{Login: "acme-approver", Typename: "User"}},
		{State: "COMMENTED", SubmittedAt: at(2), Author: &Actor{Login: "ben", Typename: "User"}},
		{State: "APPROVED", SubmittedAt: at(3), Author: nil}, // the account was deleted
	}
	m := Mapper{Source: "gh", Scope: "acme/pay", Unrecognized: func(_, word string) { t.Error(word) }}
	if e := m.ChangeEvent(n); !e.ApprovedAt.Equal(*at(1)) || !e.FirstReviewAt.Equal(*at(1)) {
		t.Errorf("nothing is said: reviewed %s, approved %s", e.FirstReviewAt, e.ApprovedAt)
	}
	m.Machine = func(login string) bool { return login == "acme-approver" }
	if e := m.ChangeEvent(n); !e.ApprovedAt.Equal(*at(3)) || !e.FirstReviewAt.Equal(*at(2)) {
		t.Errorf("it is a machine: reviewed %s, approved %s", e.FirstReviewAt, e.ApprovedAt)
	}
}
