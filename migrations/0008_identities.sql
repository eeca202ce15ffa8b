-- Identities that hold all that tells two records apart. A producer that pushes events may use one id for several
-- environments (a build number, a version), so there the environment is a part of a deployment's identity:
-- environment_key. It is empty where the source's own ids are unique, so that a source that corrects the environment of a
-- deployment replaces it.
ALTER TABLE raw_deployments
    ADD COLUMN environment_key LowCardinality(String) AFTER environment,
    MODIFY ORDER BY (source, scope, id, attempt, environment_key);

-- What was pushed before gets its key. A key cannot be updated, so the rows are written anew and the old ones removed.
INSERT INTO raw_deployments
SELECT * REPLACE (lower(environment) AS environment_key)
FROM (SELECT * FROM raw_deployments FINAL WHERE provider = 'push' AND environment_key = '' AND environment != '');

ALTER TABLE raw_deployments DELETE
WHERE provider = 'push' AND environment_key = '' AND (source, scope, id, attempt) IN
    (SELECT source, scope, id, attempt FROM raw_deployments WHERE environment_key != '')
SETTINGS mutations_sync = 2;

ALTER TABLE raw_deployed_commits
    ADD COLUMN deployment_environment LowCardinality(String) AFTER deployment_scope,
    MODIFY ORDER BY (source, scope, deployment_source, deployment_scope, id, attempt, deployment_environment);

INSERT INTO raw_deployed_commits
SELECT c.* REPLACE (d.environment_key AS deployment_environment)
FROM (SELECT * FROM raw_deployed_commits FINAL WHERE deployment_environment = '') AS c
INNER JOIN (SELECT source, scope, id, attempt, environment_key FROM raw_deployments FINAL WHERE environment_key != '') AS d
    ON d.source = c.deployment_source AND d.scope = c.deployment_scope AND d.id = c.id AND d.attempt = c.attempt;

ALTER TABLE raw_deployed_commits DELETE
WHERE deployment_environment = '' AND (deployment_source, deployment_scope, id, attempt) IN
    (SELECT source, scope, id, attempt FROM raw_deployments WHERE environment_key != '')
SETTINGS mutations_sync = 2;

-- Which provider's scope the ledger counts; the name of a scope alone may be that of another provider's too. What was
-- counted before gets the provider of its source's records; of a source without any it is not known until it is read.
ALTER TABLE raw_ledger ADD COLUMN provider LowCardinality(String) AFTER source;

INSERT INTO raw_ledger
SELECT l.* REPLACE (p.only AS provider, l.seq + 1 AS seq)
FROM (SELECT * FROM raw_ledger FINAL WHERE provider = '') AS l
INNER JOIN
(
    SELECT source, min(provider) AS only
    FROM
    (
        SELECT DISTINCT source, provider FROM raw_deployments
        UNION ALL
        SELECT DISTINCT source, provider FROM raw_pipeline_runs
        UNION ALL
        SELECT DISTINCT source, provider FROM raw_changes
        UNION ALL
        SELECT DISTINCT source, provider FROM raw_incidents
    )
    GROUP BY source
    HAVING uniqExact(provider) = 1
) AS p ON p.source = l.source;

CREATE OR REPLACE VIEW ledger AS
SELECT
    l.scope AS scope, l.kind AS kind, l.window_start AS window_start, l.window_end AS window_end, l.expected AS expected,
    l.stored AS stored, l.open AS open, l.checked_at AS checked_at,
    toUInt64(if(l.stored >= l.expected, 0, l.expected - l.stored)) AS gap, l.note AS note, l.source AS source, l.url AS url,
    l.provider AS provider,
    multiIf(b.service != '', b.service, l.provider != '', concat('unmapped:', l.provider, '/', l.scope), '') AS service
FROM (SELECT * FROM raw_ledger FINAL) AS l
LEFT ANY JOIN catalog_bindings AS b ON b.provider = l.provider AND b.scope = lower(l.scope)
SETTINGS join_use_nulls = 0;

CREATE OR REPLACE VIEW deployments AS
SELECT
    multiIf(r.service != '', r.service, b.service != '', b.service, concat('unmapped:', r.provider, '/', r.scope)) AS service,
    if(e.environment != '', e.environment, lower(r.environment)) AS environment,
    r.id AS id, r.attempt AS attempt, r.status AS status, r.status_raw AS status_raw,
    r.created_at AS created_at, r.started_at AS started_at, r.finished_at AS finished_at,
    r.sha AS sha, r.ref AS ref, r.version AS version,
    r.actor AS actor, if(i.person != '', i.person, j.person) AS person, r.bot OR i.bot OR j.bot AS bot,
    r.trigger AS trigger, r.baseline AS baseline, r.rollback_of AS rollback_of,
    r.environment AS environment_raw, r.environment_key AS environment_key, r.source AS source, r.scope AS scope, r.url AS url
