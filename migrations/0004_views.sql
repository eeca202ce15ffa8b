-- The public schema. Users write SQL and Grafana panels against these views, so they are an interface: columns are
-- added, never renamed or removed. Each is deduplicated (FINAL) and names services, people and environments as the
-- catalog does today.

CREATE VIEW deployments AS
SELECT
    multiIf(r.service != '', r.service, b.service != '', b.service, concat('unmapped:', r.provider, '/', r.scope)) AS service,
    if(e.environment != '', e.environment, lower(r.environment)) AS environment,
    r.id AS id, r.attempt AS attempt, r.status AS status, r.status_raw AS status_raw,
    r.created_at AS created_at, r.started_at AS started_at, r.finished_at AS finished_at,
    r.sha AS sha, r.ref AS ref, r.version AS version,
    r.actor AS actor, if(i.person != '', i.person, j.person) AS person, r.bot OR i.bot OR j.bot AS bot,
    r.trigger AS trigger, r.baseline AS baseline, r.rollback_of AS rollback_of,
    r.environment AS environment_raw, r.source AS source, r.scope AS scope, r.url AS url
FROM (SELECT * FROM raw_deployments FINAL) AS r
LEFT ANY JOIN catalog_bindings AS b ON b.provider = r.provider AND b.scope = lower(r.scope)
LEFT ANY JOIN catalog_environments AS e ON e.raw = lower(r.environment)
LEFT ANY JOIN (SELECT * FROM catalog_identities WHERE provider != '') AS i ON i.provider = r.provider AND i.login = lower(r.actor)
LEFT ANY JOIN (SELECT * FROM catalog_identities WHERE provider = '') AS j ON j.login = lower(r.actor)
SETTINGS join_use_nulls = 0;

CREATE VIEW pipeline_runs AS
SELECT
    multiIf(r.service != '', r.service, b.service != '', b.service, concat('unmapped:', r.provider, '/', r.scope)) AS service,
    r.pipeline AS pipeline, r.id AS id, r.attempt AS attempt, r.status AS status, r.status_raw AS status_raw,
    r.branch AS branch, r.trigger AS trigger, r.sha AS sha,
    r.actor AS actor, if(i.person != '', i.person, j.person) AS person, r.bot OR i.bot OR j.bot AS bot,
    r.created_at AS created_at, r.started_at AS started_at, r.finished_at AS finished_at,
    r.source AS source, r.scope AS scope, r.url AS url
FROM (SELECT * FROM raw_pipeline_runs FINAL) AS r
LEFT ANY JOIN catalog_bindings AS b ON b.provider = r.provider AND b.scope = lower(r.scope)
LEFT ANY JOIN (SELECT * FROM catalog_identities WHERE provider != '') AS i ON i.provider = r.provider AND i.login = lower(r.actor)
LEFT ANY JOIN (SELECT * FROM catalog_identities WHERE provider = '') AS j ON j.login = lower(r.actor)
SETTINGS join_use_nulls = 0;

CREATE VIEW pipeline_jobs AS
SELECT
    multiIf(r.service != '', r.service, b.service != '', b.service, concat('unmapped:', r.provider, '/', r.scope)) AS service,
    r.run_id AS run_id, r.attempt AS attempt, r.id AS id, r.name AS name, r.runner AS runner,
    r.status AS status, r.status_raw AS status_raw,
    r.created_at AS created_at, r.started_at AS started_at, r.finished_at AS finished_at,
    r.source AS source, r.scope AS scope, r.url AS url
FROM (SELECT * FROM raw_pipeline_jobs FINAL) AS r
LEFT ANY JOIN catalog_bindings AS b ON b.provider = r.provider AND b.scope = lower(r.scope)
SETTINGS join_use_nulls = 0;

CREATE VIEW changes AS
SELECT
    multiIf(r.service != '', r.service, b.service != '', b.service, concat('unmapped:', r.provider, '/', r.scope)) AS service,
    r.repository AS repository, r.id AS id, r.number AS number, r.title AS title,
    r.author AS author, if(i.person != '', i.person, j.person) AS person, r.bot OR i.bot OR j.bot AS bot,
    r.created_at AS created_at, r.first_commit_at AS first_commit_at, r.first_review_at AS first_review_at,
    r.approved_at AS approved_at, r.merged_at AS merged_at, r.closed_at AS closed_at,
    r.merge_sha AS merge_sha, r.head_sha AS head_sha, r.commit_shas AS commit_shas,
    r.additions AS additions, r.deletions AS deletions, r.reverts AS reverts,
    r.source AS source, r.scope AS scope, r.url AS url
FROM (SELECT * FROM raw_changes FINAL) AS r
LEFT ANY JOIN catalog_bindings AS b ON b.provider = r.provider AND b.scope = lower(r.scope)
LEFT ANY JOIN (SELECT * FROM catalog_identities WHERE provider != '') AS i ON i.provider = r.provider AND i.login = lower(r.author)
LEFT ANY JOIN (SELECT * FROM catalog_identities WHERE provider = '') AS j ON j.login = lower(r.author)
SETTINGS join_use_nulls = 0;

