-- When the collected history of a kind of event begins: the earliest time of any record of it, whatever its outcome.
SELECT minOrNull(at) AS since
FROM
(
    SELECT arrayJoin([created_at, started_at, finished_at]) AS at FROM deployments WHERE {kind:String} = 'deployment'
    UNION ALL
    SELECT arrayJoin([created_at, started_at, finished_at]) AS at FROM pipeline_runs WHERE {kind:String} = 'pipeline_run'
    UNION ALL
    SELECT arrayJoin([created_at, merged_at, closed_at]) AS at FROM changes WHERE {kind:String} = 'change'
)
