package backstage

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/rest/resttest"
)

// through collects with a client that waits on a clock.
func through(t *testing.T, f *fake, m *memory, clock *resttest.Clock) {
	t.Helper()
	c, err := New(Config{Source: "bs", URL: f.URL, Token: "secret"},
		source.Options{Now: clock.Now, Sleep: clock.Sleep, Tune: func(r *rest.Config) { r.PerSecond, r.Burst = 1e6, 1000 }})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Collect(t.Context(), Scope, m); err != nil {
		t.Fatal(err)
	}
}

// several is a catalog of several pages.
func several(t testing.TB) *fake {
	var all []string
	for i := range 31 {
		all = append(all, entity(fmt.Sprintf("svc-%02d", i), "1"))
	}
	f := newFake(t, all...)
	f.most, f.token = 4, "secret"
	return f
}

func TestAClockThatJumps(t *testing.T) {
	f, m := several(t), newMemory()
	for range 3 {
		through(t, f, m, resttest.Jumping(now))
	}
	delete(m.events, "component:default/svc-07")
	f.entities["0003"] = entity("svc-03", "2")
	for _, ahead := range []time.Duration{365 * 24 * time.Hour, 0} {
		through(t, f, m, resttest.At(now.Add(ahead)))
	}
	if len(m.events) != 31 || m.events["component:default/svc-03"].Revision != "2" {
		t.Errorf("stored are %q", m.refs())
	}
}

// TestEntitiesChangeWhileThePagesAreRead registers an entity before those that are listed, takes one away, and changes
// one that has been read, all between two pages.
func TestEntitiesChangeWhileThePagesAreRead(t *testing.T) {
	f, m := several(t), newMemory()
	once := false
	f.Config.Handler = after(f.Config.Handler, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.requests) == 3 && !once {
			once = true
			f.entities["0000a"] = entity("new", "1")
			f.entities["0002"] = entity("svc-02", "2")
			delete(f.entities, "0001")
			delete(f.entities, "0020")
		}
	})
	for range 2 {
		through(t, f, m, resttest.At(now))
	}
	if len(f.entities) != 30 || m.events["component:default/new"].Revision != "1" ||
		m.events["component:default/svc-02"].Revision != "2" ||
		m.events["component:default/svc-01"].Document != "" ||
		m.events["component:default/svc-20"].Document != "" ||
		m.ledger.Gap() != 0 {
		t.Errorf("stored are %q, ledger %+v", m.refs(), m.ledger)
	}
}

// after is a handler that does something when h has answered.
func after(h http.Handler, do func()) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		do()
	})
}
