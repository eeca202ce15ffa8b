package github

import (
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
)

// deploymentNode is a deployment as GraphQL gives it.
type deploymentNode struct {
	DatabaseID  int64     `json:"databaseId"`
	CommitOID   string    `json:"commitOid"`
	Environment string    `json:"environment"`
	State       string    `json:"state"`
	Task        string    `json:"task"`
	CreatedAt   time.Time `json:"createdAt"`
	Ref         *refNode  `json:"ref"`
	Creator     *actor    `json:"creator"`
	Statuses    struct {
		PageInfo pageInfo               `json:"pageInfo"`
		Nodes    []deploymentStatusNode `json:"nodes"`
	} `json:"statuses"`

	refName string // of REST, where Ref is plain text
}

type refNode struct {
	Name   string `json:"name"`
	Prefix string `json:"prefix"`
}

// tagPrefix begins the full name of a tag; it is the prefix of a ref that is one.
const tagPrefix = "refs/tags/"

type deploymentStatusNode struct {
	State     string     `json:"state"`
	CreatedAt *time.Time `json:"createdAt"`
	UpdatedAt *time.Time `json:"updatedAt"`
	LogURL    string     `json:"logUrl"`
}

// at is when the status was given; a status is not changed afterwards, so the times agree where both are there.
func (s deploymentStatusNode) at() time.Time {
	if t := instant(s.CreatedAt); !t.IsZero() {
		return t
	}
	return instant(s.UpdatedAt)
}

// restDeployment is a deployment as REST gives it.
type restDeployment struct {
	ID          int64     `json:"id"`
	SHA         string    `json:"sha"`
	Ref         string    `json:"ref"`
	Task        string    `json:"task"`
	Environment string    `json:"environment"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	Creator     account   `json:"creator"`
}

func (d restDeployment) node() deploymentNode {
	n := deploymentNode{
		DatabaseID:  d.ID,
		CommitOID:   d.SHA,
		Environment: d.Environment,
		Task:        d.Task,
		CreatedAt:   d.CreatedAt,
		refName:     d.Ref,
	}
	if d.Creator.Login != "" {
		n.Creator = &actor{Login: d.Creator.Login, Typename: d.Creator.Type}
	}
	return n
}

// deploymentEvent makes the event of a deployment. It has succeeded when it ever did: the first success is its finish,
// and that a later deployment takes over, or somebody cleans up, does not change it. Without a success the first
// failure is the finish. Otherwise the latest status says where it stands.
func (m mapper) deploymentEvent(n deploymentNode) event.Deployment {
	e := event.Deployment{
		Origin:  m.origin(strconv.FormatInt(n.DatabaseID, 10), m.deploymentURL(n)),
		Attempt: 1, Environment: n.Environment, CreatedAt: instant(&n.CreatedAt), SHA: n.CommitOID, Ref: n.refName,
		Actor: n.Creator.login(), Bot: n.Creator.bot(), Trigger: n.Task,
	}
	if n.Ref != nil {
		e.Ref = n.Ref.Name
		if n.Ref.Prefix == tagPrefix {
			e.Version = n.Ref.Name
		}
	}
	e.Status, e.StatusRaw, e.FinishedAt = m.outcome(n)
	for _, s := range n.Statuses.Nodes {
		if strings.EqualFold(s.State, "in_progress") {
			e.StartedAt = first(e.StartedAt, s.at())
		}
	}
	return e
}

func (m mapper) outcome(n deploymentNode) (event.Status, string, time.Time) {
	var success, failure, latest *deploymentStatusNode
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
	mapped, known := deploymentStatus(word)
	if !known {
		m.unrecognized("status of a deployment", word)
	}
	if strings.EqualFold(word, "inactive") && len(n.Statuses.Nodes) > 1 {
		mapped = event.Cancelled // it was begun, its statuses are all here, and none of them is a success
	}
	return mapped, word, time.Time{} // inactive alone: it succeeded, but its statuses are gone, so when is not known
}

func earliest(a, b *deploymentStatusNode) *deploymentStatusNode {
	if a == nil || b.at().Before(a.at()) {
		return b
	}
	return a
}

func (m mapper) deploymentURL(n deploymentNode) string {
	for _, s := range n.Statuses.Nodes {
		if strings.HasPrefix(s.LogURL, "https://") || strings.HasPrefix(s.LogURL, "http://") {
			return s.LogURL
		}
	}
	if m.url == "" {
		return ""
	}
	return m.url + "/deployments"
}
