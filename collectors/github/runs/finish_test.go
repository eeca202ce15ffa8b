package runs

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/event"
)

// weeks is how long after its end GitHub still changes a run: logs expire, artifacts are deleted.
const weeks = 18 * 24 * time.Hour

// touched is a run whose jobs ended five minutes after it began, and which was last updated weeks later.
func touched(jobs ...githubtest.Job) githubtest.Run {
	at := now.Add(-weeks - time.Hour)
	return githubtest.Run{
		ID:         7,
		Attempt:    1,
		Name:       "ci",
		Branch:     "main",
		Event:      "push",
		Status:     "completed",
		Conclusion: "success",
		Actor:      "alice",
		Created:    at,
		Updated:    at.Add(weeks),
		Jobs:       jobs,
	}
}

func minutes(id int64, attempt int, from, to int) githubtest.Job {
	at := now.Add(-weeks - time.Hour)
	return githubtest.Job{
		ID:         id,
		Attempt:    attempt,
		Name:       "job",
		Status:     "completed",
		Conclusion: "success",
		Created:    at.Add(time.Duration(from) * time.Minute),
		Started:    at.Add(time.Duration(from) * time.Minute),
		Completed:  at.Add(time.Duration(to) * time.Minute),
	}
}

func TestTheEndOfARunIsThatOfItsJobs(t *testing.T) {
	for name, c := range map[string]struct {
		jobs Jobs
		want time.Duration // 0: not known
	}{
		"all jobs":                  {AllJobs, 5 * time.Minute},
		"jobs of the branch":        {DefaultBranchJobs, 5 * time.Minute},
		"no jobs":                   {NoJobs, 0},
		"jobs of the branch, other": {DefaultBranchJobs, 0},
	} {
		t.Run(name, func(t *testing.T) {
			g := touched(minutes(1, 1, 0, 3), minutes(2, 1, 3, 5))
			if name == "jobs of the branch, other" {
				g.Branch = "feature"
			}
			s, m := streamtest.Serve(t, &githubtest.Repo{Runs: []githubtest.Run{g}}), collecttest.NewWriter()
			for range 2 {
				collect(t, s, m, now, c.jobs)
			}
			e := collecttest.Stored[event.PipelineRun](m)["7/1"]
			if c.want == 0 && !e.FinishedAt.IsZero() || c.want > 0 && e.FinishedAt.Sub(e.StartedAt) != c.want ||
				e.Duration != 0 {
				t.Errorf("finished %s, %s after its start; want %s", e.FinishedAt, e.FinishedAt.Sub(e.StartedAt), c.want)
			}
		})
	}
}

func TestAttemptsEndForThemselves(t *testing.T) {
	g := touched(minutes(1, 1, 0, 3), minutes(2, 1, 3, 5), minutes(3, 2, 600, 602))
	first := g
	first.Conclusion = "failure"
	g.Attempt, g.Earlier = 2, []githubtest.Run{first}
	s, m := streamtest.Serve(t, &githubtest.Repo{Runs: []githubtest.Run{g}}), collecttest.NewWriter()
	collect(t, s, m, now, AllJobs)
	for id, want := range map[string]time.Duration{"7/1": 5 * time.Minute, "7/2": 602 * time.Minute} {
		if e := collecttest.Stored[event.PipelineRun](m)[id]; e.FinishedAt.Sub(g.Created) != want {
			t.Errorf("attempt %s ended %s after the run was created, want %s", id, e.FinishedAt.Sub(g.Created), want)
		}
	}
	s, m = streamtest.Serve(t, &githubtest.Repo{Runs: []githubtest.Run{g}}), collecttest.NewWriter()
	collect(t, s, m, now, NoJobs)
	if !collecttest.Stored[event.PipelineRun](m)["7/1"].FinishedAt.IsZero() ||
		!collecttest.Stored[event.PipelineRun](m)["7/2"].FinishedAt.IsZero() {
		t.Errorf(
			"without jobs no attempt's end is known: %s, %s",
			collecttest.Stored[event.PipelineRun](m)["7/1"].FinishedAt,
			collecttest.Stored[event.PipelineRun](m)["7/2"].FinishedAt,
		)
	}
}