FROM (SELECT * FROM raw_deployments FINAL) AS r
LEFT ANY JOIN catalog_bindings AS b ON b.provider = r.provider AND b.scope = lower(r.scope)
LEFT ANY JOIN catalog_environments AS e ON e.raw = lower(r.environment)
LEFT ANY JOIN (SELECT * FROM catalog_identities WHERE provider != '') AS i ON i.provider = r.provider AND i.login = lower(r.actor)
LEFT ANY JOIN (SELECT * FROM catalog_identities WHERE provider = '') AS j ON j.login = lower(r.actor)
SETTINGS join_use_nulls = 0;

-- A commit and the deployment that brought it to an environment: the first that held it. scope is the repository.
CREATE OR REPLACE VIEW deployed_commits AS
SELECT
    d.service AS service, d.environment AS environment, d.deployment AS deployment, d.attempt AS attempt,
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
    SELECT service, environment, environment_key, id AS deployment, attempt, source, scope, url,
        assumeNotNull(coalesce(finished_at, started_at, created_at)) AS deployed_at
    FROM deployments
    WHERE status = 'succeeded' AND NOT baseline AND rollback_of = '' AND coalesce(finished_at, started_at, created_at) IS NOT NULL
) AS d ON d.source = c.deployment_source AND d.scope = c.deployment_scope AND d.environment_key = c.deployment_environment
    AND d.deployment = c.id AND d.attempt = c.attempt
SETTINGS join_use_nulls = 0;

-- What is known of the content of each deployment: how it was compared with the one before, or why it could not be.
CREATE OR REPLACE VIEW compared_deployments AS
SELECT
    d.service AS service, d.environment AS environment, c.id AS deployment, c.attempt AS attempt, c.sha AS sha,
    c.previous AS previous, c.comparison AS comparison, c.reason AS reason, length(c.commits) AS commits,
    c.scope AS scope, c.source AS source, c.url AS url, d.source AS deployment_source, d.scope AS deployment_scope
FROM (SELECT * FROM raw_deployed_commits FINAL) AS c
INNER JOIN deployments AS d ON d.source = c.deployment_source AND d.scope = c.deployment_scope
    AND d.environment_key = c.deployment_environment AND d.id = c.id AND d.attempt = c.attempt
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
            r.provider AS provider, lower(r.scope) AS repository, r.source AS source, r.scope AS scope, r.id AS change,
            r.merge_sha AS merge_sha, r.head_sha AS head_sha, r.commit_shas AS commit_shas, assumeNotNull(r.merged_at) AS merged
        FROM (SELECT * FROM raw_changes FINAL) AS r
        LEFT ANY JOIN catalog_bindings AS b ON b.provider = r.provider AND b.scope = lower(r.scope)
        WHERE r.merged_at IS NOT NULL
    ),
    compared AS
    (
        SELECT provider, lower(scope) AS repository, deployment_source, deployment_scope, deployment_environment, id, attempt
        FROM (SELECT * FROM raw_deployed_commits FINAL)
        WHERE comparison != 'unknown'
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
    covered AS
    (
        SELECT DISTINCT s.service AS service, c.provider AS provider, c.repository AS repository
        FROM compared AS c
        INNER JOIN succeeded AS s ON s.source = c.deployment_source AND s.scope = c.deployment_scope
            AND s.environment_key = c.deployment_environment AND s.id = c.id AND s.attempt = c.attempt
    ),
    first_known AS
    (
        SELECT service, environment, min(began) AS since FROM succeeded GROUP BY service, environment
    ),
    awaited AS
    (
        SELECT m.service AS service, f.environment AS environment, m.source AS source, m.scope AS scope, m.change AS change,
            m.merged AS merged, toUInt8(v.service != '' AND m.merge_sha != '') AS told
        FROM merged AS m
        INNER JOIN first_known AS f ON f.service = m.service
        LEFT ANY JOIN covered AS v ON v.service = m.service AND v.provider = m.provider AND v.repository = m.repository
        WHERE m.merged > f.since
    ),
    candidates AS
    (
        SELECT *
        FROM
        (
            SELECT service, environment, environment_key, id, attempt, source, scope, url, began, ended, toUInt8(0) AS told FROM succeeded
            UNION ALL
            SELECT s.service AS service, s.environment AS environment, s.environment_key AS environment_key, s.id AS id,
                s.attempt AS attempt, s.source AS source, s.scope AS scope, s.url AS url, s.began AS began, s.ended AS ended, toUInt8(1) AS told
            FROM succeeded AS s
            LEFT ANTI JOIN compared AS c ON c.deployment_source = s.source AND c.deployment_scope = s.scope
                AND c.deployment_environment = s.environment_key AND c.id = s.id AND c.attempt = s.attempt
        )
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
