-- What the migrations make, as ClickHouse shows it. Made by "go generate ./migrations"; do not edit.

CREATE TABLE campaign_messages
(
    `owner` String,
    `id` String,
    `webhook` LowCardinality(String),
    `campaigns` Array(String),
    `steps` Array(String),
    `status` LowCardinality(String),
    `error` String,
    `claimed_at` DateTime64(3, 'UTC'),
    `changed_at` DateTime64(3, 'UTC'),
    `seq` UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (owner, id);

CREATE TABLE catalog_bindings
(
    `provider` LowCardinality(String),
    `scope` String,
    `source` LowCardinality(String),
    `service` String
)
ENGINE = MergeTree
ORDER BY (provider, scope);

CREATE TABLE catalog_entities
(
    `ref` String,
    `kind` LowCardinality(String),
    `namespace` LowCardinality(String),
    `name` String,
    `title` String,
    `description` String,
    `type` LowCardinality(String),
    `lifecycle` LowCardinality(String),
    `owner` String,
    `system` String,
    `depends_on` Array(String),
    `tags` Array(String),
    `annotations` Map(String, String),
    `created_at` Nullable(DateTime64(3, 'UTC')),
    `location` String,
    `definition` String
)
ENGINE = MergeTree
ORDER BY ref;

CREATE TABLE catalog_environments
(
    `raw` LowCardinality(String),
    `environment` LowCardinality(String)
)
ENGINE = MergeTree
ORDER BY raw;

CREATE TABLE catalog_facts
(
    `name` String,
    `source` LowCardinality(String)
)
ENGINE = MergeTree
ORDER BY name;

CREATE TABLE catalog_identities
(
    `provider` LowCardinality(String),
    `login` String,
    `person` String,
    `bot` Bool
)
ENGINE = MergeTree
ORDER BY (provider, login);

CREATE TABLE catalog_paths
(
    `provider` LowCardinality(String),
    `scope` String,
    `path` String,
    `service` String
)
ENGINE = MergeTree
ORDER BY (provider, scope, path);

CREATE TABLE catalog_people
(
    `person` String,
    `name` String,
    `team` String,
    `started_on` Nullable(DateTime64(3, 'UTC')),
    `left_on` Nullable(DateTime64(3, 'UTC')),
    `source` LowCardinality(String),
    `url` String
)
ENGINE = MergeTree
ORDER BY (person, team);

CREATE TABLE checkpoints
(
    `source` LowCardinality(String),
    `scope` String,
    `stream` LowCardinality(String),
    `doc` String,
    `saved_at` DateTime64(3, 'UTC'),
    `seq` UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (source, scope, stream);

CREATE TABLE current_facts
(
    `source` LowCardinality(String),
    `source_key` LowCardinality(String),
    `entity` String,
    `fact` LowCardinality(String),
    `type` LowCardinality(String),
    `value` String,
    `observed_at` DateTime64(3, 'UTC'),
    `expires_at` Nullable(DateTime64(3, 'UTC')),
    `error` String,
    `url` String,
    `seq` UInt64
)
ENGINE = ReplacingMergeTree(seq)
PRIMARY KEY (entity, fact)
ORDER BY (entity, fact, source_key);

CREATE TABLE current_grades
(
    `entity` String,
    `scorecard` LowCardinality(String),
    `rule` LowCardinality(String),
    `rule_version` UInt32,
    `level` LowCardinality(String),
    `outcome` LowCardinality(String),
    `reason` String,
    `rules_digest` LowCardinality(String) DEFAULT '',
    `url` String,
    `evaluated_at` DateTime64(3, 'UTC'),
    `seq` UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (entity, scorecard, rule);

CREATE TABLE fact_history
(
    `source` LowCardinality(String),
    `source_key` LowCardinality(String),
    `entity` String,
    `fact` LowCardinality(String),
    `type` LowCardinality(String),
    `value` String,
    `error` String,
    `expires_after_ms` Int64 DEFAULT -1,
    `valid_from` DateTime64(3, 'UTC'),
    `seq` UInt64
)
ENGINE = ReplacingMergeTree(seq)
PRIMARY KEY (entity, fact, valid_from)
ORDER BY (entity, fact, valid_from, source_key);

CREATE TABLE fact_reads
(
    `entity` String,
    `source` LowCardinality(String),
    `fact_set` UInt64,
    `day` Date,
    `observed_at` DateTime64(3, 'UTC'),
    `expires_after_ms` Int64,
    `seq` UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (entity, source, fact_set, day);

CREATE TABLE fact_sets
(
    `fact_set` UInt64,
    `facts` Array(String),
    `seq` UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY fact_set;

CREATE TABLE grade_history
(
    `entity` String,
    `scorecard` LowCardinality(String),
    `rule` LowCardinality(String),
    `rule_version` UInt32,
    `level` LowCardinality(String),
    `outcome` LowCardinality(String),
    `reason` String,
    `rules_digest` LowCardinality(String) DEFAULT '',
    `valid_from` DateTime64(3, 'UTC'),
    `seq` UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (entity, scorecard, rule, valid_from);

CREATE TABLE raw_action_batches
(
    `source` LowCardinality(String),
    `id` String,
    `kind` LowCardinality(String),
    `actor` String,
    `plan` String,
    `settings` String,
    `status` LowCardinality(String),
    `wave` UInt32,
    `waves` Array(UInt32),
    `note` String,
    `started_at` Nullable(DateTime64(3, 'UTC')),
    `finished_at` Nullable(DateTime64(3, 'UTC')),
    `seq` UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (source, id);

CREATE TABLE raw_action_runs
(
    `source` LowCardinality(String),
    `id` String,
    `url` String,
    `kind` LowCardinality(String),
    `entity` String,
    `actor` String,
    `plan` String,
    `batch` String DEFAULT '',
    `wave` UInt32 DEFAULT 0,
    `repository` String DEFAULT '',
    `rules` Array(String) DEFAULT [],
    `outcome` LowCardinality(String) DEFAULT '',
    `patch` String DEFAULT '',
    `pull` UInt64 DEFAULT 0,
    `note` String DEFAULT '',
    `status` LowCardinality(String),
    `started_at` Nullable(DateTime64(3, 'UTC')),
    `finished_at` Nullable(DateTime64(3, 'UTC')),
    `seq` UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (source, id);

CREATE TABLE raw_action_steps
(
    `source` LowCardinality(String),
    `run` String,
    `number` UInt32,
    `name` LowCardinality(String),
    `status` LowCardinality(String),
    `at` Nullable(DateTime64(3, 'UTC')),
    `url` String,
    `note` String,
    `undo` String,
    `seq` UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (source, run, number);

CREATE TABLE raw_changes
(
    `source` LowCardinality(String),
    `provider` LowCardinality(String),
    `scope` String,
    `id` String,
    `url` String,
    `service` String,
    `merge_state` String CODEC(ZSTD(1)),
    `repository` String,
    `number` UInt64,
    `title` String,
    `author` String,
    `bot` Bool,
    `created_at` Nullable(DateTime64(3, 'UTC')),
    `first_commit_at` Nullable(DateTime64(3, 'UTC')),
    `first_review_at` Nullable(DateTime64(3, 'UTC')),
    `approved_at` Nullable(DateTime64(3, 'UTC')),
    `state` LowCardinality(String),
    `merged_at` Nullable(DateTime64(3, 'UTC')),
    `closed_at` Nullable(DateTime64(3, 'UTC')),
    `merge_sha` String,
    `head_sha` String,
    `commit_shas` Array(String),
    `additions` UInt32,
    `deletions` UInt32,
    `reverts` String,
    `seq` UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (source, scope, id);

CREATE TABLE raw_deployed_commits
(
    `source` LowCardinality(String),
    `provider` LowCardinality(String),
    `scope` String,
    `deployment_source` LowCardinality(String),
    `deployment_scope` String,
    `deployment_environment` LowCardinality(String),
    `id` String,
    `attempt` UInt16,
    `url` String,
    `sha` String,
    `previous` String,
    `comparison` LowCardinality(String),
    `reason` String,
    `basis` String,
    `commits` Array(String),
    `authored` Array(Int64),
    `committed` Array(Int64),
    `seq` UInt64
)
ENGINE = ReplacingMergeTree(seq)
PRIMARY KEY (source, scope, deployment_source, deployment_scope, id, attempt)
ORDER BY (source, scope, deployment_source, deployment_scope, id, attempt, deployment_environment);

CREATE TABLE raw_deployments
(
    `source` LowCardinality(String),
    `provider` LowCardinality(String),
    `scope` String,
    `id` String,
    `attempt` UInt16,
    `url` String,
    `service` String,
    `merge_state` String CODEC(ZSTD(1)),
    `environment` LowCardinality(String),
    `environment_key` LowCardinality(String),
    `status` LowCardinality(String),
    `status_raw` LowCardinality(String),
    `created_at` Nullable(DateTime64(3, 'UTC')),
    `started_at` Nullable(DateTime64(3, 'UTC')),
    `finished_at` Nullable(DateTime64(3, 'UTC')),
    `sha` String,
    `ref` String,
    `version` String,
    `actor` String,
    `bot` Bool,
    `trigger` LowCardinality(String),
    `baseline` Bool,
    `rollback_of` String,
    `seq` UInt64
)
ENGINE = ReplacingMergeTree(seq)
PRIMARY KEY (source, scope, id, attempt)
ORDER BY (source, scope, id, attempt, environment_key);

CREATE TABLE raw_descriptors
(
    `source` LowCardinality(String),
    `provider` LowCardinality(String),
    `scope` String,
    `location` String,
    `document` String,
    `revision` String,
    `url` String,
    `observed_at` Nullable(DateTime64(3, 'UTC')),
    `seq` UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (source, scope, location);

CREATE TABLE raw_incidents
(
    `source` LowCardinality(String),
    `provider` LowCardinality(String),
    `scope` String,
    `id` String,
    `url` String,
    `service` String,
    `merge_state` String CODEC(ZSTD(1)),
    `severity` LowCardinality(String),
    `opened_at` Nullable(DateTime64(3, 'UTC')),
    `acknowledged_at` Nullable(DateTime64(3, 'UTC')),
    `resolved` Bool,
    `resolved_at` Nullable(DateTime64(3, 'UTC')),
    `deployment` String,
    `how` LowCardinality(String),
    `seq` UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (source, scope, id);

CREATE TABLE raw_ledger
(
    `source` LowCardinality(String),
    `provider` LowCardinality(String),
    `scope` String,
    `kind` LowCardinality(String),
    `window_start` DateTime64(3, 'UTC'),
    `window_end` DateTime64(3, 'UTC'),
    `expected` UInt64,
    `stored` UInt64,
    `open` UInt64,
    `checked_at` DateTime64(3, 'UTC'),
    `url` String,
    `note` String,
    `seq` UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (source, scope, kind, window_start);

CREATE TABLE raw_pipeline_jobs
(
    `source` LowCardinality(String),
    `provider` LowCardinality(String),
    `scope` String,
    `run_id` String,
    `attempt` UInt16,
    `id` String,
    `url` String,
    `service` String,
    `merge_state` String CODEC(ZSTD(1)),
    `name` LowCardinality(String),
    `runner` LowCardinality(String),
    `status` LowCardinality(String),
    `status_raw` LowCardinality(String),
    `created_at` Nullable(DateTime64(3, 'UTC')),
    `started_at` Nullable(DateTime64(3, 'UTC')),
    `finished_at` Nullable(DateTime64(3, 'UTC')),
    `seq` UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (source, scope, run_id, attempt, id);

CREATE TABLE raw_pipeline_runs
(
    `source` LowCardinality(String),
    `provider` LowCardinality(String),
    `scope` String,
    `id` String,
    `attempt` UInt16,
    `url` String,
    `service` String,
    `merge_state` String CODEC(ZSTD(1)),
    `pipeline` LowCardinality(String),
    `status` LowCardinality(String),
    `status_raw` LowCardinality(String),
    `branch` String,
    `trigger` LowCardinality(String),
    `sha` String,
    `actor` String,
    `bot` Bool,
    `created_at` Nullable(DateTime64(3, 'UTC')),
    `started_at` Nullable(DateTime64(3, 'UTC')),
    `finished_at` Nullable(DateTime64(3, 'UTC')),
    `duration_ms` Nullable(UInt64),
    `seq` UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (source, scope, id, attempt);

CREATE TABLE raw_published_surveys
(
    `survey` String,
    `version` UInt64,
    `title` String,
    `opens_at` DateTime64(3, 'UTC'),
    `closes_at` DateTime64(3, 'UTC'),
    `time_zone` LowCardinality(String),
    `published_at` DateTime64(3, 'UTC'),
    `items` String,
    `teams` String,
    `few` UInt32,
    `complementary` UInt32,
    `hidden_cells` UInt32,
    `deleted` Bool,
    `seq` UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (survey, version);

CREATE TABLE raw_survey_results
(
    `survey` String,
    `version` UInt64,
    `team` LowCardinality(String),
    `tenure` LowCardinality(String),
    `golden_path` LowCardinality(String),
    `measure` LowCardinality(String),
    `item` LowCardinality(String),
    `answers` UInt32,
    `people` UInt32,
    `counts` Array(UInt32),
    `total` Float64,
    `squares` Float64,
    `seq` UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (survey, version, team, tenure, golden_path, measure, item);

CREATE TABLE rules_history
(
    `scorecard` LowCardinality(String),
    `digest` LowCardinality(String),
    `valid_from` DateTime64(3, 'UTC'),
    `seq` UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (scorecard, valid_from);

CREATE TABLE schema_migrations
(
    `version` UInt32,
    `name` String,
    `checksum` String,
    `done` UInt32,
    `statements` UInt32,
    `applied_at` DateTime64(3, 'UTC'),
    `by` String
)
ENGINE = ReplacingMergeTree(done)
ORDER BY version;

CREATE VIEW action_batches
(
    `id` String,
    `kind` LowCardinality(String),
    `actor` String,
    `plan` String,
    `settings` String,
    `status` LowCardinality(String),
    `wave` UInt32,
    `waves` Array(UInt32),
    `note` String,
    `started_at` Nullable(DateTime64(3, 'UTC')),
    `finished_at` Nullable(DateTime64(3, 'UTC')),
    `source` LowCardinality(String),
    `url` String
)
AS SELECT
    id,
    kind,
    actor,
    plan,
    settings,
    status,
    wave,
    waves,
    note,
    started_at,
    finished_at,
    source,
    '' AS url
FROM raw_action_batches
FINAL;

CREATE VIEW action_runs
(
    `id` String,
    `kind` LowCardinality(String),
    `entity` String,
    `actor` String,
    `plan` String,
    `batch` String,
    `wave` UInt32,
    `repository` String,
    `rules` Array(String),
    `outcome` LowCardinality(String),
    `patch` String,
    `pull` UInt64,
    `note` String,
    `status` LowCardinality(String),
    `started_at` Nullable(DateTime64(3, 'UTC')),
    `finished_at` Nullable(DateTime64(3, 'UTC')),
    `source` LowCardinality(String),
    `url` String
)
AS SELECT
    id,
    kind,
    entity,
    actor,
    plan,
    batch,
    wave,
    repository,
    rules,
    outcome,
    patch,
    pull,
    note,
    status,
    started_at,
    finished_at,
    source,
    url
FROM raw_action_runs
FINAL;

CREATE VIEW action_steps
(
    `run` String,
    `number` UInt32,
    `name` LowCardinality(String),
    `status` LowCardinality(String),
    `at` Nullable(DateTime64(3, 'UTC')),
    `note` String,
    `source` LowCardinality(String),
    `url` String
)
AS SELECT
    run,
    number,
    name,
    status,
    at,
    note,
    source,
    url
FROM raw_action_steps
FINAL;

CREATE VIEW change_times
(
    `created_at` Nullable(DateTime64(3, 'UTC')),
    `first_review_at` Nullable(DateTime64(3, 'UTC')),
    `approved_at` Nullable(DateTime64(3, 'UTC')),
    `merged_at` Nullable(DateTime64(3, 'UTC')),
    `closed_at` Nullable(DateTime64(3, 'UTC')),
    `source` LowCardinality(String),
    `scope` String,
    `url` String
)
AS SELECT
    created_at,
    first_review_at,
    approved_at,
    merged_at,
    closed_at,
    source,
    scope,
    url
FROM raw_changes
FINAL;

CREATE VIEW changes
(
    `service` String,
    `repository` String,
    `id` String,
    `number` UInt64,
    `title` String,
    `status` String,
    `author` String,
    `person` String,
    `bot` Bool,
    `created_at` Nullable(DateTime64(3, 'UTC')),
    `first_commit_at` Nullable(DateTime64(3, 'UTC')),
    `first_review_at` Nullable(DateTime64(3, 'UTC')),
    `approved_at` Nullable(DateTime64(3, 'UTC')),
    `merged_at` Nullable(DateTime64(3, 'UTC')),
    `closed_at` Nullable(DateTime64(3, 'UTC')),
    `merge_sha` String,
    `head_sha` String,
    `commit_shas` Array(String),
    `additions` UInt32,
    `deletions` UInt32,
    `reverts` String,
    `source` LowCardinality(String),
    `scope` String,
    `url` String
)
AS SELECT
    multiIf(r.service != '', r.service, o.service != '', o.service, b.service != '', b.service, concat('unmapped:', r.provider, '/', r.scope)) AS service,
    r.repository AS repository,
    r.id AS id,
    r.number AS number,
    r.title AS title,
    multiIf((r.merged_at IS NOT NULL) OR (r.state = 'merged'), 'merged', (r.closed_at IS NOT NULL) OR (r.state = 'closed'), 'closed', 'open') AS status,
    r.author AS author,
    if(i.person != '', i.person, j.person) AS person,
    r.bot OR i.bot OR j.bot AS bot,
    r.created_at AS created_at,
    r.first_commit_at AS first_commit_at,
    r.first_review_at AS first_review_at,
    r.approved_at AS approved_at,
    r.merged_at AS merged_at,
    r.closed_at AS closed_at,
    r.merge_sha AS merge_sha,
    r.head_sha AS head_sha,
    r.commit_shas AS commit_shas,
    r.additions AS additions,
    r.deletions AS deletions,
    r.reverts AS reverts,
    r.source AS source,
    r.scope AS scope,
    r.url AS url
FROM
(
    SELECT *
    FROM raw_changes
    FINAL
) AS r
ANY LEFT JOIN
(
    SELECT *
    FROM catalog_bindings
    WHERE source = ''
) AS b ON (b.provider = r.provider) AND (b.scope = lower(r.scope))
ANY LEFT JOIN
(
    SELECT *
    FROM catalog_bindings
    WHERE source != ''
) AS o ON (o.provider = r.provider) AND (o.source = r.source) AND (o.scope = lower(r.scope))
ANY LEFT JOIN
(
    SELECT *
    FROM catalog_identities
    WHERE provider != ''
) AS i ON (i.provider = r.provider) AND (i.login = lower(r.author))
ANY LEFT JOIN
(
    SELECT *
    FROM catalog_identities
    WHERE provider = ''
) AS j ON j.login = lower(r.author)
SETTINGS join_use_nulls = 0;

CREATE VIEW compared_deployments
(
    `service` String,
    `environment` String,
    `deployment_id` String,
    `attempt` UInt16,
    `sha` String,
    `previous` String,
    `comparison` LowCardinality(String),
    `reason` String,
    `commits` UInt64,
    `scope` String,
    `source` LowCardinality(String),
    `url` String,
    `deployment_source` LowCardinality(String),
    `deployment_scope` String
)
AS SELECT
    d.service AS service,
    d.environment AS environment,
    c.id AS deployment_id,
    c.attempt AS attempt,
    c.sha AS sha,
    c.previous AS previous,
    c.comparison AS comparison,
    c.reason AS reason,
    length(c.commits) AS commits,
    c.scope AS scope,
    c.source AS source,
    c.url AS url,
    d.source AS deployment_source,
    d.scope AS deployment_scope
FROM
(
    SELECT *
    FROM raw_deployed_commits
    FINAL
) AS c
INNER JOIN deployments AS d ON (d.source = c.deployment_source) AND (d.scope = c.deployment_scope) AND (d.environment_key = c.deployment_environment) AND (d.id = c.id) AND (d.attempt = c.attempt)
SETTINGS join_use_nulls = 0;

CREATE VIEW deployed_changes
(
    `service` String,
    `environment` String,
    `change_id` String,
    `deployment_id` String,
    `link_method` String,
    `deployed_at` DateTime64(3, 'UTC'),
    `scope` String,
    `source` LowCardinality(String),
    `url` String,
    `change_source` LowCardinality(String),
    `deployment_scope` String,
    `attempt` UInt16
)
AS WITH
    succeeded AS
    (
        SELECT
            multiIf(r.service != '', r.service, o.service != '', o.service, b.service != '', b.service, concat('unmapped:', r.provider, '/', r.scope)) AS service,
            if(e.environment != '', e.environment, lower(r.environment)) AS environment,
            r.environment_key AS environment_key,
            r.id AS id,
            r.attempt AS attempt,
            r.sha AS sha,
            r.source AS source,
            r.scope AS scope,
            r.url AS url,
            assumeNotNull(coalesce(r.started_at, r.created_at, r.finished_at)) AS began,
            assumeNotNull(coalesce(r.finished_at, r.started_at, r.created_at)) AS ended
        FROM
        (
            SELECT *
            FROM raw_deployments
            FINAL
        ) AS r
        ANY LEFT JOIN
        (
            SELECT *
            FROM catalog_bindings
            WHERE source = ''
        ) AS b ON (b.provider = r.provider) AND (b.scope = lower(r.scope))
        ANY LEFT JOIN
        (
            SELECT *
            FROM catalog_bindings
            WHERE source != ''
        ) AS o ON (o.provider = r.provider) AND (o.source = r.source) AND (o.scope = lower(r.scope))
        ANY LEFT JOIN catalog_environments AS e ON e.raw = lower(r.environment)
        WHERE (r.status = 'succeeded') AND (NOT r.baseline) AND (r.rollback_of = '') AND (coalesce(r.started_at, r.created_at, r.finished_at) IS NOT NULL)
    ),
    merged AS
    (
        SELECT
            multiIf(r.service != '', r.service, o.service != '', o.service, b.service != '', b.service, concat('unmapped:', r.provider, '/', r.scope)) AS service,
            toString(r.provider) AS provider,
            lower(r.scope) AS repository,
            r.source AS source,
            r.scope AS scope,
            r.id AS change_id,
            r.merge_sha AS merge_sha,
            r.head_sha AS head_sha,
            r.commit_shas AS commit_shas,
            assumeNotNull(r.merged_at) AS merged
        FROM
        (
            SELECT *
            FROM raw_changes
            FINAL
        ) AS r
        ANY LEFT JOIN
        (
            SELECT *
            FROM catalog_bindings
            WHERE source = ''
        ) AS b ON (b.provider = r.provider) AND (b.scope = lower(r.scope))
        ANY LEFT JOIN
        (
            SELECT *
            FROM catalog_bindings
            WHERE source != ''
        ) AS o ON (o.provider = r.provider) AND (o.source = r.source) AND (o.scope = lower(r.scope))
        WHERE r.merged_at IS NOT NULL
    ),
    shipped AS
    (
        SELECT
            provider,
            lower(scope) AS repository,
            deployment_source,
            deployment_scope,
            deployment_environment,
            id,
            attempt,
            arrayJoin(commits) AS sha
        FROM
        (
            SELECT *
            FROM raw_deployed_commits
            FINAL
        )
    ),
    held AS
    (
        SELECT
            provider,
            repository,
            source,
            scope,
            change_id,
            merged,
            sha,
            (sha = merge_sha) OR (sha = head_sha) AS whole
        FROM merged
        ARRAY JOIN arrayDistinct(arrayFilter(x -> (x != ''), arrayConcat([merge_sha, head_sha], commit_shas))) AS sha
    ),
    contents AS
    (
        SELECT
            deployment_source,
            deployment_scope,
            deployment_environment,
            id,
            attempt,
            groupUniqArray((toString(provider), lower(scope))) AS covers
        FROM
        (
            SELECT *
            FROM raw_deployed_commits
            FINAL
        )
        WHERE comparison != 'unknown'
        GROUP BY
            deployment_source,
            deployment_scope,
            deployment_environment,
            id,
            attempt
    ),
    compared AS
    (
        SELECT
            s.service AS service,
            s.environment AS environment,
            s.environment_key AS environment_key,
            s.id AS id,
            s.attempt AS attempt,
            s.source AS source,
            s.scope AS scope,
            s.url AS url,
            s.began AS began,
            s.ended AS ended,
            c.covers AS covers
        FROM succeeded AS s
        ANY LEFT JOIN contents AS c ON (c.deployment_source = s.source) AND (c.deployment_scope = s.scope) AND (c.deployment_environment = s.environment_key) AND (c.id = s.id) AND (c.attempt = s.attempt)
    ),
    services AS
    (
        SELECT
            service,
            groupArray((environment, since)) AS environments,
            groupUniqArrayArray(covers) AS covers
        FROM
        (
            SELECT
                service,
                environment,
                min(began) AS since,
                groupUniqArrayArray(covers) AS covers
            FROM compared
            GROUP BY
                service,
                environment
        )
        GROUP BY service
    ),
    awaited AS
    (
        SELECT
            service,
            place.1 AS environment,
            source,
            scope,
            change_id,
            merged,
            told
        FROM
        (
            SELECT
                m.service AS service,
                m.source AS source,
                m.scope AS scope,
                m.change_id AS change_id,
                m.merged AS merged,
                arrayJoin(f.environments) AS place,
                toUInt8(has(f.covers, (m.provider, m.repository)) AND (m.merge_sha != '')) AS told
            FROM merged AS m
            INNER JOIN services AS f ON f.service = m.service
        )
        WHERE merged > (place.2)
    ),
    candidates AS
    (
        SELECT
            service,
            environment,
            environment_key,
            id,
            attempt,
            source,
            scope,
            url,
            began,
            ended,
            toUInt8(arrayJoin(if(empty(covers), [0, 1], [0]))) AS told
        FROM compared
        ORDER BY
            ended ASC,
            id ASC,
            source ASC,
            scope ASC,
            attempt ASC,
            environment_key ASC
        LIMIT 1 BY
            service,
            environment,
            told,
            began
    )
SELECT
    service,
    environment,
    change_id,
    deployment_id,
    link_method,
    deployed_at,
    scope,
    source,
    url,
    change_source,
    deployment_scope,
    attempt
FROM
(
    SELECT
        s.service AS service,
        s.environment AS environment,
        w.change_id AS change_id,
        s.id AS deployment_id,
        'commit' AS link_method,
        toUInt8(NOT w.whole) AS part,
        s.ended AS deployed_at,
        w.scope AS scope,
        s.source AS source,
        s.url AS url,
        w.source AS change_source,
        s.scope AS deployment_scope,
        s.attempt AS attempt
    FROM held AS w
    INNER JOIN shipped AS c ON (c.provider = w.provider) AND (c.repository = w.repository) AND (c.sha = w.sha)
    INNER JOIN succeeded AS s ON (s.source = c.deployment_source) AND (s.scope = c.deployment_scope) AND (s.environment_key = c.deployment_environment) AND (s.id = c.id) AND (s.attempt = c.attempt)
    WHERE w.whole OR (s.ended >= w.merged)
    UNION ALL
    SELECT
        m.service AS service,
        s.environment AS environment,
        m.change_id AS change_id,
        s.id AS deployment_id,
        'commit' AS link_method,
        toUInt8(0) AS part,
        s.ended AS deployed_at,
        m.scope AS scope,
        s.source AS source,
        s.url AS url,
        m.source AS change_source,
        s.scope AS deployment_scope,
        s.attempt AS attempt
    FROM merged AS m
    INNER JOIN succeeded AS s ON (s.service = m.service) AND (s.sha = m.merge_sha)
    WHERE m.merge_sha != ''
    UNION ALL
    SELECT
        a.service AS service,
        a.environment AS environment,
        a.change_id AS change_id,
        s.id AS deployment_id,
        'time' AS link_method,
        toUInt8(0) AS part,
        s.ended AS deployed_at,
        a.scope AS scope,
        s.source AS source,
        s.url AS url,
        a.source AS change_source,
        s.scope AS deployment_scope,
        s.attempt AS attempt
    FROM awaited AS a
    ASOF INNER JOIN candidates AS s ON (s.service = a.service) AND (s.environment = a.environment) AND (s.told = a.told) AND (s.began >= a.merged)
)
ORDER BY
    link_method ASC,
    part ASC,
    deployed_at ASC,
    deployment_id ASC,
    source ASC,
    deployment_scope ASC,
    attempt ASC,
    url ASC
LIMIT 1 BY
    service,
    environment,
    change_source,
    scope,
    change_id
SETTINGS join_use_nulls = 0;

CREATE VIEW deployed_commits
(
    `service` String,
    `environment` String,
    `deployment_id` String,
    `attempt` UInt16,
    `sha` String,
    `authored_at` Nullable(DateTime64(3, 'UTC')),
    `committed_at` Nullable(DateTime64(3, 'UTC')),
    `deployed_at` DateTime64(3, 'UTC'),
    `scope` String,
    `source` LowCardinality(String),
    `url` String,
    `deployment_source` LowCardinality(String),
    `deployment_scope` String
)
AS SELECT
    d.service AS service,
    d.environment AS environment,
    d.deployment_id AS deployment_id,
    d.attempt AS attempt,
    commit.1 AS sha,
    if((commit.2) = 0, NULL, toDateTime64(commit.2, 3, 'UTC')) AS authored_at,
    if((commit.3) = 0, NULL, toDateTime64(commit.3, 3, 'UTC')) AS committed_at,
    d.deployed_at AS deployed_at,
    c.scope AS scope,
    c.source AS source,
    d.url AS url,
    d.source AS deployment_source,
    d.scope AS deployment_scope
FROM
(
    SELECT
        source,
        scope,
        deployment_source,
        deployment_scope,
        deployment_environment,
        id,
        attempt,
        arrayJoin(arrayZip(commits, authored, committed)) AS commit
    FROM raw_deployed_commits
    FINAL
) AS c
INNER JOIN
(
    SELECT
        service,
        environment,
        environment_key,
        id AS deployment_id,
        attempt,
        source,
        scope,
        url,
        assumeNotNull(coalesce(finished_at, started_at, created_at)) AS deployed_at
    FROM deployments
    WHERE (status = 'succeeded') AND (NOT baseline) AND (rollback_of = '') AND (coalesce(finished_at, started_at, created_at) IS NOT NULL)
) AS d ON (d.source = c.deployment_source) AND (d.scope = c.deployment_scope) AND (d.environment_key = c.deployment_environment) AND (d.deployment_id = c.id) AND (d.attempt = c.attempt)
SETTINGS join_use_nulls = 0;

CREATE VIEW deployment_times
(
    `environment` String,
    `created_at` Nullable(DateTime64(3, 'UTC')),
    `started_at` Nullable(DateTime64(3, 'UTC')),
    `finished_at` Nullable(DateTime64(3, 'UTC')),
    `source` LowCardinality(String),
    `scope` String,
    `url` String,
    `baseline` Bool
)
AS SELECT
    if(e.environment != '', e.environment, lower(r.environment)) AS environment,
    r.created_at AS created_at,
    r.started_at AS started_at,
    r.finished_at AS finished_at,
    r.source AS source,
    r.scope AS scope,
    r.url AS url,
    r.baseline AS baseline
FROM
(
    SELECT *
    FROM raw_deployments
    FINAL
) AS r
ANY LEFT JOIN catalog_environments AS e ON e.raw = lower(r.environment)
SETTINGS join_use_nulls = 0;

CREATE VIEW deployments
(
    `service` String,
    `environment` String,
    `id` String,
    `attempt` UInt16,
    `status` LowCardinality(String),
    `status_raw` LowCardinality(String),
    `created_at` Nullable(DateTime64(3, 'UTC')),
    `started_at` Nullable(DateTime64(3, 'UTC')),
    `finished_at` Nullable(DateTime64(3, 'UTC')),
    `sha` String,
    `ref` String,
    `version` String,
    `actor` String,
    `person` String,
    `bot` Bool,
    `trigger` LowCardinality(String),
    `baseline` Bool,
    `rollback_of` String,
    `environment_raw` LowCardinality(String),
    `environment_key` LowCardinality(String),
    `source` LowCardinality(String),
    `scope` String,
    `url` String
)
AS SELECT
    multiIf(r.service != '', r.service, o.service != '', o.service, b.service != '', b.service, concat('unmapped:', r.provider, '/', r.scope)) AS service,
    if(e.environment != '', e.environment, lower(r.environment)) AS environment,
    r.id AS id,
    r.attempt AS attempt,
    r.status AS status,
    r.status_raw AS status_raw,
    r.created_at AS created_at,
    r.started_at AS started_at,
    r.finished_at AS finished_at,
    r.sha AS sha,
    r.ref AS ref,
    r.version AS version,
    r.actor AS actor,
    if(i.person != '', i.person, j.person) AS person,
    r.bot OR i.bot OR j.bot AS bot,
    r.trigger AS trigger,
    r.baseline AS baseline,
    r.rollback_of AS rollback_of,
    r.environment AS environment_raw,
    r.environment_key AS environment_key,
    r.source AS source,
    r.scope AS scope,
    r.url AS url
FROM
(
    SELECT *
    FROM raw_deployments
    FINAL
) AS r
ANY LEFT JOIN
(
    SELECT *
    FROM catalog_bindings
    WHERE source = ''
) AS b ON (b.provider = r.provider) AND (b.scope = lower(r.scope))
ANY LEFT JOIN
(
    SELECT *
    FROM catalog_bindings
    WHERE source != ''
) AS o ON (o.provider = r.provider) AND (o.source = r.source) AND (o.scope = lower(r.scope))
ANY LEFT JOIN catalog_environments AS e ON e.raw = lower(r.environment)
ANY LEFT JOIN
(
    SELECT *
    FROM catalog_identities
    WHERE provider != ''
) AS i ON (i.provider = r.provider) AND (i.login = lower(r.actor))
ANY LEFT JOIN
(
    SELECT *
    FROM catalog_identities
    WHERE provider = ''
) AS j ON j.login = lower(r.actor)
SETTINGS join_use_nulls = 0;

CREATE VIEW entities
(
    `entity` String,
    `kind` LowCardinality(String),
    `namespace` LowCardinality(String),
    `name` String,
    `title` String,
    `description` String,
    `type` LowCardinality(String),
    `lifecycle` LowCardinality(String),
    `owner` String,
    `system` String,
    `depends_on` Array(String),
    `tags` Array(String),
    `created_at` Nullable(DateTime64(3, 'UTC')),
    `location` String,
    `source` String,
    `url` String
)
AS SELECT
    ref AS entity,
    kind,
    namespace,
    name,
    title,
    description,
    type,
    lifecycle,
    owner,
    system,
    depends_on,
    tags,
    created_at,
    location,
    'catalog' AS source,
    '' AS url
FROM catalog_entities;

CREATE VIEW facts
(
    `entity` String,
    `fact` LowCardinality(String),
    `type` LowCardinality(String),
    `value` String,
    `observed_at` DateTime64(3, 'UTC'),
    `expires_at` Nullable(DateTime64(3, 'UTC')),
    `error` String,
    `source` LowCardinality(String),
    `url` String
)
AS SELECT
    multiIf(o.service != '', o.service, b.service != '', b.service, f.entity) AS entity,
    f.fact AS fact,
    f.type AS type,
    f.value AS value,
    f.observed_at AS observed_at,
    f.expires_at AS expires_at,
    f.error AS error,
    f.source AS source,
    f.url AS url
FROM
(
    SELECT *
    FROM current_facts
    FINAL
) AS f
ANY LEFT JOIN
(
    SELECT
        concat('unmapped:', provider, '/', scope) AS ref,
        service
    FROM catalog_bindings
    WHERE source = ''
) AS b ON b.ref = lower(f.entity)
ANY LEFT JOIN
(
    SELECT
        concat('unmapped:', provider, '/', scope) AS ref,
        source,
        service
    FROM catalog_bindings
    WHERE source != ''
) AS o ON (o.ref = lower(f.entity)) AND (o.source = f.source)
WHERE (entity IN (
    SELECT ref
    FROM catalog_entities
)) AND ((f.source, f.fact) NOT IN (
    SELECT
        s.source,
        s.fact
    FROM
    (
        SELECT DISTINCT
            source,
            fact
        FROM current_facts
    ) AS s
    CROSS JOIN catalog_facts AS d
    WHERE (d.source != s.source) AND ((d.name = s.fact) OR (endsWith(d.name, '.') AND startsWith(s.fact, d.name)))
))
ORDER BY
    (f.error = '') AND ifNull(f.expires_at > now64(3), true) DESC,
    observed_at DESC,
    error ASC,
    source ASC,
    f.entity ASC,
    type ASC,
    value ASC,
    url ASC
LIMIT 1 BY
    entity,
    fact
SETTINGS join_use_nulls = 0;

CREATE VIEW grades
(
    `entity` String,
    `scorecard` LowCardinality(String),
    `rule` LowCardinality(String),
    `rule_version` UInt32,
    `level` LowCardinality(String),
    `outcome` LowCardinality(String),
    `reason` String,
    `rules_digest` LowCardinality(String),
    `evaluated_at` DateTime64(3, 'UTC'),
    `source` String,
    `url` String
)
AS SELECT
    entity,
    scorecard,
    rule,
    rule_version,
    level,
    outcome,
    reason,
    rules_digest,
    evaluated_at,
    'dxctl' AS source,
    url
FROM current_grades
FINAL
WHERE entity IN (
    SELECT ref
    FROM catalog_entities
);

CREATE VIEW incidents
(
    `service` String,
    `id` String,
    `status` String,
    `severity` LowCardinality(String),
    `opened_at` Nullable(DateTime64(3, 'UTC')),
    `acknowledged_at` Nullable(DateTime64(3, 'UTC')),
    `resolved_at` Nullable(DateTime64(3, 'UTC')),
    `deployment_id` String,
    `link_method` LowCardinality(String),
    `source` LowCardinality(String),
    `scope` String,
    `url` String
)
AS SELECT
    multiIf(r.service != '', r.service, o.service != '', o.service, b.service != '', b.service, concat('unmapped:', r.provider, '/', r.scope)) AS service,
    r.id AS id,
    if(r.resolved OR (r.resolved_at IS NOT NULL), 'resolved', 'open') AS status,
    r.severity AS severity,
    r.opened_at AS opened_at,
    r.acknowledged_at AS acknowledged_at,
    r.resolved_at AS resolved_at,
    r.deployment AS deployment_id,
    r.how AS link_method,
    r.source AS source,
    r.scope AS scope,
    r.url AS url
FROM
(
    SELECT *
    FROM raw_incidents
    FINAL
) AS r
ANY LEFT JOIN
(
    SELECT *
    FROM catalog_bindings
    WHERE source = ''
) AS b ON (b.provider = r.provider) AND (b.scope = lower(r.scope))
ANY LEFT JOIN
(
    SELECT *
    FROM catalog_bindings
    WHERE source != ''
) AS o ON (o.provider = r.provider) AND (o.source = r.source) AND (o.scope = lower(r.scope))
SETTINGS join_use_nulls = 0;

CREATE VIEW ledger
(
    `scope` String,
    `kind` LowCardinality(String),
    `window_start` DateTime64(3, 'UTC'),
    `window_end` DateTime64(3, 'UTC'),
    `expected` UInt64,
    `stored` UInt64,
    `open` UInt64,
    `checked_at` DateTime64(3, 'UTC'),
    `gap` UInt64,
    `note` String,
    `source` LowCardinality(String),
    `url` String,
    `provider` LowCardinality(String),
    `service` String
)
AS SELECT
    l.scope AS scope,
    l.kind AS kind,
    l.window_start AS window_start,
    l.window_end AS window_end,
    l.expected AS expected,
    l.stored AS stored,
    l.open AS open,
    l.checked_at AS checked_at,
    toUInt64(if(l.stored >= l.expected, 0, l.expected - l.stored)) AS gap,
    l.note AS note,
    l.source AS source,
    l.url AS url,
    l.provider AS provider,
    multiIf(o.service != '', o.service, b.service != '', b.service, l.provider != '', concat('unmapped:', l.provider, '/', l.scope), '') AS service
FROM
(
    SELECT *
    FROM raw_ledger
    FINAL
) AS l
ANY LEFT JOIN
(
    SELECT *
    FROM catalog_bindings
    WHERE source = ''
) AS b ON (b.provider = l.provider) AND (b.scope = lower(l.scope))
ANY LEFT JOIN
(
    SELECT *
    FROM catalog_bindings
    WHERE source != ''
) AS o ON (o.provider = l.provider) AND (o.source = l.source) AND (o.scope = lower(l.scope))
SETTINGS join_use_nulls = 0;

CREATE VIEW people
(
    `person` String,
    `name` String,
    `team` String,
    `started_on` Nullable(DateTime64(3, 'UTC')),
    `left_on` Nullable(DateTime64(3, 'UTC')),
    `source` LowCardinality(String),
    `url` String
)
AS SELECT
    person,
    name,
    team,
    started_on,
    left_on,
    source,
    url
FROM catalog_people;

CREATE VIEW pipeline_jobs
(
    `service` String,
    `run_id` String,
    `attempt` UInt16,
    `id` String,
    `name` LowCardinality(String),
    `runner` LowCardinality(String),
    `status` LowCardinality(String),
    `status_raw` LowCardinality(String),
    `created_at` Nullable(DateTime64(3, 'UTC')),
    `started_at` Nullable(DateTime64(3, 'UTC')),
    `finished_at` Nullable(DateTime64(3, 'UTC')),
    `source` LowCardinality(String),
    `scope` String,
    `url` String
)
AS SELECT
    multiIf(r.service != '', r.service, o.service != '', o.service, b.service != '', b.service, concat('unmapped:', r.provider, '/', r.scope)) AS service,
    r.run_id AS run_id,
    r.attempt AS attempt,
    r.id AS id,
    r.name AS name,
    r.runner AS runner,
    r.status AS status,
    r.status_raw AS status_raw,
    r.created_at AS created_at,
    r.started_at AS started_at,
    r.finished_at AS finished_at,
    r.source AS source,
    r.scope AS scope,
    r.url AS url
FROM
(
    SELECT *
    FROM raw_pipeline_jobs
    FINAL
) AS r
ANY LEFT JOIN
(
    SELECT *
    FROM catalog_bindings
    WHERE source = ''
) AS b ON (b.provider = r.provider) AND (b.scope = lower(r.scope))
ANY LEFT JOIN
(
    SELECT *
    FROM catalog_bindings
    WHERE source != ''
) AS o ON (o.provider = r.provider) AND (o.source = r.source) AND (o.scope = lower(r.scope))
SETTINGS join_use_nulls = 0;

CREATE VIEW pipeline_run_times
(
    `created_at` Nullable(DateTime64(3, 'UTC')),
    `started_at` Nullable(DateTime64(3, 'UTC')),
    `finished_at` Nullable(DateTime64(3, 'UTC')),
    `source` LowCardinality(String),
    `scope` String,
    `url` String
)
AS SELECT
    created_at,
    started_at,
    finished_at,
    source,
    scope,
    url
FROM raw_pipeline_runs
FINAL;

CREATE VIEW pipeline_runs
(
    `service` String,
    `pipeline` LowCardinality(String),
    `id` String,
    `attempt` UInt16,
    `status` LowCardinality(String),
    `status_raw` LowCardinality(String),
    `branch` String,
    `trigger` LowCardinality(String),
    `sha` String,
    `actor` String,
    `person` String,
    `bot` Bool,
    `created_at` Nullable(DateTime64(3, 'UTC')),
    `started_at` Nullable(DateTime64(3, 'UTC')),
    `finished_at` Nullable(DateTime64(3, 'UTC')),
    `duration_ms` Nullable(UInt64),
    `source` LowCardinality(String),
    `scope` String,
    `url` String
)
AS SELECT
    multiIf(r.service != '', r.service, o.service != '', o.service, b.service != '', b.service, concat('unmapped:', r.provider, '/', r.scope)) AS service,
    r.pipeline AS pipeline,
    r.id AS id,
    r.attempt AS attempt,
    r.status AS status,
    r.status_raw AS status_raw,
    r.branch AS branch,
    r.trigger AS trigger,
    r.sha AS sha,
    r.actor AS actor,
    if(i.person != '', i.person, j.person) AS person,
    r.bot OR i.bot OR j.bot AS bot,
    r.created_at AS created_at,
    r.started_at AS started_at,
    r.finished_at AS finished_at,
    r.duration_ms AS duration_ms,
    r.source AS source,
    r.scope AS scope,
    r.url AS url
FROM
(
    SELECT *
    FROM raw_pipeline_runs
    FINAL
) AS r
ANY LEFT JOIN
(
    SELECT *
    FROM catalog_bindings
    WHERE source = ''
) AS b ON (b.provider = r.provider) AND (b.scope = lower(r.scope))
ANY LEFT JOIN
(
    SELECT *
    FROM catalog_bindings
    WHERE source != ''
) AS o ON (o.provider = r.provider) AND (o.source = r.source) AND (o.scope = lower(r.scope))
ANY LEFT JOIN
(
    SELECT *
    FROM catalog_identities
    WHERE provider != ''
) AS i ON (i.provider = r.provider) AND (i.login = lower(r.actor))
ANY LEFT JOIN
(
    SELECT *
    FROM catalog_identities
    WHERE provider = ''
) AS j ON j.login = lower(r.actor)
SETTINGS join_use_nulls = 0;

CREATE VIEW source_times
(
    `source` LowCardinality(String),
    `since` DateTime64(3, 'UTC')
)
AS SELECT
    source,
    min(valid_from) AS since
FROM fact_history
WHERE fact = 'repository.created_at'
GROUP BY source;

CREATE VIEW survey_results
(
    `survey` String,
    `version` UInt64,
    `team` LowCardinality(String),
    `tenure` LowCardinality(String),
    `golden_path` LowCardinality(String),
    `measure` LowCardinality(String),
    `item` LowCardinality(String),
    `answers` UInt32,
    `people` UInt32,
    `counts` Array(UInt32),
    `total` Float64,
    `squares` Float64
)
AS SELECT
    r.survey AS survey,
    r.version AS version,
    r.team AS team,
    r.tenure AS tenure,
    r.golden_path AS golden_path,
    r.measure AS measure,
    r.item AS item,
    r.answers AS answers,
    r.people AS people,
    r.counts AS counts,
    r.total AS total,
    r.squares AS squares
FROM
(
    SELECT *
    FROM raw_survey_results
    FINAL
) AS r
WHERE (r.survey, r.version) IN (
    SELECT
        survey,
        max(version)
    FROM raw_published_surveys
    FINAL
    WHERE NOT deleted
    GROUP BY survey
);

CREATE VIEW surveys
(
    `survey` String,
    `version` UInt64,
    `title` String,
    `opens_at` DateTime64(3, 'UTC'),
    `closes_at` DateTime64(3, 'UTC'),
    `time_zone` LowCardinality(String),
    `published_at` DateTime64(3, 'UTC'),
    `items` String,
    `teams` String,
    `few` UInt32,
    `complementary` UInt32,
    `hidden_cells` UInt32
)
AS SELECT
    survey,
    version,
    title,
    opens_at,
    closes_at,
    time_zone,
    published_at,
    items,
    teams,
    few,
    complementary,
    hidden_cells
FROM
(
    SELECT *
    FROM raw_published_surveys
    FINAL
    WHERE NOT deleted
    ORDER BY version DESC
    LIMIT 1 BY survey
);
