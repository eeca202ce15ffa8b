package webhook

import (
	"strconv"
	"strings"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/event"
)

// githubRun is what is used of a workflow run.
type githubRun struct {
	ID           int64            `json:"id"`
	Name         string           `json:"name"`
	Path         string           `json:"path"`
	HeadBranch   string           `json:"head_branch"`
	HeadSHA      string           `json:"head_sha"`
	Event        string           `json:"event"`
	Status       string           `json:"status"`
	Conclusion   string           `json:"conclusion"`
	RunAttempt   delivery.Attempt `json:"run_attempt"`
	HTMLURL      string           `json:"html_url"`
	CreatedAt    delivery.Stamp   `json:"created_at"`
	UpdatedAt    delivery.Stamp   `json:"updated_at"`
	RunStartedAt delivery.Stamp   `json:"run_started_at"`
	Actor        githubAccount    `json:"actor"`
	Triggering   githubAccount    `json:"triggering_actor"`
}

// run reads workflow_run. Of a polled source a run that is complete is left to the collector: it asks for the jobs of a run
// that is new to it or not final yet, and would take one that is stored as final for done.
func (g github) run(in githubDelivery) ([]delivery.Update, delivery.Verdict) {
	var p struct {
		Run *githubRun `json:"workflow_run"`
	}
	if err := in.decode(&p); err != nil {
		return delivery.Refuse("%v", err)
	}
	if p.Run == nil || p.Run.ID <= 0 {
		return delivery.Refuse("the payload of workflow_run has no workflow_run.id")
	}
	number, err := p.Run.RunAttempt.Value()
	if err != nil {
		return delivery.Refuse("workflow_run.run_%v", err)
	}
	e := g.runEvent(in, *p.Run, number)
	if g.Polled && e.Status.Final() {
		return g.CollectSoon(in.scope, "the run is complete, and the collector reads it with its jobs")
	}
	u := delivery.Update{Event: e, At: p.Run.UpdatedAt.Time, NeedsPriorFinal: g.Polled}
	if e.Attempt > 1 { // it may have to wait for the earlier ones
		return delivery.Accept([]delivery.Update{u}, g.asksFor(in)...)
	}
	return delivery.Accept([]delivery.Update{u})
}

func (g github) runEvent(in githubDelivery, r githubRun, attempt uint16) event.PipelineRun {
	mapped, raw, known := githubStatus(r.Status, r.Conclusion)
	if !known {
		g.Unrecognized("status of a run", raw)
	}
	actor := r.Triggering // whoever started this attempt; actor is whoever started the first
	if actor.Login == "" {
		actor = r.Actor
	}
	name := r.Name
	if name == "" {
		name = r.Path
	}
	e := event.PipelineRun{
		Origin: g.origin(in, strconv.FormatInt(r.ID, 10), r.HTMLURL), Attempt: attempt, Pipeline: name,
		Status: mapped, StatusRaw: raw, Branch: r.HeadBranch, Trigger: r.Event, SHA: r.HeadSHA,
		Actor: actor.Login, Bot: actor.bot(), CreatedAt: r.CreatedAt.Time, StartedAt: r.RunStartedAt.Time,
	}
	return e // without a finish: GitHub gives a run none, and updated_at changes long after its end
}

// githubJob is what is used of a job.
type githubJob struct {
	ID          int64            `json:"id"`
	RunID       int64            `json:"run_id"`
	RunAttempt  delivery.Attempt `json:"run_attempt"`
	Name        string           `json:"name"`
	Status      string           `json:"status"`
	Conclusion  string           `json:"conclusion"`
	HTMLURL     string           `json:"html_url"`
	CreatedAt   delivery.Stamp   `json:"created_at"`
	StartedAt   delivery.Stamp   `json:"started_at"`
	CompletedAt delivery.Stamp   `json:"completed_at"`
	RunnerName  string           `json:"runner_name"`
	RunnerGroup string           `json:"runner_group_name"`
	Labels      []string         `json:"labels"`
}

// job reads workflow_job.
func (g github) job(in githubDelivery) ([]delivery.Update, delivery.Verdict) {
	var p struct {
		Job *githubJob `json:"workflow_job"`
	}
	if err := in.decode(&p); err != nil {
		return delivery.Refuse("%v", err)
	}
	if p.Job == nil || p.Job.ID <= 0 || p.Job.RunID <= 0 {
		return delivery.Refuse("the payload of workflow_job has no workflow_job.id or run_id")
	}
	number, err := p.Job.RunAttempt.Value()
	if err != nil {
		return delivery.Refuse("workflow_job.run_%v", err)
	}
	return delivery.Accept([]delivery.Update{{Event: g.jobEvent(in, *p.Job, number)}})
}

func (g github) jobEvent(in githubDelivery, j githubJob, attempt uint16) event.PipelineJob {
	mapped, raw, known := githubStatus(j.Status, j.Conclusion)
	if !known {
		g.Unrecognized("status of a job", raw)
	}
	e := event.PipelineJob{
		Origin: g.origin(in, strconv.FormatInt(j.ID, 10), j.HTMLURL), RunID: strconv.FormatInt(j.RunID, 10), Attempt: attempt,
		Name: j.Name, Status: mapped, StatusRaw: raw, CreatedAt: j.CreatedAt.Time,
	}
	if mapped != event.Queued && mapped != event.Waiting { // GitHub gives a job that still waits a start too: when it was queued
		e.StartedAt = j.StartedAt.Time
	}
	// What chose the runner says what the job ran on; a hosted runner's own name is different for every job.
	switch {
	case len(j.Labels) > 0:
		e.Runner = j.Labels[0]
	case j.RunnerGroup != "":
		e.Runner = j.RunnerGroup
	default:
		e.Runner = j.RunnerName
	}
	if mapped.Final() {
		e.FinishedAt = j.CompletedAt.Time
	}
	return e
}

// githubStatus maps what GitHub says of a run or a job, as collectors/github does. The word that decides is the conclusion
// where there is one, else the status; it is returned as GitHub wrote it. A conclusion that is not known is final without
// being a verdict (skipped), a status that is not known is under way.
func githubStatus(status, conclusion string) (mapped event.Status, raw string, known bool) {
	if conclusion != "" {
		mapped, known = githubFinal(conclusion)
		switch {
		case strings.EqualFold(conclusion, "action_required"): // a maintainer has to approve the run
			return event.Waiting, conclusion, true
		case !known:
			return event.Skipped, conclusion, false
		}
		return mapped, conclusion, true
	}
	switch strings.ToLower(status) {
	case "queued", "requested", "pending":
		return event.Queued, status, true
	case "waiting", "action_required":
		return event.Waiting, status, true
	case "in_progress", "running", "completed": // completed without a conclusion: it is about to get one
		return event.Running, status, true
	}
	if mapped, known = githubFinal(status); known {
		return mapped, status, true
	}
	return event.Running, status, false
}

func githubFinal(word string) (event.Status, bool) {
	switch strings.ToLower(word) {
	case "success", "neutral": // neutral passes a required check
		return event.Succeeded, true
	case "failure", "timed_out", "startup_failure":
		return event.Failed, true
	case "cancelled", "stale": // stale: GitHub gave up on it after 14 days
		return event.Cancelled, true
	case "skipped":
		return event.Skipped, true
	}
	return "", false
}
