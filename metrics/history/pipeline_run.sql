-- When the collected history of pipeline runs begins: the earliest time of any of them, whatever its outcome.
SELECT minOrNull(at) AS since FROM (SELECT arrayJoin([created_at, started_at, finished_at]) AS at FROM pipeline_run_times)
