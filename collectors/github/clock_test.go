package github

import (
	"fmt"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/event"
)

// TestAClockThatWasFarAhead collects while the clock is a year ahead, and after it was set right: nothing waits for the
// year to pass.
func TestAClockThatWasFarAhead(t *testing.T) {
	year, run := now.Add(365*24*time.Hour), func(i int) string { return fmt.Sprintf("%d/1", 1000000-i) }
	start := func(step time.Duration) (*githubtest.Server, *collecttest.Writer) {
		return streamtest.Serve(
			t,
			&githubtest.Repo{Runs: streamtest.Runs(300, step), Files: []string{"README.md"}, Pushed: now.Add(-time.Hour)},
		), collecttest.NewWriter()
	}
	t.Run("a gap is filled", func(t *testing.T) {
		s, m := start(8 * time.Hour)
		for range 2 {
			collect(t, s, m, year, noJobs)
			m.Remove(event.KindPipelineRun, run(250)) // older than what is read again anyway
		}
		collect(t, s, m, now.Add(time.Minute), noJobs)
		if m.Number(event.KindPipelineRun) != 300 || m.Ledger(event.KindPipelineRun).Gap() != 0 {
			t.Errorf(
				"%d runs are stored, want 300; ledger %+v",
				m.Number(event.KindPipelineRun),
				m.Ledger(event.KindPipelineRun),
			)
		}
	})
	t.Run("a run that changed off the newest page is seen", func(t *testing.T) {
		s, m := start(2 * time.Hour)
		collect(t, s, m, year, noJobs)
		s.Repos[scope].Runs[120].Conclusion = "cancelled"
		collect(t, s, m, now.Add(time.Minute), noJobs)
		if got := collecttest.Stored[event.PipelineRun](m)[run(120)]; got.Status != event.Cancelled {
			t.Errorf("it is %+v", got)
		}
	})
	t.Run("files are listed again", func(t *testing.T) {
		s, m := start(2 * time.Hour)
		collect(t, s, m, year, noJobs)
		s.Repos[scope].Files = append(s.Repos[scope].Files, "Dockerfile")
		collect(t, s, m, now.Add(time.Minute), noJobs)
		if got := collecttest.Stored[event.Fact](m)["repository.files.dockerfile"]; string(got.Value) != "true" {
			t.Errorf("the new file is %+v", got)
		}
	})
}

// TestAClockThatIsBehind collects with a clock that is two days slow: what lies in its future is stored too.
func TestAClockThatIsBehind(t *testing.T) {
	s, m := streamtest.Serve(t, everything()), collecttest.NewWriter()
	slow := now.Add(-48 * time.Hour)
	for range 2 {
		collect(t, s, m, slow, nil)
	}
	if m.Number(event.KindPipelineRun) != 231 || m.Number(event.KindChange) != 160 ||
		m.Number(event.KindDeployment) != 130 {
		t.Errorf(
			"stored %d runs, %d changes, %d deployments",
			m.Number(event.KindPipelineRun),
			m.Number(event.KindChange),
			m.Number(event.KindDeployment),
		)
	}
	for _, kind := range []event.Kind{event.KindPipelineRun, event.KindPipelineJob, event.KindChange, event.KindDeployment} {
		l := m.Ledger(kind)
		if l.Gap() != 0 {
			t.Errorf("ledger of %s: %+v", kind, l)
		}
	}
}
