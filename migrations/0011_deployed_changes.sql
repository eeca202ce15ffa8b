-- deployed_changes with the same rows. It reads the deployments four times instead of six, because the engine reads anew
-- for each name: what is known of a service stands in one row, and what its deployments cover beside them.

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
            multiIf(r.service != '', r.service, b.service != '', b.service, concat('unmapped:', r.provider, '/', r.scope)) AS service,
            if(e.environment != '', e.environment, lower(r.environment)) AS environment, r.environment_key AS environment_key,
            r.id AS id, r.attempt AS attempt, r.sha AS sha, r.source AS source, r.scope AS scope, r.url AS url,
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
            toString(r.provider) AS provider, lower(r.scope) AS repository, r.source AS source, r.scope AS scope, r.id AS change,
            r.merge_sha AS merge_sha, r.head_sha AS head_sha, r.commit_shas AS commit_shas, assumeNotNull(r.merged_at) AS merged
        FROM (SELECT * FROM raw_changes FINAL) AS r
        LEFT ANY JOIN catalog_bindings AS b ON b.provider = r.provider AND b.scope = lower(r.scope)
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
