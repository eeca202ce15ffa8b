-- What a deployment brought, as the history of a repository tells it: one row a deployment and repository, so that a later
-- comparison replaces the whole list in one step. authored and committed are Unix seconds, 0 where git's record has no
-- usable time. basis is a digest of what the comparison rests on.

CREATE TABLE raw_deployed_commits
(
    source LowCardinality(String),
    provider LowCardinality(String),
    scope String,
    deployment_source LowCardinality(String),
    deployment_scope String,
    id String,
    attempt UInt16,
    url String,
    sha String,
    previous String,
    comparison LowCardinality(String),
    reason String,
    basis String,
    commits Array(String),
    authored Array(Int64),
    committed Array(Int64),
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (source, scope, deployment_source, deployment_scope, id, attempt);

-- Which folder of which repository is which service, for services that share a repository. scope is in lower case.
CREATE TABLE catalog_paths
(
    provider LowCardinality(String),
    scope String,
    path String,
    service String
)
ENGINE = MergeTree
ORDER BY (provider, scope, path);

-- A commit and the deployment that brought it to an environment: the first that held it. scope is the repository.
CREATE VIEW deployed_commits AS
SELECT
    d.service AS service, d.environment AS environment, d.deployment AS deployment, d.attempt AS attempt,
    commit.1 AS sha,
    if(commit.2 = 0, NULL, toDateTime64(commit.2, 3, 'UTC')) AS authored_at,
    if(commit.3 = 0, NULL, toDateTime64(commit.3, 3, 'UTC')) AS committed_at,
    d.deployed_at AS deployed_at, c.scope AS scope, c.source AS source, d.url AS url
FROM
(
    SELECT source, scope, deployment_source, deployment_scope, id, attempt,
        arrayJoin(arrayZip(commits, authored, committed)) AS commit
    FROM raw_deployed_commits FINAL
) AS c
INNER JOIN
(
    SELECT service, environment, id AS deployment, attempt, source, scope, url,
        assumeNotNull(coalesce(finished_at, started_at, created_at)) AS deployed_at
    FROM deployments
    WHERE status = 'succeeded' AND NOT baseline AND rollback_of = '' AND coalesce(finished_at, started_at, created_at) IS NOT NULL
) AS d ON d.source = c.deployment_source AND d.scope = c.deployment_scope AND d.deployment = c.id AND d.attempt = c.attempt
SETTINGS join_use_nulls = 0;

-- What is known of the content of each deployment: how it was compared with the one before, or why it could not be.
CREATE VIEW compared_deployments AS
SELECT
    d.service AS service, d.environment AS environment, c.id AS deployment, c.attempt AS attempt, c.sha AS sha,
    c.previous AS previous, c.comparison AS comparison, c.reason AS reason, length(c.commits) AS commits,
    c.scope AS scope, c.source AS source, c.url AS url
FROM (SELECT * FROM raw_deployed_commits FINAL) AS c
INNER JOIN deployments AS d ON d.source = c.deployment_source AND d.scope = c.deployment_scope AND d.id = c.id AND d.attempt = c.attempt
SETTINGS join_use_nulls = 0;

-- A change and the first successful deployment that brought it to an environment. It is known by commit when the commits
-- that the deployment brought (deployed_commits) hold the change's merge commit or one of its own, or when the deployment
-- is of the merge commit; else by time: the first deployment that began after the merge, among those whose content in
-- the change's repository is not known. A deployment that holds only some commit of a change, neither its merge nor its
-- head, brings it only after it was merged: a change that is built upon another one lists that one's commits too. A
-- rollback brings nothing new and is left out. The first known deployment of a service to an environment is a baseline:
-- by time it delivers nothing, and neither does any later one deliver what was merged before it, or a newly connected
-- service would "ship" years of changes at once.
CREATE OR REPLACE VIEW deployed_changes AS
WITH
    succeeded AS
    (
        SELECT
            multiIf(r.service != '', r.service, b.service != '', b.service, concat('unmapped:', r.provider, '/', r.scope)) AS service,
            if(e.environment != '', e.environment, lower(r.environment)) AS environment,
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
            r.provider AS provider, lower(r.scope) AS repository, r.scope AS scope, r.id AS change,
            r.merge_sha AS merge_sha, r.head_sha AS head_sha, r.commit_shas AS commit_shas, assumeNotNull(r.merged_at) AS merged
        FROM (SELECT * FROM raw_changes FINAL) AS r
        LEFT ANY JOIN catalog_bindings AS b ON b.provider = r.provider AND b.scope = lower(r.scope)
        WHERE r.merged_at IS NOT NULL
    ),
    compared AS
    (
        SELECT provider, lower(scope) AS repository, deployment_source, deployment_scope, id, attempt
        FROM (SELECT * FROM raw_deployed_commits FINAL)
        WHERE comparison != 'unknown'
    ),
    shipped AS
    (
        SELECT provider, lower(scope) AS repository, deployment_source, deployment_scope, id, attempt, arrayJoin(commits) AS sha
        FROM (SELECT * FROM raw_deployed_commits FINAL)
    ),
    held AS
    (
        SELECT provider, repository, scope, change, merged, sha, sha = merge_sha OR sha = head_sha AS whole
        FROM merged
        ARRAY JOIN arrayDistinct(arrayFilter(x -> x != '', arrayConcat([merge_sha, head_sha], commit_shas))) AS sha
    ),
    covered AS
    (
        SELECT DISTINCT s.service AS service, c.provider AS provider, c.repository AS repository
        FROM compared AS c
        INNER JOIN succeeded AS s ON s.source = c.deployment_source AND s.scope = c.deployment_scope AND s.id = c.id AND s.attempt = c.attempt
    ),
    first_known AS
    (
        SELECT service, environment, min(began) AS since FROM succeeded GROUP BY service, environment
    ),
    awaited AS
    (
        SELECT m.service AS service, f.environment AS environment, m.scope AS scope, m.change AS change, m.merged AS merged,
            toUInt8(v.service != '' AND m.merge_sha != '') AS told
        FROM merged AS m
        INNER JOIN first_known AS f ON f.service = m.service
        LEFT ANY JOIN covered AS v ON v.service = m.service AND v.provider = m.provider AND v.repository = m.repository
        WHERE m.merged > f.since
    ),
    candidates AS
    (
        SELECT service, environment, id, source, url, began, ended, toUInt8(0) AS told FROM succeeded
        UNION ALL
        SELECT s.service AS service, s.environment AS environment, s.id AS id, s.source AS source, s.url AS url, s.began AS began,
            s.ended AS ended, toUInt8(1) AS told
        FROM succeeded AS s
        LEFT ANTI JOIN compared AS c ON c.deployment_source = s.source AND c.deployment_scope = s.scope AND c.id = s.id AND c.attempt = s.attempt
    )
SELECT service, environment, change, deployment, how, deployed_at, scope, source, url
FROM
(
    SELECT s.service AS service, s.environment AS environment, w.change AS change, s.id AS deployment, 'commit' AS how,
        toUInt8(NOT w.whole) AS part, s.ended AS deployed_at, w.scope AS scope, s.source AS source, s.url AS url
    FROM held AS w
    INNER JOIN shipped AS c ON c.provider = w.provider AND c.repository = w.repository AND c.sha = w.sha
    INNER JOIN succeeded AS s ON s.source = c.deployment_source AND s.scope = c.deployment_scope AND s.id = c.id AND s.attempt = c.attempt
    WHERE w.whole OR s.ended >= w.merged
    UNION ALL
    SELECT m.service AS service, s.environment AS environment, m.change AS change, s.id AS deployment, 'commit' AS how,
        toUInt8(0) AS part, s.ended AS deployed_at, m.scope AS scope, s.source AS source, s.url AS url
    FROM merged AS m
    INNER JOIN succeeded AS s ON s.service = m.service AND s.sha = m.merge_sha
    WHERE m.merge_sha != ''
    UNION ALL
    SELECT a.service AS service, a.environment AS environment, a.change AS change, s.id AS deployment, 'time' AS how,
        toUInt8(0) AS part, s.ended AS deployed_at, a.scope AS scope, s.source AS source, s.url AS url
    FROM awaited AS a
    ASOF INNER JOIN candidates AS s ON s.service = a.service AND s.environment = a.environment AND s.told = a.told AND s.began >= a.merged
)
ORDER BY how, part, deployed_at, deployment
LIMIT 1 BY service, environment, scope, change
SETTINGS join_use_nulls = 0;
