-- When the collected history of a kind of event begins: the earliest time of any record of it, whatever its outcome.
SELECT minOrNull(at) AS since
FROM
(
    SELECT arrayJoin([created_at, started_at, finished_at]) AS at FROM deployment_times
    WHERE {kind:String} = 'deployment' AND NOT baseline
    UNION ALL
    SELECT arrayJoin([created_at, started_at, finished_at]) AS at FROM pipeline_run_times WHERE {kind:String} = 'pipeline_run'
    UNION ALL
    SELECT arrayJoin([created_at, merged_at, closed_at]) AS at FROM change_times WHERE {kind:String} = 'change'
)
