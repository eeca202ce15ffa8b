package pagerduty

import (
	"net/http"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/event"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/rest/resttest"
)

// through collects with a client that waits on a clock.
func through(t *testing.T, f *fake, m *collecttest.Writer, clock *resttest.Clock) {
	t.Helper()
	c, err := New(Config{Source: "pd", URL: f.URL, Token: "secret"},
		source.Options{Now: clock.Now, Sleep: clock.Sleep, Tune: func(r *rest.Config) { r.PerSecond, r.Burst = 1e6, 1000 }})
	if err != nil {
		t.Fatal(err)
	}
	collect(t, c, m)
}

// pages is a service with several pages of incidents, the newest of which is open.
func pages(t testing.TB) *fake {
	f := newFake(t)
	f.fill(330, noon.Add(-20*24*time.Hour), time.Hour)
	f.open(1000, service, noon.Add(-time.Hour))
	return f
}

// TestAClockThatWasFarAhead collects while the clock is a year ahead, and after it was set right: nothing waits for the
// year to pass.
func TestAClockThatWasFarAhead(t *testing.T) {
	f, m := pages(t), collecttest.NewWriter()
	for _, ahead := range []time.Duration{0, 365 * 24 * time.Hour} {
		through(t, f, m, resttest.At(noon.Add(ahead)))
		m.Remove(event.KindIncident, "Q40")
		through(t, f, m, resttest.At(noon.Add(ahead)))
	}
	m.Remove(event.KindIncident, "Q40")
	f.incidents[0]["status"], f.incidents[0]["resolved_at"], f.incidents[0]["last_status_change_at"] = "resolved", stampText(
		noon,
	), stampText(
		noon,
	)
	through(t, f, m, resttest.At(noon.Add(time.Minute)))
	if got := collecttest.Find[event.Incident](t, m, "Q1000"); !got.ResolvedAt.Equal(noon) {
		t.Errorf("the incident that was open is %+v", got)
	}
	if n := len(m.Keys(event.KindIncident)); n != 331 {
		t.Errorf("%d incidents are stored, want 331", n)
	}
}

// TestIncidentsArriveWhileThePagesAreRead puts a new incident before those that are listed after every page, which
// shifts all that follow by one.
func TestIncidentsArriveWhileThePagesAreRead(t *testing.T) {
	f, m := pages(t), collecttest.NewWriter()
	inner, next := f.Config.Handler, 2000
	f.Config.Handler = after(inner, func(path string) {
		if path == "/incidents" && next < 2006 {
			f.open(next, service, noon.Add(time.Duration(next-2100)*time.Second))
			next++
		}
	})
	for range 8 {
		through(t, f, m, resttest.At(noon))
	}
	if n := len(m.Keys(event.KindIncident)); n != 337 {
		t.Errorf("%d incidents are stored, want 337", n)
	}
}

// TestAnIncidentThatIsUpdatedTwiceInASecond acknowledges and resolves an incident within a second, and reads it
// between.
func TestAnIncidentThatIsUpdatedTwiceInASecond(t *testing.T) {
	f, m := newFake(t), collecttest.NewWriter()
	i := f.open(1, service, noon.Add(-time.Hour))
	acknowledge(i, noon)
	through(t, f, m, resttest.At(noon))
	resolve(i, noon)
	i["resolved_at"] = stampText(noon)
	through(t, f, m, resttest.At(noon))
	if got := collecttest.Find[event.Incident](
		t,
		m,
		"Q1",
	); !got.ResolvedAt.Equal(noon) ||
		!got.AcknowledgedAt.Equal(noon) {
		t.Errorf("the incident is %+v", got)
	}
}

// TestAnIncidentThatIsResolvedBetweenTwoPages resolves incidents after the first page was read: one that was on it, and
// one that a later page shows.
func TestAnIncidentThatIsResolvedBetweenTwoPages(t *testing.T) {
	f, m, read := newFake(t), collecttest.NewWriter(), 0
	for n := 1; n <= 330; n++ {
		f.open(n, service, noon.Add(time.Duration(n-400)*time.Minute))
	}
	f.Config.Handler = after(f.Config.Handler, func(path string) {
		if path == "/incidents" {
			if read++; read == 1 {
				f.mu.Lock()
				defer f.mu.Unlock()
				for _, at := range []int{3, 250} {
					resolve(f.incidents[at], noon)
				}
			}
		}
	})
	for range 2 {
		through(t, f, m, resttest.At(noon))
	}
	for _, id := range []string{"Q327", "Q80"} {
		if got := collecttest.Find[event.Incident](t, m, id); !got.ResolvedAt.Equal(noon) {
			t.Errorf("incident is %+v", got)
		}
	}
}

// after is a handler that does something when h has answered.
func after(h http.Handler, do func(path string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		do(r.URL.Path)
	})
}
