package jenkins

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// breaks makes every answer that holds the builds fail in a way that Jenkins has: it renders none of what was asked
// for.
func (f *fake) breaks(job *item, status int, body string, numbers ...int) {
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		tree := r.URL.Query().Get("tree")
		if !strings.HasPrefix(r.URL.Path, "/job/"+job.name+"/") {
			return false
		}
		for _, n := range numbers {
			at := slices.IndexFunc(job.builds, func(b *fakeBuild) bool { return (*b)["number"] == n })
			from, to := 0, 0
			if i := strings.LastIndex(tree, "{"); i >= 0 {
				_, _ = fmt.Sscanf(tree[i:], "{%d,%d}", &from, &to)
			}
			page := strings.Contains(tree, "timestamp") && from <= at && at < to
			if page || strings.Contains(r.URL.Path, fmt.Sprintf("/%d/", n)) {
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body))
				return true
			}
		}
		return false
	}
}

func TestABuildThatCannotBeReadDoesNotHoldUpTheOthers(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		broken []int
	}{
		"always 500":         {500, "<html>oops</html>", []int{243}},
		"does not parse":     {200, "{\"allBuilds\":[{\"number\":243,\x01", []int{243}},
		"several":            {500, "", []int{250, 199, 151, 150, 3, 1}},
		"deep in the past":   {500, "", []int{17}},
		"the newest of them": {500, "", []int{250}},
	} {
		t.Run(name, func(t *testing.T) {
			job := freestyle("shop", until(250)...)
			f := start(t, job, freestyle("other", until(2)...))
			f.breaks(job, tc.status, tc.body, tc.broken...)
			m := newMemories()
			at := now
			_, err := m.collect(t.Context(), f.collector(t, at, nil))
			if !rest.OnlySkipped(err) || !strings.Contains(err.Error(), fmt.Sprint(tc.broken[0])) {
				t.Fatalf("error %v", err)
			}
			of := m.of("shop")
			if n := of.Number(event.KindPipelineRun); n != 250-len(tc.broken) ||
				m.of("other").Number(event.KindPipelineRun) != 2 {
				t.Errorf("stored %d runs, and %d of the other job", n, m.of("other").Number(event.KindPipelineRun))
			}
			l := of.Ledger(event.KindPipelineRun)
			if l.Expected != 250 || l.Stored != uint64(250-len(tc.broken)) || !strings.Contains(l.Note, "could not be read") {
				t.Errorf("ledger %+v", l)
			}
			f.asked()
			_, err = m.collect(t.Context(), f.collector(t, at.Add(time.Minute), nil))
			if n := len(f.asked()); !rest.OnlySkipped(err) || n > 2+2*len(tc.broken) {
				t.Errorf("the second collect asked %d times: %v", n, err)
			}
			f.before = nil // an administrator has repaired it
			f.collect(t, m, at.Add(2*time.Minute), nil)
			l = of.Ledger(event.KindPipelineRun)
			if of.Number(event.KindPipelineRun) != 250 || l.Expected != 250 || l.Stored != 250 || l.Note != "" {
				t.Errorf("repaired: %d runs, ledger %+v", of.Number(event.KindPipelineRun), l)
			}
			f.asked()
			f.collect(t, m, at.Add(3*time.Minute), nil)
			if asked := f.asked(); len(asked) != 1 {
				t.Errorf("asked %q though nothing is new", asked)
			}
		})
	}
}

func TestStagesThatCannotBeReadDoNotHoldUpTheBuilds(t *testing.T) {
	builds := until(5)
	for _, b := range builds {
		(*b)["_class"] = "org.jenkinsci.plugins.workflow.job.WorkflowRun"
		(*b)["stages"] = []any{
			map[string]any{
				"id":              "6",
				"name":            "Build",
				"status":          "SUCCESS",
				"startTimeMillis": at(2).UnixMilli(),
				"durationMillis":  1500,
			},
		}
	}
	f := start(t, freestyle("shop", builds...))
	f.stages = true
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/3/wfapi/describe") {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
		return false
	}
	m := newMemories()
	stages := func(c *Config) { c.Stages = true }
	_, err := m.collect(t.Context(), f.collector(t, now, stages))
	if !rest.OnlySkipped(err) || !strings.Contains(err.Error(), "stages of 3") {
		t.Errorf("error %v", err)
	}
	if of := m.of("shop"); of.Number(event.KindPipelineRun) != 5 || of.Number(event.KindPipelineJob) != 4 {
		t.Errorf("%d runs, %d stages", of.Number(event.KindPipelineRun), of.Number(event.KindPipelineJob))
	}
	f.before = nil
	f.collect(t, m, now.Add(time.Minute), stages)
	if of := m.of("shop"); of.Number(event.KindPipelineRun) != 5 || of.Number(event.KindPipelineJob) != 5 ||
		of.Ledger(event.KindPipelineRun).Expected != 5 {
		t.Errorf(
			"repaired: %d runs, %d stages, %+v",
			of.Number(event.KindPipelineRun),
			of.Number(event.KindPipelineJob),
			of.Ledger(event.KindPipelineRun),
		)
	}
}

