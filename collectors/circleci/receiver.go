package circleci

import (
	"cmp"
	"net/url"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// Receiver reads the webhooks of CircleCI: workflow-completed and job-completed. A run is a workflow as the collector
// has it: its id is the pipeline's number and the workflow's name, and a rerun is a further attempt. CircleCI does not
// number attempts; which one a workflow is follows from what is stored (see delivery.Update.ExternalAttempt).
//
// Of a polled source nothing is written: the collector numbers the attempts of a pipeline by all its workflows, and
// what deploys is configured there.
type Receiver struct {
	URL string // as [Config].URL
}

// Protocol returns how CircleCI sends webhooks.
func (Receiver) Protocol() delivery.Protocol {
	return delivery.Protocol{
		Kind: Provider, Sign: delivery.HexSignature("circleci-signature", "v1="), Unsupported: delivery.JSON,
		Unauthorized: "missing or invalid circleci-signature; check that the webhook's secret is the source's secret",
		Headers:      []string{"content-type", "circleci-event-type"},
	}
}

// payload is what is used of a webhook's body.
type payload struct {
	Type       string         `json:"type"`
	HappenedAt delivery.Stamp `json:"happened_at"`
	Project    struct {
		Slug string `json:"slug"`
	} `json:"project"`
	Workflow struct {
		ID        string         `json:"id"`
		Name      string         `json:"name"`
		Status    string         `json:"status"`
		CreatedAt delivery.Stamp `json:"created_at"`
		StoppedAt delivery.Stamp `json:"stopped_at"`
	} `json:"workflow"`
	Pipeline pipeline `json:"pipeline"`
	Job      struct {
		ID        string         `json:"id"`
		Number    int64          `json:"number"`
		Name      string         `json:"name"`
		Status    string         `json:"status"`
		StartedAt delivery.Stamp `json:"started_at"`
		StoppedAt delivery.Stamp `json:"stopped_at"`
	} `json:"job"`
}

// Parse reads one delivery.
func (r Receiver) Parse(s delivery.Source, d delivery.Delivery) ([]delivery.Update, delivery.Verdict) {
	var in payload
	left, err := delivery.Decode(d.Body, &in)
	if err != nil {
		return delivery.Refuse("the payload cannot be read: %v", err)
	}
	updates, v := r.read(s, d, in)
	v.Misfits = left
	return updates, v
}

func (r Receiver) read(s delivery.Source, d delivery.Delivery, in payload) ([]delivery.Update, delivery.Verdict) {
	kind := cmp.Or(in.Type, d.Headers["circleci-event-type"])
	switch kind {
	case "ping":
		return delivery.Ignore("ping: the webhook works")
	case "workflow-completed", "job-completed":
	case "":
		return delivery.Refuse("the payload has no type")
	default:
		return delivery.Ignore("events of type %.60q are not used", kind)
	}
	slug := fullSlug(in.Project.Slug)
	if slug == "" {
		return delivery.Refuse("the payload of %s has no project.slug", kind)
	}
	configured := delivery.Source{Scopes: make([]string, len(s.Scopes))}
	for i, scope := range s.Scopes {
		configured.Scopes[i] = fullSlug(scope)
	}
	scope, taken := configured.Scope(slug)
	if !taken {
		return delivery.Ignore("the project %.140s is not among the source's scopes", slug)
	}
	if in.Workflow.ID == "" || in.Workflow.Name == "" || in.Pipeline.Number <= 0 {
		return delivery.Refuse("the payload of %s has no workflow.id, workflow.name or pipeline.number", kind)
	}
	if s.Polled {
		return s.CollectSoon(scope, kind+": the collector reads the workflow with its jobs and numbers its attempts")
	}
	_, web, err := addresses(r.URL)
	if err != nil {
		return delivery.Refuse("url of the source %s: %v", s.Name, err)
	}
	m := mapper{s.Name, scope, web, s.Unrecognized}
	if kind == "workflow-completed" {
		return delivery.Accept([]delivery.Update{m.completed(in)})
	}
	if in.Job.ID == "" {
		return delivery.Refuse("the payload of job-completed has no job.id")
	}
	return delivery.Accept([]delivery.Update{m.underWay(in), m.completedJob(in)})
}

// workflow returns the workflow as the collector reads it.
func (in payload) workflow() workflow {
	w := in.Workflow
	return workflow{ID: w.ID, Name: w.Name, Status: w.Status, CreatedAt: known(w.CreatedAt), StoppedAt: known(w.StoppedAt)}
}

func known(s delivery.Stamp) source.Timestamp { return source.Timestamp{Time: s.Time} }

// update is what a payload says of an attempt, or of a job of it. The attempt is known by the workflow's id, with which
// the address of its page ends.
func (in payload) update(e event.Event, times ...delivery.Stamp) delivery.Update {
	u := delivery.Update{Event: e, ExternalAttempt: url.PathEscape(in.Workflow.ID)}
	for _, t := range append(times, in.HappenedAt) {
		u.At = delivery.FirstKnown(u.At, t.Time)
	}
	return u
}

// underWay is the run of a job that has completed: it is under way, and began no later than the job.
func (m mapper) underWay(in payload) delivery.Update {
	w := in.workflow()
	e := m.runOf(in.Pipeline.brief(), w.Name, 1, m.workflowURL(in.Pipeline.brief(), w))
	e.Status, e.StatusRaw = event.Running, "running"
	e.CreatedAt, e.StartedAt = w.CreatedAt.Time, in.Job.StartedAt.Time // of several jobs the earliest start counts
	return in.update(e, in.Job.StoppedAt)
}

// completed is the run of a workflow that has completed. A status that is none of an end is no verdict.
func (m mapper) completed(in payload) delivery.Update {
	e := m.runEvent(in.Pipeline.brief(), in.workflow(), 1, nil, byHand{})
	if !e.Status.Final() {
		e.Status = event.Skipped
	}
	u := in.update(e, in.Workflow.StoppedAt)
	e.FinishedAt = u.At
	u.Event = e
	return u
}

// completedJob is a job that has completed.
func (m mapper) completedJob(in payload) delivery.Update {
	j := job{ID: in.Job.ID, Number: in.Job.Number, Name: in.Job.Name, Status: in.Job.Status,
		StartedAt: known(in.Job.StartedAt), StoppedAt: known(in.Job.StoppedAt)}
	e := m.jobEvents(in.Pipeline.brief(), in.workflow(), 1, []job{j})[0]
	if !e.Status.Final() {
		e.Status = event.Skipped
	}
	u := in.update(e, in.Job.StoppedAt)
	e.FinishedAt = u.At
	u.Event = e
	return u
}
