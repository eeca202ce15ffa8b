package runs

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/github/stream"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

func TestEveryRunOfALongHistoryIsFound(t *testing.T) {
	burst := func() []githubtest.Run { // 2,500 runs, of which 1,400 within a minute
		runs := streamtest.Runs(2500, time.Minute)
		for i := 300; i < 1700; i++ {
			runs[i].Created = runs[300].Created.Add(-time.Duration(i-300) * 40 * time.Millisecond).Truncate(time.Second)
		}
		for i := 1700; i < len(runs); i++ {
			runs[i].Created = runs[i].Created.Add(-time.Hour)
		}
		return runs
	}
	for _, tc := range []struct {
		name     string
		runs     []githubtest.Run
		shuffled bool
		requests int // at most, for the runs
	}{
		{name: "none", runs: nil, requests: 1},
		{name: "one page", runs: streamtest.Runs(100, time.Hour), requests: 1},
		{name: "a few pages", runs: streamtest.Runs(730, time.Hour), requests: 10},
		{name: "more than a listing shows", runs: streamtest.Runs(4321, time.Hour), requests: 48},
		{name: "uneven density", runs: burst(), requests: 30},
		{name: "a listing in no order", runs: streamtest.Runs(3000, time.Hour), shuffled: true, requests: 200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, m := streamtest.Serve(t, &githubtest.Repo{Runs: tc.runs, Shuffled: tc.shuffled}), collecttest.NewWriter()
			collect(t, s, m, now, NoJobs)
			if m.Number(event.KindPipelineRun) != len(tc.runs) {
				t.Errorf("stored %d runs of %d", m.Number(event.KindPipelineRun), len(tc.runs))
			}
			if n := streamtest.Count(s.Requests(), "/actions/runs"); n > tc.requests {
				t.Errorf("%d requests for %d runs, at most %d", n, len(tc.runs), tc.requests)
			}
			if l := m.Ledger(event.KindPipelineRun); l.Gap() != 0 || l.Expected != uint64(len(tc.runs)) {
				t.Errorf("ledger %+v", l)
			}
			collect(t, s, m, now, NoJobs)
			if n := streamtest.Count(s.Requests(), "/actions/runs"); n != 1 {
				t.Errorf("%d requests when nothing is new", n)
			}
		})
	}
}

func TestASecondWithMoreRunsThanAreListedIsAGap(t *testing.T) {
	runs := streamtest.Runs(2500, time.Hour)
	for i := 1000; i < 2200; i++ {
		runs[i].Created = runs[1000].Created
	}
	s, m := streamtest.Serve(t, &githubtest.Repo{Runs: runs}), collecttest.NewWriter()
	collect(t, s, m, now, NoJobs)
	l := m.Ledger(event.KindPipelineRun)
	if m.Number(event.KindPipelineRun) != 2300 || l.Gap() != 200 || !strings.Contains(l.Note, "more than 1000 runs") {
		t.Errorf("stored %d, ledger gap %d, note %q", m.Number(event.KindPipelineRun), l.Gap(), l.Note)
	}
	s.Requests()
	collect(t, s, m, now.Add(48*time.Hour), NoJobs)
	if n := streamtest.Count(s.Requests(), "/actions/runs"); n > 15 { // the trailing stretch, and no search for what GitHub hides
		t.Errorf("%d requests for a gap that is known", n)
	}
}

func TestNewRunsBetweenTwoCollects(t *testing.T) {
	all := streamtest.Runs(900, time.Minute)
	s, m := streamtest.Serve(t, &githubtest.Repo{Runs: all[450:]}), collecttest.NewWriter()
	collect(t, s, m, now, NoJobs)
	s.Repos[scope].Runs = all
	collect(t, s, m, now, NoJobs)
	if m.Number(event.KindPipelineRun) != 900 || m.Ledger(event.KindPipelineRun).Gap() != 0 {
		t.Errorf("stored %d of 900", m.Number(event.KindPipelineRun))
	}
}

