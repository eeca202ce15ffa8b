-- Which rules a grade was given by. A digest stands for the content of a scorecard that decides its grades. Every grade
-- that holds now has the digest; the history of grades has it where an outcome changed, because a row for each rule of
-- each service at every change of the rules would be most of that table. rules_history has a row for each scorecard
-- whenever its digest changed. '': not recorded, because the row is older than this column.
ALTER TABLE current_grades ADD COLUMN rules_digest LowCardinality(String) DEFAULT '' AFTER reason;

ALTER TABLE grade_history ADD COLUMN rules_digest LowCardinality(String) DEFAULT '' AFTER reason;

CREATE TABLE rules_history
(
    scorecard LowCardinality(String),
    digest LowCardinality(String),
    valid_from DateTime64(3, 'UTC'),
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (scorecard, valid_from);

CREATE OR REPLACE VIEW grades AS
SELECT entity, scorecard, rule, rule_version, level, outcome, reason, rules_digest, evaluated_at, 'dxctl' AS source, url
FROM current_grades FINAL
WHERE entity IN (SELECT ref FROM catalog_entities);
