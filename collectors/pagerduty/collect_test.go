package pagerduty

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

func TestCollect(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	resolve(f.open(1, service, noon.Add(-400*24*time.Hour)), noon.Add(-399*24*time.Hour))
	f.open(2, "POTHER1", noon.Add(-50*time.Hour))
	old := f.open(3, service, noon.Add(-30*time.Hour))
	old["priority"] = object{"id": "PP", "summary": "P1"}
	resolve(old, noon.Add(-28*time.Hour))
	f.logs["Q3"] = []object{
		{"type": "resolve_log_entry", "created_at": stampText(noon.Add(-28 * time.Hour))},
		{
			"type":       "acknowledge_log_entry",
			"created_at": stampText(noon.Add(-29 * time.Hour)),
		},
		{"type": "acknowledge_log_entry", "created_at": stampText(noon.Add(-29*time.Hour - 30*time.Minute))},
	}
	acknowledge(f.open(4, service, noon.Add(-3*time.Hour)), noon.Add(-2*time.Hour))
	c := f.collector(t, now.now, nil)
	collect(t, c, m)
	if n := len(f.asked()); n != 2 {
		t.Errorf("%d requests, want one page and the log of the incident that was resolved within half a year", n)
	}
	if got, want := m.Keys(event.KindIncident), []string{"Q1", "Q3", "Q4"}; !slices.Equal(got, want) {
		t.Fatalf("stored are %q, want %q", got, want)
	}
	want := event.Incident{
		Origin: event.Origin{
			Source:   "pd",
			Provider: "pagerduty",
			Scope:    service,
			ID:       "Q3",
			URL:      "https://acme.pagerduty.com/incidents/Q3",
		},
		Severity:       "P1",
		OpenedAt:       noon.Add(-30 * time.Hour),
		AcknowledgedAt: noon.Add(-29*time.Hour - 30*time.Minute),
		ResolvedAt:     noon.Add(-28 * time.Hour),
	}
	if got := collecttest.Find[event.Incident](t, m, "Q3"); got != want {
		t.Errorf("incident is\n%+v, want\n%+v", got, want)
	}
	if got := collecttest.Find[event.Incident](
		t,
		m,
		"Q4",
	); !got.AcknowledgedAt.Equal(noon.Add(-2*time.Hour)) || !got.ResolvedAt.IsZero() ||
		got.Severity != "high" {
		t.Errorf("acknowledged incident is %+v", got)
	}
	if got := collecttest.Find[event.Incident](
		t,
		m,
		"Q1",
	); !got.AcknowledgedAt.IsZero() ||
		!got.ResolvedAt.Equal(noon.Add(-399*24*time.Hour)) {
		t.Errorf("old incident is %+v", got)
	}
	if l := m.Ledger(event.KindIncident); l.Expected != 3 || l.Stored != 3 || l.Open != 1 || l.Note != "" {
		t.Errorf("ledger is %+v", l)
	}
	before := m.Appended()
	collect(t, c, m)
	if n := len(f.asked()); n != 1 || m.Appended() != before {
		t.Errorf("nothing is new: %d requests and %d events, want 1 and 0", n, m.Appended()-before)
	}
}

func TestAnAcknowledgmentIsRemembered(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	i := f.open(1, service, noon.Add(-time.Hour))
	acknowledge(i, noon.Add(-50*time.Minute))
	c := f.collector(t, now.now, nil)
	collect(t, c, m)
	acknowledge(i, noon.Add(-10*time.Minute)) // by another person, after it had run out
	collect(t, c, m)
	resolve(i, noon)
	i["resolved_at"] = stampText(noon.Add(-time.Minute))
	f.asked()
	collect(t, c, m)
	if n := len(f.asked()); n != 1 {
		t.Errorf("%d requests, want 1: when it was acknowledged is known", n)
	}
	if got := collecttest.Find[event.Incident](
		t,
		m,
		"Q1",
	); !got.AcknowledgedAt.Equal(noon.Add(-50*time.Minute)) ||
		!got.ResolvedAt.Equal(noon.Add(-time.Minute)) {
		t.Errorf("incident is %+v", got)
	}
	i["status"] = "reopened" // no word of PagerDuty's
	collect(t, c, m)
	if got := collecttest.Find[event.Incident](t, m, "Q1"); !got.ResolvedAt.IsZero() {
		t.Errorf("incident with an unknown status is %+v, want it open", got)
	}
}

