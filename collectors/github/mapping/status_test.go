package mapping

import (
	"slices"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

func TestEveryStatusWord(t *testing.T) {
	for _, tc := range []struct {
		status, conclusion string
		want               event.Status
		raw                string
	}{
		{"completed", "success", event.Succeeded, "success"}, {"completed", "neutral", event.Succeeded, "neutral"},
		{"completed", "failure", event.Failed, "failure"}, {"completed", "timed_out", event.Failed, "timed_out"},
		{"completed", "startup_failure", event.Failed, "startup_failure"}, {"completed", "cancelled", event.Cancelled, "cancelled"},
		{"completed", "stale", event.Cancelled, "stale"}, {"completed", "skipped", event.Skipped, "skipped"},
		{"completed", "action_required", event.Waiting, "action_required"}, {"completed", "", event.Running, "completed"},
		{"queued", "", event.Queued, "queued"}, {"requested", "", event.Queued, "requested"}, {"pending", "", event.Queued, "pending"},
		{"waiting", "", event.Waiting, "waiting"}, {"in_progress", "", event.Running, "in_progress"}, {"IN_PROGRESS", "", event.Running, "IN_PROGRESS"},
		{"FAILURE", "FAILURE", event.Failed, "FAILURE"}, {"completed", "dissolved", event.Skipped, "dissolved"}, {"hovering", "", event.Running, "hovering"},
	} {
		known := true
		m := Mapper{Unrecognized: func(string, string) { known = false }}
		got, raw := m.runStatus("status of a run", tc.status, tc.conclusion)
		if again, rawAgain := RunStatus(tc.status, tc.conclusion); again != got || rawAgain != raw {
			t.Errorf("%s/%s: RunStatus returns %s %s, want %s %s", tc.status, tc.conclusion, again, rawAgain, got, raw)
		}
		if got != tc.want || raw != tc.raw || known != (tc.raw != "dissolved" && tc.raw != "hovering") {
			t.Errorf("%s/%s: %s %s %t", tc.status, tc.conclusion, got, raw, known)
		}
	}
}

func TestUnrecognizedWordsAreReported(t *testing.T) {
	var got []string
	m := Mapper{Scope: "acme/shop", Unrecognized: func(what, word string) { got = append(got, what+" "+word) }}
	for _, word := range []string{"open", "OPEN", "closed", "merged"} {
		m.ChangeEvent(Pull{State: word})
	}
	for _, word := range []string{"open", "closed"} {
		m.IncidentEvent(Issue{State: word})
	}
	m.DeploymentEvent(Deployment{State: "ACTIVE"})
	if len(got) > 0 {
		t.Errorf("documented words are reported: %q", got)
	}
	change := m.ChangeEvent(Pull{State: "LEVITATING", MergeCommit: &Commit{OID: "a"}})
	incident := m.IncidentEvent(Issue{State: "floating"})
	m.DeploymentEvent(Deployment{State: "HOVERING"})
	m.RunEvent(Run{Conclusion: "vanished"}, time.Time{})
	m.JobEvent("1", Job{Status: "vanishing"})
	want := []string{
		"state of a pull request LEVITATING",
		"state of an issue floating",
		"status of a deployment HOVERING",
		"status of a run vanished",
		"status of a job vanishing",
	}
	if !slices.Equal(got, want) {
		t.Errorf("reported %q, want %q", got, want)
	}
	if change.State() != event.OpenChange || change.MergeSHA != "" || !incident.Resolved() {
		t.Errorf("change %+v, incident %+v", change, incident)
	}
}
