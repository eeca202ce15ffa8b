package github

import (
	"strconv"
	"time"

	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// run is what is used of a workflow run.
type run struct {
	ID           int64     `json:"id"`
	Name         string    `json:"name"`
	Path         string    `json:"path"`
	HeadBranch   string    `json:"head_branch"`
	HeadSHA      string    `json:"head_sha"`
	Event        string    `json:"event"`
	Status       string    `json:"status"`
	Conclusion   string    `json:"conclusion"`
	RunAttempt   int       `json:"run_attempt"`
	HTMLURL      string    `json:"html_url"`
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`
	RunStartedAt time.Time `json:"run_started_at"`
	Actor        account   `json:"actor"`
	Triggering   account   `json:"triggering_actor"`
}

type account struct {
	Login string `json:"login"`
	Type  string `json:"type"`
}

type runPage struct {
	TotalCount uint64 `json:"total_count"`
	Runs       []run  `json:"workflow_runs"`
}

func (r run) id() string { return strconv.FormatInt(r.ID, 10) }

// attempt is 1 where GitHub does not say, as older servers do not.
func (r run) attempt() uint16 {
	if r.RunAttempt < 1 || r.RunAttempt > 65535 {
		return 1
	}
	return uint16(r.RunAttempt)
}

// later reports whether r is a later observation of the same run than o.
func (r run) later(o run) bool {
	if r.attempt() != o.attempt() {
		return r.attempt() > o.attempt()
	}
	return !r.UpdatedAt.Before(o.UpdatedAt)
}

// toEvent makes the event of a run's attempt. finished is when its last job ended, or zero when that is not known:
// GitHub gives a run no finish of its own, and changes updated_at long after the end, when logs expire or artifacts are
// deleted.
func (m mapper) toEvent(g run, finished time.Time) event.PipelineRun {
	mapped, raw, known := runStatus(g.Status, g.Conclusion)
	if !known {
		m.unrecognized("status of a run", raw)
	}
	actor := g.Triggering // whoever started this attempt; actor is whoever started the first
	if actor.Login == "" {
		actor = g.Actor
	}
	name := g.Name
	if name == "" {
		name = g.Path
	}
	e := event.PipelineRun{
		Origin: m.origin(g.id(), g.HTMLURL), Attempt: g.attempt(), Pipeline: name, Status: mapped, StatusRaw: raw,
		Branch: g.HeadBranch, Trigger: g.Event, SHA: g.HeadSHA, Actor: actor.Login, Bot: isBot(actor.Login, actor.Type),
		CreatedAt: instant(&g.CreatedAt), StartedAt: instant(&g.RunStartedAt),
	}
	if mapped.Final() {
		e.FinishedAt = finished
	}
	return e
}

// job is what is used of a job.
type job struct {
	ID          int64      `json:"id"`
	RunAttempt  int        `json:"run_attempt"`
	Name        string     `json:"name"`
	Status      string     `json:"status"`
	Conclusion  string     `json:"conclusion"`
	HTMLURL     string     `json:"html_url"`
	CreatedAt   *time.Time `json:"created_at"`
	StartedAt   *time.Time `json:"started_at"`
	CompletedAt *time.Time `json:"completed_at"`
	RunnerName  string     `json:"runner_name"`
	RunnerGroup string     `json:"runner_group_name"`
	Labels      []string   `json:"labels"`
}

type jobPage struct {
	TotalCount int   `json:"total_count"`
	Jobs       []job `json:"jobs"`
}

func (j job) attempt() uint16 { return run{RunAttempt: j.RunAttempt}.attempt() }

// jobEvent makes the event of a job. Runner is the label that chose it, which says what the job ran on; the runner's
// own name is different for every job on hosted runners.
func (m mapper) jobEvent(runID string, j job) event.PipelineJob {
	mapped, raw, known := runStatus(j.Status, j.Conclusion)
	if !known {
		m.unrecognized("status of a job", raw)
	}
	e := event.PipelineJob{
		Origin: m.origin(strconv.FormatInt(j.ID, 10), j.HTMLURL), RunID: runID, Attempt: j.attempt(), Name: j.Name,
		Status: mapped, StatusRaw: raw, CreatedAt: instant(j.CreatedAt),
	}
	// GitHub gives a job that still waits a start too: when it was queued
	if mapped != event.Queued && mapped != event.Waiting {
		e.StartedAt = instant(j.StartedAt)
	}
	switch {
	case len(j.Labels) > 0:
		e.Runner = j.Labels[0]
	case j.RunnerGroup != "":
		e.Runner = j.RunnerGroup
	default:
		e.Runner = j.RunnerName
	}
	if mapped.Final() {
		e.FinishedAt = instant(j.CompletedAt)
	}
	return e
}

// instant is the time, or zero where the source gave null or a time that no event may carry (a broken clock's year 1).
func instant(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return source.Known(*t)
}
