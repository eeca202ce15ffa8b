-- The times of records, whosever they are. Where the collected history begins is asked of the whole organization, and
-- the joins that find the service, the person and the bot of each record would be most of the work.
CREATE VIEW deployment_times AS
SELECT if(e.environment != '', e.environment, lower(r.environment)) AS environment,
    r.created_at AS created_at, r.started_at AS started_at, r.finished_at AS finished_at,
    r.source AS source, r.scope AS scope, r.url AS url
FROM (SELECT * FROM raw_deployments FINAL) AS r
LEFT ANY JOIN catalog_environments AS e ON e.raw = lower(r.environment)
SETTINGS join_use_nulls = 0;

CREATE VIEW pipeline_run_times AS
SELECT created_at, started_at, finished_at, source, scope, url FROM raw_pipeline_runs FINAL;

CREATE VIEW change_times AS
SELECT created_at, first_review_at, approved_at, merged_at, closed_at, source, scope, url FROM raw_changes FINAL;
