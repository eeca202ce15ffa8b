-- The ledger by source, scope and kind. With a service: of the scopes that its events came from.
SELECT source, scope, kind,
    sum(l.expected) AS expected, sum(l.stored) AS stored, sum(l.open) AS open, toUInt64(sum(l.gap)) AS gap,
    min(l.checked_at) AS checked_at, anyIf(l.note, l.note != '') AS note
FROM ledger AS l
WHERE has({kinds:Array(String)}, kind)
    AND ({service:String} = '' OR (source, scope) IN
    (
        SELECT source, scope FROM deployments WHERE service = {service:String}
        UNION DISTINCT
        SELECT source, scope FROM pipeline_runs WHERE service = {service:String}
        UNION DISTINCT
        SELECT source, scope FROM changes WHERE service = {service:String}
    ))
GROUP BY source, scope, kind
ORDER BY gap DESC, source, scope, kind
