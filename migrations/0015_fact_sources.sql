-- The facts that a source reports belong to that source alone, by the configuration: name is the complete name of a
-- fact, or a prefix that ends with a dot. A fact of such a name that another source stored (an earlier configuration, a
-- source that was renamed) neither replaces nor hides the fact of its source.
CREATE TABLE catalog_facts
(
    name String,
    source LowCardinality(String)
)
ENGINE = MergeTree
ORDER BY name;

-- A collector observes a scope ("unmapped:github/myorg/payment-service"); the catalog says which service that is. Where
-- several sources or scopes tell a fact of one entity, a value that has not expired comes before one that has and before
-- the reason why there is none, then the latest one; what ties is decided by its content, never by the order of arrival.
CREATE OR REPLACE VIEW facts AS
SELECT
    multiIf(o.service != '', o.service, b.service != '', b.service, f.entity) AS entity,
    f.fact AS fact, f.type AS type, f.value AS value, f.observed_at AS observed_at, f.expires_at AS expires_at,
    f.error AS error, f.source AS source, f.url AS url
FROM (SELECT * FROM current_facts FINAL) AS f
LEFT ANY JOIN (SELECT concat('unmapped:', provider, '/', scope) AS ref, service FROM catalog_bindings WHERE source = '') AS b
    ON b.ref = lower(f.entity)
LEFT ANY JOIN (SELECT concat('unmapped:', provider, '/', scope) AS ref, source, service FROM catalog_bindings WHERE source != '') AS o
    ON o.ref = lower(f.entity) AND o.source = f.source
WHERE entity IN (SELECT ref FROM catalog_entities)
    AND (f.source, f.fact) NOT IN (
        SELECT s.source, s.fact FROM (SELECT DISTINCT source, fact FROM current_facts) AS s CROSS JOIN catalog_facts AS d
        WHERE d.source != s.source AND (d.name = s.fact OR endsWith(d.name, '.') AND startsWith(s.fact, d.name)))
ORDER BY f.error = '' AND ifNull(f.expires_at > now64(3), true) DESC, observed_at DESC, error, source, f.entity, type, value, url
LIMIT 1 BY entity, fact
SETTINGS join_use_nulls = 0;
