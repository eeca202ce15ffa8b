package report

import (
	"context"
	"fmt"
	"time"

	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/scorecards"
)

// The windows of the numbers. The facts ci.runs_30d and deploy.count_30d use the same days.
const (
	recentDays = 30 // of the numbers of a service
	chartWeeks = 26 // of the charts
)

// Recent is the window of the numbers of services. It begins at a whole minute, so that links and what is cached hold
// for as long, and is open at the end.
func (r *Reader) Recent() metrics.Window {
	return metrics.Window{From: r.deps.Now().UTC().Truncate(time.Minute).AddDate(0, 0, -recentDays)}
}

// ChartWindow is whole weeks up to the present, in UTC, and open at the end.
func (r *Reader) ChartWindow() metrics.Window {
	today := r.deps.Now().UTC().Truncate(24 * time.Hour)
	monday := today.AddDate(0, 0, -(int(today.Weekday())+6)%7)
	return metrics.Window{From: monday.AddDate(0, 0, -7*(chartWeeks-1))}
}

// TimeToFirstDeploy is [metrics.Engine.TimeToFirstDeploy], cached.
func (r *Reader) TimeToFirstDeploy(
	ctx context.Context, of metrics.Population, opt metrics.TTFDOptions,
) (metrics.TTFD, error) {
	return cached(ctx, r, fmt.Sprint("first", of, opt), func(ctx context.Context) (metrics.TTFD, error) {
		return r.deps.Metrics.TimeToFirstDeploy(ctx, of, opt)
	})
}

// DeploymentFrequency is [metrics.Engine.DeploymentFrequency], cached.
func (r *Reader) DeploymentFrequency(ctx context.Context, q metrics.DeployQuery) (metrics.Series, error) {
	return cached(ctx, r, fmt.Sprint("frequency", q), func(ctx context.Context) (metrics.Series, error) {
		return r.deps.Metrics.DeploymentFrequency(ctx, q)
	})
}

// CI is [metrics.Engine.CISeries], cached.
func (r *Reader) CI(ctx context.Context, service string, w metrics.Window) (metrics.CIWeeks, error) {
	return cached(ctx, r, fmt.Sprint("ci", service, w), func(ctx context.Context) (metrics.CIWeeks, error) {
		return r.deps.Metrics.CISeries(ctx, service, w)
	})
}

// deploymentsByTeam returns how often the services of each owner were deployed to production in the window. Only the
// numbers are cached: every split of the engine has the completeness of all scopes.
func (r *Reader) deploymentsByTeam(ctx context.Context, w metrics.Window) (map[string]int, error) {
	return cached(ctx, r, fmt.Sprint("by team", w), func(ctx context.Context) (map[string]int, error) {
		query := metrics.DeployQuery{Window: w, Bucket: metrics.Month}
		splits, err := r.deps.Metrics.DeploymentsBy(ctx, query, metrics.Team)
		byTeam := make(map[string]int, len(splits))
		for _, s := range splits {
			byTeam[s.Key] = s.Series.N
		}
		return byTeam, err
	})
}

func (r *Reader) serviceStats(ctx context.Context, w metrics.Window) ([]metrics.ServiceStats, error) {
	if !r.then.IsZero() {
		return nil, nil
	}
	return cached(ctx, r, fmt.Sprint("services", w), func(ctx context.Context) ([]metrics.ServiceStats, error) {
		return r.deps.Metrics.Services(ctx, w)
	})
}

func (r *Reader) gradeReports(ctx context.Context) ([]scorecards.Report, error) {
	if !r.then.IsZero() {
		return r.pastGrades, nil
	}
	return cached(ctx, r, "reports", func(ctx context.Context) ([]scorecards.Report, error) {
		return r.deps.Scorecards.Reports(ctx, r.deps.Store, r.deps.Catalog())
	})
}

// Completeness is [metrics.Engine.Completeness] of all services, cached.
func (r *Reader) Completeness(ctx context.Context, metric string) ([]metrics.Completeness, error) {
	return cached(ctx, r, "completeness "+metric, func(ctx context.Context) ([]metrics.Completeness, error) {
		return r.deps.Metrics.Completeness(ctx, metric, "")
	})
}
