-- The public names of an id are those of an id,
-- and how a link is known has one name. Views only: no stored row changes.
-- deployed_changes: change, deployment, how become change_id, deployment_id, link_method; incidents: deployment and how
-- alike; deployed_commits and compared_deployments: deployment becomes deployment_id, so that all of them join alike.

CREATE OR REPLACE VIEW incidents AS
SELECT
    multiIf(r.service != '', r.service, o.service != '', o.service, b.service != '', b.service,
        concat('unmapped:', r.provider, '/', r.scope)) AS service,
    r.id AS id, if(r.resolved OR r.resolved_at IS NOT NULL, 'resolved', 'open') AS status, r.severity AS severity,
    r.opened_at AS opened_at, r.acknowledged_at AS acknowledged_at, r.resolved_at AS resolved_at,
    r.deployment AS deployment_id, r.how AS link_method,
    r.source AS source, r.scope AS scope, r.url AS url
FROM (SELECT * FROM raw_incidents FINAL) AS r
LEFT ANY JOIN (SELECT * FROM catalog_bindings WHERE source = '') AS b ON b.provider = r.provider
    AND b.scope = lower(r.scope)
LEFT ANY JOIN (SELECT * FROM catalog_bindings WHERE source != '') AS o
    ON o.provider = r.provider AND o.source = r.source AND o.scope = lower(r.scope)
SETTINGS join_use_nulls = 0;

