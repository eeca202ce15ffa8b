-- What happened. One row is one observation of one event; rows with the same identity (the ORDER BY) are the same event
-- and the highest seq wins. There is no PARTITION BY: a partition key would have to be part of the identity, and no
-- time of an event is (created_at can be unknown when an event is first seen).

CREATE TABLE raw_deployments
(
    source LowCardinality(String),
    provider LowCardinality(String),
    scope String,
    id String,
    attempt UInt16,
    url String,
    service String,
    environment LowCardinality(String),
    status LowCardinality(String),
    status_raw LowCardinality(String),
    created_at Nullable(DateTime64(3, 'UTC')),
    started_at Nullable(DateTime64(3, 'UTC')),
    finished_at Nullable(DateTime64(3, 'UTC')),
    sha String,
    ref String,
    version String,
    actor String,
    bot Bool,
    trigger LowCardinality(String),
    baseline Bool,
    rollback_of String,
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (source, scope, id, attempt);

CREATE TABLE raw_pipeline_runs
(
    source LowCardinality(String),
    provider LowCardinality(String),
    scope String,
    id String,
    attempt UInt16,
    url String,
    service String,
    pipeline LowCardinality(String),
    status LowCardinality(String),
    status_raw LowCardinality(String),
    branch String,
    trigger LowCardinality(String),
    sha String,
    actor String,
    bot Bool,
    created_at Nullable(DateTime64(3, 'UTC')),
    started_at Nullable(DateTime64(3, 'UTC')),
    finished_at Nullable(DateTime64(3, 'UTC')),
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (source, scope, id, attempt);

CREATE TABLE raw_pipeline_jobs
(
    source LowCardinality(String),
    provider LowCardinality(String),
    scope String,
    run_id String,
    attempt UInt16,
    id String,
    url String,
    service String,
    name LowCardinality(String),
    runner LowCardinality(String),
    status LowCardinality(String),
    status_raw LowCardinality(String),
    created_at Nullable(DateTime64(3, 'UTC')),
    started_at Nullable(DateTime64(3, 'UTC')),
    finished_at Nullable(DateTime64(3, 'UTC')),
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (source, scope, run_id, attempt, id);

CREATE TABLE raw_changes
(
    source LowCardinality(String),
    provider LowCardinality(String),
    scope String,
    id String,
    url String,
    service String,
    repository String,
    number UInt64,
    title String,
    author String,
    bot Bool,
    created_at Nullable(DateTime64(3, 'UTC')),
    first_commit_at Nullable(DateTime64(3, 'UTC')),
    first_review_at Nullable(DateTime64(3, 'UTC')),
    approved_at Nullable(DateTime64(3, 'UTC')),
    merged_at Nullable(DateTime64(3, 'UTC')),
    closed_at Nullable(DateTime64(3, 'UTC')),
    merge_sha String,
    head_sha String,
    commit_shas Array(String),
    additions UInt32,
    deletions UInt32,
    reverts String,
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (source, scope, id);

CREATE TABLE raw_incidents
(
    source LowCardinality(String),
    provider LowCardinality(String),
    scope String,
    id String,
    url String,
    service String,
    severity LowCardinality(String),
    opened_at Nullable(DateTime64(3, 'UTC')),
    acknowledged_at Nullable(DateTime64(3, 'UTC')),
    resolved_at Nullable(DateTime64(3, 'UTC')),
    deployment String,
    how LowCardinality(String),
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (source, scope, id);

CREATE TABLE raw_action_runs
(
    source LowCardinality(String),
    id String,
    url String,
    kind LowCardinality(String),
    entity String,
    actor String,
    plan String,
    status LowCardinality(String),
    started_at Nullable(DateTime64(3, 'UTC')),
    finished_at Nullable(DateTime64(3, 'UTC')),
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (source, id);

CREATE TABLE raw_ledger
(
    source LowCardinality(String),
    scope String,
    kind LowCardinality(String),
    window_start DateTime64(3, 'UTC'),
    window_end DateTime64(3, 'UTC'),
    expected UInt64,
    stored UInt64,
    open UInt64,
    checked_at DateTime64(3, 'UTC'),
    url String,
    note String,
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (source, scope, kind, window_start);
