-- Attempts of the default branch by outcome, and the 90th percentile of their minutes, by service. others: attempts that
-- succeeded or failed, but not on the default branch. unnamed: no attempt in the window names a branch, so that all count.
WITH
    branches AS
    (
        SELECT entity, JSONExtractString(value) AS branch FROM facts
        WHERE fact = 'repository.default_branch' AND error = '' AND ({service:String} = '' OR entity = {service:String})
    )
SELECT service, any(known) AS branch, countIf(named) = 0 AS unnamed,
    if(unnamed, countIf(eligible AND status = 'succeeded'), countIf(counted AND status = 'succeeded')) AS succeeded,
    if(unnamed, countIf(eligible AND status = 'failed'), countIf(counted AND status = 'failed')) AS failed,
    countIf(status IN ('succeeded', 'failed')) - succeeded - failed AS others,
    if(unnamed, countIf(eligible AND status = 'succeeded' AND minutes IS NOT NULL),
        countIf(counted AND status = 'succeeded' AND minutes IS NOT NULL)) AS timed,
    if(unnamed,
        quantileExactInclusiveOrNullIf(0.9)(ifNull(minutes, 0), eligible AND NOT named AND status = 'succeeded' AND minutes IS NOT NULL),
        quantileExactInclusiveOrNullIf(0.9)(ifNull(minutes, 0), counted AND status = 'succeeded' AND minutes IS NOT NULL)) AS p90
FROM
(
    SELECT r.service AS service, r.status AS status, b.branch AS known, r.branch != '' AS named,
        NOT (startsWith(r.trigger, 'pull_request') OR endsWith(r.trigger, 'request_event') OR r.trigger = 'schedule') AS eligible,
        eligible AND if(known != '', r.branch = known, r.branch IN ('main', 'master')) AS counted,
        multiIf(r.duration_ms > 0, r.duration_ms / 60000,
            r.finished_at >= r.started_at, dateDiff('millisecond', r.started_at, r.finished_at) / 60000,
            NULL) AS minutes
    FROM pipeline_runs AS r
    LEFT ANY JOIN branches AS b ON b.entity = r.service
    WHERE ({service:String} = '' OR r.service = {service:String}) AND NOT ({without_bots:Bool} AND r.bot)
        AND coalesce(r.finished_at, r.started_at, r.created_at) >= {from:DateTime64(3, 'UTC')}
        AND coalesce(r.finished_at, r.started_at, r.created_at) < {to:DateTime64(3, 'UTC')}
    SETTINGS join_use_nulls = 0
)
GROUP BY service
ORDER BY service
