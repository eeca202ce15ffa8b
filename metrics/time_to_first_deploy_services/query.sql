-- One row a service of the catalog: its creation and its first successful production deployment. connected: some source
-- told of a deployment of it, or the ledger says that a scope of it, or of its events, was asked for deployments.
-- history_at: from when on its deployments are known; after its creation if that is not known. It is the latest start of
-- the sources that told of its production deployments, or of those that were asked if none did. A source starts with the
-- first production deployment that it told of, of any service. One that reports repositories starts earlier, when it
-- first reported one, and with the run of a service that dxctl created, which did not exist before; but not before the
-- time from which on the scopes of the service were asked for.
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
    windows AS
    (
        SELECT source, scope, service, min(window_start) AS since FROM ledger WHERE kind = 'deployment'
        GROUP BY source, scope, service
    ),
    sources AS
    (
        SELECT service, source, max(in_production) AS told, max(window) AS asked_since FROM
        (
            SELECT e.service AS service, e.source AS source, false AS in_production, toNullable(w.since) AS window FROM
            (
                SELECT service, source, scope FROM changes WHERE {service:String} = '' OR service = {service:String}
                UNION DISTINCT
                SELECT service, source, scope FROM pipeline_runs WHERE {service:String} = '' OR service = {service:String}
            ) AS e
            INNER JOIN windows AS w ON w.source = e.source AND w.scope = e.scope
            UNION ALL
            SELECT service, source, false, toNullable(since) FROM windows
            UNION ALL
            SELECT service, source, environment = {environment:String}, NULL FROM deployments
            WHERE {service:String} = '' OR service = {service:String}
        )
        GROUP BY service, source
    ),
    begun AS
    (
        SELECT source, minOrNull(coalesce(finished_at, started_at, created_at)) AS since FROM deployment_times
        WHERE environment = {environment:String} AND NOT baseline GROUP BY source
    ),
    made AS
    (
        SELECT entity, min(started_at) AS at FROM action_runs
        WHERE kind = 'create' AND status = 'succeeded' AND ({service:String} = '' OR entity = {service:String})
        GROUP BY entity
    ),
    repositories AS
    (
        SELECT entity, parseDateTime64BestEffortOrNull(JSONExtractString(value), 3, 'UTC') AS created_at
        FROM facts
        WHERE fact = 'repository.created_at' AND error = '' AND ({service:String} = '' OR entity = {service:String})
    ),
    created AS
    (
        -- The catalog has the time of the plan, or its day, as the creation: at most a day before the run.
        SELECT e.entity AS entity, coalesce(e.created_at, r.created_at) AS started_at,
            if(m.at - INTERVAL 1 DAY <= coalesce(e.created_at, r.created_at), m.at, NULL) AS made_at
        FROM entities AS e
        LEFT ANY JOIN repositories AS r ON r.entity = e.entity
        LEFT JOIN made AS m ON m.entity = e.entity
    ),
    connections AS
    (
        SELECT service, maxIf(since, told OR NOT any_told) AS known_since,
            countIf(since IS NULL AND (told OR NOT any_told)) = 0 AS known
        FROM
        (
            SELECT s.service AS service, s.told AS told, max(s.told) OVER (PARTITION BY s.service) AS any_told,
                multiIf(
                    s.asked_since IS NOT NULL AND c.made_at IS NOT NULL AND (t.source != '' OR NOT s.told)
                        AND s.asked_since <= c.made_at + INTERVAL 1 DAY, least(c.made_at, c.started_at),
                    s.asked_since IS NOT NULL AND t.source != '',
                    greatest(s.asked_since, least(toNullable(t.since), coalesce(b.since, t.since))),
                    b.since) AS since
            FROM sources AS s
            LEFT ANY JOIN created AS c ON c.entity = s.service
            LEFT ANY JOIN source_times AS t ON t.source = s.source
            LEFT ANY JOIN begun AS b ON b.source = s.source
        )
        GROUP BY service
    ),
    (
        SELECT min(since) FROM begun
    ) AS history
SELECT e.entity AS id, if(e.title != '', e.title, e.name) AS name, e.owner AS team,
    n.started_at AS started_at, CAST(NULL AS Nullable(DateTime64(3, 'UTC'))) AS left_at,
    f.deployed_at AS deployed_at, if(f.deployed_at IS NULL, '', 'service') AS link_method, f.first.1 AS deployment_id, e.entity AS service,
    f.first.2 AS url,
    multiIf(
        c.service = '', if(n.made_at IS NULL, history, least(n.made_at, n.started_at)),
        c.known, c.known_since,
        history IS NULL, NULL,
        n.started_at + INTERVAL 1 SECOND) AS history_at,
    c.service != '' AS connected
FROM entities AS e
LEFT JOIN connections AS c ON c.service = e.entity
LEFT ANY JOIN created AS n ON n.entity = e.entity
LEFT JOIN firsts AS f ON f.service = e.entity
WHERE lower(e.kind) = 'component' AND lower(e.type) NOT IN ('library', 'documentation', 'docs')
    AND ({service:String} = '' OR e.entity = {service:String})
ORDER BY started_at, id