// fill adds that many resolved incidents, the newest an hour before noon, the others an hour before each other.
func (f *fake) fill(n int, from time.Time, every time.Duration) {
	for i := 1; i <= n; i++ {
		resolve(f.open(i, service, from.Add(time.Duration(i-n)*every)), from.Add(time.Duration(i-n)*every+time.Minute))
	}
}

func TestOldOpenIncidents(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	open := f.open(0, service, noon.Add(-300*24*time.Hour))
	f.fill(150, noon.Add(-200*24*time.Hour), time.Hour)
	c := f.collector(t, now.now, nil)
	collect(t, c, m)
	resolve(open, noon)
	f.asked()
	collect(t, c, m)
	if got := f.asked(); len(got) != 1 {
		t.Errorf("asked %q, want the newest page alone: the open incident was seen just now", got)
	}
	now.at = noon.Add(7 * time.Hour)
	collect(t, c, m)
	if got := collecttest.Find[event.Incident](t, m, "Q0"); !got.ResolvedAt.Equal(noon) {
		t.Errorf("incident is %+v, want it resolved", got)
	}
	f.asked()
	now.at = noon.Add(30 * time.Hour)
	collect(t, c, m)
	if got := f.asked(); len(got) != 1 {
		t.Errorf("asked %q, want the newest page alone: nothing is open", got)
	}
}

func TestMoreThanPagerDutyCounts(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	resolve(f.open(0, service, noon.Add(-900*24*time.Hour)), noon)
	f.fill(950, noon.Add(-200*24*time.Hour), 6*time.Hour) // 237 days
	f.limit = 400
	c := f.collector(t, now.now, nil)
	c.depth = f.limit
	collect(t, c, m)
	if n := len(m.Keys(event.KindIncident)); n != 951 {
		t.Errorf("%d incidents, want 951", n)
	}
	for i := range 480 { // more new ones than are counted
		f.open(3000+i, service, noon.Add(time.Duration(i-480)*time.Minute))
	}
	collect(t, c, m)
	if n := len(m.Keys(event.KindIncident)); n != 1431 {
		t.Errorf("%d incidents, want 1431", n)
	}
	if l := m.Ledger(event.KindIncident); l.Gap() != 0 || l.Open != 480 {
		t.Errorf("ledger is %+v", l)
	}
}

func TestNewIncidentsOfSeveralPages(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	f.fill(120, noon.Add(-300*24*time.Hour), time.Hour)
	c := f.collector(t, now.now, nil)
	collect(t, c, m)
	for i := 121; i <= 400; i++ {
		f.open(i, service, noon.Add(time.Duration(i-500)*time.Hour))
	}
	m.FailAt, m.Once = m.Writes()+3, true // the second page is not stored
	if err := c.Collect(t.Context(), service, m); !errors.Is(err, collecttest.ErrKilled) {
		t.Fatalf("error is %v, want the disk's", err)
	}
	collect(t, c, m)
	if n := len(m.Keys(event.KindIncident)); n != 400 {
		t.Errorf("%d incidents, want 400", n)
	}
}

func TestSince(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	f.fill(450, noon.Add(-200*24*time.Hour), time.Hour)
	since := noon.Add(-200*24*time.Hour - 249*time.Hour)
	collect(t, f.collector(t, now.now, func(c *Config) { c.Since = since }), m)
	if n := len(m.Keys(event.KindIncident)); n != 250 {
		t.Errorf("%d incidents, want 250", n)
	}
	if l := m.Ledger(event.KindIncident); l.Gap() != 0 || l.WindowStart != since || !strings.Contains(l.Note, "of 450") {
		t.Errorf("ledger is %+v", l)
	}
	collect(t, f.collector(t, now.now, nil), m)
	if n := len(m.Keys(event.KindIncident)); n != 450 {
		t.Errorf("%d incidents without since, want 450", n)
	}
}

func TestAGapIsFilled(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	f.fill(250, noon.Add(-200*24*time.Hour), time.Hour)
	c := f.collector(t, now.now, nil)
	collect(t, c, m)
	m.Remove(event.KindIncident, "Q40")
	m.Remove(event.KindIncident, "Q240")
	collect(t, c, m)
	if l := m.Ledger(event.KindIncident); len(m.Keys(event.KindIncident)) != 250 || l.Expected != 250 || l.Stored != 250 {
		t.Errorf("%d are stored, want 250; ledger %+v", len(m.Keys(event.KindIncident)), l)
	}
	m.Remove(event.KindIncident, "Q40")
	f.asked()
	for range 2 { // the first reads the newest page whole, because what was known was forgotten
		collect(t, c, m)
	}
	if l := m.Ledger(event.KindIncident); l.Gap() != 1 || len(f.asked()) != 2 {
		t.Errorf("ledger is %+v, want the gap shown, and looked for once a day", l)
	}
}

