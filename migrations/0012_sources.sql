-- A scope is a source's: two sources of one provider may each have a scope of the same name (two GitHub servers). A
-- binding with a source holds for the records of that source alone and comes before one without, which holds for all.
ALTER TABLE catalog_bindings ADD COLUMN source LowCardinality(String) AFTER scope;

-- An incident may be over although nobody knows since when. What was stored before is over where it has a time.
ALTER TABLE raw_incidents ADD COLUMN resolved Bool AFTER acknowledged_at;

CREATE OR REPLACE VIEW deployments AS
SELECT
    multiIf(r.service != '', r.service, o.service != '', o.service, b.service != '', b.service,
        concat('unmapped:', r.provider, '/', r.scope)) AS service,
    if(e.environment != '', e.environment, lower(r.environment)) AS environment,
    r.id AS id, r.attempt AS attempt, r.status AS status, r.status_raw AS status_raw,
    r.created_at AS created_at, r.started_at AS started_at, r.finished_at AS finished_at,
    r.sha AS sha, r.ref AS ref, r.version AS version,
    r.actor AS actor, if(i.person != '', i.person, j.person) AS person, r.bot OR i.bot OR j.bot AS bot,
    r.trigger AS trigger, r.baseline AS baseline, r.rollback_of AS rollback_of,
    r.environment AS environment_raw, r.environment_key AS environment_key, r.source AS source, r.scope AS scope, r.url AS url
FROM (SELECT * FROM raw_deployments FINAL) AS r
LEFT ANY JOIN (SELECT * FROM catalog_bindings WHERE source = '') AS b ON b.provider = r.provider AND b.scope = lower(r.scope)
LEFT ANY JOIN (SELECT * FROM catalog_bindings WHERE source != '') AS o
    ON o.provider = r.provider AND o.source = r.source AND o.scope = lower(r.scope)
LEFT ANY JOIN catalog_environments AS e ON e.raw = lower(r.environment)
LEFT ANY JOIN (SELECT * FROM catalog_identities WHERE provider != '') AS i ON i.provider = r.provider AND i.login = lower(r.actor)
LEFT ANY JOIN (SELECT * FROM catalog_identities WHERE provider = '') AS j ON j.login = lower(r.actor)
SETTINGS join_use_nulls = 0;

CREATE OR REPLACE VIEW pipeline_runs AS
SELECT
    multiIf(r.service != '', r.service, o.service != '', o.service, b.service != '', b.service,
        concat('unmapped:', r.provider, '/', r.scope)) AS service,
    r.pipeline AS pipeline, r.id AS id, r.attempt AS attempt, r.status AS status, r.status_raw AS status_raw,
    r.branch AS branch, r.trigger AS trigger, r.sha AS sha,
    r.actor AS actor, if(i.person != '', i.person, j.person) AS person, r.bot OR i.bot OR j.bot AS bot,
    r.created_at AS created_at, r.started_at AS started_at, r.finished_at AS finished_at, r.duration_ms AS duration_ms,
    r.source AS source, r.scope AS scope, r.url AS url
FROM (SELECT * FROM raw_pipeline_runs FINAL) AS r
LEFT ANY JOIN (SELECT * FROM catalog_bindings WHERE source = '') AS b ON b.provider = r.provider AND b.scope = lower(r.scope)
LEFT ANY JOIN (SELECT * FROM catalog_bindings WHERE source != '') AS o
    ON o.provider = r.provider AND o.source = r.source AND o.scope = lower(r.scope)
LEFT ANY JOIN (SELECT * FROM catalog_identities WHERE provider != '') AS i ON i.provider = r.provider AND i.login = lower(r.actor)
LEFT ANY JOIN (SELECT * FROM catalog_identities WHERE provider = '') AS j ON j.login = lower(r.actor)
SETTINGS join_use_nulls = 0;

CREATE OR REPLACE VIEW pipeline_jobs AS
SELECT
    multiIf(r.service != '', r.service, o.service != '', o.service, b.service != '', b.service,
        concat('unmapped:', r.provider, '/', r.scope)) AS service,
    r.run_id AS run_id, r.attempt AS attempt, r.id AS id, r.name AS name, r.runner AS runner,
    r.status AS status, r.status_raw AS status_raw,
    r.created_at AS created_at, r.started_at AS started_at, r.finished_at AS finished_at,
    r.source AS source, r.scope AS scope, r.url AS url
