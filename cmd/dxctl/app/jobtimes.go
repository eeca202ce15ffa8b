package app

import (
	"context"
	"fmt"
	"time"

	"github.com/dxctl/dxctl/actions/fix/edits"
)

// jobTimesSQL selects how long the jobs of a service took in 90 days.
const jobTimesSQL = `
SELECT r.pipeline AS workflow, j.name AS job, max(dateDiff('second', j.started_at, j.finished_at)) AS seconds, count() AS runs
FROM pipeline_jobs AS j
INNER JOIN
(
    SELECT source, scope, id, attempt, pipeline FROM pipeline_runs WHERE service = {service:String}
) AS r ON r.source = j.source AND r.scope = j.scope AND r.id = j.run_id AND r.attempt = j.attempt
WHERE j.service = {service:String} AND j.status = 'succeeded' AND j.started_at >= {since:DateTime64(3, 'UTC')}
    AND j.finished_at >= j.started_at
GROUP BY workflow, job
ORDER BY workflow, job`

// JobTimes returns how long the successful attempts of the jobs of a service took, as sources have reported them.
func (a *App) JobTimes(ctx context.Context, service string) ([]edits.JobTime, error) {
	var rows []struct {
		Workflow string `ch:"workflow"`
		Job      string `ch:"job"`
		Seconds  int64  `ch:"seconds"`
		Runs     uint64 `ch:"runs"`
	}
	params := map[string]any{"service": service, "since": a.now().UTC().AddDate(0, 0, -90)}
	if err := a.Store.Reader().Select(ctx, &rows, jobTimesSQL, params); err != nil {
		return nil, fmt.Errorf("reading how long the jobs of %s took: %w", service, err)
	}
	times := make([]edits.JobTime, len(rows))
	for i, r := range rows {
		times[i] = edits.JobTime{Workflow: r.Workflow, Job: r.Job, Longest: time.Duration(r.Seconds) * time.Second,
			Runs: int(r.Runs)}
	}
	return times, nil
}