func TestPagesThatShiftWhileTheyAreRead(t *testing.T) {
	t.Run("runs arrive", func(t *testing.T) {
		all := streamtest.Runs(1350, time.Minute)
		s, m := streamtest.Serve(t, &githubtest.Repo{Runs: all[150:]}), collecttest.NewWriter()
		added := 150
		s.Before = func(_ int, r *http.Request) *githubtest.Fault {
			s.Lock()
			defer s.Unlock()
			if added > 0 && strings.Contains(r.URL.RawQuery, "page=") {
				added -= 10
				s.Repos[scope].Runs = all[added:]
			}
			return nil
		}
		for range 3 { // the last runs arrive during the second collect
			collect(t, s, m, now, NoJobs)
		}
		if m.Number(event.KindPipelineRun) != 1350 {
			t.Errorf("stored %d of 1350", m.Number(event.KindPipelineRun))
		}
	})
	t.Run("a run is deleted", func(t *testing.T) {
		all := streamtest.Runs(700, time.Minute)
		s, m := streamtest.Serve(t, &githubtest.Repo{Runs: all}), collecttest.NewWriter()
		s.Before = func(_ int, r *http.Request) *githubtest.Fault {
			if strings.Contains(r.URL.RawQuery, "page=3&") { // one of the first page goes: the others move forward
				s.Lock()
				s.Repos[scope].Runs = slices.Concat(all[:120], all[121:])
				s.Unlock()
			}
			return nil
		}
		collect(t, s, m, now, NoJobs)
		for _, g := range s.Repos[scope].Runs {
			if _, ok := collecttest.Stored[event.PipelineRun](m)[fmt.Sprintf("%d/1", g.ID)]; !ok {
				t.Fatalf("run %d is not stored", g.ID)
			}
		}
	})
}

func TestARunThatFinishesBetweenTwoPages(t *testing.T) {
	runs := streamtest.Runs(320, time.Minute)
	runs[150].Status, runs[150].Conclusion = "in_progress", ""
	s, m := streamtest.Serve(t, &githubtest.Repo{Runs: runs}), collecttest.NewWriter()
	s.Before = func(_ int, r *http.Request) *githubtest.Fault {
		if strings.Contains(r.URL.RawQuery, "page=3") {
			s.Lock()
			runs[150].Status, runs[150].Conclusion = "completed", "failure"
			s.Unlock()
		}
		return nil
	}
	collect(t, s, m, now, NoJobs)
	collect(t, s, m, now.Add(time.Minute), NoJobs)
	if e := collecttest.Stored[event.PipelineRun](m)[fmt.Sprintf("%d/1", runs[150].ID)]; e.Status != event.Failed ||
		!e.FinishedAt.IsZero() {
		t.Errorf("stored as %s, finished %s", e.Status, e.FinishedAt)
	}
}

func TestOpenRunsAreReadAgainUntilTheyAreFinal(t *testing.T) {
	runs := streamtest.Runs(150, time.Hour)
	runs[149].Status, runs[149].Conclusion = "waiting", "" // not on the newest page
	s, m := streamtest.Serve(t, &githubtest.Repo{Runs: runs}), collecttest.NewWriter()
	id := fmt.Sprintf("%d/1", runs[149].ID)
	collect(t, s, m, now, NoJobs)
	if collecttest.Stored[event.PipelineRun](m)[id].Status != event.Waiting || m.Ledger(event.KindPipelineRun).Open != 1 {
		t.Fatalf("stored as %+v", collecttest.Stored[event.PipelineRun](m)[id])
	}
	collect(t, s, m, now, NoJobs)
	s.Requests()
	collect(t, s, m, now, NoJobs)
	single := fmt.Sprintf("/runs/%d", runs[149].ID)
	if r := s.Requests(); streamtest.Count(r, single) != 1 || r[len(r)-1].Status != 304 {
		t.Errorf("asked %d times for the open run: %v", streamtest.Count(r, single), r)
	}
	s.Repos[scope].Runs[149].Status, s.Repos[scope].Runs[149].Conclusion = "completed", "cancelled"
	collect(t, s, m, now, NoJobs)
	if collecttest.Stored[event.PipelineRun](m)[id].Status != event.Cancelled {
		t.Errorf("stored as %s", collecttest.Stored[event.PipelineRun](m)[id].Status)
	}
	s.Requests()
	collect(t, s, m, now, NoJobs)
	if n := streamtest.Count(s.Requests(), single); n != 0 {
		t.Errorf("a final run was asked for %d times", n)
	}
}

func TestOpenRunsAreGivenUpAfter35Days(t *testing.T) {
	runs := streamtest.Runs(150, time.Hour)
	runs[140].Status, runs[140].Conclusion = "in_progress", ""
	runs[141].Status, runs[141].Conclusion = "in_progress", ""
	s, m := streamtest.Serve(t, &githubtest.Repo{Runs: runs}), collecttest.NewWriter()
	collect(t, s, m, now, NoJobs)
	s.Lock()
	s.Repos[scope].Runs = slices.Concat(runs[:141], runs[142:]) // one was deleted: it is asked for once
	s.Unlock()
	for range 3 {
		collect(t, s, m, now.Add(time.Hour), NoJobs)
	}
	if n := streamtest.Count(s.Requests(), fmt.Sprintf("/runs/%d", 1000000-141)); n != 1 {
		t.Errorf("a deleted run was asked for %d times", n)
	}
	collect(t, s, m, now.Add(50*24*time.Hour), NoJobs)
	if n := streamtest.Count(s.Requests(), fmt.Sprintf("/runs/%d", runs[140].ID)); n != 0 {
		t.Errorf("a run that was open 50 days ago was asked for %d times", n)
	}
}

