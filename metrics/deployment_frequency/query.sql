-- Deployments by key (service, owning team or everything) and bucket. A deployment is one however many attempts it took.
-- With the bucket 'whole' there is one row a key, and last_at also knows deployments before the window.
WITH
    delivered AS
    (
        SELECT service, environment, source, scope, id,
            min(coalesce(finished_at, started_at, created_at)) AS first_at
        FROM deployments
        WHERE environment = {environment:String} AND status = 'succeeded' AND NOT baseline AND rollback_of = ''
            AND ({service:String} = '' OR service = {service:String})
            AND NOT ({without_bots:Bool} AND bot)
        GROUP BY service, environment, source, scope, id
    )
SELECT
    multiIf({key:String} = 'service', d.service, {key:String} = 'team', e.owner, '') AS key,
    multiIf({bucket:String} = 'whole' OR d.first_at IS NULL, toDate(0),
        {bucket:String} = 'week', toMonday(assumeNotNull(d.first_at)),
        {bucket:String} = 'month', toStartOfMonth(assumeNotNull(d.first_at)),
        toDate(assumeNotNull(d.first_at))) AS bucket,
    countIf(d.first_at >= {from:DateTime64(3, 'UTC')} AND d.first_at < {to:DateTime64(3, 'UTC')}) AS n,
    countIf(d.first_at IS NULL) AS undated,
    max(d.first_at) AS last_at
FROM delivered AS d
LEFT ANY JOIN entities AS e ON e.entity = d.service
WHERE d.first_at IS NULL OR d.first_at < {to:DateTime64(3, 'UTC')}
    AND ({bucket:String} = 'whole' OR d.first_at >= {from:DateTime64(3, 'UTC')})
GROUP BY key, bucket
ORDER BY key, bucket
