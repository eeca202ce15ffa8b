package receiver

import (
	"strings"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/github/mapping"
)

// deployment is a deployment in a payload.
type deployment struct {
	ID          int64           `json:"id"`
	SHA         string          `json:"sha"`
	Ref         string          `json:"ref"`
	Task        string          `json:"task"`
	Environment string          `json:"environment"`
	CreatedAt   delivery.Stamp  `json:"created_at"`
	Creator     mapping.Account `json:"creator"`
}

// status is a status of a deployment in a payload.
type status struct {
	State     string         `json:"state"`
	CreatedAt delivery.Stamp `json:"created_at"`
	UpdatedAt delivery.Stamp `json:"updated_at"`
	LogURL    string         `json:"log_url"`
	TargetURL string         `json:"target_url"` // as older servers call the log
}

// read returns the deployment as the collector reads it, with the statuses of the payload. Its ref can be a branch, a
// tag or a commit; only the full name of a tag shows that it is one.
func (d deployment) read(statuses ...mapping.DeploymentStatus) mapping.Deployment {
	n := mapping.RESTDeployment{
		ID:          d.ID,
		SHA:         d.SHA,
		Ref:         strings.TrimPrefix(d.Ref, "refs/heads/"),
		Task:        d.Task,
		Environment: d.Environment,
		CreatedAt:   d.CreatedAt.Time,
		Creator:     d.Creator,
	}.Deployment()
	if tag, ok := strings.CutPrefix(d.Ref, mapping.TagPrefix); ok {
		n.Ref = &mapping.Ref{Name: tag, Prefix: mapping.TagPrefix}
	}
	if n.RefName == d.SHA { // a commit is no ref
		n.RefName = ""
	}
	n.Statuses.Nodes = statuses
	return n
}

// deployment reads deployment: it was created and has no status yet.
func (h *hook) deployment() ([]delivery.Update, delivery.Verdict) {
	var p struct {
		Deployment *deployment `json:"deployment"`
	}
	if err := h.decode(&p); err != nil {
		return delivery.Refuse("%v", err)
	}
	if p.Deployment == nil || p.Deployment.ID <= 0 {
		return delivery.Refuse("the payload of deployment has no deployment.id")
	}
	if h.from.Polled {
		return h.from.CollectSoon(h.Scope, "a deployment was created, which the collector reads where deployments count")
	}
	return delivery.Accept([]delivery.Update{h.created(*p.Deployment)})
}

// created returns the update for a deployment as it is when it is created.
func (h *hook) created(d deployment) delivery.Update {
	return delivery.Update{Event: h.DeploymentEvent(d.read()), At: d.CreatedAt.Time, SuccessLasts: true}
}

// deploymentStatus reads deployment_status. The first success is a deployment's finish; that a later deployment
// replaces it (inactive) does not change it. If a collector reads the source, deployments are left to it: its
// configuration says which records are deployments, and it does not read one again that is stored as final.
func (h *hook) deploymentStatus() ([]delivery.Update, delivery.Verdict) {
	var p struct {
		Deployment *deployment `json:"deployment"`
		Status     *status     `json:"deployment_status"`
	}
	if err := h.decode(&p); err != nil {
		return delivery.Refuse("%v", err)
	}
	if p.Deployment == nil || p.Deployment.ID <= 0 || p.Status == nil || p.Status.State == "" {
		return delivery.Refuse("the payload of deployment_status has no deployment.id or deployment_status.state")
	}
	s := *p.Status
	switch state := strings.ToLower(s.State); {
	case h.from.Polled:
		return h.from.CollectSoon(h.Scope, "a deployment has a new status, which the collector reads where deployments count")
	case state == "inactive" || state == "destroyed":
		return delivery.Ignore("deployment_status: %s is no verdict; another deployment replaced it, or the environment "+
			"is gone", s.State)
	}
	logURL := delivery.Link(s.LogURL, s.TargetURL)
	e := h.DeploymentEvent(
		p.Deployment.read(
			mapping.DeploymentStatus{State: s.State, CreatedAt: ptr(s.CreatedAt), UpdatedAt: ptr(s.UpdatedAt), LogURL: logURL},
		),
	)
	e.URL = logURL // the log of an earlier status stays
	at := delivery.FirstKnown(s.CreatedAt.Time, s.UpdatedAt.Time)
	if e.Status.Final() && e.FinishedAt.IsZero() { // the collector takes the finish of success and failure only
		e.FinishedAt = at
	}
	// The update for the creation comes first: it adds a missing row, and changes no row that exists.
	return delivery.Accept([]delivery.Update{h.created(*p.Deployment), {Event: e, At: at, SuccessLasts: true}})
}
