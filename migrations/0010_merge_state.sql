-- What the merge of pushed deliveries has to know beside the values of a record: when its sender said each of them.
-- Without it the outcome would depend on the order in which deliveries arrive. JSON; empty for what was collected.
ALTER TABLE raw_deployments ADD COLUMN merge_state String CODEC(ZSTD) AFTER service;
ALTER TABLE raw_pipeline_runs ADD COLUMN merge_state String CODEC(ZSTD) AFTER service;
ALTER TABLE raw_pipeline_jobs ADD COLUMN merge_state String CODEC(ZSTD) AFTER service;
ALTER TABLE raw_changes ADD COLUMN merge_state String CODEC(ZSTD) AFTER service;
ALTER TABLE raw_incidents ADD COLUMN merge_state String CODEC(ZSTD) AFTER service;
