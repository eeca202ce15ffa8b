-- When the collected history of deployments begins: the earliest time of any of them, whatever its outcome.
SELECT minOrNull(at) AS since FROM (SELECT arrayJoin([created_at, started_at, finished_at]) AS at FROM deployment_times WHERE NOT baseline)
