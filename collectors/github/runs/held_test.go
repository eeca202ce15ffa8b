package runs

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// runsWithJobs makes n runs with a job each.
func runsWithJobs(n int, step time.Duration) []githubtest.Run {
	runs := streamtest.Runs(n, step)
	for i, g := range runs {
		runs[i].Jobs = []githubtest.Job{
			{
				ID:         g.ID * 10,
				Attempt:    1,
				Name:       "build",
				Status:     "completed",
				Conclusion: "success",
				Created:    g.Created,
				Started:    g.Created,
				Completed:  g.Created.Add(time.Minute),
			},
		}
	}
	return runs
}

// showing reports whether a listing of runs would show one, as GitHub lists them: newest first.
func showing(s *githubtest.Server, id int64) func(r *http.Request) bool {
	return func(r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/actions/runs") {
			return false
		}
		s.Lock()
		runs := slices.Clone(s.Repos[scope].Runs)
		s.Unlock()
		if created := r.URL.Query().Get("created"); created != "" {
			from, to, _ := strings.Cut(created, "..")
			runs = slices.DeleteFunc(runs, func(g githubtest.Run) bool {
				at := g.Created.UTC().Format("2006-01-02T15:04:05Z")
				return at < from || at > to
			})
		}
		per, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
		page := 1
		if n, err := strconv.Atoi(r.URL.Query().Get("page")); err == nil {
			page = n
		}
		for i, g := range runs {
			if g.ID == id {
				return i >= (page-1)*per && i < page*per
			}
		}
		return false
	}
}

func TestOneRunThatAlwaysFailsDoesNotHoldUpTheOthers(t *testing.T) {
	const n = 350
	for name, c := range map[string]struct {
		bad  func(s *githubtest.Server) func(r *http.Request) bool
		runs int // stored while it fails
		jobs int
		gap  event.Kind
		want string
	}{
		"its jobs": {func(*githubtest.Server) func(*http.Request) bool {
			return func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/runs/999990/jobs") }
		}, n, n - 1, event.KindPipelineJob, "jobs of run 999990"},
		"on the newest page":           {func(s *githubtest.Server) func(*http.Request) bool { return showing(s, 1000000-20) }, n - 1, n - 1, event.KindPipelineRun, "run created"},
		"the newest":                   {func(s *githubtest.Server) func(*http.Request) bool { return showing(s, 1000000) }, n - 1, n - 1, event.KindPipelineRun, "run created"},
		"on an older page of the list": {func(s *githubtest.Server) func(*http.Request) bool { return showing(s, 1000000-222) }, n - 1, n - 1, event.KindPipelineRun, "run created"},
	} {
		t.Run(name, func(t *testing.T) {
			s, m := streamtest.Serve(t, &githubtest.Repo{Runs: runsWithJobs(n, time.Hour)}), collecttest.NewWriter()
			s.Before = streamtest.Always500(c.bad(s))
			for i := range 3 {
				err := tryCollect(t, s, m, now.Add(time.Duration(i)*time.Minute), AllJobs)
				if !rest.OnlySkipped(err) || !strings.Contains(err.Error(), c.want) {
					t.Fatalf("the error does not name it: %v", err)
				}
			}
			if m.Number(event.KindPipelineRun) != c.runs || m.Number(event.KindPipelineJob) != c.jobs {
				t.Errorf(
					"stored %d runs and %d jobs, want %d and %d",
					m.Number(event.KindPipelineRun),
					m.Number(event.KindPipelineJob),
					c.runs,
					c.jobs,
				)
			}
			if l := m.Ledger(c.gap); l.Gap() != 1 || l.Note == "" {
				t.Errorf("ledger %+v", l)
			}
			s.Requests()
			s.SetBefore(nil)
			for i := range 2 {
				collect(t, s, m, now.Add(time.Duration(10+i)*time.Minute), AllJobs)
			}
			if m.Number(event.KindPipelineRun) != n || m.Number(event.KindPipelineJob) != n || m.Ledger(c.gap).Gap() != 0 {
				t.Errorf(
					"it is readable again: %d runs, %d jobs, gap %d",
					m.Number(event.KindPipelineRun),
					m.Number(event.KindPipelineJob),
					m.Ledger(c.gap).Gap(),
				)
			}
			var state state
			if _, err := m.Load(t.Context(), streamName, &state); err != nil || state.Failed.Len() != 0 ||
				len(state.Holes) != 0 {
				t.Errorf("the checkpoint still has %v %v", state.Failed.Keys(), state.Holes)
			}
			s.Requests()
			collect(t, s, m, now.Add(20*time.Minute), AllJobs)
			for _, r := range s.Requests() {
				if r.Status != http.StatusNotModified && !strings.Contains(r.Path, "graphql") &&
					!strings.Contains(r.Path, "git/trees") {
					t.Errorf("asked again though nothing is new: %s?%s %d", r.Path, r.Query, r.Status)
				}
			}
		})
	}
}

