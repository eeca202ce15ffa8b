package scorecards

import (
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/storetest"
)

// Runs and changes are known where no deployment was ever collected.
func TestFactsWithoutDeployments(t *testing.T) {
	_, cat := setUp(t)
	s := storetest.Open(t)
	if err := cat.Sync(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	origin := event.Origin{Source: "gh", Provider: "github", Scope: "MyOrg/pay", ID: "1"}
	at := testNow.AddDate(0, 0, -2)
	if err := s.Append(
		t.Context(),
		event.PipelineRun{
			Origin:     origin,
			Attempt:    1,
			Pipeline:   "ci",
			Branch:     "main",
			Status:     event.Succeeded,
			StartedAt:  at,
			FinishedAt: at.Add(time.Hour),
			Duration:   5 * time.Minute,
		},
		event.Change{
			Origin:     origin,
			Author:     "ada",
			CreatedAt:  at,
			ApprovedAt: at,
			MergedAt:   at.Add(time.Minute),
		},
	); err != nil {
		t.Fatal(err)
	}
	e, m := engines(t, s, clock)
	if _, err := e.Refresh(t.Context(), s, cat, m, nil); err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		Fact  string `ch:"fact"`
		Value string `ch:"value"`
		Error string `ch:"error"`
	}
	if err := s.Select(t.Context(), &rows, "SELECT fact, value, error FROM facts WHERE source = 'metrics' AND "+
		"endsWith(entity, '/pay')", nil); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range rows {
		got[r.Fact] = r.Value + r.Error
	}
	for fact, want := range map[string]string{
		"ci.runs_30d": "1", "ci.p95_minutes": "5", "ci.success_rate": "1", "change.review_share_30d": "1", "deploy.count_30d": "no deployments are known",
	} {
		if !strings.HasPrefix(got[fact], want) {
			t.Errorf("%s is %q, want %q", fact, got[fact], want)
		}
	}
}

// A GitLab has a project of the same name as the service's repository at GitHub. That it was read says nothing of the
// service.
func TestReadingsOfAnotherProvidersScope(t *testing.T) {
	s, cat := setUp(t)
	read := testNow.AddDate(0, 0, -5)
	for _, of := range []event.Kind{event.KindPipelineRun, event.KindChange} {
		if err := s.Append(t.Context(), event.LedgerEntry{
			Source:      "gl",
			Provider:    "gitlab",
			Scope:       "MyOrg/pay",
			Of:          of,
			WindowStart: read.AddDate(0, 0, -30),
			WindowEnd:   read,
			Expected:    10,
			Stored:      10,
			CheckedAt:   read,
		}); err != nil {
			t.Fatal(err)
		}
	}
	e, m := engines(t, s, clock)
	reports, err := e.Refresh(t.Context(), s, cat, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	pay := results(reports, "pay")
	if r := pay["ci-fast-and-green"]; r.Outcome != event.Warn {
		t.Errorf("ci-fast-and-green is %s: %s", r.Outcome, r.Reason)
	}
	if r := pay["human-review"]; !strings.Contains(r.Reason, "should give them") {
		t.Errorf("human-review is %s: %s", r.Outcome, r.Reason)
	}
}
