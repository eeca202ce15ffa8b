-- The first and the last day of a survey are days of its time zone; '' is UTC.
ALTER TABLE raw_published_surveys ADD COLUMN time_zone LowCardinality(String) AFTER closes_at;

CREATE OR REPLACE VIEW surveys AS
SELECT survey, version, title, opens_at, closes_at, time_zone, published_at, items, teams, few, complementary,
    hidden_cells
FROM (SELECT * FROM raw_published_surveys FINAL WHERE NOT deleted ORDER BY version DESC LIMIT 1 BY survey);
