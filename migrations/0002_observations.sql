-- Facts and grades are kept twice: what holds now (one row a fact, replaced at every observation) and what changed
-- (a row only when the value differs from the one before). A nightly re-grade of a thousand services thus adds a row
-- per change to the history, not a thousand rows a rule.

CREATE TABLE current_facts
(
    source LowCardinality(String),
    entity String,
    fact LowCardinality(String),
    type LowCardinality(String),
    value String,
    observed_at DateTime64(3, 'UTC'),
    expires_at Nullable(DateTime64(3, 'UTC')),
    error String,
    url String,
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (entity, fact);

CREATE TABLE fact_history
(
    source LowCardinality(String),
    entity String,
    fact LowCardinality(String),
    type LowCardinality(String),
    value String,
    error String,
    valid_from DateTime64(3, 'UTC'),
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (entity, fact, valid_from);

CREATE TABLE current_grades
(
    entity String,
    scorecard LowCardinality(String),
    rule LowCardinality(String),
    rule_version UInt32,
    level LowCardinality(String),
    outcome LowCardinality(String),
    reason String,
    url String,
    evaluated_at DateTime64(3, 'UTC'),
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (entity, scorecard, rule);

CREATE TABLE grade_history
(
    entity String,
    scorecard LowCardinality(String),
    rule LowCardinality(String),
    rule_version UInt32,
    level LowCardinality(String),
    outcome LowCardinality(String),
    reason String,
    valid_from DateTime64(3, 'UTC'),
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (entity, scorecard, rule, valid_from);
