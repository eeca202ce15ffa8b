package deployments

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

func TestDeployments(t *testing.T) {
	at := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
	st := func(words ...string) []githubtest.Status {
		var all []githubtest.Status
		for i, w := range words {
			all = append(all, githubtest.Status{State: w, At: at(-60 + i)})
		}
		return all
	}
	many := st()
	many = append(many, githubtest.Status{State: "SUCCESS", At: at(-500)})
	for i := range 120 {
		many = append(many, githubtest.Status{State: "INACTIVE", At: at(-400 + i)})
	}
	for i, tc := range []struct {
		name     string
		statuses []githubtest.Status
		state    string
		status   event.Status
		raw      string
		finished time.Time
	}{
		{"succeeded", st("QUEUED", "IN_PROGRESS", "SUCCESS"), "ACTIVE", event.Succeeded, "SUCCESS", at(-58)},
		{"superseded", st("IN_PROGRESS", "SUCCESS", "INACTIVE"), "INACTIVE", event.Succeeded, "SUCCESS", at(-59)},
		{"said twice: the first counts", st("SUCCESS", "SUCCESS"), "ACTIVE", event.Succeeded, "SUCCESS", at(-60)},
		{"failed", st("IN_PROGRESS", "FAILURE", "INACTIVE"), "INACTIVE", event.Failed, "FAILURE", at(-59)},
		{"error", st("ERROR"), "ERROR", event.Failed, "ERROR", at(-60)},
		{"failed, then worked", st("FAILURE", "SUCCESS"), "ACTIVE", event.Succeeded, "SUCCESS", at(-59)},
		{"running", st("QUEUED", "IN_PROGRESS"), "IN_PROGRESS", event.Running, "IN_PROGRESS", time.Time{}},
		{"waiting", st("WAITING"), "WAITING", event.Waiting, "WAITING", time.Time{}},
		{"pending", st(), "PENDING", event.Queued, "PENDING", time.Time{}},
		{"never ended", st("IN_PROGRESS", "INACTIVE"), "INACTIVE", event.Cancelled, "INACTIVE", time.Time{}},
		{"its statuses are gone", st("INACTIVE"), "INACTIVE", event.Succeeded, "INACTIVE", time.Time{}},
		{"abandoned", st(), "ABANDONED", event.Cancelled, "ABANDONED", time.Time{}},
		{"an unknown word", st("LEVITATING"), "LEVITATING", event.Running, "LEVITATING", time.Time{}},
		{"more statuses than a page", many, "INACTIVE", event.Succeeded, "success", at(-500)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := githubtest.Deployment{
				ID:          int64(i + 1),
				Environment: "prod",
				SHA:         "abc",
				Ref:         "main",
				Creator:     "alice",
				State:       tc.state,
				Created:     at(-600),
				Statuses:    tc.statuses,
			}
			for _, noGraphQL := range []bool{false, true} {
				if noGraphQL && len(tc.statuses) == 0 {
					continue // REST has no state except for the statuses
				}
				s, m := streamtest.Serve(
					t,
					&githubtest.Repo{Deployments: []githubtest.Deployment{d}, NoGraphQL: noGraphQL},
				), collecttest.NewWriter()
				collect(t, s, m, now, nil)
				e := collecttest.Stored[event.Deployment](m)[fmt.Sprint(i+1)]
				if e.Status != tc.status || !strings.EqualFold(e.StatusRaw, tc.raw) || !e.FinishedAt.Equal(tc.finished) ||
					e.Actor != "alice" ||
					e.Ref != "main" {
					t.Errorf("by REST %t: %+v", noGraphQL, e)
				}
			}
		})
	}
}

func TestOpenDeploymentsAreReadAgain(t *testing.T) {
	var all []githubtest.Deployment
	for i := range 250 {
		all = append(
			all,
			githubtest.Deployment{
				ID:          int64(i + 1),
				Environment: "prod",
				Creator:     "alice",
				State:       "ACTIVE",
				Created:     now.Add(-time.Duration(300-i) * time.Hour),
				Statuses:    []githubtest.Status{{State: "SUCCESS", At: now.Add(-time.Duration(300-i) * time.Hour)}},
			},
		)
	}
	// not on the newest page
	all[20].Statuses, all[20].State = []githubtest.Status{{State: "WAITING", At: all[20].Created}}, "WAITING"
	s, m := streamtest.Serve(t, &githubtest.Repo{Deployments: all}), collecttest.NewWriter()
	collect(t, s, m, now, nil)
	if m.Number(event.KindDeployment) != 250 || collecttest.Stored[event.Deployment](m)["21"].Status != event.Waiting ||
		m.Ledger(event.KindDeployment).Gap() != 0 {
		t.Fatalf("stored %d, %+v", m.Number(event.KindDeployment), collecttest.Stored[event.Deployment](m)["21"])
	}
	d := &s.Repos[scope].Deployments[20]
	d.Statuses = append(d.Statuses, githubtest.Status{State: "SUCCESS", At: now})
	collect(t, s, m, now, nil)
	if e := collecttest.Stored[event.Deployment](m)["21"]; e.Status != event.Succeeded || !e.FinishedAt.Equal(now) {
		t.Errorf("stays %s", e.Status)
	}
	s.Requests()
	collect(t, s, m, now, nil)
	if r := s.Requests(); streamtest.Count(r, "graphql") != 0 {
		t.Errorf("asked again though nothing is open: %v", r)
	}
}

func TestADeploymentThatAlwaysFailsDoesNotHoldUpTheOthers(t *testing.T) {
	repo := &githubtest.Repo{}
	for i := range 150 {
		at := now.Add(-time.Duration(i+1) * time.Hour)
		repo.Deployments = append(
			repo.Deployments,
			githubtest.Deployment{ID: int64(9000 - i), Environment: "prod", SHA: "abc", Ref: "main", Creator: "alice",
				Created: at, Statuses: []githubtest.Status{{State: "SUCCESS", At: at.Add(time.Minute)}}},
		)
	}
	s, m := streamtest.Serve(t, repo), collecttest.NewWriter()
	graphQL := streamtest.GraphQLFails(
		t,
		&githubtest.Fault{Status: http.StatusBadGateway},
		func(query string, _, _ int, _ string) bool { return strings.Contains(query, "deployments") },
	)
	s.Before = func(n int, r *http.Request) *githubtest.Fault {
		if strings.HasSuffix(r.URL.Path, "/deployments/8877/statuses") {
			return &githubtest.Fault{Status: http.StatusInternalServerError}
		}
		return graphQL(n, r)
	}
	for range 2 {
		err := Collect(t.Context(), streamtest.Repository(t, s, m, now), Config{})
		if !rest.OnlySkipped(err) || !strings.Contains(err.Error(), "deployment 8877") ||
			m.Number(event.KindDeployment) != 149 ||
			m.Ledger(event.KindDeployment).Gap() != 1 {
			t.Fatalf("%v, %d deployments, %+v", err, m.Number(event.KindDeployment), m.Ledger(event.KindDeployment))
		}
	}
	s.SetBefore(nil)
	collect(t, s, m, now, nil)
	if m.Number(event.KindDeployment) != 150 || m.Ledger(event.KindDeployment).Gap() != 0 {
		t.Errorf("%d deployments", m.Number(event.KindDeployment))
	}
}