CREATE OR REPLACE VIEW deployed_changes AS
WITH
    succeeded AS
    (
        SELECT
            multiIf(r.service != '', r.service, o.service != '', o.service, b.service != '', b.service,
                concat('unmapped:', r.provider, '/', r.scope)) AS service,
            if(e.environment != '', e.environment, lower(r.environment)) AS environment,
                r.environment_key AS environment_key,
            r.id AS id, r.attempt AS attempt, r.sha AS sha, r.source AS source, r.scope AS scope, r.url AS url,
            assumeNotNull(coalesce(r.started_at, r.created_at, r.finished_at)) AS began,
            assumeNotNull(coalesce(r.finished_at, r.started_at, r.created_at)) AS ended
        FROM (SELECT * FROM raw_deployments FINAL) AS r
        LEFT ANY JOIN (SELECT * FROM catalog_bindings WHERE source = '') AS b ON b.provider = r.provider
            AND b.scope = lower(r.scope)
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
            toString(r.provider) AS provider, lower(r.scope) AS repository, r.source AS source, r.scope AS scope,
                r.id AS change_id,
            r.merge_sha AS merge_sha, r.head_sha AS head_sha, r.commit_shas AS commit_shas,
                assumeNotNull(r.merged_at) AS merged
        FROM (SELECT * FROM raw_changes FINAL) AS r
        LEFT ANY JOIN (SELECT * FROM catalog_bindings WHERE source = '') AS b ON b.provider = r.provider
            AND b.scope = lower(r.scope)
        LEFT ANY JOIN (SELECT * FROM catalog_bindings WHERE source != '') AS o
            ON o.provider = r.provider AND o.source = r.source AND o.scope = lower(r.scope)
        WHERE r.merged_at IS NOT NULL
    ),
    shipped AS
    (
        SELECT provider, lower(scope) AS repository, deployment_source, deployment_scope, deployment_environment, id,
            attempt,
            arrayJoin(commits) AS sha
        FROM (SELECT * FROM raw_deployed_commits FINAL)
    ),
    held AS
    (
        SELECT provider, repository, source, scope, change_id, merged, sha, sha = merge_sha OR sha = head_sha AS whole
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
        SELECT s.service AS service, s.environment AS environment, s.environment_key AS environment_key, s.id AS id,
            s.attempt AS attempt,
            s.source AS source, s.scope AS scope, s.url AS url, s.began AS began, s.ended AS ended, c.covers AS covers
        FROM succeeded AS s
        LEFT ANY JOIN contents AS c ON c.deployment_source = s.source AND c.deployment_scope = s.scope
            AND c.deployment_environment = s.environment_key AND c.id = s.id AND c.attempt = s.attempt
    ),
    services AS
    (
        SELECT service, groupArray((environment, since)) AS environments, groupUniqArrayArray(covers) AS covers
        FROM (SELECT service, environment, min(began) AS since, groupUniqArrayArray(covers) AS covers
            FROM compared GROUP BY service, environment)
        GROUP BY service
    ),
    awaited AS
    (
        SELECT service, place.1 AS environment, source, scope, change_id, merged, told
        FROM
        (
            SELECT m.service AS service, m.source AS source, m.scope AS scope, m.change_id AS change_id,
                m.merged AS merged,
                arrayJoin(f.environments) AS place, toUInt8(has(f.covers, (m.provider, m.repository))
                    AND m.merge_sha != '') AS told
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
SELECT service, environment, change_id, deployment_id, link_method, deployed_at, scope, source, url, change_source,
    deployment_scope, attempt
FROM
(
    SELECT s.service AS service, s.environment AS environment, w.change_id AS change_id, s.id AS deployment_id,
        'commit' AS link_method,
        toUInt8(NOT w.whole) AS part, s.ended AS deployed_at, w.scope AS scope, s.source AS source, s.url AS url,
        w.source AS change_source, s.scope AS deployment_scope, s.attempt AS attempt
    FROM held AS w
    INNER JOIN shipped AS c ON c.provider = w.provider AND c.repository = w.repository AND c.sha = w.sha
    INNER JOIN succeeded AS s ON s.source = c.deployment_source AND s.scope = c.deployment_scope
        AND s.environment_key = c.deployment_environment AND s.id = c.id AND s.attempt = c.attempt
    WHERE w.whole OR s.ended >= w.merged
    UNION ALL
    SELECT m.service AS service, s.environment AS environment, m.change_id AS change_id, s.id AS deployment_id,
        'commit' AS link_method,
        toUInt8(0) AS part, s.ended AS deployed_at, m.scope AS scope, s.source AS source, s.url AS url,
        m.source AS change_source, s.scope AS deployment_scope, s.attempt AS attempt
    FROM merged AS m
    INNER JOIN succeeded AS s ON s.service = m.service AND s.sha = m.merge_sha
    WHERE m.merge_sha != ''
    UNION ALL
    SELECT a.service AS service, a.environment AS environment, a.change_id AS change_id, s.id AS deployment_id,
        'time' AS link_method,
        toUInt8(0) AS part, s.ended AS deployed_at, a.scope AS scope, s.source AS source, s.url AS url,
        a.source AS change_source, s.scope AS deployment_scope, s.attempt AS attempt
    FROM awaited AS a
    ASOF INNER JOIN candidates AS s ON s.service = a.service AND s.environment = a.environment
        AND s.told = a.told AND s.began >= a.merged
)
ORDER BY link_method, part, deployed_at, deployment_id, source, deployment_scope, attempt, url
LIMIT 1 BY service, environment, change_source, scope, change_id
SETTINGS join_use_nulls = 0;

CREATE OR REPLACE VIEW deployed_commits AS
SELECT
    d.service AS service, d.environment AS environment, d.deployment_id AS deployment_id, d.attempt AS attempt,
    commit.1 AS sha,
    if(commit.2 = 0, NULL, toDateTime64(commit.2, 3, 'UTC')) AS authored_at,
    if(commit.3 = 0, NULL, toDateTime64(commit.3, 3, 'UTC')) AS committed_at,
    d.deployed_at AS deployed_at, c.scope AS scope, c.source AS source, d.url AS url,
    d.source AS deployment_source, d.scope AS deployment_scope
FROM
(
    SELECT source, scope, deployment_source, deployment_scope, deployment_environment, id, attempt,
        arrayJoin(arrayZip(commits, authored, committed)) AS commit
    FROM raw_deployed_commits FINAL
) AS c
INNER JOIN
(
    SELECT service, environment, environment_key, id AS deployment_id, attempt, source, scope, url,
        assumeNotNull(coalesce(finished_at, started_at, created_at)) AS deployed_at
    FROM deployments
    WHERE status = 'succeeded' AND NOT baseline AND rollback_of = '' AND coalesce(finished_at, started_at,
        created_at) IS NOT NULL
) AS d ON d.source = c.deployment_source AND d.scope = c.deployment_scope
    AND d.environment_key = c.deployment_environment
    AND d.deployment_id = c.id AND d.attempt = c.attempt
SETTINGS join_use_nulls = 0;

CREATE OR REPLACE VIEW compared_deployments AS
SELECT
    d.service AS service, d.environment AS environment, c.id AS deployment_id, c.attempt AS attempt, c.sha AS sha,
    c.previous AS previous, c.comparison AS comparison, c.reason AS reason, length(c.commits) AS commits,
    c.scope AS scope, c.source AS source, c.url AS url, d.source AS deployment_source, d.scope AS deployment_scope
FROM (SELECT * FROM raw_deployed_commits FINAL) AS c
INNER JOIN deployments AS d ON d.source = c.deployment_source AND d.scope = c.deployment_scope
    AND d.environment_key = c.deployment_environment AND d.id = c.id AND d.attempt = c.attempt
SETTINGS join_use_nulls = 0;
