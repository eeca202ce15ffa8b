package mapping

import (
	"strconv"
	"time"

	"github.com/dxctl/dxctl/event"
)

// Run is a workflow run as REST and webhooks show it: its latest attempt.
type Run struct {
	ID           int64     `json:"id"`
	Name         string    `json:"name"`
	Path         string    `json:"path"`
	HeadBranch   string    `json:"head_branch"`
	HeadSHA      string    `json:"head_sha"`
	Event        string    `json:"event"`
	Status       string    `json:"status"`
	Conclusion   string    `json:"conclusion"`
	RunAttempt   int       `json:"run_attempt"` // counts from 1
	HTMLURL      string    `json:"html_url"`
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`       // changes weeks after the end, too
	RunStartedAt time.Time `json:"run_started_at"`   // of this attempt
	Actor        Account   `json:"actor"`            // who started the first attempt
	Triggering   Account   `json:"triggering_actor"` // who started this one
}

// HasID reports whether the record has an id, which tells it from others.
func (r Run) HasID() bool { return r.ID > 0 }

// Key returns the id as text, which is the id of the event.
func (r Run) Key() string { return strconv.FormatInt(r.ID, 10) }

// Attempt returns the number of the attempt; 1 if GitHub does not report it, as older servers do not.
func (r Run) Attempt() uint16 {
	if r.RunAttempt < 1 || r.RunAttempt > 65535 {
		return 1
	}
	return uint16(r.RunAttempt)
}

// RunEvent returns the event of a run's attempt. finished is when its last job ended; zero if that is not known. GitHub
// does not report when a run finished: updated_at changes long after the end, when logs expire or artifacts are
// deleted.
func (m Mapper) RunEvent(g Run, finished time.Time) event.PipelineRun {
	mapped, raw := m.runStatus("status of a run", g.Status, g.Conclusion)
	actor := g.Triggering // whoever started this attempt; actor is whoever started the first
	if actor.Login == "" {
		actor = g.Actor
	}
	name := g.Name
	if name == "" {
		name = g.Path
	}
	e := event.PipelineRun{
		Origin: m.Origin(g.Key(), g.HTMLURL), Attempt: g.Attempt(), Pipeline: name, Status: mapped, StatusRaw: raw,
		Branch: g.HeadBranch, Trigger: g.Event, SHA: g.HeadSHA, Actor: actor.Login, Bot: isBot(actor.Login, actor.Type),
		CreatedAt: Time(&g.CreatedAt), StartedAt: Time(&g.RunStartedAt),
	}
	if mapped.Final() {
		e.FinishedAt = finished
	}
	return e
}

// Job is a job of a workflow run as REST and webhooks show it.
type Job struct {
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

// HasID reports whether the record has an id, which tells it from others.
func (j Job) HasID() bool { return j.ID > 0 }

// Attempt returns the number of the run's attempt that the job belongs to; 1 if GitHub does not report it.
func (j Job) Attempt() uint16 { return Run{RunAttempt: j.RunAttempt}.Attempt() }

// JobEvent returns the event of a job of the run with the id. The event's runner is the first label that the job asks
// for, which describes the machine; on hosted runners, the runner's own name is different for every job.
func (m Mapper) JobEvent(runID string, j Job) event.PipelineJob {
	mapped, raw := m.runStatus("status of a job", j.Status, j.Conclusion)
	e := event.PipelineJob{
		Origin: m.Origin(strconv.FormatInt(j.ID, 10), j.HTMLURL), RunID: runID, Attempt: j.Attempt(), Name: j.Name,
		Status: mapped, StatusRaw: raw, CreatedAt: Time(j.CreatedAt),
	}
	// a job that still waits has a start, too: when it was queued
	if mapped != event.Queued && mapped != event.Waiting {
		e.StartedAt = Time(j.StartedAt)
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
		e.FinishedAt = Time(j.CompletedAt)
	}
	return e
}
