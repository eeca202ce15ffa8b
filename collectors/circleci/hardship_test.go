package circleci

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/rest/resttest"
	"github.com/dxctl/dxctl/event"
)

// through collects with a client that waits on a clock.
func through(t *testing.T, f *fake, m *memory, clock *resttest.Clock) {
	t.Helper()
	c, err := New(Config{Source: "circle", URL: f.URL, Token: "secret", Projects: []string{"gh/acme/shop"}},
		source.Options{Now: clock.Now, Sleep: clock.Sleep, Tune: func(r *rest.Config) { r.PerSecond, r.Burst = 1e6, 1000 }})
	if err != nil {
		t.Fatal(err)
	}
	collect(t, c, m)
}

// dozen is a project with twelve pipelines, the last of which runs.
func dozen(t *testing.T) *fake {
	f := newFake(t)
	for n := 1; n <= 11; n++ {
		f.push(n, noon.Add(time.Duration(n-400)*time.Hour), "success")
	}
	f.push(12, noon.Add(-time.Minute), "running")
	return f
}

func TestFaultsOfEverySort(t *testing.T) {
	f, whole := dozen(t), newMemory()
	through(t, f, whole, resttest.At(noon))
	for _, every := range []int{2, 3, 7} {
		f, m := dozen(t), newMemory()
		f.Config.Handler = resttest.Spoil(f.Config.Handler, every)
		through(t, f, m, resttest.At(noon))
		if !slices.Equal(m.all(), whole.all()) || m.ledger[event.KindPipelineRun].Expected != 12 {
			t.Errorf("with a fault every %d requests %d records are stored, want %d", every, len(m.all()), len(whole.all()))
		}
	}
}

func TestAClockThatJumps(t *testing.T) {
	f, whole, m := dozen(t), newMemory(), newMemory()
	through(t, f, whole, resttest.At(noon))
	for range 3 {
		through(t, f, m, resttest.Jumping(noon))
	}
	if !slices.Equal(m.all(), whole.all()) {
		t.Errorf("with a clock that jumps %d records are stored, want %d", len(m.all()), len(whole.all()))
	}
}

// TestAClockThatWasFarAhead collects while the clock is a year ahead, and after it was set right: nothing waits for the
// year to pass.
func TestAClockThatWasFarAhead(t *testing.T) {
	f, m := dozen(t), newMemory()
	f.push(13, noon.Add(-12*time.Hour), "running") // for so long that it is not asked for every time
	for _, ahead := range []time.Duration{0, 365 * 24 * time.Hour} {
		through(t, f, m, resttest.At(noon.Add(ahead)))
		delete(m.events, "run "+slug+" 4/build 1")
		through(t, f, m, resttest.At(noon.Add(ahead)))
	}
	delete(m.events, "run "+slug+" 4/build 1")
	f.workflows["p13"][0]["status"], f.workflows["p13"][0]["stopped_at"] = "success", at(noon)
	through(t, f, m, resttest.At(noon.Add(time.Minute)))
	if got := find[event.PipelineRun](t, m, "run "+slug+" 13/build 1"); got.Status != event.Succeeded {
		t.Errorf("the run that was open is %+v", got)
	}
	find[event.PipelineRun](t, m, "run "+slug+" 4/build 1")
}

// TestAWorkflowThatEndsBetweenTwoPages ends workflows after the first page of pipelines was read: one of a pipeline that
// was on it, and one that comes later.
func TestAWorkflowThatEndsBetweenTwoPages(t *testing.T) {
	f, m := dozen(t), newMemory()
	f.workflows["p2"][0]["status"], f.workflows["p2"][0]["stopped_at"] = "running", nil
	pages := 0
	f.after = func(path string) {
		if strings.HasSuffix(path, "/pipeline") {
			if pages++; pages == 2 {
				for _, id := range []string{"p12", "p2"} {
					f.workflows[id][0]["status"], f.workflows[id][0]["stopped_at"] = "failed", at(noon)
				}
			}
		}
	}
	for range 2 {
		through(t, f, m, resttest.At(noon))
	}
	for _, number := range []string{"12", "2"} {
		if r := find[event.PipelineRun](t, m, "run "+slug+" "+number+"/build 1"); r.Status != event.Failed || r.FinishedAt.IsZero() {
			t.Errorf("the run of pipeline %s is %+v", number, r)
		}
	}
}
