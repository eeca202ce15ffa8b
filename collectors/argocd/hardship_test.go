package argocd

import (
	"slices"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/event"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/rest/resttest"
)

// through collects the application with a client that waits on a clock.
func through(t *testing.T, s *server, m *collecttest.Writer, clock *resttest.Clock) {
	t.Helper()
	c, err := New(Config{Source: "argo", URL: s.URL, Token: "secret"},
		source.Options{Now: clock.Now, Sleep: clock.Sleep, Tune: func(r *rest.Config) { r.PerSecond, r.Burst = 1e6, 1000 }})
	if err != nil {
		t.Fatal(err)
	}
	collect(t, c, map[string]*collecttest.Writer{"payment": m})
}

// deployed is an application with three deployments, of which the last runs.
func deployed(t *testing.T) *server {
	return newServer(
		t,
		app(
			"payment",
			op("Running", 20, 0, sha(3), alice),
			syncedEntry(0, 0, sha(1), alice),
			syncedEntry(1, 10, sha(2), alice),
		),
	)
}

// TestAClockThatWasFarAhead collects while the clock is a year ahead, and after it was set right: nothing waits for the
// year to pass.
func TestAClockThatWasFarAhead(t *testing.T) {
	s, m := deployed(t), collecttest.NewWriter()
	for _, ahead := range []time.Duration{time.Hour, 365 * 24 * time.Hour} {
		through(t, s, m, resttest.At(noon.Add(ahead)))
		m.Remove(event.KindDeployment, id(10))
		through(t, s, m, resttest.At(noon.Add(ahead)))
	}
	m.Remove(event.KindDeployment, id(10))
	through(t, s, m, resttest.At(noon.Add(2*time.Hour)))
	if want := []string{id(0), id(10), id(20)}; !slices.Equal(m.Keys(event.KindDeployment), want) {
		t.Errorf("stored are %q, want %q", m.Keys(event.KindDeployment), want)
	}
}