func TestABranchOrFolderThatAlwaysFailsIsNamed(t *testing.T) {
	api := multibranch("api", freestyle("bad", until(3)...), freestyle("main", until(4)...))
	f := start(t, folder("broken", freestyle("x", until(1)...)), api, folder("fine", freestyle("y", until(2)...)))
	f.root.jobs[0].jobs = nil // the listing of the root does not show what is in it
	f.root.jobs[0].class = "com.cloudbees.hudson.plugins.folder.Folder"
	status := http.StatusInternalServerError
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		if status != 0 &&
			(strings.HasPrefix(r.URL.Path, "/job/broken/") || strings.HasPrefix(r.URL.Path, "/job/api/job/bad/")) {
			w.WriteHeader(status)
			return true
		}
		return false
	}
	m := newMemories()
	for i, s := range []int{500, 404, 403} {
		status = s
		scopes, err := m.collect(t.Context(), f.collector(t, now.Add(time.Duration(i)*time.Minute), nil))
		if !rest.OnlySkipped(err) || !strings.Contains(err.Error(), "1 folder could not be read") ||
			!strings.Contains(err.Error(), "branch bad") {
			t.Errorf("status %d: %v", s, err)
		}
		if !slices.Equal(scopes, []string{"api", "fine/y"}) || m.of("api").Number(event.KindPipelineRun) != 4 ||
			m.of("fine/y").Number(event.KindPipelineRun) != 2 {
			t.Errorf(
				"status %d: scopes %q, %d and %d runs",
				s,
				scopes,
				m.of("api").Number(event.KindPipelineRun),
				m.of("fine/y").Number(event.KindPipelineRun),
			)
		}
		if l := m.of("api").
			Ledger(event.KindPipelineRun); l.Expected != 5 || l.Stored != 4 ||
			!strings.Contains(l.Note, "branch bad") {
			t.Errorf("status %d: ledger %+v", s, l)
		}
	}
	status = 0
	f.root.jobs[0].jobs = []*item{freestyle("x", until(1)...)}
	scopes := f.collect(t, m, now.Add(3*time.Minute), nil)
	if !slices.Equal(scopes, []string{"api", "broken/x", "fine/y"}) || m.of("api").Number(event.KindPipelineRun) != 7 ||
		m.of("broken/x").Number(event.KindPipelineRun) != 1 {
		t.Errorf("repaired: %q, %d runs", scopes, m.of("api").Number(event.KindPipelineRun))
	}
}

func TestAnOutageMovesNoCheckpoint(t *testing.T) {
	f := start(t, multibranch("api", freestyle("a", until(3)...), freestyle("b", until(4)...)))
	m := newMemories()
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/job/api/job/") {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
		return false
	}
	_, err := m.collect(t.Context(), f.collector(t, now, nil))
	if err == nil || rest.OnlySkipped(err) {
		t.Errorf("nothing could be read: %v", err)
	}
	if m.of("api").States() > 0 {
		t.Errorf("%d streams have a checkpoint", m.of("api").States())
	}
}

func TestAProjectWithoutBranchesForgetsNothing(t *testing.T) {
	api := multibranch("api", freestyle("main", until(4)...))
	f := start(t, api)
	m := newMemories()
	f.collect(t, m, now, nil)
	branches := api.jobs
	f.change(func() { api.jobs = []*item{} })
	f.collect(t, m, now.Add(time.Minute), nil)
	f.change(func() { api.jobs = branches })
	f.asked()
	f.collect(t, m, now.Add(2*time.Minute), nil)
	if asked := f.asked(); len(asked) > 2 { // the listing twice: it is asked for at once
		t.Errorf("asked %q", asked)
	}
	if l := m.of("api").Ledger(event.KindPipelineRun); l.Expected != 4 || l.Stored != 4 {
		t.Errorf("ledger %+v", l)
	}
}
