-- One row a service of the catalog: what the latest facts say of the golden path that its lock file names.
SELECT e.entity AS service, if(e.title != '', e.title, e.name) AS name, e.owner AS team,
    if(f.known, toNullable(toUInt8(f.followed)), NULL) AS followed, f.golden_path AS golden_path, f.version AS version,
    f.drift AS drift, f.declined AS declined, f.reason AS reason,
    if(f.entity = '', NULL, toNullable(f.observed_at)) AS observed_at
FROM entities AS e
LEFT JOIN
(
    SELECT entity,
        countIf(fact = 'repository.golden_path.followed' AND error = '') > 0 AS known,
        countIf(fact = 'repository.golden_path.followed' AND error = '' AND value = 'true') > 0 AS followed,
        anyIf(JSONExtractString(value), fact = 'repository.golden_path.name' AND error = '') AS golden_path,
        anyIf(JSONExtractString(value), fact = 'repository.golden_path.version' AND error = '') AS version,
        anyIf(JSONLength(value), fact = 'repository.golden_path.drift' AND error = '') AS drift,
        anyIf(JSONLength(value), fact = 'repository.golden_path.declined' AND error = '') AS declined,
        anyIf(error, fact = 'repository.golden_path.followed') AS reason,
        maxIf(observed_at, fact = 'repository.golden_path.followed') AS observed_at
    FROM facts
    WHERE fact IN ('repository.golden_path.followed', 'repository.golden_path.name', 'repository.golden_path.version',
        'repository.golden_path.drift', 'repository.golden_path.declined')
    GROUP BY entity
) AS f ON f.entity = e.entity
WHERE lower(e.kind) = 'component' AND lower(e.type) NOT IN ('library', 'documentation', 'docs')
ORDER BY service
