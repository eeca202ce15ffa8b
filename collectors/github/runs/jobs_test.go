package runs

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/event"
)

func TestRunsOfAllPagesComeBeforeTheFirstJob(t *testing.T) {
	s, m := streamtest.Serve(t, &githubtest.Repo{Runs: streamtest.RunsWithJobs(2300)}), collecttest.NewWriter()
	var early []string // ids of the runs that were stored when the first jobs were asked for
	var first sync.Once
	s.Before = func(_ int, r *http.Request) *githubtest.Fault {
		if strings.HasSuffix(r.URL.Path, "/jobs") {
			first.Do(func() { early = m.Keys(event.KindPipelineRun) })
		}
		return nil
	}
	collect(t, s, m, now, AllJobs)
	if len(early) != 2300 || m.Number(event.KindPipelineJob) != 2300 {
		t.Errorf("%d runs were stored before the first job, %d jobs in the end", len(early), m.Number(event.KindPipelineJob))
	}
	requests := s.Requests()
	asked := 0
	for _, r := range requests {
		id, ok := strings.CutSuffix(r.Path, "/jobs")
		if !ok {
			continue
		}
		n, err := strconv.Atoi(path.Base(id))
		// a chunk's are asked for side by side
		if oldest := 1000000 - asked/pendingChunk*pendingChunk - pendingChunk; err != nil || n <= oldest {
			t.Fatalf("request %d for jobs is for run %d: not the newest first", asked, n)
		}
		asked++
	}
	if asked != 2300 {
		t.Errorf("%d requests for jobs", asked)
	}
	if n := streamtest.Count(requests, "/actions/runs?"); n > 27 { // 23 pages, a listing's end each thousand, and the newest page
		t.Errorf("%d requests for 2300 runs", n)
	}
	e := collecttest.Stored[event.PipelineRun](m)["1000000/1"]
	if want := now.Add(-time.Hour + 50*time.Second); !e.FinishedAt.Equal(want) || e.Pipeline != "ci" ||
		e.Actor != "alice" {
		t.Errorf("the last job ended %s: %+v", want, e)
	}
}

func TestTheFirstRunsAreThereAfterOnePage(t *testing.T) {
	s, m := streamtest.Serve(t, &githubtest.Repo{Runs: streamtest.RunsWithJobs(1500)}), collecttest.NewWriter()
	asked := 0
	s.Before = func(_ int, r *http.Request) *githubtest.Fault {
		if strings.Contains(r.URL.RawQuery, "created=") && asked == 0 {
			asked = m.Number(event.KindPipelineRun)
		}
		return nil
	}
	collect(t, s, m, now, AllJobs)
	if asked != 100 {
		t.Errorf("%d runs were stored when the history was first asked for", asked)
	}
}

func TestJobsThatCannotBeReadAreOwed(t *testing.T) {
	s, m := streamtest.Serve(t, &githubtest.Repo{Runs: streamtest.RunsWithJobs(250)}), collecttest.NewWriter()
	var n atomic.Int64
	s.Before = func(_ int, r *http.Request) *githubtest.Fault {
		if strings.HasSuffix(r.URL.Path, "/jobs") {
			if n.Add(1) > 120 {
				return &githubtest.Fault{Status: 403, Body: `{"message":"Resource not accessible by integration"}`}
			}
		}
		return nil
	}
	err := tryCollect(t, s, m, now, AllJobs)
	if err == nil || !strings.Contains(err.Error(), "read access") || m.Number(event.KindPipelineRun) != 250 ||
		m.Number(event.KindPipelineJob) != 100 {
		t.Fatalf("stored %d runs and %d jobs, %v", m.Number(event.KindPipelineRun), m.Number(event.KindPipelineJob), err)
	}
	if l := m.Ledger(event.KindPipelineRun); l.Gap() != 0 {
		t.Errorf("ledger of runs %+v", l)
	}
	if l := m.Ledger(event.KindPipelineJob); l.Gap() != 250 || l.Note != "the jobs of 250 runs are still to be read" {
		t.Errorf("ledger of jobs %+v", l)
	}
	s.SetBefore(nil) // requests that were given up may still arrive
	s.Requests()
	collect(t, s, m, now.Add(time.Minute), AllJobs)
	if r := s.Requests(); m.Number(event.KindPipelineJob) != 250 || streamtest.Count(r, "/jobs") > 150+16 ||
		m.Ledger(event.KindPipelineJob).Gap() != 0 {
		t.Errorf("stored %d jobs after %d requests more", m.Number(event.KindPipelineJob), streamtest.Count(r, "/jobs"))
	}
	t.Run("are not read when they are no longer wanted", func(t *testing.T) {
		s, m := streamtest.Serve(t, &githubtest.Repo{Runs: streamtest.RunsWithJobs(150)}), collecttest.NewWriter()
		m.FailAt = 7
		if err := tryCollect(t, s, m, now, AllJobs); !errors.Is(err, collecttest.ErrKilled) {
			t.Fatal(err)
		}
		m.FailAt = 0
		s.Requests()
		collect(t, s, m, now, NoJobs)
		if n := streamtest.Count(s.Requests(), "/jobs"); n != 0 || m.Number(event.KindPipelineRun) != 150 {
			t.Errorf("%d requests, %d runs", n, m.Number(event.KindPipelineRun))
		}
		collect(t, s, m, now, AllJobs)
		if m.Number(event.KindPipelineJob) != 150 {
			t.Errorf("stored %d jobs", m.Number(event.KindPipelineJob))
		}
	})
}

func TestWhatIsOwedIsPaidNewestFirst(t *testing.T) {
	var o pendingDetails
	o.Jobs = with(o.Jobs, []int64{5, 9, 7})
	o.Jobs = with(o.Jobs, []int64{11, 7})
	o.Attempts = with(o.Attempts, []int64{10, 9})
	if got := fmt.Sprint(o.Jobs, o.next(3), o.next(100), o.len()); got != "[11 9 7 5] [11 10 9] [11 10 9 7 5] 6" {
		t.Error(got)
	}
}
