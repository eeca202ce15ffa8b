-- Facts by the source that observed them: two sources may tell the same fact of one entity, and neither's replaces the
-- other's. Only a new column can be added to a table's key, so the source stands there again as source_key. A key cannot
-- be updated either: the rows are written anew and the old ones removed.
ALTER TABLE current_facts
    ADD COLUMN source_key LowCardinality(String) AFTER source,
    MODIFY ORDER BY (entity, fact, source_key);

INSERT INTO current_facts SELECT * REPLACE (source AS source_key) FROM (SELECT * FROM current_facts FINAL WHERE source_key = '');

ALTER TABLE current_facts DELETE
WHERE source_key = '' AND (entity, fact) IN (SELECT entity, fact FROM current_facts WHERE source_key != '')
SETTINGS mutations_sync = 2;

ALTER TABLE fact_history
    ADD COLUMN source_key LowCardinality(String) AFTER source,
    MODIFY ORDER BY (entity, fact, valid_from, source_key);

INSERT INTO fact_history SELECT * REPLACE (source AS source_key) FROM (SELECT * FROM fact_history FINAL WHERE source_key = '');

ALTER TABLE fact_history DELETE
WHERE source_key = '' AND (entity, fact) IN (SELECT entity, fact FROM fact_history WHERE source_key != '')
SETTINGS mutations_sync = 2;

-- A collector observes a scope ("unmapped:github/myorg/payment-service"); the catalog says which service that is. Where
-- several sources or scopes tell a fact of one entity, a value that has not expired comes before one that has and before
-- the reason why there is none, then the latest one; what ties is decided by its content, never by the order of arrival.
CREATE OR REPLACE VIEW facts AS
SELECT
    if(b.service != '', b.service, f.entity) AS entity,
    f.fact AS fact, f.type AS type, f.value AS value, f.observed_at AS observed_at, f.expires_at AS expires_at,
    f.error AS error, f.source AS source, f.url AS url
FROM (SELECT * FROM current_facts FINAL) AS f
LEFT ANY JOIN (SELECT concat('unmapped:', provider, '/', scope) AS ref, service FROM catalog_bindings) AS b ON b.ref = lower(f.entity)
WHERE entity IN (SELECT ref FROM catalog_entities)
ORDER BY f.error = '' AND ifNull(f.expires_at > now64(3), true) DESC, observed_at DESC, error, source, f.entity, type, value, url
LIMIT 1 BY entity, fact
SETTINGS join_use_nulls = 0;