-- A change and the first successful deployment that brought it to an environment. It is known by commit when the
-- deployment is of the change's own merge commit, else by time: the first deployment that began after the merge. A
-- rollback brings nothing new and is left out. The first known deployment of a service to an environment is a baseline:
-- by time it delivers nothing, and neither does any later one deliver what was merged before it, or a newly connected
-- service would "ship" years of changes at once.
CREATE VIEW deployed_changes AS
WITH
    succeeded AS
    (
        SELECT
            multiIf(r.service != '', r.service, b.service != '', b.service, concat('unmapped:', r.provider, '/', r.scope)) AS service,
            if(e.environment != '', e.environment, lower(r.environment)) AS environment,
            r.id AS id, r.sha AS sha, r.source AS source, r.url AS url,
            assumeNotNull(coalesce(r.started_at, r.created_at, r.finished_at)) AS began,
            assumeNotNull(coalesce(r.finished_at, r.started_at, r.created_at)) AS ended
        FROM (SELECT * FROM raw_deployments FINAL) AS r
        LEFT ANY JOIN catalog_bindings AS b ON b.provider = r.provider AND b.scope = lower(r.scope)
        LEFT ANY JOIN catalog_environments AS e ON e.raw = lower(r.environment)
        WHERE r.status = 'succeeded' AND NOT r.baseline AND r.rollback_of = ''
            AND coalesce(r.started_at, r.created_at, r.finished_at) IS NOT NULL
    ),
    merged AS
    (
        SELECT
            multiIf(r.service != '', r.service, b.service != '', b.service, concat('unmapped:', r.provider, '/', r.scope)) AS service,
            r.scope AS scope, r.id AS change, r.merge_sha AS merge_sha, assumeNotNull(r.merged_at) AS merged
        FROM (SELECT * FROM raw_changes FINAL) AS r
        LEFT ANY JOIN catalog_bindings AS b ON b.provider = r.provider AND b.scope = lower(r.scope)
        WHERE r.merged_at IS NOT NULL
    ),
    first_known AS
    (
        SELECT service, environment, min(began) AS since FROM succeeded GROUP BY service, environment
    ),
    awaited AS
    (
        SELECT m.service AS service, f.environment AS environment, m.scope AS scope, m.change AS change, m.merged AS merged
        FROM merged AS m
        INNER JOIN first_known AS f ON f.service = m.service
        WHERE m.merged > f.since
    )
SELECT service, environment, change, deployment, how, deployed_at, scope, source, url
FROM
(
    SELECT m.service AS service, s.environment AS environment, m.change AS change, s.id AS deployment, 'commit' AS how,
        s.ended AS deployed_at, m.scope AS scope, s.source AS source, s.url AS url
    FROM merged AS m
    INNER JOIN succeeded AS s ON s.service = m.service AND s.sha = m.merge_sha
    WHERE m.merge_sha != ''
    UNION ALL
    SELECT a.service AS service, a.environment AS environment, a.change AS change, s.id AS deployment, 'time' AS how,
        s.ended AS deployed_at, a.scope AS scope, s.source AS source, s.url AS url
    FROM awaited AS a
    ASOF INNER JOIN succeeded AS s ON s.service = a.service AND s.environment = a.environment AND s.began >= a.merged
)
ORDER BY how, deployed_at, deployment
LIMIT 1 BY service, environment, scope, change
SETTINGS join_use_nulls = 0;

CREATE VIEW incidents AS
SELECT
    multiIf(r.service != '', r.service, b.service != '', b.service, concat('unmapped:', r.provider, '/', r.scope)) AS service,
    r.id AS id, r.severity AS severity, r.opened_at AS opened_at, r.acknowledged_at AS acknowledged_at,
    r.resolved_at AS resolved_at, r.deployment AS deployment, r.how AS how,
    r.source AS source, r.scope AS scope, r.url AS url
FROM (SELECT * FROM raw_incidents FINAL) AS r
LEFT ANY JOIN catalog_bindings AS b ON b.provider = r.provider AND b.scope = lower(r.scope)
SETTINGS join_use_nulls = 0;

-- What the catalog describes. created_at is the catalog's own word, when it has one.
CREATE VIEW entities AS
SELECT ref AS entity, kind, namespace, name, title, description, type, lifecycle, owner, system, depends_on, tags,
    created_at, location, 'catalog' AS source, '' AS url
FROM catalog_entities;

CREATE VIEW people AS
SELECT person, name, team, started_on, left_on, source, url FROM catalog_people;

-- A collector observes a scope ("unmapped:github/myorg/payment-service"); the catalog says which service that is.
CREATE VIEW facts AS
SELECT
    if(b.service != '', b.service, f.entity) AS entity,
    f.fact AS fact, f.type AS type, f.value AS value, f.observed_at AS observed_at, f.expires_at AS expires_at,
    f.error AS error, f.source AS source, f.url AS url
FROM (SELECT * FROM current_facts FINAL) AS f
LEFT ANY JOIN (SELECT concat('unmapped:', provider, '/', scope) AS ref, service FROM catalog_bindings) AS b ON b.ref = lower(f.entity)
WHERE entity IN (SELECT ref FROM catalog_entities)
ORDER BY observed_at DESC
LIMIT 1 BY entity, fact
SETTINGS join_use_nulls = 0;

CREATE VIEW grades AS
SELECT entity, scorecard, rule, rule_version, level, outcome, reason, evaluated_at, 'dxctl' AS source, url
FROM current_grades FINAL
WHERE entity IN (SELECT ref FROM catalog_entities);

CREATE VIEW action_runs AS
SELECT id, kind, entity, actor, plan, status, started_at, finished_at, source, url FROM raw_action_runs FINAL;

CREATE VIEW ledger AS
SELECT scope, kind, window_start, window_end, expected, stored, open, checked_at,
    toUInt64(if(stored >= expected, 0, expected - stored)) AS gap, note, source, url
FROM raw_ledger FINAL;
