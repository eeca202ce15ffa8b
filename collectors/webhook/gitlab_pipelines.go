package webhook

import (
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/event"
)

// gitlabRunner is the runner of a job. Its tags are what it offers, not what the job asked for.
type gitlabRunner struct {
	Description string   `json:"description"`
	Tags        []string `json:"tags"`
}

func (r *gitlabRunner) name() string {
	switch {
	case r == nil:
		return ""
	case len(r.Tags) > 0:
		return r.Tags[0]
	}
	return r.Description
}

// maxDuration bounds what a sender may say that a pipeline took.
const maxDuration = 366 * 24 * time.Hour

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// gitlabBuild is a job as the payload of its pipeline shows it.
type gitlabBuild struct {
	ID         int64          `json:"id"`
	Name       string         `json:"name"`
	Status     string         `json:"status"`
	CreatedAt  delivery.Stamp `json:"created_at"`
	StartedAt  delivery.Stamp `json:"started_at"`
	FinishedAt delivery.Stamp `json:"finished_at"`
	Queued     *float64       `json:"queued_duration"`
	When       string         `json:"when"`   // manual: somebody has to press it
	Manual     bool           `json:"manual"` // the same
	User       gitlabUser     `json:"user"`
	Runner     *gitlabRunner  `json:"runner"`
}

// pipeline reads pipeline hooks: the pipeline and its jobs. One that has ended is left to the collector of a polled
// source, which reads the runner that each job asked for.
func (g gitlab) pipeline(in gitlabDelivery) ([]delivery.Update, delivery.Verdict) {
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
		Builds []gitlabBuild `json:"builds"`
	}
	if v, ok := in.decode(&p); !ok {
		return nil, v
	}
	a := p.Attributes
	if a.ID <= 0 || a.Status == "" {
		return delivery.Refuse("the payload of pipeline has no object_attributes.id or status")
	}
	mapped, known := gitlabStatus(a.Status)
	if !known {
		g.Unrecognized("status of a pipeline", a.Status)
	}
	if g.Polled && mapped.Final() {
		return g.CollectSoon(in.scope, "the pipeline has ended, and the collector reads it with its jobs")
	}
	address := a.URL
	if address == "" && in.Project.WebURL != "" {
		address = in.Project.WebURL + "/-/pipelines/" + in.id(a.ID)
	}
	e := event.PipelineRun{Origin: g.origin(in, in.id(a.ID), address), Attempt: 1, Pipeline: pipelineTitle(a.Name, a.Source), Status: mapped,
		StatusRaw: a.Status, Branch: a.Ref, Trigger: a.Source, SHA: a.SHA, Actor: in.User.Username, Bot: in.User.bot(), CreatedAt: a.CreatedAt.Time}
	if a.Source == "merge_request_event" && p.MergeRequest != nil { // the ref is then the source branch, which the pipeline does not run on
		e.Branch = "!" + in.id(p.MergeRequest.IID)
	}
	first := int64(0)
	for _, b := range p.Builds {
		e.StartedAt = delivery.Earliest(e.StartedAt, b.StartedAt.Time)
		if b.User.Username != "" && (first == 0 || b.ID < first) { // later ones may be retries, by somebody else
			first, e.Actor, e.Bot = b.ID, b.User.Username, b.User.bot()
		}
	}
	if mapped.Final() {
		e.FinishedAt = pipelineEnd(p.Builds, a.FinishedAt.Time)
		if a.Duration != nil && *a.Duration > 0 && *a.Duration < maxDuration.Seconds() {
			e.Duration = seconds(*a.Duration).Round(time.Millisecond)
		}
	}
	updates := []delivery.Update{{Event: e}}
	for _, b := range p.Builds {
		if b.ID > 0 {
			updates = append(updates, g.build(in, b, a.ID))
		}
	}
	return delivery.Accept(updates)
}

// pipelineEnd is when the last build ended that nobody started by hand; zero when there is none. GitLab moves its own
// finish when a job is pressed later, so that it counts for pipelines without builds only.
func pipelineEnd(builds []gitlabBuild, own time.Time) time.Time {
	if len(builds) == 0 {
		return own
	}
	var end time.Time
	for _, b := range builds {
		canceled := b.StartedAt.IsZero() && strings.HasPrefix(b.Status, "cancel")
		if !canceled && !b.Manual && b.When != "manual" {
			end = delivery.Latest(end, b.FinishedAt.Time)
		}
	}
	return end
}

// pipelineTitle is what stands for the name, which most pipelines do not have: how its configuration came to run.
func pipelineTitle(name, source string) string {
	switch {
	case name != "":
		return name
	case source == "parent_pipeline":
		return "child pipeline"
	case source == "external":
		return "external"
	}
	return "pipeline"
}

func (g gitlab) build(in gitlabDelivery, b gitlabBuild, pipeline int64) delivery.Update {
	mapped, known := gitlabStatus(b.Status)
	if !known {
		g.Unrecognized("status of a job", b.Status)
	}
	address := ""
	if in.Project.WebURL != "" {
		address = in.Project.WebURL + "/-/jobs/" + in.id(b.ID)
	}
	e := event.PipelineJob{Origin: g.origin(in, in.id(b.ID), address), RunID: in.id(pipeline), Attempt: 1, Name: b.Name, Runner: b.Runner.name(),
		Status: mapped, StatusRaw: b.Status, CreatedAt: entered(b.CreatedAt, b.StartedAt, b.Queued).Time, StartedAt: b.StartedAt.Time}
	if mapped.Final() {
		e.FinishedAt = b.FinishedAt.Time
	}
	return delivery.Update{Event: e}
}

// job reads job hooks.
func (g gitlab) job(in gitlabDelivery) ([]delivery.Update, delivery.Verdict) {
	var p struct {
		ID         int64          `json:"build_id"`
		Name       string         `json:"build_name"`
		Status     string         `json:"build_status"`
		CreatedAt  delivery.Stamp `json:"build_created_at"`
		StartedAt  delivery.Stamp `json:"build_started_at"`
		FinishedAt delivery.Stamp `json:"build_finished_at"`
		Queued     *float64       `json:"build_queued_duration"`
		Pipeline   int64          `json:"pipeline_id"`
		Runner     *gitlabRunner  `json:"runner"`
	}
	if v, ok := in.decode(&p); !ok {
		return nil, v
	}
	if p.ID <= 0 || p.Pipeline <= 0 || p.Status == "" {
		return delivery.Refuse("the payload of build has no build_id, pipeline_id or build_status")
	}
	if mapped, _ := gitlabStatus(p.Status); g.Polled && mapped.Final() {
		return g.CollectSoon(in.scope, "the job has ended, and the collector reads which runner it asked for")
	}
	return delivery.Accept([]delivery.Update{g.build(in, gitlabBuild{ID: p.ID, Name: p.Name, Status: p.Status, CreatedAt: p.CreatedAt, StartedAt: p.StartedAt,
		FinishedAt: p.FinishedAt, Queued: p.Queued, User: in.User, Runner: p.Runner}, p.Pipeline)})
}
