-- Minutes of successful attempts by service and bucket.
SELECT service,
    if({bucket:String} = 'week', toMonday(ended), toDate(0)) AS bucket,
    count() AS succeeded,
    countIf(finished_at < started_at) AS negative,
    countIf(finished_at IS NULL OR started_at IS NULL) AS untimed,
    quantileExactInclusiveOrNullIf(0.5)(minutes, timed) AS median,
    quantileExactInclusiveOrNullIf(0.95)(minutes, timed) AS p95
FROM
(
    SELECT service, started_at, finished_at, assumeNotNull(coalesce(finished_at, started_at, created_at)) AS ended,
        ifNull(finished_at >= started_at, false) AS timed,
        if(timed, dateDiff('millisecond', assumeNotNull(started_at), assumeNotNull(finished_at)) / 60000, 0) AS minutes
    FROM pipeline_runs
    WHERE status = 'succeeded' AND ({service:String} = '' OR service = {service:String}) AND NOT ({without_bots:Bool} AND bot)
        AND coalesce(finished_at, started_at, created_at) >= {from:DateTime64(3, 'UTC')}
        AND coalesce(finished_at, started_at, created_at) < {to:DateTime64(3, 'UTC')}
)
GROUP BY service, bucket
ORDER BY service, bucket
