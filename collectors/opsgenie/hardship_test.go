package opsgenie

import (
	"fmt"
	"net/http"
	"strings"
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
	c, err := New(Config{Source: "og", URL: f.URL, Token: "secret", Teams: []string{team}},
		source.Options{Now: clock.Now, Sleep: clock.Sleep, Tune: func(r *rest.Config) { r.PerSecond, r.Burst = 1e6, 1000 }})
	if err != nil {
		t.Fatal(err)
	}
	collect(t, c, team, m)
}

// pages is a team with several pages of alerts, the newest of which is open.
func pages(t testing.TB) *fake {
	f := newFake(t)
	f.fill(330, noon.Add(-20*24*time.Hour), time.Hour)
	f.alert("open", noon.Add(-time.Hour))
	return f
}

// TestAClockThatWasFarAhead collects while the clock is a year ahead, and after it was set right: nothing waits for the
// year to pass.
func TestAClockThatWasFarAhead(t *testing.T) {
	f, m := pages(t), collecttest.NewWriter()
	for _, ahead := range []time.Duration{0, 365 * 24 * time.Hour} {
		through(t, f, m, resttest.At(noon.Add(ahead)))
		m.Remove(event.KindIncident, "a40")
		through(t, f, m, resttest.At(noon.Add(ahead)))
	}
	m.Remove(event.KindIncident, "a40")
	f.alerts[0]["status"], f.alerts[0]["report"], f.alerts[0]["updatedAt"] = "closed", object{
		"closeTime": 3_600_000,
	}, stampText(noon)
	through(t, f, m, resttest.At(noon.Add(time.Minute)))
	if got := collecttest.Find[event.Incident](t, m, "open"); !got.ResolvedAt.Equal(noon) {
		t.Errorf("the alert that was open is %+v", got)
	}
	if n := len(m.Keys(event.KindIncident)); n != 331 {
		t.Errorf("%d alerts are stored, want 331", n)
	}
}

// TestAlertsArriveWhileThePagesAreRead puts a new alert before those that are listed after every page, which shifts
// all that follow by one.
func TestAlertsArriveWhileThePagesAreRead(t *testing.T) {
	f, m := pages(t), collecttest.NewWriter()
	inner, next := f.Config.Handler, 2000
	f.Config.Handler = after(inner, func(path string) {
		if strings.HasSuffix(path, "/alerts") && next < 2006 {
			f.alert(fmt.Sprint("n", next), noon.Add(time.Duration(next-2100)*time.Second))
			next++
		}
	})
	for range 8 {
		through(t, f, m, resttest.At(noon))
	}
	if n := len(m.Keys(event.KindIncident)); n != 337 {
		t.Errorf("%d alerts are stored, want 337", n)
	}
}

// TestAnAlertThatIsUpdatedTwiceInASecond acknowledges and closes an alert within a millisecond, and reads it between.
func TestAnAlertThatIsUpdatedTwiceInASecond(t *testing.T) {
	f, m := newFake(t), collecttest.NewWriter()
	a := f.alert("one", noon.Add(-time.Hour))
	a["report"], a["updatedAt"] = object{"ackTime": 3_600_000}, stampText(noon)
	through(t, f, m, resttest.At(noon))
	a["status"], a["report"] = "closed", object{"ackTime": 3_600_000, "closeTime": 3_600_000}
	through(t, f, m, resttest.At(noon))
	if got := collecttest.Find[event.Incident](
		t,
		m,
		"one",
	); !got.ResolvedAt.Equal(noon) ||
		!got.AcknowledgedAt.Equal(noon) {
		t.Errorf("the alert is %+v", got)
	}
}

// TestAnAlertThatIsClosedBetweenTwoPages closes alerts after the first page was read: one that was on it, and one that
// a later page shows.
func TestAnAlertThatIsClosedBetweenTwoPages(t *testing.T) {
	f, m, read := newFake(t), collecttest.NewWriter(), 0
	for n := 1; n <= 330; n++ {
		f.alert(fmt.Sprint("o", n), noon.Add(time.Duration(n-400)*time.Minute))
	}
	f.Config.Handler = after(f.Config.Handler, func(path string) {
		if strings.HasSuffix(path, "/alerts") {
			if read++; read == 1 {
				f.mu.Lock()
				defer f.mu.Unlock()
				for _, at := range []int{3, 250} {
					f.alerts[at]["status"], f.alerts[at]["report"], f.alerts[at]["updatedAt"] = "closed", object{
						"closeTime": 60_000,
					}, stampText(noon)
				}
			}
		}
	})
	for range 2 {
		through(t, f, m, resttest.At(noon))
	}
	for _, id := range []string{"o327", "o80"} {
		if got := collecttest.Find[event.Incident](t, m, id); got.ResolvedAt.Sub(got.OpenedAt) != time.Minute {
			t.Errorf("alert is %+v", got)
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
