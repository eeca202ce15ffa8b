package opsgenie

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

func withTeam(c *Config) { c.Teams = []string{team} }

func TestIncidents(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	done := f.incident("i1", noon.Add(-30*time.Hour), service, "another")
	done["status"], done["impactStartDate"], done["impactEndDate"], done["updatedAt"] = "resolved", stampText(
		noon.Add(-31*time.Hour),
	), stampText(noon.Add(-28*time.Hour)), stampText(noon)
	f.incident("i2", noon.Add(-20*time.Hour), "another")
	late := f.incident("i3", noon.Add(-10*time.Hour), service)
	c := f.collector(t, now.now, nil)
	collect(t, c, service, m)
	if n := len(f.asked()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
	if got, want := m.Keys(event.KindIncident), []string{"i1", "i3"}; !slices.Equal(got, want) {
		t.Fatalf("stored are %q, want %q", got, want)
	}
	want := event.Incident{
		Origin: event.Origin{
			Source:   "og",
			Provider: "opsgenie",
			Scope:    service,
			ID:       "i1",
			URL:      "https://acme.app.opsgenie.com/incident/detail/i1",
		},
		Severity:   "P2",
		OpenedAt:   noon.Add(-31 * time.Hour),
		ResolvedAt: noon.Add(-28 * time.Hour),
	}
	if got := collecttest.Find[event.Incident](t, m, "i1"); got != want {
		t.Errorf("incident is\n%+v, want\n%+v", got, want)
	}
	if l := m.Ledger(event.KindIncident); l.Stored != 2 || l.Open != 1 || !strings.Contains(l.Note, "no total") {
		t.Errorf("ledger is %+v", l)
	}
	before := m.Appended()
	collect(t, c, service, m)
	if n := len(f.asked()); n != 1 || m.Appended() != before {
		t.Errorf("nothing is new: %d requests and %d events, want 1 and 0", n, m.Appended()-before)
	}
	late["status"], late["updatedAt"] = "closed", stampText(noon)
	collect(t, c, service, m)
	late["updatedAt"] = stampText(noon.Add(time.Hour)) // a note
	collect(t, c, service, m)
	if got := collecttest.Find[event.Incident](t, m, "i3"); !got.ResolvedAt.Equal(noon) {
		t.Errorf("incident is %+v, want it to have ended when it was first seen closed", got)
	}
}

func TestAlerts(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	f.noETag = true
	f.fill(250, noon.Add(-50*time.Hour), time.Hour)
	f.alert("open", noon.Add(-time.Hour))["report"] = object{"ackTime": 90_000}
	c := f.collector(t, now.now, withTeam)
	collect(t, c, team, m)
	if n := len(f.asked()); n != 4 {
		t.Errorf("%d requests, want 3 pages and the count", n)
	}
	a := collecttest.Find[event.Incident](t, m, "a7")
	if a.Scope != team || a.Severity != "P3" || a.AcknowledgedAt.Sub(a.OpenedAt) != time.Second ||
		a.ResolvedAt.Sub(a.OpenedAt) != time.Minute {
		t.Errorf("alert is %+v", a)
	}
	if a := collecttest.Find[event.Incident](
		t,
		m,
		"open",
	); a.AcknowledgedAt.Sub(a.OpenedAt) != 90*time.Second ||
		!a.ResolvedAt.IsZero() {
		t.Errorf("open alert is %+v", a)
	}
	if l := m.Ledger(event.KindIncident); l.Expected != 251 || l.Stored != 251 || l.Open != 1 || l.Note != "" {
		t.Errorf("ledger is %+v", l)
	}
	before := m.Appended()
	f.alerts[0]["count"], f.alerts[0]["updatedAt"] = 2, stampText(noon) // it came once more
	collect(t, c, team, m)
	if n := len(f.asked()); n != 1 || m.Appended() != before {
		t.Errorf("nothing is new: %d requests and %d events, want 1 and 0", n, m.Appended()-before)
	}
	f.alerts[0]["status"] = "muted" // no word of Opsgenie's
	f.alerts[0]["priority"] = "P1"
	collect(t, c, team, m)
	if a := collecttest.Find[event.Incident](t, m, "open"); !a.ResolvedAt.IsZero() || a.Severity != "P1" {
		t.Errorf("alert with an unknown status is %+v, want it open", a)
	}
}

func TestOldOpenAlerts(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	old := f.alert("old", noon.Add(-300*time.Hour))
	f.fill(150, noon.Add(-time.Hour), time.Hour)
	c := f.collector(t, now.now, withTeam)
	collect(t, c, team, m)
	old["status"], old["report"] = "closed", object{"closeTime": 1_080_000_000}
	now.at = noon.Add(7 * time.Hour)
	collect(t, c, team, m)
	if a := collecttest.Find[event.Incident](t, m, "old"); !a.ResolvedAt.Equal(noon) {
		t.Errorf("alert is %+v, want it closed at noon", a)
	}
	f.asked()
	now.at = noon.Add(30 * time.Hour)
	collect(t, c, team, m)
	if got := f.asked(); len(got) != 1 {
		t.Errorf("asked %q, want the newest page alone: nothing is open", got)
	}
}

func TestMoreThanOpsgenieCounts(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	f.fill(850, noon.Add(-time.Hour), time.Minute)
	f.limit = 400
	c := f.collector(t, now.now, withTeam)
	c.depth = f.limit
	collect(t, c, team, m)
	if n := len(m.Keys(event.KindIncident)); n != 850 {
		t.Errorf("%d alerts, want 850", n)
	}
	for i := range 480 { // more new ones than are counted
		f.alert(fmt.Sprintf("n%d", i), noon.Add(time.Duration(i)*time.Second))
	}
	collect(t, c, team, m)
	if n := len(m.Keys(event.KindIncident)); n != 1330 {
		t.Errorf("%d alerts, want 1330", n)
	}
}

func TestNewAlertsOfSeveralPages(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	f.fill(120, noon.Add(-900*time.Hour), time.Hour)
	c := f.collector(t, now.now, withTeam)
	collect(t, c, team, m)
	for i := range 280 {
		f.alert("n"+string(rune('A'+i/26))+string(rune('a'+i%26)), noon.Add(time.Duration(i-500)*time.Hour))
	}
	m.FailAt, m.Once = m.Writes()+2, true // the second page is not stored
	if err := c.Collect(t.Context(), team, m); !errors.Is(err, collecttest.ErrKilled) {
		t.Fatalf("error is %v, want the disk's", err)
	}
	collect(t, c, team, m)
	if n := len(m.Keys(event.KindIncident)); n != 400 {
		t.Errorf("%d alerts, want 400", n)
	}
}

func TestSinceAndTags(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	f.fill(450, noon, time.Hour)
	f.alerts[3]["tags"], f.alerts[400]["tags"] = []string{"test"}, []string{"test"}
	change := func(since time.Time, tags ...string) func(*Config) {
		return func(c *Config) { c.Teams, c.Since, c.Tags = []string{team}, since, tags }
	}
	since := noon.Add(-249 * time.Hour)
	collect(t, f.collector(t, now.now, change(since, "prod", "stage")), team, m)
	if n := len(m.Keys(event.KindIncident)); n != 249 {
		t.Errorf("%d alerts, want 249 of 250 since then", n)
	}
	if l := m.Ledger(event.KindIncident); l.Expected != 249 || l.WindowStart != since {
		t.Errorf("ledger is %+v", l)
	}
	collect(t, f.collector(t, now.now, change(time.Time{}, "prod", "stage")), team, m)
	if n := len(m.Keys(event.KindIncident)); n != 448 {
		t.Errorf("%d alerts without since, want 448", n)
	}
	collect(t, f.collector(t, now.now, change(time.Time{})), team, m)
	if l := m.Ledger(event.KindIncident); len(m.Keys(event.KindIncident)) != 450 || l.Gap() != 0 {
		t.Errorf("%d alerts without tags, want 450; ledger %+v", len(m.Keys(event.KindIncident)), l)
	}
}

func TestAGapIsFilled(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	f.fill(250, noon, time.Hour)
	c := f.collector(t, now.now, withTeam)
	collect(t, c, team, m)
	m.Remove(event.KindIncident, "a40")
	m.Remove(event.KindIncident, "a240")
	collect(t, c, team, m)
	if l := m.Ledger(event.KindIncident); len(m.Keys(event.KindIncident)) != 250 || l.Expected != 250 || l.Stored != 250 {
		t.Errorf("%d are stored, want 250; ledger %+v", len(m.Keys(event.KindIncident)), l)
	}
}

func TestScopes(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	f.services = []string{"s2", "s1"}
	c := f.collector(t, now.now, nil)
	for range 2 {
		if ids, err := c.Scopes(t.Context(), m); err != nil || !slices.Equal(ids, []string{"s1", "s2"}) {
			t.Fatalf("scopes are %q (%v)", ids, err)
		}
	}
	if n := len(f.asked()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
	f.services = nil
	if _, err := c.Scopes(t.Context(), collecttest.NewWriter()); err == nil ||
		!strings.Contains(err.Error(), "read alerts with teams: [name]") {
		t.Errorf("a plan without incidents: %v", err)
	}
	c = f.collector(t, now.now, func(c *Config) { c.Services, c.Teams = []string{"s9"}, []string{team} })
	if ids, err := c.Scopes(t.Context(), m); err != nil || !slices.Equal(ids, []string{team, "s9"}) {
		t.Errorf("configured scopes are %q (%v)", ids, err)
	}
}

func TestCheck(t *testing.T) {
	f := newFake(t)
	for _, change := range []func(*Config){nil, withTeam, func(c *Config) { c.Services = []string{service} }} {
		if err := f.collector(t, nil, change).Check(t.Context()); err != nil {
			t.Errorf("Check: %v", err)
		}
	}
	err := f.collector(t, nil, func(c *Config) { c.Services = []string{"none"} }).Check(t.Context())
	if err == nil || !strings.Contains(err.Error(), "service none: GET v1/services/none: status 404 Not Found: No such "+
		"thing") {
		t.Errorf("Check of an unknown service: %v", err)
	}
	err = f.collector(t, nil, func(c *Config) { c.Token = "old" }).Check(t.Context())
	if !errors.Is(err, rest.ErrUnauthorized) || !strings.Contains(err.Error(), "api.eu.opsgenie.com") {
		t.Errorf("Check with a bad key: %v", err)
	}
}

func TestAnIncidentThatWasResolvedAtAnUnknownTimeIsNotOpen(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	done := f.incident("i1", noon.Add(-30*time.Hour), service)
	done["status"], done["updatedAt"] = "closed", stampText(noon) // long after, for all that is known
	collect(t, f.collector(t, now.now, nil), service, m)
	if got := collecttest.Find[event.Incident](t, m, "i1"); !got.EndUnknown || !got.ResolvedAt.IsZero() {
		t.Errorf("incident is %+v, want it resolved at a time that is not known", got)
	}
}
