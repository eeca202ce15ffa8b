package webhook

import (
	"strconv"
	"strings"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/event"
)

// githubDeployment is what is used of a deployment.
type githubDeployment struct {
	ID          int64          `json:"id"`
	SHA         string         `json:"sha"`
	Ref         string         `json:"ref"`
	Task        string         `json:"task"`
	Environment string         `json:"environment"`
	CreatedAt   delivery.Stamp `json:"created_at"`
	Creator     githubAccount  `json:"creator"`
}

// githubDeploymentStatus is what is used of one status of a deployment.
type githubDeploymentStatus struct {
	State     string         `json:"state"`
	CreatedAt delivery.Stamp `json:"created_at"`
	UpdatedAt delivery.Stamp `json:"updated_at"`
	LogURL    string         `json:"log_url"`
	TargetURL string         `json:"target_url"` // as older servers call the log
}

// deployment reads deployment: it was created and has no status yet.
func (g github) deployment(in githubDelivery) ([]delivery.Update, delivery.Verdict) {
	var p struct {
		Deployment *githubDeployment `json:"deployment"`
	}
	if err := in.decode(&p); err != nil {
		return delivery.Refuse("%v", err)
	}
	if p.Deployment == nil || p.Deployment.ID <= 0 {
		return delivery.Refuse("the payload of deployment has no deployment.id")
	}
	if g.Polled {
		return g.CollectSoon(in.scope, "a deployment was created, which the collector reads where deployments count")
	}
	return delivery.Accept([]delivery.Update{g.created(in, *p.Deployment)})
}

// created says what is known of a deployment when it begins. GitHub takes branches, tags and commits as its ref; only a
// full one says that it is a tag.
func (g github) created(in githubDelivery, d githubDeployment) delivery.Update {
	e := event.Deployment{
		Origin: g.origin(in, strconv.FormatInt(d.ID, 10), ""), Attempt: 1, Environment: d.Environment, Status: event.Queued,
		CreatedAt: d.CreatedAt.Time, SHA: d.SHA, Ref: strings.TrimPrefix(d.Ref, "refs/heads/"), Actor: d.Creator.Login, Bot: d.Creator.bot(), Trigger: d.Task,
	}
	if page := delivery.Link(in.Repository.HTMLURL); page != "" {
		e.URL = page + "/deployments"
	}
	if tag, ok := strings.CutPrefix(d.Ref, "refs/tags/"); ok {
		e.Ref, e.Version = tag, tag
	}
	if e.Ref == e.SHA { // a commit is no ref
		e.Ref = ""
	}
	return delivery.Update{Event: e, At: d.CreatedAt.Time, SuccessLasts: true}
}

// deploymentStatus reads deployment_status. The first success is a deployment's finish; that a later deployment takes over
// (inactive) does not change it and is no verdict. Deployments of a polled source are left to the collector: it is
// configured what of a repository means a deployment, and it would not read one again that is stored as final.
func (g github) deploymentStatus(in githubDelivery) ([]delivery.Update, delivery.Verdict) {
	var p struct {
		Deployment *githubDeployment       `json:"deployment"`
		Status     *githubDeploymentStatus `json:"deployment_status"`
	}
	if err := in.decode(&p); err != nil {
		return delivery.Refuse("%v", err)
	}
	if p.Deployment == nil || p.Deployment.ID <= 0 || p.Status == nil || p.Status.State == "" {
		return delivery.Refuse("the payload of deployment_status has no deployment.id or deployment_status.state")
	}
	mapped, known := githubDeploymentState(p.Status.State)
	if !known {
		g.Unrecognized("status of a deployment", p.Status.State)
	}
	switch {
	case g.Polled:
		return g.CollectSoon(in.scope, "a deployment has a new status, which the collector reads where deployments count")
	case mapped == "":
		return delivery.Ignore("deployment_status: %s is no verdict; another deployment took over, or the environment is gone", p.Status.State)
	}
	begun := g.created(in, *p.Deployment)
	e := begun.Event.(event.Deployment)
	e.URL = delivery.Link(p.Status.LogURL, p.Status.TargetURL)
	e.Status, e.StatusRaw = mapped, p.Status.State
	when := delivery.FirstKnown(p.Status.CreatedAt.Time, p.Status.UpdatedAt.Time)
	switch mapped {
	case event.Running:
		if known {
			e.StartedAt = when
		}
	case event.Succeeded, event.Failed, event.Cancelled, event.Skipped:
		e.FinishedAt = when
	}
	// What was known at the beginning goes first: it fills a row that is not there, and changes none that is.
	return delivery.Accept([]delivery.Update{begun, {Event: e, At: when, SuccessLasts: true}})
}

// githubDeploymentState maps one status of a deployment; empty for those that are no verdict.
func githubDeploymentState(state string) (mapped event.Status, known bool) {
	switch strings.ToLower(state) {
	case "success", "active":
		return event.Succeeded, true
	case "failure", "error":
		return event.Failed, true
	case "in_progress":
		return event.Running, true
	case "queued", "pending":
		return event.Queued, true
	case "waiting":
		return event.Waiting, true
	case "abandoned":
		return event.Cancelled, true
	case "inactive", "destroyed":
		return "", true
	}
	return event.Running, false
}
