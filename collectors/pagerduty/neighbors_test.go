package pagerduty

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

// breaks makes every answer fail that holds one of the incidents.
func (f *fake) breaks(broken *bool, status int, body string, numbers ...int) {
	f.answer = func(w http.ResponseWriter, r *http.Request) bool {
		q := r.URL.Query()
		offset, _ := strconv.Atoi(q.Get("offset"))
		limit, _ := strconv.Atoi(q.Get("limit"))
		for _, n := range numbers {
			at := slices.IndexFunc(f.incidents, func(i object) bool { return i["incident_number"] == n })
			listed := r.URL.Path == "/incidents" && offset <= at && at < offset+limit
			if *broken && (listed || strings.HasPrefix(r.URL.Path, "/incidents/Q"+strconv.Itoa(n))) {
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body))
				return true
			}
		}
		return false
	}
}

func TestAnIncidentThatCannotBeReadDoesNotHoldUpTheOthers(t *testing.T) {
	for name, tc := range map[string]struct {
		status  int
		body    string
		numbers []int
	}{
		"always 500":     {500, "oops", []int{200}},
		"does not parse": {200, "{\"incidents\":[{\x01", []int{30}},
		"several":        {500, "", []int{250, 149, 148, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
			for n := 1; n <= 250; n++ {
				resolve(f.open(n, service, noon.Add(time.Duration(n-10000)*time.Hour)), noon.Add(time.Duration(n-9999)*time.Hour))
			}
			broken := true
			f.breaks(&broken, tc.status, tc.body, tc.numbers...)
			c := f.collector(t, now.now, nil)
			for range 2 {
				err := c.Collect(t.Context(), service, m)
				if !rest.OnlySkipped(err) || !strings.Contains(err.Error(), "the incident listed after ") {
					t.Fatalf("error %v", err)
				}
				l := m.Ledger(event.KindIncident)
				if n := len(m.Keys(event.KindIncident)); n != 250-len(tc.numbers) || l.Expected != 250 || l.Stored != uint64(n) ||
					!strings.Contains(l.Note, "could not be read") {
					t.Errorf("%d incidents, ledger %+v", n, l)
				}
				now.at = now.at.Add(time.Minute)
			}
			broken = false
			collect(t, c, m)
			if l := m.Ledger(event.KindIncident); len(m.Keys(event.KindIncident)) != 250 || l.Expected != 250 || l.Note != "" {
				t.Errorf("repaired: %d incidents, ledger %+v", len(m.Keys(event.KindIncident)), l)
			}
			collect(t, c, m)
			f.asked()
			collect(t, c, m)
			if n := len(f.asked()); n != 1 {
				t.Errorf("%d requests when nothing is new", n)
			}
		})
	}
}

func TestARecordThatMakesNoSenseIsAskedForAlone(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	for n := 1; n <= 3; n++ {
		f.open(n, service, noon.Add(-time.Hour))
	}
	f.incidents[1]["priority"] = "P1" // not an object
	c := f.collector(t, now.now, nil)
	err := c.Collect(t.Context(), service, m)
	if !rest.OnlySkipped(err) || !strings.Contains(err.Error(), "Q2 (an incident cannot be read") ||
		len(m.Keys(event.KindIncident)) != 2 {
		t.Fatalf("%q, error %v", m.Keys(event.KindIncident), err)
	}
	if l := m.Ledger(event.KindIncident); l.Expected != 3 || l.Stored != 2 || !strings.Contains(l.Note, "Q2") {
		t.Errorf("ledger %+v", l)
	}
	f.incidents[1]["priority"] = object{"summary": "P1"}
	now.at = noon.Add(time.Minute)
	collect(t, c, m)
	if got := collecttest.Find[event.Incident](
		t,
		m,
		"Q2",
	); got.Severity != "P1" ||
		m.Ledger(event.KindIncident).Note != "" {
		t.Errorf("%+v, %+v", got, m.Ledger(event.KindIncident))
	}
}

func TestAnIncidentWhoseLogCannotBeReadIsStored(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	resolve(f.open(1, service, noon.Add(-10*time.Hour)), noon.Add(-9*time.Hour))
	resolve(f.open(2, service, noon.Add(-5*time.Hour)), noon.Add(-4*time.Hour))
	f.logs["Q1"] = []object{{"type": "acknowledge_log_entry", "created_at": stampText(noon.Add(-599 * time.Minute))}}
	broken := true
	f.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if broken && strings.HasPrefix(r.URL.Path, "/incidents/Q1/log_entries") {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
		return false
	}
	c := f.collector(t, now.now, nil)
	err := c.Collect(t.Context(), service, m)
	if !rest.OnlySkipped(err) || !strings.Contains(err.Error(), "log of Q1") || len(m.Keys(event.KindIncident)) != 2 {
		t.Fatalf("%q, error %v", m.Keys(event.KindIncident), err)
	}
	broken = false
	now.at = noon.Add(time.Minute)
	collect(t, c, m)
	if got := collecttest.Find[event.Incident](t, m, "Q1"); !got.AcknowledgedAt.Equal(noon.Add(-599 * time.Minute)) {
		t.Errorf("%+v", got)
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
	f.answer = func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusInternalServerError)
		return true
	}
	now.at = noon.Add(2 * time.Hour)
	scopes, err = c.Scopes(t.Context(), m)
	if !rest.OnlySkipped(err) || !slices.Equal(scopes, []string{service}) {
		t.Errorf("what was known of the services: %q, %v", scopes, err)
	}
	if _, err := c.Scopes(t.Context(), collecttest.NewWriter()); err == nil || rest.OnlySkipped(err) {
		t.Errorf("nothing was known of the services: %v", err)
	}
}
