-- What exists, as the catalog and the configuration say it now. These tables are replaced as a whole, in one step, when
-- either changes, and the public views join them when they are read: a service that is described today owns its
-- history at once, and nothing stored has to be rewritten.

CREATE TABLE catalog_entities
(
    ref String,
    kind LowCardinality(String),
    namespace LowCardinality(String),
    name String,
    title String,
    description String,
    type LowCardinality(String),
    lifecycle LowCardinality(String),
    owner String,
    system String,
    depends_on Array(String),
    tags Array(String),
    annotations Map(String, String),
    created_at Nullable(DateTime64(3, 'UTC')),
    location String,
    definition String
)
ENGINE = MergeTree
ORDER BY ref;

-- Which scope of a provider is which service. scope is in lower case.
CREATE TABLE catalog_bindings
(
    provider LowCardinality(String),
    scope String,
    service String
)
ENGINE = MergeTree
ORDER BY (provider, scope);

-- Whose login is whose, in lower case. provider is empty where a login is the same person at every provider.
CREATE TABLE catalog_identities
(
    provider LowCardinality(String),
    login String,
    person String,
    bot Bool
)
ENGINE = MergeTree
ORDER BY (provider, login);

CREATE TABLE catalog_people
(
    person String,
    name String,
    team String,
    started_on Nullable(DateTime64(3, 'UTC')),
    left_on Nullable(DateTime64(3, 'UTC')),
    source LowCardinality(String),
    url String
)
ENGINE = MergeTree
ORDER BY (person, team);

-- The configuration's `environments`: what a source calls an environment, in lower case, and what we call it.
CREATE TABLE catalog_environments
(
    raw LowCardinality(String),
    environment LowCardinality(String)
)
ENGINE = MergeTree
ORDER BY raw;

-- How far each stream of a source has been stored. doc is the collector's own JSON.
CREATE TABLE checkpoints
(
    source LowCardinality(String),
    scope String,
    stream LowCardinality(String),
    doc String,
    saved_at DateTime64(3, 'UTC'),
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (source, scope, stream);
