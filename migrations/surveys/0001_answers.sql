-- The answers of surveys, in a database of their own: a row is one import of one survey, whole, so that an import is
-- stored in one step. body is opaque to queries, because columns of answers would show through the statistics that the
-- engine keeps of its parts.
CREATE TABLE answers
(
    survey String,
    version UInt64,
    imported_at DateTime64(3, 'UTC'),
    closes_at DateTime64(3, 'UTC'),
    title String,
    responses UInt64,
    body String CODEC(ZSTD(3))
)
ENGINE = MergeTree
PARTITION BY survey
ORDER BY (survey, version)
SETTINGS old_parts_lifetime = 1;

-- The keys of the hashes by which a respondent is recognized in a later export. A key is deleted when its survey is
-- published.
CREATE TABLE respondent_keys
(
    survey String,
    key String,
    created_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
PARTITION BY survey
ORDER BY survey
SETTINGS old_parts_lifetime = 1;

-- The versions of answers that were published. Their answers are kept beside later ones until they expire.
CREATE TABLE published_versions
(
    survey String,
    version UInt64,
    published_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
PARTITION BY survey
ORDER BY (survey, version);