func TestARerunIsAFurtherAttempt(t *testing.T) {
	job := func(id int64, attempt int, end time.Time) githubtest.Job {
		return githubtest.Job{
			ID:         id,
			Attempt:    attempt,
			Name:       "build",
			Status:     "completed",
			Conclusion: "success",
			Started:    end.Add(-time.Minute),
			Completed:  end,
		}
	}
	rerun := func(g githubtest.Run) githubtest.Run {
		first := g
		first.Conclusion = "failure"
		g.Attempt, g.Earlier, g.Updated = 2, []githubtest.Run{first}, g.Updated.Add(24*time.Hour)
		g.Jobs = []githubtest.Job{job(1, 1, g.Created.Add(5*time.Minute)), job(2, 2, g.Created.Add(25*time.Hour))}
		return g
	}
	t.Run("first seen as the second attempt", func(t *testing.T) {
		runs := streamtest.Runs(2, time.Hour)
		runs[0] = rerun(runs[0])
		s, m := streamtest.Serve(t, &githubtest.Repo{Runs: runs}), collecttest.NewWriter()
		collect(t, s, m, now, AllJobs)
		first, second := collecttest.Stored[event.PipelineRun](m)["1000000/1"], collecttest.Stored[event.PipelineRun](m)["1000000/2"]
		if first.Status != event.Failed || second.Status != event.Succeeded || m.Number(event.KindPipelineRun) != 3 ||
			m.Number(event.KindPipelineJob) != 2 {
			t.Fatalf("stored %v, jobs %v", m.Keys(event.KindPipelineRun), m.Keys(event.KindPipelineJob))
		}
		if !first.FinishedAt.Equal(runs[0].Created.Add(5*time.Minute)) ||
			!second.FinishedAt.Equal(runs[0].Created.Add(25*time.Hour)) {
			t.Errorf("finished %s and %s: each attempt ends with its own last job", first.FinishedAt, second.FinishedAt)
		}
	})
	t.Run("the earlier attempt is gone", func(t *testing.T) {
		runs := streamtest.Runs(1, time.Hour)
		runs[0] = rerun(runs[0])
		runs[0].HideAttempts = true
		s, m := streamtest.Serve(t, &githubtest.Repo{Runs: runs}), collecttest.NewWriter()
		collect(t, s, m, now, AllJobs)
		s.Repos[scope].Runs = append(streamtest.Runs(1, 0), runs...) // the page changes, so that it is read again
		s.Repos[scope].Runs[0].ID = 7
		s.Requests()
		collect(t, s, m, now, AllJobs)
		if r := s.Requests(); m.Number(event.KindPipelineRun) != 2 || streamtest.Count(r, "attempts") != 0 {
			t.Errorf("stored %v; asked again %d times for what is gone", m.Keys(event.KindPipelineRun), streamtest.Count(r, "attempts"))
		}
	})
	t.Run("an old run, off the newest page", func(t *testing.T) {
		runs := streamtest.Runs(400, time.Hour)
		s, m := streamtest.Serve(t, &githubtest.Repo{Runs: runs}), collecttest.NewWriter()
		collect(t, s, m, now, NoJobs)
		s.Repos[scope].Runs[300] = rerun(runs[300])
		collect(t, s, m, now.Add(25*time.Hour), NoJobs)
		if _, ok := collecttest.Stored[event.PipelineRun](m)[fmt.Sprintf("%d/2", runs[300].ID)]; !ok ||
			m.Number(event.KindPipelineRun) != 401 {
			t.Errorf("stored %d attempts; the second one is there: %t", m.Number(event.KindPipelineRun), ok)
		}
	})
	t.Run("an attempt that was stored while it ran", func(t *testing.T) {
		runs := streamtest.Runs(1, time.Hour)
		again := rerun(runs[0])
		runs[0].Status, runs[0].Conclusion = "in_progress", ""
		s, m := streamtest.Serve(t, &githubtest.Repo{Runs: runs}), collecttest.NewWriter()
		collect(t, s, m, now, AllJobs)
		s.Repos[scope].Runs[0] = again
		collect(t, s, m, now, AllJobs)
		if e := collecttest.Stored[event.PipelineRun](m)["1000000/1"]; e.Status != event.Failed {
			t.Errorf("the first attempt stays %s", e.Status)
		}
	})
}