func TestAJobThatWaitedForApprovalDoesNotEndTheRun(t *testing.T) {
	deploy := minutes(2, 1, 5, 0)
	deploy.Status, deploy.Conclusion, deploy.Completed = "waiting", "", time.Time{}
	g := touched(minutes(1, 1, 0, 5), deploy)
	g.Status, g.Conclusion = "waiting", ""
	s, m := streamtest.Serve(t, &githubtest.Repo{Runs: []githubtest.Run{g}}), collecttest.NewWriter()
	collect(t, s, m, now.Add(-weeks), AllJobs)
	if e := collecttest.Stored[event.PipelineJob](m)["7/1/2"]; e.Status != event.Waiting || !e.StartedAt.IsZero() {
		t.Errorf("a job that waits has not started: %+v", e)
	}
	deploy.Status, deploy.Conclusion = "completed", "success"
	deploy.Started, deploy.Completed = now.Add(-30*time.Minute), now.Add(-20*time.Minute)
	g.Status, g.Conclusion, g.Jobs = "completed", "success", []githubtest.Job{g.Jobs[0], deploy}
	s.Repos[scope].Runs = []githubtest.Run{g}
	for range 2 {
		collect(t, s, m, now, AllJobs)
	}
	if e := collecttest.Stored[event.PipelineRun](m)["7/1"]; e.Status != event.Succeeded ||
		e.FinishedAt.Sub(e.StartedAt) != 5*time.Minute {
		t.Errorf("the run ended %s after its start, want 5m", e.FinishedAt.Sub(e.StartedAt))
	}
	if e := collecttest.Stored[event.PipelineJob](m)["7/1/2"]; !e.CreatedAt.IsZero() ||
		!e.FinishedAt.Equal(deploy.Completed) {
		t.Errorf("how long the job queued is not known: %+v", e)
	}
}

func TestAReReadCorrectsTheEnd(t *testing.T) {
	for _, jobs := range []Jobs{NoJobs, AllJobs} {
		g := touched(minutes(1, 1, 0, 5))
		s, m := streamtest.Serve(t, &githubtest.Repo{Runs: []githubtest.Run{g}}), collecttest.NewWriter()
		collect(t, s, m, now, jobs)
		right := collecttest.Stored[event.PipelineRun](m)["7/1"]
		wrong := right
		wrong.FinishedAt = g.Updated // as it was stored once
		if err := m.Append(t.Context(), wrong); err != nil {
			t.Fatal(err)
		}
		m.Forget()
		m.Again = true
		collect(t, s, m, now, jobs)
		if e := collecttest.Stored[event.PipelineRun](m)["7/1"]; !e.FinishedAt.Equal(right.FinishedAt) {
			t.Errorf("finished %s after a re-read, want %s", e.FinishedAt, right.FinishedAt)
		}
	}
}

func TestAnEndThatIsKnownStays(t *testing.T) {
	g := touched(minutes(1, 1, 0, 5))
	s, m := streamtest.Serve(t, &githubtest.Repo{Runs: []githubtest.Run{g}}), collecttest.NewWriter()
	collect(t, s, m, now, AllJobs)
	s.Repos[scope].Runs = append(s.Repos[scope].Runs, streamtest.Runs(1, time.Hour)...) // the page has changed
	collect(t, s, m, now, NoJobs)
	if e := collecttest.Stored[event.PipelineRun](m)["7/1"]; e.FinishedAt.Sub(e.StartedAt) != 5*time.Minute {
		t.Errorf("the end was forgotten when jobs were no longer asked for: %s", e.FinishedAt)
	}
}
