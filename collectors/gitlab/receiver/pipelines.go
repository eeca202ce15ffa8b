package receiver

import (
	"strconv"
	"time"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/gitlab/mapping"
)

// maxDuration bounds the duration of a pipeline that is taken from a hook.
const maxDuration = 366 * 24 * time.Hour

// hookRunner is the runner of a job. Its tags are those of the runner, not those of the job.
type hookRunner struct {
	Description string   `json:"description"`
	Tags        []string `json:"tags"`
}

// hookJob is a job as the hook of its pipeline shows it.
type hookJob struct {
	ID           int64          `json:"id"`
	Name         string         `json:"name"`
	Status       string         `json:"status"`
	CreatedAt    delivery.Stamp `json:"created_at"`
	StartedAt    delivery.Stamp `json:"started_at"`
	FinishedAt   delivery.Stamp `json:"finished_at"`
	Queued       *float64       `json:"queued_duration"`
	When         string         `json:"when"`   // manual: somebody has to press it
	Manual       bool           `json:"manual"` // the same
	AllowFailure bool           `json:"allow_failure"`
	User         sender         `json:"user"`
	Runner       *hookRunner    `json:"runner"`
}

// read returns the job as its listing shows it.
func (h *hook) read(b hookJob, pipelineID int64) mapping.Job {
	j := mapping.Job{
		ID:           b.ID,
		Name:         b.Name,
		Status:       b.Status,
		AllowFailure: b.AllowFailure,
		CreatedAt:    known(b.CreatedAt),
		StartedAt:    known(b.StartedAt),
		FinishedAt:   known(b.FinishedAt),
		User:         b.User.user(),
		Pipeline:     mapping.Pipeline{ID: pipelineID},
	}
	if b.Queued != nil {
		j.QueuedDuration = mapping.Amount{N: *b.Queued, Known: true}
	}
	if h.Project.WebURL != "" {
		j.WebURL = delivery.Link(h.Project.WebURL + "/-/jobs/" + strconv.FormatInt(b.ID, 10))
	}
	if b.Runner != nil {
		j.Tags = b.Runner.Tags
		j.Runner = &mapping.Runner{Description: b.Runner.Description}
	}
	return j
}

// pipeline reads pipeline hooks: the pipeline and its jobs. One that has ended is left to the collector of a polled
// source, which reads the tags of each job.
func (h *hook) pipeline() ([]delivery.Update, delivery.Verdict) {
	var p struct {
		Attributes struct {
			ID         int64          `json:"id"`
			Name       string         `json:"name"`
			Ref        string         `json:"ref"`
			SHA        string         `json:"sha"`
			Source     string         `json:"source"`
			Status     string         `json:"status"`
			CreatedAt  delivery.Stamp `json:"created_at"`
			FinishedAt delivery.Stamp `json:"finished_at"`
			Duration   *float64       `json:"duration"` // seconds in which jobs ran
			URL        string         `json:"url"`
		} `json:"object_attributes"`
		MergeRequest *struct {
			IID int64 `json:"iid"`
		} `json:"merge_request"`
		Builds []hookJob `json:"builds"`
	}
	if v, ok := h.decode(&p); !ok {
		return nil, v
	}
	a := p.Attributes
	if a.ID <= 0 || a.Status == "" {
		return delivery.Refuse("the payload of pipeline has no object_attributes.id or status")
	}
	if h.from.Polled && mapping.IsFinal(a.Status) {
		return h.from.CollectSoon(h.Scope(), "the pipeline has ended, and the collector reads it with its jobs")
	}
	g := mapping.Pipeline{
		ID:        a.ID,
		Name:      a.Name,
		SHA:       a.SHA,
		Ref:       a.Ref,
		Status:    a.Status,
		Source:    a.Source,
		CreatedAt: known(a.CreatedAt),
		WebURL:    delivery.Link(a.URL),
	}
	if a.URL == "" && h.Project.WebURL != "" {
		g.WebURL = delivery.Link(h.Project.WebURL + "/-/pipelines/" + strconv.FormatInt(a.ID, 10))
	}
	// the ref is then the source branch, which the pipeline does not run on
	if a.Source == "merge_request_event" && p.MergeRequest != nil {
		g.Ref = mapping.MergeRequestRef + strconv.FormatInt(p.MergeRequest.IID, 10)
	}
	s := h.span(p.Builds, a.FinishedAt.Time)
	if a.Duration != nil && *a.Duration > 0 && *a.Duration < maxDuration.Seconds() {
		s.Duration = time.Duration(*a.Duration * float64(time.Second)).Round(time.Millisecond)
	}
	updates := []delivery.Update{{Event: h.RunEvent(g, s)}}
	for _, b := range p.Builds {
		if b.ID > 0 {
			updates = append(updates, delivery.Update{Event: h.JobEvent(h.read(b, a.ID))})
		}
	}
	return delivery.Accept(updates)
}

// span returns the span of a pipeline by its jobs. Manual jobs are not waited for: the pipeline is over without them.
// GitLab moves the pipeline's own finish when a job is pressed later, so that it counts for pipelines without jobs
// only.
func (h *hook) span(builds []hookJob, finished time.Time) mapping.Span {
	s := mapping.Span{}
	if len(builds) == 0 {
		s.Finish = finished
	}
	for _, b := range builds {
		before := s
		s = s.With(h.read(b, 0))
		if b.Manual || b.When == "manual" {
			s.Work, s.Finish = before.Work, before.Finish
		}
		if s.Actor == "" {
			s.First, s.Actor, s.Bot = before.First, before.Actor, before.Bot
		}
	}
	if s.Actor == "" {
		s.Actor, s.Bot = h.User.Username, h.User.user().IsBot()
	}
	return s
}

// job reads job hooks.
func (h *hook) job() ([]delivery.Update, delivery.Verdict) {
	var p struct {
		ID         int64          `json:"build_id"`
		Name       string         `json:"build_name"`
		Status     string         `json:"build_status"`
		CreatedAt  delivery.Stamp `json:"build_created_at"`
		StartedAt  delivery.Stamp `json:"build_started_at"`
		FinishedAt delivery.Stamp `json:"build_finished_at"`
		Queued     *float64       `json:"build_queued_duration"`
		Pipeline   int64          `json:"pipeline_id"`
		Runner     *hookRunner    `json:"runner"`
	}
	if v, ok := h.decode(&p); !ok {
		return nil, v
	}
	if p.ID <= 0 || p.Pipeline <= 0 || p.Status == "" {
		return delivery.Refuse("the payload of build has no build_id, pipeline_id or build_status")
	}
	if h.from.Polled && mapping.IsFinal(p.Status) {
		return h.from.CollectSoon(h.Scope(), "the job has ended, and the collector reads which runner it asked for")
	}
	j := h.read(
		hookJob{
			ID:         p.ID,
			Name:       p.Name,
			Status:     p.Status,
			CreatedAt:  p.CreatedAt,
			StartedAt:  p.StartedAt,
			FinishedAt: p.FinishedAt,
			Queued:     p.Queued,
			User:       h.User,
			Runner:     p.Runner,
		},
		p.Pipeline,
	)
	return delivery.Accept([]delivery.Update{{Event: h.JobEvent(j)}})
}
