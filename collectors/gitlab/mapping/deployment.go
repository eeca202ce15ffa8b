package mapping

import (
	"strconv"
	"time"

	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// Deployment is what is used of a deployment.
type Deployment struct {
	ID          int64            `json:"id"`
	Status      string           `json:"status"`
	Ref         string           `json:"ref"`
	SHA         string           `json:"sha"`
	CreatedAt   source.Timestamp `json:"created_at"`
	UpdatedAt   source.Timestamp `json:"updated_at"`
	FinishedAt  source.Timestamp `json:"finished_at"`
	User        *User            `json:"user"`
	Environment *struct {
		Name string `json:"name"`
	} `json:"environment"`
	Deployable *struct {
		Job
		Pipeline *Pipeline `json:"pipeline"`
	} `json:"deployable"`
}

// Key returns the id. Of two deployments, the newer one has the greater id.
func (d Deployment) Key() int64 { return d.ID }

// Created returns when the deployment was created; zero: not known.
func (d Deployment) Created() time.Time { return d.CreatedAt.Time }

// Updated returns when the deployment was last updated; its creation where GitLab gives no update.
func (d Deployment) Updated() time.Time { return source.Latest(d.CreatedAt.Time, d.UpdatedAt.Time) }

// recordedWithin is how long a deployment takes at most that is recorded through the API.
const recordedWithin = 6 * time.Hour

// DeploymentEvent makes the event of a deployment. Start and finish are those of the job that deploys. Without one (it
// was recorded through the API) the last update is what made it final, but for one that comes much later, of which
// GitLab does not report what it changed: then the finish is not known. projectURL is the address of the project's
// page.
func (m Mapper) DeploymentEvent(d Deployment, projectURL string) event.Deployment {
	allowed := d.Deployable != nil && d.Deployable.AllowFailure
	mapped, _ := m.DeploymentStatus(d.Status, allowed)
	e := event.Deployment{
		Origin:     m.Origin(strconv.FormatInt(d.ID, 10), ""),
		Attempt:    1,
		Status:     mapped,
		StatusRaw:  d.Status,
		CreatedAt:  d.CreatedAt.Time,
		SHA:        d.SHA,
		Ref:        d.Ref,
		Actor:      d.User.login(),
		Bot:        d.User.IsBot(),
		FinishedAt: d.FinishedAt.Time,
	}
	if d.Environment != nil {
		e.Environment = d.Environment.Name
	}
	if j := d.Deployable; j != nil {
		e.URL, e.StartedAt = j.WebURL, j.StartedAt.Time
		if e.FinishedAt.IsZero() {
			e.FinishedAt = j.FinishedAt.Time
		}
		if j.Tag {
			e.Version = d.Ref
		}
		if j.Pipeline != nil {
			e.Trigger = j.Pipeline.Source
		}
	} else {
		e.Trigger = "api"
		if e.FinishedAt.IsZero() && d.UpdatedAt.Sub(d.CreatedAt.Time) <= recordedWithin {
			e.FinishedAt = d.UpdatedAt.Time
		}
	}
	if e.URL == "" && projectURL != "" {
		e.URL = projectURL + "/-/environments"
	}
	if !mapped.Final() {
		e.FinishedAt = time.Time{}
	}
	return e
}
