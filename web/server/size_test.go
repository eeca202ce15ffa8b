package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/web/route"
)

// TestManyServicesAreGradedOnce: the grades of a large catalog are kept like those of a small one, so that pages which
// list services do not compute them again.
func TestManyServicesAreGradedOnce(t *testing.T) {
	const services = 8_000
	var descriptors strings.Builder
	for i := range services {
		fmt.Fprintf(&descriptors,
			"---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: s%d}\nspec: {type: service, "+
				"lifecycle: production, owner: o}\n", i)
	}
	f := newFixture(t, descriptors.String(), "person,team,start_date,logins\np,t,2026-01-01,p\n", nil)
	recorded := &recorder{q: f.deps.Store}
	app := f.rebuild(t, recorded)
	for _, path := range []string{"/services", "/services?q=s17"} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = "127.0.0.1:8080"
		resp, err := app.Test(r, 60_000)
		if err != nil {
			t.Fatal(err)
		}
		if _ = resp.Body.Close(); resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: status %d", path, resp.StatusCode)
		}
	}
	read := 0
	for _, q := range recorded.queries {
		if _, facts := q.params["except"]; facts {
			read++
		}
	}
	if read != 1 {
		t.Errorf("two pages read the facts of all services %d times", read)
	}
}

// TestTeamsAreCountedOnce: the overview and the list of teams share the deployments of all teams, also of a large
// organization.
func TestTeamsAreCountedOnce(t *testing.T) {
	o := organizationOf(2_000, 6_000)
	f := newFixture(t, o.descriptors, o.people, o.events)
	recorded := &recorder{q: f.deps.Store}
	large := &fixture{app: f.rebuild(t, recorded)}
	for _, path := range []string{"/", "/teams", "/teams?q=17", "/api/v1/teams"} {
		_ = large.page(t, path)
	}
	counted := 0
	for _, q := range recorded.queries {
		if q.params["key"] == "team" {
			counted++
		}
	}
	if counted != 1 {
		t.Errorf("four answers count the deployments of the teams %d times", counted)
	}
}

// TestManyCohortsAreBounded: the page of time to first deploy has pages of cohorts, and its API has all of them.
func TestManyCohortsAreBounded(t *testing.T) {
	const teams = 620
	people := strings.Builder{}
	people.WriteString("person,team,start_date,logins\n")
	events := []event.Event{deployment("myorg/payment-service", "first", "ci", "production", event.Succeeded,
		present.AddDate(-1, 0, 0))}
	for i := range teams {
		fmt.Fprintf(&people, "p%d,team-%03d,%s,p%d\n", i, i, present.AddDate(0, -6, 0).Format("2006-01-02"), i)
		at := present.AddDate(0, -5, 0).Add(time.Duration(i) * time.Hour)
		events = append(events, deployment("myorg/payment-service", fmt.Sprintf("of-p%d", i), fmt.Sprintf("p%d", i),
			"production", event.Succeeded, at))
	}
	f := newFixture(t, testCatalog, people.String(), events)
	page := f.page(t, "/time-to-first-deploy?cohort=team")
	if n := strings.Count(page, `data-label="in no estimate"`); n != route.PageSize {
		t.Errorf("the page has %d cohorts", n)
	}
	for _, want := range []string{"drawn with 200 of their 620 steps", "1 to 50 of 620",
		"/api/v1/metrics/time-to-first-deploy?cohort=team", `rel="next" href="/time-to-first-deploy?cohort=team&amp;page=2"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	last := f.page(t, "/time-to-first-deploy?cohort=team&page=13&sort=name")
	if !strings.Contains(last, "team-619") || strings.Contains(last, "team-599") {
		t.Error("the last page has other cohorts than the last twenty")
	}
	_, _, doc := f.get(t, "/api/v1/metrics/time-to-first-deploy?cohort=team")
	if n := strings.Count(doc, `"median_hours"`); n != teams+1 || !strings.Contains(doc, `"curve_steps":620`) {
		t.Errorf("the API has %d cohorts", n)
	}
}
