-- When the collected history begins: the first deployment that any source told of, whatever became of it.
SELECT minOrNull(coalesce(created_at, started_at, finished_at)) AS since
FROM deployments
