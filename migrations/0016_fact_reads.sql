-- When facts were read again without a change. fact_history has a row only where a value changes, so it does not show
-- how old a value was at a past time. fact_reads has a row a day for the facts that a source read together of an entity:
-- the last reading of that day. fact_set is a hash of their names, which fact_sets has once.
--
-- expires_after_ms is how long after its observation a fact expires: 0 for never. -1 in fact_history: not recorded,
-- because the row is older than this column.
CREATE TABLE fact_reads
(
    entity String,
    source LowCardinality(String),
    fact_set UInt64,
    day Date,
    observed_at DateTime64(3, 'UTC'),
    expires_after_ms Int64,
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (entity, source, fact_set, day);

CREATE TABLE fact_sets
(
    fact_set UInt64,
    facts Array(String),
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY fact_set;

ALTER TABLE fact_history ADD COLUMN expires_after_ms Int64 DEFAULT -1 AFTER error;