FROM (SELECT * FROM raw_pipeline_jobs FINAL) AS r
LEFT ANY JOIN (SELECT * FROM catalog_bindings WHERE source = '') AS b ON b.provider = r.provider AND b.scope = lower(r.scope)
LEFT ANY JOIN (SELECT * FROM catalog_bindings WHERE source != '') AS o
    ON o.provider = r.provider AND o.source = r.source AND o.scope = lower(r.scope)
SETTINGS join_use_nulls = 0;

CREATE OR REPLACE VIEW changes AS
SELECT
    multiIf(r.service != '', r.service, o.service != '', o.service, b.service != '', b.service,
        concat('unmapped:', r.provider, '/', r.scope)) AS service,
    r.repository AS repository, r.id AS id, r.number AS number, r.title AS title,
    r.author AS author, if(i.person != '', i.person, j.person) AS person, r.bot OR i.bot OR j.bot AS bot,
    r.created_at AS created_at, r.first_commit_at AS first_commit_at, r.first_review_at AS first_review_at,
    r.approved_at AS approved_at, r.merged_at AS merged_at, r.closed_at AS closed_at,
    r.merge_sha AS merge_sha, r.head_sha AS head_sha, r.commit_shas AS commit_shas,
    r.additions AS additions, r.deletions AS deletions, r.reverts AS reverts,
    r.source AS source, r.scope AS scope, r.url AS url
FROM (SELECT * FROM raw_changes FINAL) AS r
LEFT ANY JOIN (SELECT * FROM catalog_bindings WHERE source = '') AS b ON b.provider = r.provider AND b.scope = lower(r.scope)
LEFT ANY JOIN (SELECT * FROM catalog_bindings WHERE source != '') AS o
    ON o.provider = r.provider AND o.source = r.source AND o.scope = lower(r.scope)
LEFT ANY JOIN (SELECT * FROM catalog_identities WHERE provider != '') AS i ON i.provider = r.provider AND i.login = lower(r.author)
LEFT ANY JOIN (SELECT * FROM catalog_identities WHERE provider = '') AS j ON j.login = lower(r.author)
SETTINGS join_use_nulls = 0;

CREATE OR REPLACE VIEW incidents AS
SELECT
    multiIf(r.service != '', r.service, o.service != '', o.service, b.service != '', b.service,
        concat('unmapped:', r.provider, '/', r.scope)) AS service,
    r.id AS id, if(r.resolved OR r.resolved_at IS NOT NULL, 'resolved', 'open') AS status, r.severity AS severity,
    r.opened_at AS opened_at, r.acknowledged_at AS acknowledged_at, r.resolved_at AS resolved_at, r.deployment AS deployment, r.how AS how,
    r.source AS source, r.scope AS scope, r.url AS url
FROM (SELECT * FROM raw_incidents FINAL) AS r
LEFT ANY JOIN (SELECT * FROM catalog_bindings WHERE source = '') AS b ON b.provider = r.provider AND b.scope = lower(r.scope)
LEFT ANY JOIN (SELECT * FROM catalog_bindings WHERE source != '') AS o
    ON o.provider = r.provider AND o.source = r.source AND o.scope = lower(r.scope)
SETTINGS join_use_nulls = 0;

CREATE OR REPLACE VIEW ledger AS
SELECT
    l.scope AS scope, l.kind AS kind, l.window_start AS window_start, l.window_end AS window_end, l.expected AS expected,
    l.stored AS stored, l.open AS open, l.checked_at AS checked_at,
    toUInt64(if(l.stored >= l.expected, 0, l.expected - l.stored)) AS gap, l.note AS note, l.source AS source, l.url AS url,
    l.provider AS provider,
    multiIf(o.service != '', o.service, b.service != '', b.service, l.provider != '', concat('unmapped:', l.provider, '/', l.scope), '') AS service
FROM (SELECT * FROM raw_ledger FINAL) AS l
LEFT ANY JOIN (SELECT * FROM catalog_bindings WHERE source = '') AS b ON b.provider = l.provider AND b.scope = lower(l.scope)
LEFT ANY JOIN (SELECT * FROM catalog_bindings WHERE source != '') AS o
    ON o.provider = l.provider AND o.source = l.source AND o.scope = lower(l.scope)
SETTINGS join_use_nulls = 0;

-- A collector observes a scope ("unmapped:github/myorg/payment-service"); the catalog says which service that is. Where
-- several sources or scopes tell a fact of one entity, a value that has not expired comes before one that has and before
-- the reason why there is none, then the latest one; what ties is decided by its content, never by the order of arrival.
CREATE OR REPLACE VIEW facts AS
SELECT
    multiIf(o.service != '', o.service, b.service != '', b.service, f.entity) AS entity,
    f.fact AS fact, f.type AS type, f.value AS value, f.observed_at AS observed_at, f.expires_at AS expires_at,
    f.error AS error, f.source AS source, f.url AS url
