-- Surveys that were deleted, with the numbers of people who took part that were shown of them: whoever saw these could
-- subtract them from what is shown after another import of the survey. Nothing of an answer is in it.
CREATE TABLE deleted_surveys
(
    survey String,
    deleted_at DateTime64(3, 'UTC'),
    closes_at DateTime64(3, 'UTC'),
    shown String CODEC(ZSTD(3))
)
ENGINE = MergeTree
PARTITION BY survey
ORDER BY (survey, deleted_at)
SETTINGS old_parts_lifetime = 1;
