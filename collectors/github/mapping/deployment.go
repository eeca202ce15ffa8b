package mapping

import (
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// Deployment is a deployment as GraphQL shows it.
type Deployment struct {
	DatabaseID  int64     `json:"databaseId"`
	CommitOID   string    `json:"commitOid"`
	Environment string    `json:"environment"`
	State       string    `json:"state"` // of the latest status; empty in REST
	Task        string    `json:"task"`
	CreatedAt   time.Time `json:"createdAt"`
	Ref         *Ref      `json:"ref"`
	Creator     *Actor    `json:"creator"`
	Statuses    struct {
		PageInfo PageInfo           `json:"pageInfo"`
		Nodes    []DeploymentStatus `json:"nodes"`
	} `json:"statuses"`

	RefName string `json:"-"` // of REST and webhooks, where the ref is plain text and Ref is nil
}

// Ref is a branch or a tag.
type Ref struct {
	Name   string `json:"name"`
	Prefix string `json:"prefix"` // refs/heads/ or TagPrefix
}

// TagPrefix is the prefix of the full name of a tag.
const TagPrefix = "refs/tags/"

// DeploymentStatus is one status in the life of a deployment.
type DeploymentStatus struct {
	State     string     `json:"state"`
	CreatedAt *time.Time `json:"createdAt"`
	UpdatedAt *time.Time `json:"updatedAt"`
	LogURL    string     `json:"logUrl"`
}

// at returns when the status was set. A status never changes, so both times agree where both are known.
func (s DeploymentStatus) at() time.Time {
	if t := Time(s.CreatedAt); !t.IsZero() {
		return t
	}
	return Time(s.UpdatedAt)
}

// RESTDeployment is a deployment as REST and webhooks show it.
type RESTDeployment struct {
	ID          int64     `json:"id"`
	SHA         string    `json:"sha"`
	Ref         string    `json:"ref"`
	Task        string    `json:"task"`
	Environment string    `json:"environment"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	Creator     Account   `json:"creator"`
}

// HasID reports whether the record has an id, which tells it from others.
func (d RESTDeployment) HasID() bool { return d.ID > 0 }

// Deployment returns the deployment as GraphQL shows it, without its statuses.
func (d RESTDeployment) Deployment() Deployment {
	return Deployment{
		DatabaseID:  d.ID,
		CommitOID:   d.SHA,
		Environment: d.Environment,
		Task:        d.Task,
		CreatedAt:   d.CreatedAt,
		RefName:     d.Ref,
		Creator:     d.Creator.Actor(),
	}
}

// DeploymentEvent returns the event of a deployment. Its statuses decide:
//
//   - It succeeded if it ever did: its first success is its finish. That a later deployment replaces it, or that
//     somebody cleans up, does not change it.
//   - Without a success, it failed if it ever did: its first failure is its finish.
//   - Otherwise its latest status is its status, and it has no finish.
func (m Mapper) DeploymentEvent(n Deployment) event.Deployment {
	e := event.Deployment{
		Origin:  m.Origin(strconv.FormatInt(n.DatabaseID, 10), m.deploymentURL(n)),
		Attempt: 1, Environment: n.Environment, CreatedAt: Time(&n.CreatedAt), SHA: n.CommitOID, Ref: n.RefName,
		Actor: n.Creator.Name(), Bot: n.Creator.Bot(), Trigger: n.Task,
	}
	if n.Ref != nil {
		e.Ref = n.Ref.Name
		if n.Ref.Prefix == TagPrefix {
			e.Version = n.Ref.Name
		}
	}
	e.Status, e.StatusRaw, e.FinishedAt = m.outcome(n)
	for _, s := range n.Statuses.Nodes {
		if strings.EqualFold(s.State, "in_progress") {
			e.StartedAt = source.Earliest(e.StartedAt, s.at())
		}
	}
	return e
}

func (m Mapper) outcome(n Deployment) (event.Status, string, time.Time) {
	var success, failure, latest *DeploymentStatus
	for i := range n.Statuses.Nodes {
		s := &n.Statuses.Nodes[i]
		switch strings.ToLower(s.State) {
		case "success":
			success = earliest(success, s)
		case "failure", "error":
			failure = earliest(failure, s)
		}
		if latest == nil || s.at().After(latest.at()) { // listed newest first: of two in a second the first stays
			latest = s
		}
	}
	switch {
	case success != nil:
		return event.Succeeded, success.State, success.at()
	case failure != nil:
		return event.Failed, failure.State, failure.at()
	}
	word := n.State
	if latest != nil {
		word = latest.State
	}
	if word == "" {
		return event.Queued, "", time.Time{}
	}
	mapped := deploymentStates.Read("status of a deployment", word, m.Unrecognized)
	if strings.EqualFold(word, "inactive") && len(n.Statuses.Nodes) > 1 {
		mapped = event.Cancelled // it was begun, its statuses are all here, and none of them is a success
	}
	return mapped, word, time.Time{} // inactive alone: it succeeded, but its statuses are gone, so when is not known
}

func earliest(a, b *DeploymentStatus) *DeploymentStatus {
	if a == nil || b.at().Before(a.at()) {
		return b
	}
	return a
}

func (m Mapper) deploymentURL(n Deployment) string {
	for _, s := range n.Statuses.Nodes {
		if strings.HasPrefix(s.LogURL, "https://") || strings.HasPrefix(s.LogURL, "http://") {
			return s.LogURL
		}
	}
	if m.URL == "" {
		return ""
	}
	return m.URL + "/deployments"
}