FROM (SELECT * FROM current_facts FINAL) AS f
LEFT ANY JOIN (SELECT concat('unmapped:', provider, '/', scope) AS ref, service FROM catalog_bindings WHERE source = '') AS b
    ON b.ref = lower(f.entity)
LEFT ANY JOIN (SELECT concat('unmapped:', provider, '/', scope) AS ref, source, service FROM catalog_bindings WHERE source != '') AS o
    ON o.ref = lower(f.entity) AND o.source = f.source
WHERE entity IN (SELECT ref FROM catalog_entities)
ORDER BY f.error = '' AND ifNull(f.expires_at > now64(3), true) DESC, observed_at DESC, error, source, f.entity, type, value, url
LIMIT 1 BY entity, fact
SETTINGS join_use_nulls = 0;

-- A change and the first successful deployment that brought it to an environment. It is known by commit when the commits
-- that the deployment brought (deployed_commits) hold the change's merge commit or one of its own, or when the deployment
-- is of the merge commit; else by time: the first deployment that began after the merge, among those whose content in
-- the change's repository is not known. A deployment that holds only some commit of a change, neither its merge nor its
-- head, brings it only after it was merged: a change that is built upon another one lists that one's commits too. A
-- rollback brings nothing new and is left out. The first known deployment of a service to an environment is a baseline:
-- by time it delivers nothing, and neither does any later one deliver what was merged before it, or a newly connected
-- service would "ship" years of changes at once.
--
-- A change is one of its source: two sources may have the same scope and id. It meets the deployments of other sources by
-- what both saw: the commit and the service. Of several deployments at the same time their own identity decides.
CREATE OR REPLACE VIEW deployed_changes AS
WITH
    succeeded AS
    (
        SELECT
            multiIf(r.service != '', r.service, o.service != '', o.service, b.service != '', b.service,
                concat('unmapped:', r.provider, '/', r.scope)) AS service,
            if(e.environment != '', e.environment, lower(r.environment)) AS environment, r.environment_key AS environment_key,
            r.id AS id, r.attempt AS attempt, r.sha AS sha, r.source AS source, r.scope AS scope, r.url AS url,
            assumeNotNull(coalesce(r.started_at, r.created_at, r.finished_at)) AS began,
            assumeNotNull(coalesce(r.finished_at, r.started_at, r.created_at)) AS ended
        FROM (SELECT * FROM raw_deployments FINAL) AS r
        LEFT ANY JOIN (SELECT * FROM catalog_bindings WHERE source = '') AS b ON b.provider = r.provider AND b.scope = lower(r.scope)
        LEFT ANY JOIN (SELECT * FROM catalog_bindings WHERE source != '') AS o
            ON o.provider = r.provider AND o.source = r.source AND o.scope = lower(r.scope)
        LEFT ANY JOIN catalog_environments AS e ON e.raw = lower(r.environment)
        WHERE r.status = 'succeeded' AND NOT r.baseline AND r.rollback_of = ''
            AND coalesce(r.started_at, r.created_at, r.finished_at) IS NOT NULL
    ),
    merged AS
    (
        SELECT
            multiIf(r.service != '', r.service, o.service != '', o.service, b.service != '', b.service,
                concat('unmapped:', r.provider, '/', r.scope)) AS service,
            toString(r.provider) AS provider, lower(r.scope) AS repository, r.source AS source, r.scope AS scope, r.id AS change,
            r.merge_sha AS merge_sha, r.head_sha AS head_sha, r.commit_shas AS commit_shas, assumeNotNull(r.merged_at) AS merged
        FROM (SELECT * FROM raw_changes FINAL) AS r
        LEFT ANY JOIN (SELECT * FROM catalog_bindings WHERE source = '') AS b ON b.provider = r.provider AND b.scope = lower(r.scope)
        LEFT ANY JOIN (SELECT * FROM catalog_bindings WHERE source != '') AS o
            ON o.provider = r.provider AND o.source = r.source AND o.scope = lower(r.scope)
        WHERE r.merged_at IS NOT NULL
    ),
    shipped AS
    (
        SELECT provider, lower(scope) AS repository, deployment_source, deployment_scope, deployment_environment, id, attempt,
            arrayJoin(commits) AS sha
        FROM (SELECT * FROM raw_deployed_commits FINAL)
    ),
    held AS
    (
        SELECT provider, repository, source, scope, change, merged, sha, sha = merge_sha OR sha = head_sha AS whole
        FROM merged
        ARRAY JOIN arrayDistinct(arrayFilter(x -> x != '', arrayConcat([merge_sha, head_sha], commit_shas))) AS sha
    ),
    contents AS
    (
        SELECT deployment_source, deployment_scope, deployment_environment, id, attempt,
            groupUniqArray((toString(provider), lower(scope))) AS covers
        FROM (SELECT * FROM raw_deployed_commits FINAL)
        WHERE comparison != 'unknown'
        GROUP BY deployment_source, deployment_scope, deployment_environment, id, attempt
    ),
    compared AS
    (
        SELECT s.service AS service, s.environment AS environment, s.environment_key AS environment_key, s.id AS id, s.attempt AS attempt,
            s.source AS source, s.scope AS scope, s.url AS url, s.began AS began, s.ended AS ended, c.covers AS covers
        FROM succeeded AS s
        LEFT ANY JOIN contents AS c ON c.deployment_source = s.source AND c.deployment_scope = s.scope
            AND c.deployment_environment = s.environment_key AND c.id = s.id AND c.attempt = s.attempt
    ),
    services AS
    (
        SELECT service, groupArray((environment, since)) AS environments, groupUniqArrayArray(covers) AS covers
        FROM (SELECT service, environment, min(began) AS since, groupUniqArrayArray(covers) AS covers FROM compared GROUP BY service, environment)
        GROUP BY service
    ),
    awaited AS
    (
        SELECT service, place.1 AS environment, source, scope, change, merged, told
        FROM
        (
            SELECT m.service AS service, m.source AS source, m.scope AS scope, m.change AS change, m.merged AS merged,
                arrayJoin(f.environments) AS place, toUInt8(has(f.covers, (m.provider, m.repository)) AND m.merge_sha != '') AS told
            FROM merged AS m
            INNER JOIN services AS f ON f.service = m.service
        )
        WHERE merged > place.2
    ),
    candidates AS
    (
        SELECT service, environment, environment_key, id, attempt, source, scope, url, began, ended,
            toUInt8(arrayJoin(if(empty(covers), [0, 1], [0]))) AS told
        FROM compared
        ORDER BY ended, id, source, scope, attempt, environment_key
        LIMIT 1 BY service, environment, told, began
    )
