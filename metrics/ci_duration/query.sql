-- Minutes of successful attempts by service and bucket: the source's own duration, else finish - start.
SELECT service,
    if({bucket:String} = 'week', toMonday(ended), toDate(0)) AS bucket,
    count() AS succeeded,
    countIf(minutes IS NOT NULL) AS timed,
    countIf(minutes IS NULL AND ifNull(finished_at < started_at, false)) AS negative,
    countIf(minutes IS NULL AND (finished_at IS NULL OR started_at IS NULL)) AS untimed,
    quantileExactInclusiveOrNullIf(0.5)(ifNull(minutes, 0), minutes IS NOT NULL) AS median,
    quantileExactInclusiveOrNullIf(0.95)(ifNull(minutes, 0), minutes IS NOT NULL) AS p95
FROM
(
    SELECT service, started_at, finished_at, assumeNotNull(coalesce(finished_at, started_at, created_at)) AS ended,
        multiIf(duration_ms > 0, duration_ms / 60000,
            finished_at >= started_at, dateDiff('millisecond', started_at, finished_at) / 60000,
            NULL) AS minutes
    FROM pipeline_runs
    WHERE status = 'succeeded' AND ({service:String} = '' OR service = {service:String}) AND NOT ({without_bots:Bool} AND bot)
        AND coalesce(finished_at, started_at, created_at) >= {from:DateTime64(3, 'UTC')}
        AND coalesce(finished_at, started_at, created_at) < {to:DateTime64(3, 'UTC')}
)
GROUP BY service, bucket
ORDER BY service, bucket
