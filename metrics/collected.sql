-- The kinds of record that were ever collected for each service: it has such records, of whatever outcome or
-- environment, or a source was asked for them in a scope that is bound to it or that other records of it came from. An
-- answer without records is zero; without such an answer the number is not known.
WITH
    held AS
    (
        SELECT DISTINCT service, 'deployment' AS kind, source, scope FROM deployments
        WHERE {service:String} = '' OR service = {service:String}
        UNION ALL
        SELECT DISTINCT service, 'pipeline_run' AS kind, source, scope FROM pipeline_runs
        WHERE {service:String} = '' OR service = {service:String}
        UNION ALL
        SELECT DISTINCT service, 'change' AS kind, source, scope FROM changes
        WHERE {service:String} = '' OR service = {service:String}
        UNION ALL
        SELECT DISTINCT service, 'incident' AS kind, source, scope FROM incidents
        WHERE {service:String} = '' OR service = {service:String}
    )
SELECT DISTINCT service, kind
FROM
(
    -- held stands here once: its views are deep, and ClickHouse analyzes them wherever they are named.
    SELECT h.service AS service, arrayJoin(arrayConcat([h.kind], l.kinds)) AS kind
    FROM held AS h
    LEFT JOIN (SELECT source, scope, groupUniqArray(toString(kind)) AS kinds FROM ledger GROUP BY source, scope) AS l
        ON l.source = h.source AND l.scope = h.scope
    UNION ALL
    SELECT service, kind FROM ledger
    WHERE {service:String} = '' OR service = {service:String}
)
WHERE has({kinds:Array(String)}, kind)
