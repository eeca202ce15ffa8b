package scorecards

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

const organization = `apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: pay
  description: It pays
  annotations: {github.com/project-slug: MyOrg/pay}
spec: {type: service, lifecycle: production, owner: team-a}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: silent}
spec: {type: service, lifecycle: production, owner: ''}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: team-a}
spec: {type: team, children: []}
`

// setUp returns a store that knows the organization and some days of its builds and deployments.
func setUp(t *testing.T) (*store.Store, *catalog.Catalog) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "org.yaml"), []byte(organization), 0o644); err != nil {
		t.Fatal(err)
	}
	cat, warnings, err := catalog.Load(catalog.Config{Files: []string{"org.yaml"}}, people.Config{}, dir)
	if err != nil || len(warnings) != 1 { // silent has no owner
		t.Fatal(err, warnings)
	}
	s := storetest.Open(t)
	if err := cat.Sync(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	origin := func(id string) event.Origin {
		return event.Origin{Source: "gh", Provider: "github", Scope: "MyOrg/pay", ID: id, URL: "https://example.com/" + id}
	}
	var events []event.Event
	for day := range 10 {
		at := testNow.AddDate(0, 0, -1-day)
		id := at.Format("0102")
		events = append(
			events,
			event.PipelineRun{
				Origin:     origin("run" + id),
				Attempt:    1,
				Pipeline:   "ci",
				Branch:     "main",
				Status:     event.Succeeded,
				CreatedAt:  at,
				StartedAt:  at,
				FinishedAt: at.Add(12 * time.Minute),
			},
			event.Deployment{
				Origin:      origin("dep" + id),
				Attempt:     1,
				Environment: "production",
				Status:      event.Succeeded,
				CreatedAt:   at,
				FinishedAt:  at.Add(time.Minute),
			},
		)
	}
	events = append(events, event.Fact{
		Source:     "gh",
		Entity:     "unmapped:github/MyOrg/pay",
		Name:       "repository.files.readme",
		Type:       event.BoolFact,
		Value:      []byte("true"),
		ObservedAt: testNow.Add(-time.Hour),
	})
	if err := s.Append(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
	return s, cat
}

func engines(t *testing.T, s *store.Store, now func() time.Time) (*Engine, *metrics.Engine) {
	t.Helper()
	cards, err := Load(Config{}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(cards, now)
	if err != nil {
		t.Fatal(err)
	}
	m, err := metrics.New(s, now)
	if err != nil {
		t.Fatal(err)
	}
	return e, m
}

func results(reports []Report, entity string) map[string]Result {
	out := map[string]Result{}
	for _, r := range reports {
		if r.Entity == "component:default/"+entity {
			for _, result := range r.Results {
				out[result.Rule] = result
			}
		}
	}
	return out
}

// TestConcurrentRefresh grades while the store is read, several services at once.
func TestConcurrentRefresh(t *testing.T) {
	s, cat := setUp(t)
	e, m := engines(t, s, clock)
	reports, err := e.Refresh(t.Context(), s, cat, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(reports) != 2*len(builtInCards) {
		t.Fatalf("%d reports, want %d", len(reports), 2*len(builtInCards))
	}
	pay, silent := results(reports, "pay"), results(reports, "silent")
	for rule, want := range map[string]event.Outcome{
		"descriptor-valid": event.Fail, "readme-complete": event.Unknown, "codeowners-complete": event.Unknown,
		"ci-fast-and-green": event.Warn, "deployed-recently": event.Pass, "human-review": event.Unknown,
		"rollback-possible": event.Unknown,
	} {
		if pay[rule].Outcome != want {
			t.Errorf("pay: %s is %s (%s), want %s", rule, pay[rule].Outcome, pay[rule].Reason, want)
		}
	}
	if want := "the 90th percentile of CI duration is 12 minutes, the rule wants at most 10"; !strings.HasPrefix(
		pay["ci-fast-and-green"].Reason, want) {
		t.Errorf("ci-fast-and-green says %q, want %q", pay["ci-fast-and-green"].Reason, want)
	}
	for rule, want := range map[string]string{
		"ci-fast-and-green": "ci.runs_30d is not known: no pipeline runs are known; a source with pipeline runs",
		"deployed-recently": "deploy.last_at is not known: no deployments are known",
		"license":           "repository.license is not known; a checkout, or a source of kind github or gitlab should give it",
	} {
		if r := silent[rule]; r.Outcome != event.Unknown || !strings.HasPrefix(r.Reason, want) {
			t.Errorf("silent: %s is %s (%s), want it to say %q", rule, r.Outcome, r.Reason, want)
		}
	}
	again, err := e.Reports(t.Context(), s, cat)
	if err != nil {
		t.Fatal(err)
	}
	for rule, want := range pay {
		if got := results(again, "pay")[rule]; got.Outcome != want.Outcome || got.Reason != want.Reason {
			t.Errorf("stored %s is %s (%s), want %s (%s)", rule, got.Outcome, got.Reason, want.Outcome, want.Reason)
		}
	}
	if n := count(t, s, "SELECT toUInt64(count()) AS n FROM grades WHERE entity = 'component:default/pay'"); n != uint64(
		len(pay),
	) {
		t.Errorf("%d grades are stored, want %d", n, len(pay))
	}
}

// The grade of one service is the one that it has among all, and no other service is touched.
func TestRefreshOfOneService(t *testing.T) {
	s, cat := setUp(t)
	e, m := engines(t, s, clock)
	const pay = "component:default/pay"
	one, err := e.Refresh(t.Context(), s, cat, m, []string{pay, "component:default/nobody", pay})
	if err != nil || len(one) != len(e.Scorecards()) {
		t.Fatalf("%d reports, %v", len(one), err)
	}
	if n := count(t, s, "SELECT toUInt64(countIf(entity != '"+pay+"')) AS n FROM grades"); n != 0 {
		t.Errorf("%d grades of other services are stored", n)
	}
	all, err := e.Refresh(t.Context(), s, cat, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	for rule, want := range results(all, "pay") {
		if got := results(one, "pay")[rule]; got.Outcome != want.Outcome || got.Reason != want.Reason {
			t.Errorf("%s is %s (%s) alone, %s (%s) among all", rule, got.Outcome, got.Reason, want.Outcome, want.Reason)
		}
	}
}

// A day later nothing but time has changed: the history of the grades does not grow.
func TestRefreshTwiceAddsNoHistory(t *testing.T) {
	s, cat := setUp(t)
	now := testNow
	e, m := engines(t, s, func() time.Time { return now })
	if _, err := e.Refresh(t.Context(), s, cat, m, nil); err != nil {
		t.Fatal(err)
	}
	history := func() (n int) {
		for _, entity := range cat.Entities() {
			grades, err := s.GradeHistory(t.Context(), entity.Ref)
			if err != nil {
				t.Fatal(err)
			}
			n += len(grades)
		}
		return n
	}
	before := history()
	now = now.Add(6 * time.Hour)
	if _, err := e.Refresh(t.Context(), s, cat, m, nil); err != nil {
		t.Fatal(err)
	}
	if after := history(); before == 0 || after != before {
		t.Errorf("%d rows became %d", before, after)
	}
}

func TestFactsGoStale(t *testing.T) {
	s, cat := setUp(t)
	now := testNow
	e, m := engines(t, s, func() time.Time { return now })
	if _, err := e.Refresh(t.Context(), s, cat, m, nil); err != nil {
		t.Fatal(err)
	}
	now = now.Add(facts.MaxAge)
	reports, err := e.Reports(t.Context(), s, cat)
	if err != nil {
		t.Fatal(err)
	}
	pay := results(reports, "pay")
	if r := pay["ci-fast-and-green"]; r.Outcome != event.Stale || !strings.Contains(r.Reason, "out of date: metrics gave "+
		"10 on 2026-11-22") {
		t.Errorf("ci-fast-and-green is %s: %s", r.Outcome, r.Reason)
	}
	if r := pay["descriptor-valid"]; r.Outcome != event.Fail {
		t.Errorf("descriptor-valid is %s: %s", r.Outcome, r.Reason)
	}
}

// What is computed from events is as old as the last reading of their source, and says so.
func TestSourcesNotReadForLong(t *testing.T) {
	s, cat := setUp(t)
	read := testNow.AddDate(0, 0, -5)
	if err := s.Append(t.Context(), event.LedgerEntry{
		Source:      "gh",
		Provider:    "github",
		Scope:       "MyOrg/pay",
		Of:          event.KindPipelineRun,
		WindowStart: read.AddDate(0, 0, -30),
		WindowEnd:   read,
		Expected:    10,
		Stored:      10,
		CheckedAt:   read,
	}, event.LedgerEntry{
		Source:      "gh",
		Provider:    "github",
		Scope:       "MyOrg/pay",
		Of:          event.KindChange,
		WindowStart: read.AddDate(0, 0, -30),
		WindowEnd:   read,
		CheckedAt:   read,
	}); err != nil {
		t.Fatal(err)
	}
	e, m := engines(t, s, clock)
	reports, err := e.Refresh(t.Context(), s, cat, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	pay := results(reports, "pay")
	if r := pay["ci-fast-and-green"]; r.Outcome != event.Stale || !strings.Contains(r.Reason, "gave 10 on 2026-11-17 and "+
		"it held until 2026-11-21") || !strings.HasPrefix(r.Fix, "Read the sources again (dxctl collect)") {
		t.Errorf("ci-fast-and-green is %s: %s; %s", r.Outcome, r.Reason, r.Fix)
	}
	if n := count(t, s, "SELECT toUInt64(count()) AS n FROM facts WHERE fact = 'change.review_share_30d' AND "+
		"position(error, 'the sources of this service were read and hold none') > 0"); n != 1 {
		t.Errorf("the review share of %d services states that the sources have no changes, want 1", n)
	}
	if r := pay["deployed-recently"]; r.Outcome != event.Pass {
		t.Errorf("deployed-recently is %s: %s", r.Outcome, r.Reason)
	}
}

// Builds of long ago are known builds: there were none this month, which is not the same as not knowing.
func TestOldEventsAreKnown(t *testing.T) {
	s, cat := setUp(t)
	e, m := engines(t, s, func() time.Time { return testNow.AddDate(1, 0, 0) })
	reports, err := e.Refresh(t.Context(), s, cat, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	pay := results(reports, "pay")
	if r := pay["ci-fast-and-green"]; r.Outcome != event.NotApplicable {
		t.Errorf("ci-fast-and-green is %s: %s", r.Outcome, r.Reason)
	}
	if n := count(t, s, "SELECT toUInt64(count()) AS n FROM facts WHERE fact = 'ci.p90_minutes' AND "+
		"error = 'no pipeline run of the last 30 days succeeded or failed'"); n != 1 {
		t.Errorf("%d services have no run in the last 30 days, want 1", n)
	}
	if r := pay["deployed-recently"]; r.Outcome != event.Fail || r.Reason != "the last production deployment is "+
		"2026-11-21, the rule wants it at most 30 days ago" {
		t.Errorf("deployed-recently is %s: %s", r.Outcome, r.Reason)
	}
}

func count(t *testing.T, s *store.Store, sql string) uint64 {
	t.Helper()
	var rows []struct {
		N uint64 `ch:"n"`
	}
	if err := s.Select(context.Background(), &rows, sql, nil); err != nil || len(rows) != 1 {
		t.Fatal(err, rows)
	}
	return rows[0].N
}
