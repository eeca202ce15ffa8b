package opsgenie

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// breaks makes every answer fail that holds one of the alerts.
func (f *fake) breaks(broken *bool, status int, body string, ids ...string) {
	f.answer = func(w http.ResponseWriter, r *http.Request) bool {
		q := r.URL.Query()
		offset, _ := strconv.Atoi(q.Get("offset"))
		limit, _ := strconv.Atoi(q.Get("limit"))
		for _, id := range ids {
			at := slices.IndexFunc(f.alerts, func(a object) bool { return a["id"] == id })
			listed := r.URL.Path == "/v2/alerts" && offset <= at && at < offset+limit
			if *broken && (listed || r.URL.Path == "/v2/alerts/"+id) {
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body))
				return true
			}
		}
		return false
	}
}

func TestAnAlertThatCannotBeReadDoesNotHoldUpTheOthers(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		ids    []string
	}{
		"always 500":     {500, "oops", []string{"a200"}},
		"does not parse": {200, "{\"data\":[{\x01", []string{"a30"}},
		"several":        {500, "", []string{"a250", "a149", "a148", "a1"}},
	} {
		t.Run(name, func(t *testing.T) {
			f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
			f.fill(250, noon.Add(-24*time.Hour), time.Hour)
			broken := true
			f.breaks(&broken, tc.status, tc.body, tc.ids...)
			c := f.collector(t, now.now, withTeam)
			for range 2 {
				err := c.Collect(t.Context(), team, m)
				if !rest.OnlySkipped(err) || !strings.Contains(err.Error(), "the record listed after ") {
					t.Fatalf("error %v", err)
				}
				l := m.Ledger(event.KindIncident)
				if n := len(m.Keys(event.KindIncident)); n != 250-len(tc.ids) || l.Expected != 250 || l.Stored != uint64(n) ||
					!strings.Contains(l.Note, "could not be read") {
					t.Errorf("%d alerts, ledger %+v", n, l)
				}
				now.at = now.at.Add(time.Minute)
			}
			broken = false
			collect(t, c, team, m)
			if l := m.Ledger(event.KindIncident); len(m.Keys(event.KindIncident)) != 250 || l.Expected != 250 || l.Note != "" {
				t.Errorf("repaired: %d alerts, ledger %+v", len(m.Keys(event.KindIncident)), l)
			}
			collect(t, c, team, m)
			f.asked()
			collect(t, c, team, m)
			if n := len(f.asked()); n != 1 {
				t.Errorf("%d requests when nothing is new", n)
			}
		})
	}
}

func TestAnOpenAlertThatCannotBeReadDoesNotHoldUpTheOthers(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	for _, id := range []string{"x1", "x2"} {
		f.alert(id, noon.Add(-2000*time.Hour))
	}
	f.fill(120, noon.Add(-24*time.Hour), time.Hour)
	c := f.collector(t, now.now, withTeam)
	collect(t, c, team, m)
	for _, a := range f.alerts {
		if id := a["id"]; id == "x1" || id == "x2" {
			a["status"], a["report"] = "closed", object{"closeTime": 60_000}
		}
	}
	broken := true
	f.breaks(&broken, 500, "", "x1")
	now.at = noon.Add(24 * time.Hour)
	err := c.Collect(t.Context(), team, m)
	if !rest.OnlySkipped(err) || !strings.Contains(err.Error(), "x1 (") {
		t.Errorf("error %v", err)
	}
	if collecttest.Find[event.Incident](t, m, "x2").ResolvedAt.IsZero() ||
		!collecttest.Find[event.Incident](t, m, "x1").ResolvedAt.IsZero() {
		t.Errorf("%+v, %+v", collecttest.Find[event.Incident](t, m, "x1"), collecttest.Find[event.Incident](t, m, "x2"))
	}
	broken = false
	collect(t, c, team, m)
	if collecttest.Find[event.Incident](t, m, "x1").ResolvedAt.IsZero() {
		t.Errorf("repaired: %+v", collecttest.Find[event.Incident](t, m, "x1"))
	}
}

func TestAServiceThatMakesNoSenseIsNamed(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	f.services = []string{service, "not an id"}
	c := f.collector(t, now.now, nil)
	scopes, err := c.Scopes(t.Context(), m)
	if !rest.OnlySkipped(err) || !strings.Contains(err.Error(), "service 2 of the list") ||
		!slices.Equal(scopes, []string{service}) {
		t.Errorf("%q, %v", scopes, err)
	}
}
