-- What may be shown of surveys, decided when each was published. The answers are not here: they are in a database of
-- their own, which no reader can query. A row of raw_survey_results is a cell: a group of people and what it is about.
-- All cells of a version are written before its row of raw_published_surveys, so that a publication is there as a whole
-- or not at all.
CREATE TABLE raw_survey_results
(
    survey String,
    version UInt64,
    team LowCardinality(String),
    tenure LowCardinality(String),
    golden_path LowCardinality(String),
    measure LowCardinality(String),
    item LowCardinality(String),
    answers UInt32,
    people UInt32,
    counts Array(UInt32),
    total Float64,
    squares Float64,
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (survey, version, team, tenure, golden_path, measure, item);

CREATE TABLE raw_published_surveys
(
    survey String,
    version UInt64,
    title String,
    opens_at DateTime64(3, 'UTC'),
    closes_at DateTime64(3, 'UTC'),
    published_at DateTime64(3, 'UTC'),
    items String,
    teams String,
    few UInt32,
    complementary UInt32,
    hidden_cells UInt32,
    deleted Bool,
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (survey, version);

CREATE VIEW surveys AS
SELECT survey, version, title, opens_at, closes_at, published_at, items, teams, few, complementary, hidden_cells
FROM (SELECT * FROM raw_published_surveys FINAL WHERE NOT deleted ORDER BY version DESC LIMIT 1 BY survey);

CREATE VIEW survey_results AS
SELECT r.survey AS survey, r.version AS version, r.team AS team, r.tenure AS tenure, r.golden_path AS golden_path,
    r.measure AS measure, r.item AS item, r.answers AS answers, r.people AS people, r.counts AS counts,
    r.total AS total, r.squares AS squares
FROM (SELECT * FROM raw_survey_results FINAL) AS r
WHERE (r.survey, r.version) IN (SELECT survey, max(version) FROM raw_published_surveys FINAL WHERE NOT deleted GROUP BY survey);
