-- A baseline records what ran already, often with the time at which that was installed. It does not show that a source
-- told of deployments then.
CREATE OR REPLACE VIEW deployment_times AS
SELECT if(e.environment != '', e.environment, lower(r.environment)) AS environment,
    r.created_at AS created_at, r.started_at AS started_at, r.finished_at AS finished_at,
    r.source AS source, r.scope AS scope, r.url AS url, r.baseline AS baseline
FROM (SELECT * FROM raw_deployments FINAL) AS r
LEFT ANY JOIN catalog_environments AS e ON e.raw = lower(r.environment)
SETTINGS join_use_nulls = 0;