SELECT service, environment, change, deployment, how, deployed_at, scope, source, url, change_source, deployment_scope, attempt
FROM
(
    SELECT s.service AS service, s.environment AS environment, w.change AS change, s.id AS deployment, 'commit' AS how,
        toUInt8(NOT w.whole) AS part, s.ended AS deployed_at, w.scope AS scope, s.source AS source, s.url AS url,
        w.source AS change_source, s.scope AS deployment_scope, s.attempt AS attempt
    FROM held AS w
    INNER JOIN shipped AS c ON c.provider = w.provider AND c.repository = w.repository AND c.sha = w.sha
    INNER JOIN succeeded AS s ON s.source = c.deployment_source AND s.scope = c.deployment_scope
        AND s.environment_key = c.deployment_environment AND s.id = c.id AND s.attempt = c.attempt
    WHERE w.whole OR s.ended >= w.merged
    UNION ALL
    SELECT m.service AS service, s.environment AS environment, m.change AS change, s.id AS deployment, 'commit' AS how,
        toUInt8(0) AS part, s.ended AS deployed_at, m.scope AS scope, s.source AS source, s.url AS url,
        m.source AS change_source, s.scope AS deployment_scope, s.attempt AS attempt
    FROM merged AS m
    INNER JOIN succeeded AS s ON s.service = m.service AND s.sha = m.merge_sha
    WHERE m.merge_sha != ''
    UNION ALL
    SELECT a.service AS service, a.environment AS environment, a.change AS change, s.id AS deployment, 'time' AS how,
        toUInt8(0) AS part, s.ended AS deployed_at, a.scope AS scope, s.source AS source, s.url AS url,
        a.source AS change_source, s.scope AS deployment_scope, s.attempt AS attempt
    FROM awaited AS a
    ASOF INNER JOIN candidates AS s ON s.service = a.service AND s.environment = a.environment AND s.told = a.told AND s.began >= a.merged
)
ORDER BY how, part, deployed_at, deployment, source, deployment_scope, attempt, url
LIMIT 1 BY service, environment, change_source, scope, change
SETTINGS join_use_nulls = 0;
