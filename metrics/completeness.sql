-- The ledger by source, scope and kind. With a service: of the scopes that are bound to it and of those that its records,
-- of whatever kind, came from; for what its deployments held, of the repositories that were compared.
SELECT source, scope, kind,
    sum(l.expected) AS expected, sum(l.stored) AS stored, sum(l.open) AS open, toUInt64(sum(l.gap)) AS gap,
    min(l.checked_at) AS checked_at, max(l.note) AS note
FROM ledger AS l
WHERE has({kinds:Array(String)}, kind)
    AND ({service:String} = '' OR l.service = {service:String} OR (source, scope) IN
    (
        SELECT source, scope FROM deployments WHERE service = {service:String}
        UNION DISTINCT
        SELECT source, scope FROM pipeline_runs WHERE service = {service:String}
        UNION DISTINCT
        SELECT source, scope FROM pipeline_jobs WHERE service = {service:String}
        UNION DISTINCT
        SELECT source, scope FROM changes WHERE service = {service:String}
        UNION DISTINCT
        SELECT source, scope FROM incidents WHERE service = {service:String}
        UNION DISTINCT
        SELECT source, scope FROM compared_deployments WHERE service = {service:String}
    ))
GROUP BY source, scope, kind
ORDER BY gap DESC, source, scope, kind
