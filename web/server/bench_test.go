package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

// manyEvents is two years of a dozen services: about as much as the demo organization has.
func manyEvents() []event.Event {
	var events []event.Event
	for s := range 12 {
		repository := fmt.Sprintf("myorg/service-%d", s)
		for i := range 900 {
			at := present.Add(-time.Duration(i) * 19 * time.Hour)
			id := fmt.Sprintf("%d-%d", s, i)
			d := deployment(repository, "d"+id, fmt.Sprintf("p%d", i%80), "production", event.Succeeded, at)
			d.SHA = fmt.Sprintf("%040x", s*10000+i)
			events = append(events, d, event.Change{
				Origin: origin(repository, "c"+id), Repository: repository, Number: uint64(i + 1), Title: "Change",
				Author:    fmt.Sprintf("p%d", i%80),
				CreatedAt: at.Add(-30 * time.Hour), FirstReviewAt: at.Add(-9 * time.Hour), MergedAt: at.Add(-8 * time.Hour),
				ClosedAt: at.Add(-8 * time.Hour), MergeSHA: d.SHA,
			})
			for r := range 3 {
				finished := at.Add(-time.Duration(r) * 3 * time.Hour)
				events = append(events, event.PipelineRun{
					Origin: origin(repository, fmt.Sprintf("r%s-%d", id, r)), Attempt: 1, Pipeline: "build", Status: event.Succeeded,
					Branch: "main", Actor: "p1",
					CreatedAt: finished.Add(-10 * time.Minute), StartedAt: finished.Add(-9 * time.Minute), FinishedAt: finished,
				})
			}
		}
		events = append(events, event.LedgerEntry{Source: "gh", Scope: repository, Of: event.KindDeployment,
			WindowStart: present.AddDate(-2, 0, 0), WindowEnd: present, Expected: 900, Stored: 900, CheckedAt: present})
	}
	return events
}

func manyServices() (descriptors, people string) {
	for s := range 12 {
		descriptors += fmt.Sprintf("---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: service-%d, "+
			"annotations: {github.com/project-slug: myorg/service-%d}}\nspec: {type: service, lifecycle: production, owner: "+
			"team-%d}\n", s, s, s%5)
	}
	people = "person,name,team,start_date,logins\n"
	for p := range 80 {
		people += fmt.Sprintf("p%d,Person %d,team-%d,%s,p%d\n", p, p, p%5,
			present.AddDate(0, 0, -9*p-3).Format(time.DateOnly), p)
	}
	return descriptors, people
}

// BenchmarkPages is the time of whole pages, queries and rendering, on data of the demo's size.
func BenchmarkPages(b *testing.B) {
	descriptors, people := manyServices()
	f := newFixture(b, descriptors, people, manyEvents())
	for _, path := range []string{"/", "/services", "/services/default/service-3", "/time-to-first-deploy",
		"/events/deployments"} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				_ = f.page(b, path)
			}
		})
	}
}

// BenchmarkLargePages is the time of the first and of the next visit of pages of 5,000 services and 100,000 events, and
// how many bytes they have.
func BenchmarkLargePages(b *testing.B) {
	o := organizationOf(5_000, 100_000)
	f := newFixture(b, o.descriptors, o.people, o.events)
	f.gradeFor(b, 8)
	paths := []string{"/", "/services/default/service-7", "/time-to-first-deploy", "/definitions/deployment_frequency"}
	for _, l := range everyList {
		paths = append(paths, strings.Replace(l.path, "payment-service", "service-0", 1))
	}
	for _, path := range paths {
		b.Run("cold "+path, func(b *testing.B) {
			size := 0
			for b.Loop() {
				b.StopTimer()
				cold := &fixture{app: f.rebuild(b, f.deps.Store)}
				b.StartTimer()
				size = len(cold.page(b, path))
			}
			b.ReportMetric(float64(size), "bytes")
		})
		b.Run("warm "+path, func(b *testing.B) {
			_ = f.page(b, path)
			for b.Loop() {
				_ = f.page(b, path)
			}
		})
	}
}

// BenchmarkOverviewQueries is the time that the store takes for the queries of the overview, one after another.
func BenchmarkOverviewQueries(b *testing.B) {
	descriptors, people := manyServices()
	f := newFixture(b, descriptors, people, manyEvents())
	recorded := &recorder{q: f.deps.Store}
	app := f.rebuild(b, recorded)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = "127.0.0.1:8080"
	resp, err := app.Test(r, 60_000)
	if err != nil {
		b.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || len(recorded.queries) < 5 {
		b.Fatalf("status %d, %d queries", resp.StatusCode, len(recorded.queries))
	}
	for i, q := range recorded.queries {
		b.Run(fmt.Sprintf("%02d-%.40s", i, q.name()), func(b *testing.B) {
			for b.Loop() {
				if err := f.store.Select(context.Background(), q.dest(), q.sql, q.params); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
