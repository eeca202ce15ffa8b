package circleci

import (
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/rest/resttest"
	"github.com/dxctl/dxctl/event"
)

// through collects with a client that waits on a clock.
func through(t *testing.T, f *fake, m *collecttest.Writer, clock *resttest.Clock) {
	t.Helper()
	c, err := New(Config{Source: "circle", URL: f.URL, Token: "secret", Projects: []string{"gh/acme/shop"}},
		source.Options{Now: clock.Now, Sleep: clock.Sleep, Tune: func(r *rest.Config) { r.PerSecond, r.Burst = 1e6, 1000 }})
	if err != nil {
		t.Fatal(err)
	}
	collect(t, c, m)
}

// dozen is a project with twelve pipelines, the last of which runs.
func dozen(t testing.TB) *fake {
	f := newFake(t)
	for n := 1; n <= 11; n++ {
		f.push(n, noon.Add(time.Duration(n-400)*time.Hour), "success")
	}
	f.push(12, noon.Add(-time.Minute), "running")
	return f
}

// TestAClockThatWasFarAhead collects while the clock is a year ahead, and after it was set right: nothing waits for the
// year to pass.
func TestAClockThatWasFarAhead(t *testing.T) {
	f, m := dozen(t), collecttest.NewWriter()
	f.push(13, noon.Add(-12*time.Hour), "running") // for so long that it is not asked for every time
	for _, ahead := range []time.Duration{0, 365 * 24 * time.Hour} {
		through(t, f, m, resttest.At(noon.Add(ahead)))
		m.Remove(event.KindPipelineRun, "4/build/1")
		through(t, f, m, resttest.At(noon.Add(ahead)))
	}
	m.Remove(event.KindPipelineRun, "4/build/1")
	f.workflows["p13"][0]["status"], f.workflows["p13"][0]["stopped_at"] = "success", at(noon)
	through(t, f, m, resttest.At(noon.Add(time.Minute)))
	if got := collecttest.Find[event.PipelineRun](t, m, "13/build/1"); got.Status != event.Succeeded {
		t.Errorf("the run that was open is %+v", got)
	}
	collecttest.Find[event.PipelineRun](t, m, "4/build/1")
}

// TestAWorkflowThatEndsBetweenTwoPages ends workflows after the first page of pipelines was read: one of a pipeline
// that was on it, and one that comes later.
func TestAWorkflowThatEndsBetweenTwoPages(t *testing.T) {
	f, m := dozen(t), collecttest.NewWriter()
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
		if r := collecttest.Find[event.PipelineRun](
			t,
			m,
			""+number+"/build/1",
		); r.Status != event.Failed ||
			r.FinishedAt.IsZero() {
			t.Errorf("the run of pipeline %s is %+v", number, r)
		}
	}
}
