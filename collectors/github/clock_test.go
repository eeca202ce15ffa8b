package github

import (
	"fmt"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/rest/resttest"
	"github.com/dxctl/dxctl/event"
)

// TestAClockThatJumps collects on a machine whose clock is hours off every time it is looked at, as often as it takes
// every turn, and then with the right time: what is stored is what a right clock stores.
func TestAClockThatJumps(t *testing.T) {
	s, whole, m := fake(t, everything()), newMemory(), newMemory()
	collect(t, s, whole, now, nil)
	for range 3 {
		clock := resttest.Jumping(now)
		c, err := New(Config{Source: "gh", URL: s.URL, Token: "x", Repositories: []string{scope}},
			source.Options{Now: clock.Now, Sleep: clock.Sleep, Tune: func(r *rest.Config) { r.PerSecond, r.Burst = 1e6, 1e6 }})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Collect(t.Context(), scope, m); err != nil {
			t.Fatal(err)
		}
	}
	if len(m.runs) != len(whole.runs) || len(m.jobs) != len(whole.jobs) || len(m.changes) != len(whole.changes) || len(m.deployments) != len(whole.deployments) {
		t.Errorf("stored %d runs, %d jobs, %d changes, %d deployments", len(m.runs), len(m.jobs), len(m.changes), len(m.deployments))
	}
	collect(t, s, m, now, nil)
	if m.events(t) != whole.events(t) {
		t.Error("what is stored differs from what a right clock stores")
	}
}

// TestAClockThatWasFarAhead collects while the clock is a year ahead, and after it was set right: nothing waits for the
// year to pass.
func TestAClockThatWasFarAhead(t *testing.T) {
	year, run := now.Add(365*24*time.Hour), func(i int) string { return fmt.Sprintf("%d/1", 1000000-i) }
	start := func(step time.Duration) (*githubtest.Server, *memory) {
		return fake(t, &githubtest.Repo{Runs: runsEvery(300, step), Files: []string{"README.md"}, Pushed: now.Add(-time.Hour)}), newMemory()
	}
	t.Run("a gap is filled", func(t *testing.T) {
		s, m := start(8 * time.Hour)
		for range 2 {
			collect(t, s, m, year, noJobs)
			delete(m.runs, run(250)) // older than what is read again anyway
		}
		collect(t, s, m, now.Add(time.Minute), noJobs)
		if len(m.runs) != 300 || m.entries[event.KindPipelineRun].Gap() != 0 {
			t.Errorf("%d runs are stored, want 300; ledger %+v", len(m.runs), m.entries[event.KindPipelineRun])
		}
	})
	t.Run("a run that changed off the newest page is seen", func(t *testing.T) {
		s, m := start(2 * time.Hour)
		collect(t, s, m, year, noJobs)
		s.Repos[scope].Runs[120].Conclusion = "cancelled"
		collect(t, s, m, now.Add(time.Minute), noJobs)
		if got := m.runs[run(120)]; got.Status != event.Cancelled {
			t.Errorf("it is %+v", got)
		}
	})
	t.Run("files are listed again", func(t *testing.T) {
		s, m := start(2 * time.Hour)
		collect(t, s, m, year, noJobs)
		s.Repos[scope].Files = append(s.Repos[scope].Files, "Dockerfile")
		collect(t, s, m, now.Add(time.Minute), noJobs)
		if got := m.facts["repository.files.dockerfile"]; string(got.Value) != "true" {
			t.Errorf("the new file is %+v", got)
		}
	})
}

// TestAClockThatIsBehind collects with a clock that is two days slow: what lies in its future is stored too.
func TestAClockThatIsBehind(t *testing.T) {
	s, m := fake(t, everything()), newMemory()
	slow := now.Add(-48 * time.Hour)
	for range 2 {
		collect(t, s, m, slow, nil)
	}
	if len(m.runs) != 231 || len(m.changes) != 160 || len(m.deployments) != 130 {
		t.Errorf("stored %d runs, %d changes, %d deployments", len(m.runs), len(m.changes), len(m.deployments))
	}
	for kind, l := range m.entries {
		if l.Gap() != 0 {
			t.Errorf("ledger of %s: %+v", kind, l)
		}
	}
}