func TestJobs(t *testing.T) {
	many := func(n int, conclusion string) []githubtest.Job {
		jobs := make([]githubtest.Job, n)
		for i := range jobs {
			jobs[i] = githubtest.Job{
				ID:         int64(i + 1),
				Attempt:    1,
				Name:       fmt.Sprintf("テスト %d", i),
				Status:     "completed",
				Conclusion: conclusion,
				Started:    now.Add(-time.Hour),
				Completed:  now.Add(-time.Duration(n-i) * time.Second),
			}
		}
		return jobs
	}
	t.Run("more than a page", func(t *testing.T) {
		runs := streamtest.Runs(1, time.Hour)
		runs[0].Jobs = many(257, "success")
		s, m := streamtest.Serve(t, &githubtest.Repo{Runs: runs}), collecttest.NewWriter()
		collect(t, s, m, now, AllJobs)
		if m.Number(event.KindPipelineJob) != 257 ||
			!collecttest.Stored[event.PipelineRun](m)["1000000/1"].FinishedAt.Equal(now.Add(-time.Second)) {
			t.Errorf(
				"stored %d jobs, run finished %s",
				m.Number(event.KindPipelineJob),
				collecttest.Stored[event.PipelineRun](m)["1000000/1"].FinishedAt,
			)
		}
		for _, j := range collecttest.Stored[event.PipelineJob](m) {
			if !j.CreatedAt.IsZero() {
				t.Fatalf("a null created_at became %s", j.CreatedAt)
			}
		}
	})
	t.Run("of the default branch only", func(t *testing.T) {
		runs := streamtest.Runs(2, time.Hour)
		runs[0].Jobs, runs[1].Jobs, runs[1].Branch = many(1, "success"), many(1, "success"), "feature"
		s, m := streamtest.Serve(t, &githubtest.Repo{Runs: runs}), collecttest.NewWriter()
		collect(t, s, m, now, DefaultBranchJobs)
		if m.Number(event.KindPipelineJob) != 1 || streamtest.Count(s.Requests(), "/jobs") != 1 {
			t.Errorf("stored %v", m.Keys(event.KindPipelineJob))
		}
	})
	t.Run("wanted later", func(t *testing.T) {
		runs := streamtest.Runs(250, time.Hour)
		for i := range runs {
			runs[i].Jobs = many(1, "success")
		}
		s, m := streamtest.Serve(t, &githubtest.Repo{Runs: runs}), collecttest.NewWriter()
		collect(t, s, m, now, NoJobs)
		collect(t, s, m, now, AllJobs)
		if m.Number(event.KindPipelineJob) != 250 {
			t.Errorf("stored %d jobs of 250", m.Number(event.KindPipelineJob))
		}
		s.Requests()
		collect(t, s, m, now, AllJobs)
		if n := streamtest.Count(s.Requests(), "/jobs"); n != 0 {
			t.Errorf("%d requests for jobs when nothing is new", n)
		}
	})
	t.Run("are read again when the run changes, not otherwise", func(t *testing.T) {
		runs := streamtest.Runs(3, time.Hour)
		runs[0].Status, runs[0].Conclusion = "in_progress", ""
		for i := range runs {
			runs[i].Jobs = []githubtest.Job{{ID: int64(i + 1), Attempt: 1, Name: "build", Status: "in_progress"}}
		}
		s, m := streamtest.Serve(t, &githubtest.Repo{Runs: runs}), collecttest.NewWriter()
		collect(t, s, m, now, AllJobs)
		s.Repos[scope].Runs[0].Status, s.Repos[scope].Runs[0].Conclusion = "completed", "success"
		s.Repos[scope].Runs[0].Jobs[0].Status, s.Repos[scope].Runs[0].Jobs[0].Conclusion = "completed", "brand_new_word"
		s.Requests()
		collect(t, s, m, now, AllJobs)
		if n := streamtest.Count(s.Requests(), "/jobs"); n != 1 {
			t.Errorf("%d requests for jobs, one run has changed", n)
		}
		if j := collecttest.Stored[event.PipelineJob](m)["1000000/1/1"]; j.StatusRaw != "brand_new_word" ||
			j.Status != event.Skipped {
			t.Errorf("an unknown word is stored as %s (%s)", j.Status, j.StatusRaw)
		}
	})
}

