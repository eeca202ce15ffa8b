package facts

import (
	"context"
	"fmt"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
)

// versionCount is how many versions of a service production has seen.
type versionCount struct {
	Service  string `ch:"service"`
	Versions uint64 `ch:"versions"`
	Unnamed  uint64 `ch:"unnamed"` // deployments without a version and without a commit
}

const versionsSQL = `SELECT service, uniqExactIf(v, v != '') AS versions, countIf(v = '') AS unnamed
FROM (SELECT service, if(version != '', version, sha) AS v FROM deployments
    WHERE environment = 'production' AND status = 'succeeded' AND ({service:String} = '' OR service = {service:String}))
GROUP BY service`

// unreviewedSQL selects the services whose changes are all of sources that never reported a review. The listing of
// merge requests of GitLab has none, so that their absence says nothing.
const unreviewedSQL = `SELECT service FROM changes WHERE {service:String} = '' OR service = {service:String}
GROUP BY service HAVING max(source IN
    (SELECT source FROM change_times WHERE first_review_at IS NOT NULL OR approved_at IS NOT NULL)) = 0`

// delivery are the queries for what is known of the first deployment, the default branch, the versions and the reviews;
// the one that takes longest is the first. service is the ref of the one that is asked for; empty: all.
func (c Computed) delivery(store metrics.Querier, eng *metrics.Engine, service string) []query {
	params := map[string]any{"service": service}
	return []query{
		func(ctx context.Context) (func(), error) {
			firsts, err := eng.FirstDeploys(ctx, service)
			if err != nil {
				return nil, fmt.Errorf("computing the first deployments: %w", err)
			}
			return func() {
				for i := range firsts {
					c.of(firsts[i].ID).first = &firsts[i]
				}
			}, nil
		},
		func(ctx context.Context) (func(), error) {
			branches, err := eng.DefaultBranch(ctx, metrics.Last(30, c.now), service)
			if err != nil {
				return nil, fmt.Errorf("computing the CI of default branches: %w", err)
			}
			return func() {
				for i := range branches {
					c.of(branches[i].Service).main = &branches[i]
				}
			}, nil
		},
		func(ctx context.Context) (func(), error) {
			var versions []versionCount
			if err := store.Select(ctx, &versions, versionsSQL, params); err != nil {
				return nil, fmt.Errorf("counting the deployed versions: %w", err)
			}
			return func() {
				for i := range versions {
					c.of(versions[i].Service).versions = &versions[i]
				}
			}, nil
		},
		func(ctx context.Context) (func(), error) {
			var unreviewed []struct {
				Service string `ch:"service"`
			}
			if err := store.Select(ctx, &unreviewed, unreviewedSQL, params); err != nil {
				return nil, fmt.Errorf("reading whose changes have no reviews: %w", err)
			}
			return func() {
				for _, row := range unreviewed {
					c.of(row.Service).unreviewed = true
				}
			}, nil
		},
	}
}

// defaultBranch writes the facts of the CI of the default branch. The service has runs.
func (w *factWriter) defaultBranch(n *metrics.DefaultBranchStats) {
	const of = event.KindPipelineRun
	branch := "main or master (its default branch is not known; a source of kind github or gitlab should give it)"
	switch {
	case n == nil || n.Succeeded+n.Failed == 0 && n.Others == 0:
		w.absent(of, event.NumberFact, "no pipeline run of the last 30 days succeeded or failed",
			"ci.p90_minutes", "ci.success_rate")
		return
	case n.Unnamed:
		branch = "any branch (no run names one)"
	case n.Branch != "":
		branch = "the default branch " + n.Branch
	}
	if n.Succeeded+n.Failed == 0 {
		w.absent(of, event.NumberFact, "no pipeline run of the last 30 days was of "+branch+
			"; runs of schedules and pull requests do not count", "ci.p90_minutes", "ci.success_rate")
		return
	}
	reason := "no pipeline run of the last 30 days of " + branch + " succeeded"
	if n.Succeeded > 0 {
		reason = "no source gave a duration of the pipeline runs of " + branch
	}
	w.number(of, "ci.p90_minutes", n.P90Minutes, reason)
	w.number(of, "ci.success_rate", n.SuccessRate, reason)
}

func (w *factWriter) versions(n *versionCount) {
	const of, name = event.KindDeployment, "deploy.known_versions"
	switch {
	case n == nil:
		w.absent(of, event.NumberFact, w.none(of, "production deployments", fromDeploys), name)
	case n.Versions == 0:
		w.absent(of, event.NumberFact, "no production deployment names a version or a commit; its source should give one",
			name)
	default:
		w.put(of, name, event.NumberFact, n.Versions)
	}
}

// firstDeploy writes the time to first deploy, which never changes once it is known.
func (w *factWriter) firstDeploy(s *metrics.Subject) {
	const of, observable, days = event.KindDeployment, "deploy.ttfd_observable", "deploy.ttfd_days"
	unknown := func(reason string) {
		w.absent(of, event.BoolFact, reason, observable)
		w.absent(of, event.NumberFact, reason, days)
	}
	if s == nil {
		unknown("only components have a time to first deploy, except libraries and documentation")
		return
	}
	if s.Counted {
		w.put(of, observable, event.BoolFact, true)
		if s.DeployedAt == nil {
			w.absent(of, event.NumberFact, "it was created on "+s.StartedAt.Format("2006-01-02")+
				" and no production deployment of it is known yet", days)
			return
		}
		w.put(of, days, event.NumberFact, rounded(s.Hours/24))
		return
	}
	switch s.Note {
	case metrics.ReasonBeforeHistory, metrics.ReasonBeforeStart:
		w.put(of, observable, event.BoolFact, false)
		w.absent(of, event.NumberFact, s.Note+", so its first deployment was not observed", days)
	case metrics.ReasonNoStart:
		unknown("its creation is not known; a source of kind github or gitlab gives that of the repository, or set " +
			"dxctl.dev/created-at in the descriptor")
	case metrics.ReasonNoHistory, metrics.ReasonNotConnected:
		unknown(w.none(of, "production deployments", fromDeploys))
	default:
		unknown(s.Note)
	}
}
