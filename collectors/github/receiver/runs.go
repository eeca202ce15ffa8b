package receiver

import (
	"strconv"
	"time"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/github/mapping"
)

// run is a workflow run in a payload.
type run struct {
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
	Actor        mapping.Account  `json:"actor"`
	Triggering   mapping.Account  `json:"triggering_actor"`
}

// read returns the run as a listing shows it.
func (r run) read(attempt uint16) mapping.Run {
	return mapping.Run{
		ID:           r.ID,
		Name:         r.Name,
		Path:         r.Path,
		HeadBranch:   r.HeadBranch,
		HeadSHA:      r.HeadSHA,
		Event:        r.Event,
		Status:       r.Status,
		Conclusion:   r.Conclusion,
		RunAttempt:   int(attempt),
		HTMLURL:      delivery.Link(r.HTMLURL),
		CreatedAt:    r.CreatedAt.Time,
		UpdatedAt:    r.UpdatedAt.Time,
		RunStartedAt: r.RunStartedAt.Time,
		Actor:        r.Actor,
		Triggering:   r.Triggering,
	}
}

// run reads workflow_run. If a collector reads the source, a complete run is left to it: it reads the jobs of runs that
// are new or not final, and would take a run that is stored as final for done.
func (h *hook) run() ([]delivery.Update, delivery.Verdict) {
	var p struct {
		Run *run `json:"workflow_run"`
	}
	if err := h.decode(&p); err != nil {
		return delivery.Refuse("%v", err)
	}
	if p.Run == nil || p.Run.ID <= 0 {
		return delivery.Refuse("the payload of workflow_run has no workflow_run.id")
	}
	number, err := p.Run.RunAttempt.Value()
	if err != nil {
		return delivery.Refuse("workflow_run.run_%v", err)
	}
	e := h.RunEvent(p.Run.read(number), time.Time{})
	if h.from.Polled && e.Status.Final() {
		return h.from.CollectSoon(h.Scope, "the run is complete, and the collector reads it with its jobs")
	}
	updates := []delivery.Update{{Event: e, At: p.Run.UpdatedAt.Time, NeedsPriorFinal: h.from.Polled}}
	if e.Attempt > 1 { // it may have to wait for the earlier ones
		return delivery.Accept(updates, h.collect()...)
	}
	return delivery.Accept(updates)
}

// job is a job in a payload.
type job struct {
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
func (h *hook) job() ([]delivery.Update, delivery.Verdict) {
	var p struct {
		Job *job `json:"workflow_job"`
	}
	if err := h.decode(&p); err != nil {
		return delivery.Refuse("%v", err)
	}
	j := p.Job
	if j == nil || j.ID <= 0 || j.RunID <= 0 {
		return delivery.Refuse("the payload of workflow_job has no workflow_job.id or run_id")
	}
	number, err := j.RunAttempt.Value()
	if err != nil {
		return delivery.Refuse("workflow_job.run_%v", err)
	}
	e := h.JobEvent(strconv.FormatInt(j.RunID, 10), mapping.Job{
		ID:          j.ID,
		RunAttempt:  int(number),
		Name:        j.Name,
		Status:      j.Status,
		Conclusion:  j.Conclusion,
		HTMLURL:     delivery.Link(j.HTMLURL),
		CreatedAt:   ptr(j.CreatedAt),
		StartedAt:   ptr(j.StartedAt),
		CompletedAt: ptr(j.CompletedAt),
		RunnerName:  j.RunnerName,
		RunnerGroup: j.RunnerGroup,
		Labels:      j.Labels,
	})
	return delivery.Accept([]delivery.Update{{Event: e}})
}
