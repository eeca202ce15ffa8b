package circleci

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

func TestAPipelineThatCannotBeReadDoesNotHoldUpTheOthers(t *testing.T) {
	for name, tc := range map[string]struct {
		path         string // of the request that always fails
		status       int
		body         string
		stored, jobs int
		named        string
	}{
		"the workflows of a pipeline":  {"pipeline/p5/workflow", 500, "oops", 8, 8, "pipeline 5 ("},
		"they may not be read":         {"pipeline/p5/workflow", 403, "{}", 8, 8, "pipeline 5 ("},
		"they do not parse":            {"pipeline/p5/workflow", 200, "{\"items\":[\x01", 8, 8, "pipeline 5 ("},
		"the jobs of a workflow":       {"workflow/p5-w1/job", 500, "", 8, 8, "workflow build: GET "},
		"a job that is invalid":        {"workflow/p5-w1/job", 200, `{"items":[{"id":7},{"id":"p5-w1-j1","name":"test","status":"success"}]}`, 9, 9, "workflow build: GET workflow/p5-w1/job: a record cannot be read"},
		"a page of older pipelines":    {"project/" + slug + "/pipeline?page-token=p7", 500, "", 3, 3, "older pages of the list ("},
		"a workflow that makes none":   {"pipeline/p5/workflow", 200, `{"items":[{"id":"p5-w1","name":"build","status":"success"},{"id":[]}]}`, 9, 9, "pipeline 5 ("},
		"an answer that is no object":  {"pipeline/p5/workflow", 200, `[]`, 8, 8, "pipeline 5 ("},
		"the pipeline has no workflow": {"pipeline/p5/workflow", 200, `{"items":["?"]}`, 8, 8, "pipeline 5 ("},
	} {
		t.Run(name, func(t *testing.T) {
			f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
			for n := 1; n <= 9; n++ {
				f.push(n, noon.Add(-100*time.Hour+time.Duration(n)*time.Minute), "success")
			}
			broken := true
			f.answer = func(w http.ResponseWriter, r *http.Request) bool {
				if !broken || strings.TrimPrefix(r.URL.RequestURI(), "/api/v2/") != tc.path {
					return false
				}
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
				return true
			}
			c := f.collector(t, now.now, nil)
			for range 2 {
				err := c.Collect(t.Context(), slug, m)
				if !rest.OnlySkipped(err) || !strings.Contains(err.Error(), tc.named) {
					t.Fatalf("error %v", err)
				}
				if m.Number(event.KindPipelineRun) != tc.stored || m.Number(event.KindPipelineJob) != tc.jobs {
					t.Errorf("%d runs, %d jobs", m.Number(event.KindPipelineRun), m.Number(event.KindPipelineJob))
				}
				l := m.Ledger(event.KindPipelineRun)
				if l.Stored != uint64(tc.stored) || l.Expected < l.Stored || tc.stored < 9 && l.Expected == l.Stored ||
					!strings.Contains(l.Note, tc.named) {
					t.Errorf("ledger %+v", l)
				}
				now.at = now.at.Add(time.Minute)
			}
			broken = false
			collect(t, c, m)
			if l := m.Ledger(
				event.KindPipelineRun,
			); m.Number(event.KindPipelineRun) != 9 || m.Number(event.KindPipelineJob) != 9 || l.Expected != 9 || l.Stored != 9 ||
				l.Note != "" {
				t.Errorf(
					"repaired: %d runs, %d jobs, ledger %+v",
					m.Number(event.KindPipelineRun),
					m.Number(event.KindPipelineJob),
					l,
				)
			}
			f.asked()
			now.at = now.at.Add(time.Minute)
			collect(t, c, m)
			if n := f.asked(); n != 1 {
				t.Errorf("%d requests when nothing is new", n)
			}
		})
	}
}

func TestAPipelineThatMakesNoSenseIsAskedForAlone(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	for n := 1; n <= 5; n++ {
		f.push(n, noon.Add(-100*time.Hour+time.Duration(n)*time.Minute), "success")
	}
	good := f.pipelines[2]
	f.pipelines[2] = object{"id": "p3", "number": "three"}
	f.alone = map[string]object{"p3": f.pipelines[2]}
	c := f.collector(t, now.now, nil)
	err := c.Collect(t.Context(), slug, m)
	if !rest.OnlySkipped(err) || !strings.Contains(err.Error(), "pipeline with id p3") ||
		m.Number(event.KindPipelineRun) != 4 {
		t.Fatalf("%d runs, error %v", m.Number(event.KindPipelineRun), err)
	}
	f.alone["p3"] = good
	now.at = noon.Add(time.Minute)
	collect(t, c, m)
	if l := m.Ledger(event.KindPipelineRun); m.Number(event.KindPipelineRun) != 5 || l.Expected != 5 || l.Note != "" {
		t.Errorf("repaired: %d runs, ledger %+v", m.Number(event.KindPipelineRun), l)
	}
}

func TestAnOutageMovesNoCheckpoint(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	for n := 1; n <= 30; n++ {
		f.push(n, noon.Add(-100*time.Hour+time.Duration(n)*time.Minute), "success")
	}
	f.pageSize = 20
	f.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/api/v2/pipeline/") {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
		return false
	}
	err := f.collector(t, now.now, nil).Collect(t.Context(), slug, m)
	if err == nil || rest.OnlySkipped(err) || m.States() > 0 {
		t.Errorf("%d checkpoints, error %v", m.States(), err)
	}
}