func TestOddRecords(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	f.noTotal = true
	f.open(1, service, noon.Add(-time.Hour))
	f.open(2, service, noon.Add(-time.Hour))["incident_number"] = "two"
	f.open(3, service, noon.Add(-time.Hour))["last_status_change_at"] = nil
	f.open(4, service, noon.Add(-time.Hour))["html_url"] = nil
	if err := f.collector(t, now.now, nil).
		Collect(t.Context(), service, m); !rest.OnlySkipped(err) ||
		!strings.Contains(err.Error(), "Q2 (an incident cannot be read") {
		t.Errorf("error %v", err)
	}
	if got, want := m.Keys(event.KindIncident), []string{"Q1", "Q3", "Q4"}; !slices.Equal(got, want) {
		t.Errorf("stored are %q, want %q", got, want)
	}
	if l := m.Ledger(event.KindIncident); l.Expected != 4 || !strings.Contains(l.Note, "no total") ||
		!strings.Contains(l.Note, "Q2") {
		t.Errorf("ledger is %+v", l)
	}
}

func TestScopes(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	f.services = nil
	for i := range 120 {
		f.services = append(f.services, fmt.Sprintf("P%03d", i))
	}
	c := f.collector(t, now.now, nil)
	for range 2 {
		ids, err := c.Scopes(t.Context(), m)
		if err != nil || len(ids) != 120 || ids[7] != "P007" {
			t.Fatalf("scopes are %q (%v)", ids, err)
		}
	}
	if n := len(f.asked()); n != 2 {
		t.Errorf("%d requests, want 2 pages once", n)
	}
	now.at = noon.Add(2 * time.Hour)
	f.services = nil // the key does not show them anymore
	f.open(1, "PB", noon)
	f.open(2, "PA", noon)
	f.open(3, "PB", noon)
	if ids, err := c.Scopes(t.Context(), m); err != nil || !slices.Equal(ids, []string{"PA", "PB"}) {
		t.Errorf("scopes by incidents are %q (%v)", ids, err)
	}
	c = f.collector(t, now.now, func(c *Config) { c.Services = []string{"PX", "PC"} })
	if ids, err := c.Scopes(t.Context(), m); err != nil || !slices.Equal(ids, []string{"PC", "PX"}) {
		t.Errorf("configured scopes are %q (%v)", ids, err)
	}
}

func TestCheck(t *testing.T) {
	f := newFake(t)
	if err := f.collector(t, nil, func(c *Config) { c.Services = []string{service} }).Check(t.Context()); err != nil {
		t.Errorf("Check: %v", err)
	}
	err := f.collector(t, nil, func(c *Config) { c.Services = []string{"PNONE"} }).Check(t.Context())
	if err == nil || !strings.Contains(err.Error(), "service PNONE: GET services/PNONE: status 404 Not Found: Not "+
		"Found what was asked for") {
		t.Errorf("Check of an unknown service: %v", err)
	}
	err = f.collector(t, nil, func(c *Config) { c.Token = "old" }).Check(t.Context())
	if !errors.Is(err, rest.ErrUnauthorized) || !strings.Contains(err.Error(), "api.eu.pagerduty.com") {
		t.Errorf("Check with a bad key: %v", err)
	}
	f.authorized = "Bearer access"
	if err := f.collector(t, nil, func(c *Config) { c.Token = "Bearer access" }).Check(t.Context()); err != nil {
		t.Errorf("Check with an access token: %v", err)
	}
}

func TestAnIncidentThatWasResolvedAtAnUnknownTimeIsNotOpen(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	i := f.open(1, service, noon.Add(-400*24*time.Hour)) // too old for its log to be asked
	i["status"], i["last_status_change_at"] = "resolved", nil
	collect(t, f.collector(t, now.now, nil), m)
	if got := collecttest.Find[event.Incident](
		t,
		m,
		"Q1",
	); !got.EndUnknown || !got.ResolvedAt.IsZero() ||
		!got.Resolved() {
		t.Errorf("incident is %+v, want it resolved at a time that is not known", got)
	}
}
