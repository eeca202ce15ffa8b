package argocd

import (
	"slices"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/rest/resttest"
)

// through collects the application with a client that waits on a clock.
func through(t *testing.T, s *server, m *memory, clock *resttest.Clock) {
	t.Helper()
	c, err := New(Config{Source: "argo", URL: s.URL, Token: "secret"},
		source.Options{Now: clock.Now, Sleep: clock.Sleep, Tune: func(r *rest.Config) { r.PerSecond, r.Burst = 1e6, 1000 }})
	if err != nil {
		t.Fatal(err)
	}
	collect(t, c, map[string]*memory{"payment": m})
}

// deployed is an application with three deployments, of which the last runs.
func deployed(t *testing.T) *server {
	return newServer(t, app("payment", op("Running", 20, 0, sha(3), alice), syncedEntry(0, 0, sha(1), alice), syncedEntry(1, 10, sha(2), alice)))
}

func TestFaultsOfEverySort(t *testing.T) {
	whole := newMemory()
	through(t, deployed(t), whole, resttest.At(noon.Add(time.Hour)))
	for _, every := range []int{2, 3} {
		s, m := deployed(t), newMemory()
		s.Config.Handler = resttest.Spoil(s.Config.Handler, every)
		for range 9 { // an application is two requests: so that each sort of fault comes by
			through(t, s, m, resttest.At(noon.Add(time.Hour)))
		}
		if !slices.Equal(m.ids(), whole.ids()) || len(m.ids()) != 3 {
			t.Errorf("with a fault every %d requests %q are stored, want %q", every, m.ids(), whole.ids())
		}
	}
}

func TestAClockThatJumps(t *testing.T) {
	whole, s, m := newMemory(), deployed(t), newMemory()
	through(t, s, whole, resttest.At(noon.Add(time.Hour)))
	for range 3 {
		through(t, s, m, resttest.Jumping(noon.Add(time.Hour)))
	}
	if !slices.Equal(m.ids(), whole.ids()) {
		t.Errorf("with a clock that jumps %q are stored, want %q", m.ids(), whole.ids())
	}
}

// TestAClockThatWasFarAhead collects while the clock is a year ahead, and after it was set right: nothing waits for the
// year to pass.
func TestAClockThatWasFarAhead(t *testing.T) {
	s, m := deployed(t), newMemory()
	for _, ahead := range []time.Duration{time.Hour, 365 * 24 * time.Hour} {
		through(t, s, m, resttest.At(noon.Add(ahead)))
		delete(m.events, id(10))
		through(t, s, m, resttest.At(noon.Add(ahead)))
	}
	delete(m.events, id(10))
	through(t, s, m, resttest.At(noon.Add(2*time.Hour)))
	if want := []string{id(0), id(10), id(20)}; !slices.Equal(m.ids(), want) {
		t.Errorf("stored are %q, want %q", m.ids(), want)
	}
}