func TestSinceBoundsTheFirstReadAndCanBeMovedBack(t *testing.T) {
	runs := streamtest.Runs(3000, time.Hour)
	s, m := streamtest.Serve(t, &githubtest.Repo{Runs: runs}), collecttest.NewWriter()
	since := now.Add(-1000 * time.Hour)
	r := streamtest.Repository(t, s, m, now)
	r.Since = since
	if err := Collect(t.Context(), r, NoJobs); err != nil {
		t.Fatal(err)
	}
	if n := m.Number(event.KindPipelineRun); n != 1000 {
		t.Errorf("stored %d runs since %s, want 1000", n, since)
	}
	if l := m.Ledger(event.KindPipelineRun); l.Gap() != 0 || !l.WindowStart.Equal(since) {
		t.Errorf("ledger %+v", l)
	}
	m.From = now.Add(-2000 * time.Hour)
	collect(t, s, m, now, NoJobs)
	collect(t, s, m, now, NoJobs)
	if n := m.Number(event.KindPipelineRun); n != 2000 {
		t.Errorf("stored %d runs after moving back, want 2000", n)
	}
}

func TestAGapIsFoundAndFilled(t *testing.T) {
	s, m := streamtest.Serve(t, &githubtest.Repo{Runs: streamtest.Runs(5000, time.Hour)}), collecttest.NewWriter()
	collect(t, s, m, now, NoJobs)
	for _, i := range []int{1200, 1201, 3900} {
		m.Remove(event.KindPipelineRun, fmt.Sprintf("%d/1", 1000000-i))
	}
	s.Requests()
	collect(t, s, m, now.Add(48*time.Hour), NoJobs)
	if n := streamtest.Count(s.Requests(), "/actions/runs"); m.Number(event.KindPipelineRun) != 5000 || n > 60 {
		t.Errorf("stored %d of 5000 after %d requests", m.Number(event.KindPipelineRun), n)
	}
	if m.Ledger(event.KindPipelineRun).Gap() != 0 {
		t.Errorf("ledger %+v", m.Ledger(event.KindPipelineRun))
	}
}

// TestARunWithoutATimeDoesNotHideTheOlderOnes has a run on the newest page of which GitHub does not say when it was
// created: the runs below the page stay pending.
func TestARunWithoutATimeDoesNotHideTheOlderOnes(t *testing.T) {
	page := client.RunPage{TotalCount: 250}
	for i := range 100 {
		page.Runs = append(page.Runs, mapping.Run{ID: int64(1000 - i), CreatedAt: now.Add(-time.Duration(i) * time.Hour)})
	}
	oldest := page.Runs[99].CreatedAt
	page.Runs[50].CreatedAt = time.Time{}
	c := &collector{Repository: &stream.Repository{Base: source.Options{}.Base(mapping.Profile, "gh")}, state: &state{}}
	c.advance(page)
	if p := c.state.Pending; len(p) != 1 || !p[0].To.Equal(oldest) || !c.state.Head.Equal(now) {
		t.Errorf("pending %+v, head %s", p, c.state.Head)
	}
}

// TestTheCheckpointIsOneFlatDocument guards the names under which a checkpoint is stored: with another name, every
// repository would be read again from its first run.
func TestTheCheckpointIsOneFlatDocument(t *testing.T) {
	const stored = `{"etag":"e","total":9,"oldest":"2026-01-01T00:00:00Z","head":"2026-01-02T00:00:00Z",` +
		`"floor":"2025-01-01T00:00:00Z","pending":[{"from":"2025-01-01T00:00:00Z","to":"2025-01-02T00:00:00Z","above":` +
		`{"to":"2025-01-03T00:00:00Z","seen":1,"left":2},"split":true}],"trailed":"2026-01-03T00:00:00Z",` +
		`"refilled":"2026-01-04T00:00:00Z","crowded":{"x":3},"open":{"1":"e"},"gone":{"2":true},"jobs":"all",` +
		`"branch":"main","reread":true,"owed":{"jobs":[4],"attempts":[5]},"short":{"6":7},"approved":{"8":9},` +
		`"holes":{"h":{"from":"2025-01-01T00:00:00Z","to":"2025-01-02T00:00:00Z"}},"started":true}`
	var s state
	decoder := json.NewDecoder(strings.NewReader(stored))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(s)
	if err != nil || string(again) != stored {
		t.Errorf("%v\ngot  %s\nwant %s", err, again, stored)
	}
}
