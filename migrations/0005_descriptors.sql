-- Documents of Backstage entities as sources have them: a catalog-info.yaml of a repository, an entity of a Backstage
-- catalog. The catalog reads the newest row of each. An empty document says that it is gone there.

CREATE TABLE raw_descriptors
(
    source LowCardinality(String),
    provider LowCardinality(String),
    scope String,
    location String,
    document String,
    revision String,
    url String,
    observed_at Nullable(DateTime64(3, 'UTC')),
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (source, scope, location);
