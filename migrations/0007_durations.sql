-- How long a run took in its source's own words. A run's end cannot always be known, and its duration is not always the
-- difference of its times: a source may leave out the time that a run waited for somebody.
ALTER TABLE raw_pipeline_runs ADD COLUMN duration_ms Nullable(UInt64) AFTER finished_at;

CREATE OR REPLACE VIEW pipeline_runs AS
SELECT
    multiIf(r.service != '', r.service, b.service != '', b.service, concat('unmapped:', r.provider, '/', r.scope)) AS service,
    r.pipeline AS pipeline, r.id AS id, r.attempt AS attempt, r.status AS status, r.status_raw AS status_raw,
    r.branch AS branch, r.trigger AS trigger, r.sha AS sha,
    r.actor AS actor, if(i.person != '', i.person, j.person) AS person, r.bot OR i.bot OR j.bot AS bot,
    r.created_at AS created_at, r.started_at AS started_at, r.finished_at AS finished_at, r.duration_ms AS duration_ms,
    r.source AS source, r.scope AS scope, r.url AS url
FROM (SELECT * FROM raw_pipeline_runs FINAL) AS r
LEFT ANY JOIN catalog_bindings AS b ON b.provider = r.provider AND b.scope = lower(r.scope)
LEFT ANY JOIN (SELECT * FROM catalog_identities WHERE provider != '') AS i ON i.provider = r.provider AND i.login = lower(r.actor)
LEFT ANY JOIN (SELECT * FROM catalog_identities WHERE provider = '') AS j ON j.login = lower(r.actor)
SETTINGS join_use_nulls = 0;
