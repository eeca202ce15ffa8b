package webhook

import (
	"cmp"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/event"
)

// circleci reads the webhooks of CircleCI: workflow-completed and job-completed. A run is a workflow, as
// collectors/circleci has it: its id is the pipeline's number and the workflow's name, and running it again is a further
// attempt. CircleCI does not number attempts; which one a workflow is follows from what is stored (see Update.Run).
//
// Of a polled source nothing is written: the collector numbers the attempts of a pipeline by all its workflows, and what
// deploys is configured there.
type circleci struct {
	CircleCIReceiver
	delivery.Source
}

// CircleCIReceiver reads the webhooks of CircleCI.
type CircleCIReceiver struct{}

// Protocol returns how CircleCI sends webhooks.
func (CircleCIReceiver) Protocol() delivery.Protocol {
	return delivery.Protocol{Kind: "circleci", Sign: delivery.HexSignature("circleci-signature", "v1="), Unsupported: delivery.JSON, // v1=…, and perhaps versions to come
		Unauthorized: "missing or invalid circleci-signature; check that the webhook's secret is the source's secret",
		Headers:      []string{"content-type", "circleci-event-type"}}
}

// Parse reads one delivery.
func (r CircleCIReceiver) Parse(s delivery.Source, d delivery.Delivery) ([]delivery.Update, delivery.Verdict) {
	return circleci{r, s}.parse(d)
}

type circleciDelivery struct {
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
		URL       string         `json:"url"`
	} `json:"workflow"`
	Pipeline struct {
		Number  int64 `json:"number"`
		Trigger struct {
			Type  string `json:"type"`
			Actor struct {
				Login string `json:"login"`
			} `json:"actor"`
		} `json:"trigger"`
		VCS struct {
			Branch   string `json:"branch"`
			Revision string `json:"revision"`
		} `json:"vcs"`
		Parameters circleciParameters `json:"trigger_parameters"` // of a GitHub App's pipeline, in place of vcs
	} `json:"pipeline"`
	Job struct {
		ID        string         `json:"id"`
		Number    int64          `json:"number"`
		Name      string         `json:"name"`
		Status    string         `json:"status"`
		StartedAt delivery.Stamp `json:"started_at"`
		StoppedAt delivery.Stamp `json:"stopped_at"`
	} `json:"job"`
}

// circleciParameters depend on the integration, and nothing in them is promised: only what is understood is taken.
type circleciParameters struct {
	Git struct {
		Branch string `json:"branch"`
		SHA    string `json:"checkout_sha"`
	} `json:"git"`
	App struct {
		User string `json:"user_username"`
	} `json:"github_app"`
}

// UnmarshalJSON never fails.
func (p *circleciParameters) UnmarshalJSON(raw []byte) error {
	type plain circleciParameters
	var v plain
	if json.Unmarshal(raw, &v) == nil {
		*p = circleciParameters(v)
	}
	return nil
}

// circleciSlug is a project's slug with the long name of the place where the code lives, as collectors/circleci spells it.
func circleciSlug(slug string) string {
	slug = strings.Trim(strings.TrimSpace(slug), "/")
	for short, long := range map[string]string{"gh/": "github/", "bb/": "bitbucket/"} {
		if rest, ok := strings.CutPrefix(slug, short); ok {
			return long + rest
		}
	}
	return slug
}

func (c circleci) parse(d delivery.Delivery) ([]delivery.Update, delivery.Verdict) {
	var in circleciDelivery
	left, err := delivery.Decode(d.Body, &in)
	if err != nil {
		return delivery.Refuse("the payload cannot be read: %v", err)
	}
	updates, v := c.read(d, in)
	v.Misfits = left
	return updates, v
}

func (c circleci) read(d delivery.Delivery, in circleciDelivery) ([]delivery.Update, delivery.Verdict) {
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
	slug := circleciSlug(in.Project.Slug)
	if slug == "" {
		return delivery.Refuse("the payload of %s has no project.slug", kind)
	}
	scopes := make([]string, len(c.Scopes))
	for i, configured := range c.Scopes {
		scopes[i] = circleciSlug(configured)
	}
	scope, taken := delivery.Source{Scopes: scopes}.Scope(slug)
	if !taken {
		return delivery.Ignore("the project %.140s is not among the source's scopes", slug)
	}
	if in.Workflow.ID == "" || in.Workflow.Name == "" || in.Pipeline.Number <= 0 {
		return delivery.Refuse("the payload of %s has no workflow.id, workflow.name or pipeline.number", kind)
	}
	if c.Polled {
		return c.CollectSoon(scope, kind+": the collector reads the workflow with its jobs and numbers its attempts")
	}
	if kind == "job-completed" {
		if in.Job.ID == "" {
			return delivery.Refuse("the payload of job-completed has no job.id")
		}
		return delivery.Accept([]delivery.Update{c.run(in, scope, false), c.job(in, scope)})
	}
	return delivery.Accept([]delivery.Update{c.run(in, scope, true)})
}

