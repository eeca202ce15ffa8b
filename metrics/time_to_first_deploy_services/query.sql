-- One row a service of the catalog: its creation and its first successful production deployment. connected: some source
-- told of a deployment of it, or the ledger says that a scope of it, or of its events, was asked for deployments.
-- history_at: from when on its deployments are known; after its creation if that is not known. It is the latest start of
-- the sources that told of its production deployments, or of those that were asked if none did. A source starts with the
-- first production deployment that it told of, of any service. One that reports repositories starts earlier, when it
-- first reported one, and with the run of a service that dxctl created, which did not exist before; but not before the
-- time from which on the scopes of the service were asked for.
-- Every view and every table stands here once: ClickHouse analyzes them wherever they are named, which for one service is
-- nearly all of the work.
WITH
    (
        SELECT groupArray((source, since)) FROM
        (
            SELECT toString(source) AS source, min(assumeNotNull(coalesce(finished_at, started_at, created_at))) AS since
            FROM deployment_times
            WHERE environment = {environment:String} AND NOT baseline
                AND coalesce(finished_at, started_at, created_at) IS NOT NULL
            GROUP BY source
        )
    ) AS begun,
    sources AS
    (
        SELECT service, source, max(in_production) AS told, max(window) AS asked_since, max(has_first) AS deployed,
            minIf(first, has_first) AS first
        FROM
        (
            SELECT arrayJoin(arrayDistinct(arrayPushFront(e.services, w.service))) AS service, w.source AS source,
                false AS in_production, toNullable(w.since) AS window, false AS has_first,
                (toDateTime64(0, 3, 'UTC'), '', '', '', '') AS first
            FROM
            (
                SELECT source, scope, service, min(window_start) AS since FROM ledger WHERE kind = 'deployment'
                GROUP BY source, scope, service
            ) AS w
            LEFT ANY JOIN
            (
                SELECT source, scope, groupUniqArray(service) AS services FROM
                (
                    SELECT service, source, scope FROM changes WHERE {service:String} = '' OR service = {service:String}
                    UNION ALL
                    SELECT service, source, scope FROM pipeline_runs
                    WHERE {service:String} = '' OR service = {service:String}
                )
                GROUP BY source, scope
            ) AS e ON e.source = w.source AND e.scope = w.scope
            UNION ALL
            SELECT service, source, max(produced), NULL, max(counts), minIf((at, id, toString(source), scope, url), counts)
            FROM
            (
                SELECT service, source, scope, id, url, environment = {environment:String} AS produced,
                    assumeNotNull(coalesce(finished_at, started_at, created_at)) AS at,
                    produced AND status = 'succeeded' AND NOT baseline AND rollback_of = ''
                        AND coalesce(finished_at, started_at, created_at) IS NOT NULL AND NOT ({without_bots:Bool} AND bot) AS counts
                FROM deployments WHERE {service:String} = '' OR service = {service:String}
            )
            GROUP BY service, source
        )
        GROUP BY service, source
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
        SELECT e.entity AS entity, if(e.title != '', e.title, e.name) AS name, e.owner AS team,
            coalesce(e.created_at, r.created_at) AS started_at,
            if(m.at - INTERVAL 1 DAY <= coalesce(e.created_at, r.created_at), m.at, NULL) AS made_at
        FROM entities AS e
        LEFT ANY JOIN repositories AS r ON r.entity = e.entity
        LEFT JOIN made AS m ON m.entity = e.entity
        WHERE lower(e.kind) = 'component' AND lower(e.type) NOT IN ('library', 'documentation', 'docs')
            AND ({service:String} = '' OR e.entity = {service:String})
    ),
    services AS
    (
        -- known_since and known are of the sources that told of production deployments, or of all if none did.
        SELECT entity, any(name) AS name, any(team) AS team, any(started_at) AS started_at, any(made_at) AS made_at,
            max(source != '') AS connected, max(told) AS any_told,
            if(any_told, maxIf(since, told), max(since)) AS known_since,
            if(any_told, countIf(since IS NULL AND told), countIf(since IS NULL)) = 0 AS known,
            max(deployed) AS has_first, minIf(first, deployed) AS first
        FROM
        (
            SELECT c.entity AS entity, c.name AS name, c.team AS team, c.started_at AS started_at, c.made_at AS made_at,
                s.source AS source, s.told AS told, s.deployed AS deployed, s.first AS first,
                if(has(begun.1, s.source), toNullable(begun.2[indexOf(begun.1, s.source)]), NULL) AS first_told,
                multiIf(
                    s.asked_since IS NOT NULL AND c.made_at IS NOT NULL AND (t.source != '' OR NOT s.told)
                        AND s.asked_since <= c.made_at + INTERVAL 1 DAY, least(c.made_at, c.started_at),
                    s.asked_since IS NOT NULL AND t.source != '',
                    greatest(s.asked_since, least(toNullable(t.since), coalesce(first_told, t.since))),
                    first_told) AS since
            FROM created AS c
            LEFT JOIN sources AS s ON s.service = c.entity
            LEFT ANY JOIN source_times AS t ON t.source = s.source
        )
        GROUP BY entity
    ),
    if(empty(begun), NULL, arrayMin(begun.2)) AS history
SELECT entity AS id, name, team, started_at, CAST(NULL AS Nullable(DateTime64(3, 'UTC'))) AS left_at,
    if(has_first, first.1, NULL) AS deployed_at, if(has_first, 'service', '') AS link_method, first.2 AS deployment_id,
    entity AS service, first.5 AS url,
    multiIf(
        NOT connected, if(made_at IS NULL, history, least(made_at, started_at)),
        known, known_since,
        history IS NULL, NULL,
        started_at + INTERVAL 1 SECOND) AS history_at,
    connected
FROM services
ORDER BY started_at, id
