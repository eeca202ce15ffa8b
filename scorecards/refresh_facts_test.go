package scorecards

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/people"
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

// A service that appears later is known since then, also when it is graded alone;
// one that the catalog had at first is not.
func TestServicesThatAppear(t *testing.T) {
	load := func(names ...string) *catalog.Catalog {
		var text strings.Builder
		for _, name := range names {
			text.WriteString("---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: " + name +
				"}\nspec: {type: service, lifecycle: production, owner: team-a}\n")
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "c.yaml"), []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		cat, _, err := catalog.Load(catalog.Config{Files: []string{"c.yaml"}}, people.Config{}, dir)
		if err != nil {
			t.Fatal(err)
		}
		return cat
	}
	set := LoadFiles([]File{{Name: "card.yaml", Data: []byte(`apiVersion: dxctl.dev/v1
kind: Scorecard
name: mine
title: Mine
levels: [bronze]
rules:
  - {id: seen, level: bronze, title: Seen, effort: hours, why: w, fix: f,
     expr: 'facts["catalog.first_seen_at"] == timestamp("2026-11-27T12:00:00Z")'}
`)}})
	s := storetest.Open(t)
	now := testNow
	e, err := New(set, func() time.Time { return now })
	if err != nil || set.Err() != nil {
		t.Fatal(err, set.Err())
	}
	m, err := metrics.New(s, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	grade := func(cat *catalog.Catalog) map[string]string {
		t.Helper()
		if err := cat.Sync(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		reports, err := e.Refresh(t.Context(), s, cat, m, nil)
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]string{}
		for _, r := range reports {
			all[strings.TrimPrefix(r.Entity, "component:default/")] = string(r.Results[0].Outcome) + ": " + r.Results[0].Reason
		}
		return all
	}
	expect := func(got map[string]string, name, want string) {
		t.Helper()
		if !strings.HasPrefix(got[name], want) {
			t.Errorf("%s on %s: %s, want %s", name, now.Format(time.DateOnly), got[name], want)
		}
	}
	expect(grade(load("old")), "old", "unknown: ")
	now = now.AddDate(0, 0, 5)
	later := load("old", "new")
	for range 2 {
		got := grade(later)
		expect(got, "old", "unknown: ")
		expect(got, "new", "pass: ")
		now = now.AddDate(0, 0, 10)
	}
	one, err := e.Refresh(t.Context(), s, later, m, []string{"component:default/new"})
	if err != nil || one[0].Results[0].Outcome != event.Pass {
		t.Errorf("graded alone: %+v, %v", one, err)
	}
}