func (c circleci) origin(scope, id, address string) event.Origin {
	return event.Origin{Source: c.Name, Provider: "circleci", Scope: scope, ID: id, URL: address}
}

func (in circleciDelivery) runID() string {
	return strconv.FormatInt(in.Pipeline.Number, 10) + "/" + in.Workflow.Name
}

// own is the workflow's id as its page's address ends with it, which is how an attempt is known again.
func (in circleciDelivery) own() string { return url.PathEscape(in.Workflow.ID) }

// page is where people look at the workflow.
func (in circleciDelivery) page(scope string) string {
	if address := delivery.Link(in.Workflow.URL); strings.HasSuffix(address, "/"+in.own()) {
		return address
	}
	return "https://app.circleci.com/pipelines/" + scope + "/" + strconv.FormatInt(in.Pipeline.Number, 10) + "/workflows/" + in.own()
}

// run says what is known of the workflow: how it ended, or of one whose job has completed that it is under way.
func (c circleci) run(in circleciDelivery, scope string, completed bool) delivery.Update {
	p := in.Pipeline
	actor := cmp.Or(p.Trigger.Actor.Login, p.Parameters.App.User)
	e := event.PipelineRun{Origin: c.origin(scope, in.runID(), in.page(scope)), Attempt: 1, Pipeline: in.Workflow.Name, Status: event.Running,
		StatusRaw: "running", Branch: cmp.Or(p.VCS.Branch, p.Parameters.Git.Branch), SHA: cmp.Or(p.VCS.Revision, p.Parameters.Git.SHA),
		Trigger: circleciTrigger(p.Trigger.Type), Actor: actor, Bot: strings.HasSuffix(actor, "[bot]"), CreatedAt: in.Workflow.CreatedAt.Time}
	if !completed {
		e.StartedAt = in.Job.StartedAt.Time // of several jobs the earliest counts
		return delivery.Update{Event: e, At: delivery.FirstKnown(in.Job.StoppedAt.Time, in.HappenedAt.Time), ExternalAttempt: in.own()}
	}
	mapped, known := circleciStatus(in.Workflow.Status)
	if !known {
		c.Warn("status of a workflow", in.Workflow.Status)
		mapped = event.Skipped // it has completed, and no verdict is known
	}
	e.Status, e.StatusRaw, e.FinishedAt = mapped, in.Workflow.Status, delivery.FirstKnown(in.Workflow.StoppedAt.Time, in.HappenedAt.Time)
	return delivery.Update{Event: e, At: e.FinishedAt, ExternalAttempt: in.own()}
}

func (c circleci) job(in circleciDelivery, scope string) delivery.Update {
	mapped, known := circleciStatus(in.Job.Status)
	if !known {
		c.Warn("status of a job", in.Job.Status)
		mapped = event.Skipped
	}
	address := in.page(scope)
	if in.Job.Number > 0 {
		address += "/jobs/" + strconv.FormatInt(in.Job.Number, 10)
	}
	e := event.PipelineJob{Origin: c.origin(scope, in.Job.ID, address), RunID: in.runID(), Attempt: 1, Name: in.Job.Name, Status: mapped,
		StatusRaw: in.Job.Status, StartedAt: in.Job.StartedAt.Time, FinishedAt: delivery.FirstKnown(in.Job.StoppedAt.Time, in.HappenedAt.Time)}
	return delivery.Update{Event: e, At: e.FinishedAt, ExternalAttempt: in.own()}
}

// circleciStatus maps how a workflow or a job ended.
func circleciStatus(word string) (mapped event.Status, known bool) {
	switch strings.ToLower(word) {
	case "success":
		return event.Succeeded, true
	case "failed", "error", "errored", "infrastructure_fail", "timedout", "unauthorized", "terminated-unknown", "retried":
		return event.Failed, true
	case "canceled", "cancelled":
		return event.Cancelled, true
	case "not_run", "skipped":
		return event.Skipped, true
	}
	return event.Skipped, false
}

func circleciTrigger(word string) string {
	switch word = strings.ToLower(word); word {
	case "webhook":
		return "push"
	case "explicit", "ui":
		return "manual"
	case "scheduled_pipeline":
		return "schedule"
	}
	return word
}
