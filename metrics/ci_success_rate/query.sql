-- Attempts by outcome, service and bucket.
SELECT service,
    if({bucket:String} = 'week', toMonday(ended), toDate(0)) AS bucket,
    countIf(status = 'succeeded') AS succeeded,
    countIf(status = 'failed') AS failed,
    countIf(status NOT IN ('succeeded', 'failed')) AS other,
    toNullable(max(ended)) AS last_at
FROM
(
    SELECT service, status, assumeNotNull(coalesce(finished_at, started_at, created_at)) AS ended
    FROM pipeline_runs
    WHERE ({service:String} = '' OR service = {service:String}) AND NOT ({without_bots:Bool} AND bot)
        AND coalesce(finished_at, started_at, created_at) >= {from:DateTime64(3, 'UTC')}
        AND coalesce(finished_at, started_at, created_at) < {to:DateTime64(3, 'UTC')}
)
GROUP BY service, bucket
ORDER BY service, bucket
