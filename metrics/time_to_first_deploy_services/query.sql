-- One row a service of the catalog: its creation and its first successful production deployment. connected: some source
-- told of a deployment of it, or the ledger says that a scope of it, or of its events, was asked for deployments.
-- history_at: from when on its deployments are known. That is the first production deployment of any service; for a
-- service that was created after a source that is asked for its deployments had reported a repository, that time; for
-- one that dxctl created, its creation.
WITH
    firsts AS
    (
        SELECT service, toNullable(min(assumeNotNull(coalesce(finished_at, started_at, created_at)))) AS deployed_at,
            argMin(tuple(id, url), tuple(assumeNotNull(coalesce(finished_at, started_at, created_at)), id, source, scope, url)) AS first
        FROM deployments
        WHERE environment = {environment:String} AND status = 'succeeded' AND NOT baseline AND rollback_of = ''
            AND coalesce(finished_at, started_at, created_at) IS NOT NULL AND NOT ({without_bots:Bool} AND bot)
            AND ({service:String} = '' OR service = {service:String})
        GROUP BY service
    ),
    asked AS
    (
        SELECT DISTINCT service, source FROM
        (
            SELECT service, source, scope FROM changes WHERE {service:String} = '' OR service = {service:String}
            UNION DISTINCT
            SELECT service, source, scope FROM pipeline_runs WHERE {service:String} = '' OR service = {service:String}
        )
        WHERE (source, scope) IN (SELECT source, scope FROM ledger WHERE kind = 'deployment')
        UNION DISTINCT
        SELECT service, source FROM ledger WHERE kind = 'deployment'
    ),
    connections AS
    (
        SELECT service, minIf(since, observed) AS reported_since, max(observed) AS reported FROM
        (
            SELECT a.service AS service, t.since AS since, t.source != '' AS observed
            FROM asked AS a LEFT ANY JOIN source_times AS t ON t.source = a.source
            UNION ALL
            SELECT service, toDateTime64(0, 3, 'UTC') AS since, false AS observed FROM deployments
            WHERE {service:String} = '' OR service = {service:String}
        )
        GROUP BY service
    ),
    made AS
    (
        SELECT DISTINCT entity FROM action_runs
        WHERE kind = 'create' AND status = 'succeeded' AND ({service:String} = '' OR entity = {service:String})
    ),
    repositories AS
    (
        SELECT entity, parseDateTime64BestEffortOrNull(JSONExtractString(value), 3, 'UTC') AS created_at
        FROM facts
        WHERE fact = 'repository.created_at' AND error = '' AND ({service:String} = '' OR entity = {service:String})
    ),
    (
        SELECT minOrNull(coalesce(finished_at, started_at, created_at)) FROM deployment_times WHERE environment = {environment:String}
    ) AS history
SELECT e.entity AS id, if(e.title != '', e.title, e.name) AS name, e.owner AS team,
    coalesce(e.created_at, r.created_at) AS started_at, CAST(NULL AS Nullable(DateTime64(3, 'UTC'))) AS left_at,
    f.deployed_at AS deployed_at, if(f.deployed_at IS NULL, '', 'service') AS link_method, f.first.1 AS deployment_id, e.entity AS service,
    f.first.2 AS url,
    multiIf(
        m.entity != '' AND started_at IS NOT NULL AND (history IS NULL OR history > started_at), started_at,
        c.reported AND c.reported_since <= started_at AND (history IS NULL OR history > c.reported_since),
        toNullable(c.reported_since),
        toNullable(history)) AS history_at,
    c.service != '' AS connected
FROM entities AS e
LEFT JOIN connections AS c ON c.service = e.entity
LEFT JOIN made AS m ON m.entity = e.entity
LEFT JOIN firsts AS f ON f.service = e.entity
LEFT ANY JOIN repositories AS r ON r.entity = e.entity
WHERE lower(e.kind) = 'component' AND lower(e.type) NOT IN ('library', 'documentation', 'docs')
    AND ({service:String} = '' OR e.entity = {service:String})
ORDER BY started_at, id