func TestAnOddRunDoesNotHoldUpTheOthers(t *testing.T) {
	s, m := streamtest.Serve(t, &githubtest.Repo{Runs: runsWithJobs(3, time.Hour)}), collecttest.NewWriter()
	s.Before = func(_ int, r *http.Request) *githubtest.Fault {
		if !strings.HasSuffix(r.URL.Path, "/actions/runs") {
			return nil
		}
		var page []string
		for i, g := range s.Repos[scope].Runs {
			created := strconv.Quote(g.Created.Format(time.RFC3339))
			if i == 1 {
				created = `"the day before yesterday"`
			}
			page = append(
				page,
				fmt.Sprintf(
					`{"id":%d,"name":"ci","head_branch":"main","status":"completed","conclusion":"success","run_attempt":1,"created_at":%s,"run_started_at":%s}`,
					g.ID,
					created,
					created,
				),
			)
		}
		return &githubtest.Fault{
			Status: http.StatusOK,
			Body:   fmt.Sprintf(`{"total_count":3,"workflow_runs":[%s]}`, strings.Join(page, ",")),
		}
	}
	err := tryCollect(t, s, m, now, AllJobs)
	if !rest.OnlySkipped(err) || !strings.Contains(err.Error(), "run 999999") || m.Number(event.KindPipelineRun) != 2 ||
		m.Ledger(event.KindPipelineRun).Gap() != 1 {
		t.Errorf("%v, %d runs, %+v", err, m.Number(event.KindPipelineRun), m.Ledger(event.KindPipelineRun))
	}
	s.SetBefore(nil)
	collect(t, s, m, now, AllJobs)
	if m.Number(event.KindPipelineRun) != 3 || m.Number(event.KindPipelineJob) != 3 {
		t.Errorf("%d runs, %d jobs", m.Number(event.KindPipelineRun), m.Number(event.KindPipelineJob))
	}
}

func TestAnOutageIsNotABadObject(t *testing.T) {
	for name, bad := range map[string]func(*http.Request) bool{
		"everything":  func(*http.Request) bool { return true },
		"the listing": func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/actions/runs") },
		"jobs of all": func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/jobs") },
	} {
		t.Run(name, func(t *testing.T) {
			s, m := streamtest.Serve(t, &githubtest.Repo{Runs: runsWithJobs(40, time.Hour)}), collecttest.NewWriter()
			s.SetBefore(streamtest.Always500(bad))
			err := tryCollect(t, s, m, now, AllJobs)
			if err == nil || rest.OnlySkipped(err) {
				t.Errorf("%v, want a failure of the source", err)
			}
			s.SetBefore(nil)
			collect(t, s, m, now, AllJobs)
			if m.Number(event.KindPipelineRun) != 40 || m.Number(event.KindPipelineJob) != 40 {
				t.Errorf("afterwards: %d runs, %d jobs", m.Number(event.KindPipelineRun), m.Number(event.KindPipelineJob))
			}
		})
	}
}
