-- When the collected history of changes begins: the earliest time of any of them, whatever its outcome.
SELECT minOrNull(at) AS since FROM (SELECT arrayJoin([created_at, merged_at, closed_at]) AS at FROM change_times)
