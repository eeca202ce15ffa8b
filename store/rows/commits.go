package rows

import (
	"time"

	"github.com/dxctl/dxctl/event"
)

// DeployedCommits keeps a deployment's commits in one row, so that a later observation replaces all of them at once.
// Commits, Authored and Committed have one entry a commit; times are Unix seconds, as git has them, and 0 is not known.
type DeployedCommits struct {
	Source                string   `ch:"source"`
	Provider              string   `ch:"provider"`
	Scope                 string   `ch:"scope"`
	DeploymentSource      string   `ch:"deployment_source"`
	DeploymentScope       string   `ch:"deployment_scope"`
	DeploymentEnvironment string   `ch:"deployment_environment"`
	ID                    string   `ch:"id"`
	Attempt               uint16   `ch:"attempt"`
	URL                   string   `ch:"url"`
	SHA                   string   `ch:"sha"`
	Previous              string   `ch:"previous"`
	Comparison            string   `ch:"comparison"`
	Reason                string   `ch:"reason"`
	Basis                 string   `ch:"basis"`
	Commits               []string `ch:"commits"`
	Authored              []int64  `ch:"authored"`
	Committed             []int64  `ch:"committed"`
}

// NewDeployedCommits returns the row of an event, which it points into: it is valid as long as the event is not
// changed.
func NewDeployedCommits(d *event.DeployedCommits) DeployedCommits {
	r := DeployedCommits{
		Source: d.Source, Provider: d.Provider, Scope: d.Scope,
		DeploymentSource: d.Deployment.Source, DeploymentScope: d.Deployment.Scope,
		DeploymentEnvironment: d.Deployment.Environment, ID: d.ID, Attempt: d.Deployment.Attempt, URL: d.URL,
		SHA: d.SHA, Previous: d.Previous, Comparison: string(d.Comparison), Reason: d.Reason, Basis: d.Basis,
		Commits:   make([]string, len(d.Commits)),
		Authored:  make([]int64, len(d.Commits)),
		Committed: make([]int64, len(d.Commits)),
	}
	for i, c := range d.Commits {
		r.Commits[i] = c.SHA
		r.Authored[i] = unixSeconds(c.AuthoredAt)
		r.Committed[i] = unixSeconds(c.CommittedAt)
	}
	return r
}

// Event returns the event that the row was made of.
func (r DeployedCommits) Event() event.DeployedCommits {
	d := event.DeployedCommits{
		Origin: event.Origin{Source: r.Source, Provider: r.Provider, Scope: r.Scope, ID: r.ID, URL: r.URL},
		Deployment: event.DeploymentKey{
			Source: r.DeploymentSource, Scope: r.DeploymentScope, ID: r.ID, Attempt: r.Attempt,
			Environment: r.DeploymentEnvironment,
		},
		SHA: r.SHA, Previous: r.Previous, Comparison: event.Comparison(r.Comparison), Reason: r.Reason, Basis: r.Basis,
	}
	for i, sha := range r.Commits {
		d.Commits = append(d.Commits, event.Commit{
			SHA: sha, AuthoredAt: fromUnixSeconds(r.Authored[i]), CommittedAt: fromUnixSeconds(r.Committed[i]),
		})
	}
	return d
}

func unixSeconds(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.Unix()
}

func fromUnixSeconds(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
