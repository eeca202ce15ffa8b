package store

import (
	"time"

	"github.com/dxctl/dxctl/event"
)

// deployedCommitsColumns keeps a deployment's commits in one row, so that a later observation replaces all of them at
// once. Times are Unix seconds, as git has them; 0 is not known.
func deployedCommitsColumns(rows []event.DeployedCommits) []column {
	type row = event.DeployedCommits
	seconds := func(name string, of func(*event.Commit) time.Time) column {
		return collect(name, rows, func(r *row) []int64 {
			return commitValues(r.Commits, func(c *event.Commit) int64 {
				if at := of(c); !at.IsZero() {
					return at.Unix()
				}
				return 0
			})
		})
	}
	return []column{
		collect("source", rows, func(r *row) string { return r.Source }),
		collect("provider", rows, func(r *row) string { return r.Provider }),
		collect("scope", rows, func(r *row) string { return r.Scope }),
		collect("deployment_source", rows, func(r *row) string { return r.Deployment.Source }),
		collect("deployment_scope", rows, func(r *row) string { return r.Deployment.Scope }),
		collect("deployment_environment", rows, func(r *row) string { return r.Deployment.Environment }),
		collect("id", rows, func(r *row) string { return r.ID }),
		collect("attempt", rows, func(r *row) uint16 { return r.Deployment.Attempt }),
		collect("url", rows, func(r *row) string { return r.URL }),
		collect("sha", rows, func(r *row) string { return r.SHA }),
		collect("previous", rows, func(r *row) string { return r.Previous }),
		collect("comparison", rows, func(r *row) string { return string(r.Comparison) }),
		collect("reason", rows, func(r *row) string { return r.Reason }),
		collect("basis", rows, func(r *row) string { return r.Basis }),
		collect("commits", rows, func(r *row) []string {
			return commitValues(r.Commits, func(c *event.Commit) string { return c.SHA })
		}),
		seconds("authored", func(c *event.Commit) time.Time { return c.AuthoredAt }),
		seconds("committed", func(c *event.Commit) time.Time { return c.CommittedAt }),
	}
}

func commitValues[V any](commits []event.Commit, value func(*event.Commit) V) []V {
	values := make([]V, len(commits))
	for i := range commits {
		values[i] = value(&commits[i])
	}
	return values
}
