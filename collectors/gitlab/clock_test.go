package gitlab

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/rest/resttest"
)

// TestAClockThatJumps collects on a machine whose clock is hours off every time it is looked at: what is stored is what a
// right clock stores.
func TestAClockThatJumps(t *testing.T) {
	f, whole, m := everything(t), newMemory(), newMemory()
	f.collect(t, whole, now, nil)
	for range 3 {
		clock := resttest.Jumping(now)
		c, err := New(Config{Source: "gl", URL: f.URL, Token: "secret", Projects: []string{scope}},
			source.Options{Now: clock.Now, Sleep: clock.Sleep, Tune: func(r *rest.Config) { r.PerSecond, r.Burst = 1e6, 1e6 }})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Scopes(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if err := c.Collect(t.Context(), scope, m); err != nil {
			t.Fatal(err)
		}
	}
	f.collect(t, m, now, nil)
	if m.events(t) != whole.events(t) {
		t.Errorf("what is stored differs from what a right clock stores: %s\n%s", m.counts(), difference(m.events(t), whole.events(t)))
	}
}

// TestAClockThatWasFarAhead collects while the clock is a year ahead, and after it was set right: nothing waits for the
// year to pass.
func TestAClockThatWasFarAhead(t *testing.T) {
	f, whole, m := everything(t), newMemory(), newMemory()
	lose := func() {
		for id, r := range m.runs {
			if r.CreatedAt.Before(now.Add(-8*time.Hour)) && !r.CreatedAt.Before(now.Add(-9*time.Hour)) {
				delete(m.runs, id)
			}
		}
	}
	for range 2 {
		f.collect(t, m, now.Add(365*24*time.Hour), nil)
		lose()
	}
	f.collect(t, m, now.Add(time.Minute), nil)
	f.collect(t, whole, now.Add(time.Minute), nil)
	if len(whole.runs) != 261 || len(m.runs) != len(whole.runs) {
		t.Errorf("%d runs are stored, want %d", len(m.runs), len(whole.runs))
	}
}
