package issues

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/event"
)

func TestIssuesAreIncidents(t *testing.T) {
	at := func(hours int) time.Time { return now.Add(time.Duration(hours) * time.Hour) }
	s, m := streamtest.Serve(t, &githubtest.Repo{Issues: []githubtest.Issue{
		{Number: 1, Labels: []string{"incident", "sev2"}, Created: at(-50), Updated: at(-40), Closed: at(-41)},
		{Number: 2, Labels: []string{"incident"}, Created: at(-30), Updated: at(-30)},
		{Number: 3, Labels: []string{"incident"}, Created: at(-30), Updated: at(-29), Pull: true},
		{Number: 4, Labels: []string{"bug", "sev1"}, Created: at(-30), Updated: at(-29)},
		{Number: 5, Labels: []string{"outage", "incident"}, Created: at(-20), Updated: at(-19)},
		{Number: 6, Labels: []string{"outage"}, Created: at(-20), Updated: at(-19)},
	}}), collecttest.NewWriter()
	cfg := labeled("incident", "outage")
	collect(t, s, m, now, cfg)
	if got := fmt.Sprint(m.Keys(event.KindIncident)); got != "[1 2 5 6]" {
		t.Fatalf("stored %s", got)
	}
	e := collecttest.Stored[event.Incident](m)["1"]
	want := event.Incident{Origin: e.Origin, Severity: "sev2", OpenedAt: at(-50), ResolvedAt: at(-41)}
	if fmt.Sprintf("%+v", e) != fmt.Sprintf("%+v", want) || e.URL == "" || e.Scope != scope {
		t.Errorf("got  %+v\nwant %+v", e, want)
	}
	if l := m.Ledger(event.KindIncident); l.Expected != 4 || l.Gap() != 0 {
		t.Errorf("ledger %+v", l)
	}
	s.Requests()
	collect(t, s, m, now, cfg)
	if r := s.Requests(); streamtest.Count(r, "/issues") != 2 || r[len(r)-1].Status != http.StatusNotModified {
		t.Errorf("requests when nothing is new: %v", r)
	}
	issues := s.Repos[scope].Issues
	issues[0].Closed, issues[0].Updated = time.Time{}, at(-1) // opened again
	issues[1].Closed, issues[1].Updated = at(-2), at(-1)
	collect(t, s, m, now, cfg)
	if !collecttest.Stored[event.Incident](m)["1"].ResolvedAt.IsZero() ||
		!collecttest.Stored[event.Incident](m)["2"].ResolvedAt.Equal(at(-2)) {
		t.Errorf(
			"opened again %+v\nresolved %+v",
			collecttest.Stored[event.Incident](m)["1"],
			collecttest.Stored[event.Incident](m)["2"],
		)
	}
	issues[0].Closed, issues[0].Labels = at(-1), []string{"incident", "SEV-1"} // within the same second
	collect(t, s, m, now, cfg)
	if e := collecttest.Stored[event.Incident](m)["1"]; !e.ResolvedAt.Equal(at(-1)) || e.Severity != "sev1" {
		t.Errorf("%+v", e)
	}
}

func TestOnlyChangedIssuesAreRead(t *testing.T) {
	var issues []githubtest.Issue
	for i := range 350 {
		at := now.Add(-time.Duration(350-i) * time.Hour)
		issues = append(
			issues,
			githubtest.Issue{Number: i + 1, Labels: []string{"incident"}, Created: at, Updated: at, Closed: at.Add(time.Minute)},
		)
	}
	s, m := streamtest.Serve(t, &githubtest.Repo{Issues: issues}), collecttest.NewWriter()
	collect(t, s, m, now, labeled("incident"))
	if n := streamtest.Count(s.Requests(), "/issues"); n != 4 || m.Number(event.KindIncident) != 350 {
		t.Errorf("%d incidents with %d requests", m.Number(event.KindIncident), n)
	}
	for i := range 120 { // more than a page has changed
		s.Repos[scope].Issues[i].Updated = now.Add(time.Duration(i) * time.Second)
	}
	appended := m.Appended()
	collect(t, s, m, now, labeled("incident"))
	r := s.Requests()
	if n := streamtest.Count(r, "/issues"); n != 2 || streamtest.Count(r, "since=") != 1 {
		t.Errorf("%d requests for 120 changes", n)
	}
	if n := m.Appended() - appended; n < 120 || n > 145 {
		t.Errorf("%d events for 120 changes", n)
	}
	t.Run("since", func(t *testing.T) {
		m := collecttest.NewWriter()
		r := streamtest.Repository(t, s, m, now)
		r.Since = now.Add(-100 * time.Hour)
		if err := Collect(t.Context(), r, labeled("incident")); err != nil {
			t.Fatal(err)
		}
		if m.Number(event.KindIncident) != 220 { // 120 that changed, and 100
			t.Errorf("stored %d", m.Number(event.KindIncident))
		}
		collect(t, s, m, now, labeled("incident"))
		if m.Number(event.KindIncident) != 350 {
			t.Errorf("stored %d after moving back", m.Number(event.KindIncident))
		}
	})
}

func TestARepositoryWithoutIssues(t *testing.T) {
	s, m := streamtest.Serve(t, &githubtest.Repo{}), collecttest.NewWriter()
	s.Before = func(_ int, r *http.Request) *githubtest.Fault {
		if strings.HasSuffix(r.URL.Path, "/issues") {
			return &githubtest.Fault{Status: http.StatusGone, Body: `{"message":"Issues are disabled for this repo"}`}
		}
		return nil
	}
	collect(t, s, m, now, labeled("incident"))
	if l := m.Ledger(event.KindIncident); l.Expected != 0 {
		t.Errorf("ledger %+v", l)
	}
}

func TestMistakesInLabels(t *testing.T) {
	for _, tc := range []struct{ labels, want string }{{"a b", ""}, {"", "give one label"}, {"a,b", "give one label"}, {"x|X", "listed twice"}} {
		err := Config{Labels: strings.Split(tc.labels, "|")}.Validate()
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: error %v, want one that says %q", tc.labels, err, tc.want)
		}
	}
}
