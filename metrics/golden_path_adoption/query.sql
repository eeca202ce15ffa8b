-- One row a service of the catalog: what the latest facts say of the golden path that its lock file names. An expired
-- fact says nothing of now. drift and declined are NULL if they are not known.
SELECT e.entity AS service, if(e.title != '', e.title, e.name) AS name, e.owner AS team,
    if(f.known, toNullable(toUInt8(f.followed)), NULL) AS followed, f.golden_path AS golden_path, f.version AS version,
    f.drift AS drift, f.declined AS declined, f.reason AS reason,
    if(f.entity = '', NULL, toNullable(f.observed_at)) AS observed_at
FROM entities AS e
LEFT JOIN
(
    SELECT entity,
        countIf(fact = 'repository.golden_path.followed' AND holds) > 0 AS known,
        countIf(fact = 'repository.golden_path.followed' AND holds AND value = 'true') > 0 AS followed,
        anyIf(JSONExtractString(value), fact = 'repository.golden_path.name' AND holds) AS golden_path,
        anyIf(JSONExtractString(value), fact = 'repository.golden_path.version' AND holds) AS version,
        anyOrNullIf(JSONLength(value), fact = 'repository.golden_path.drift' AND holds) AS drift,
        anyOrNullIf(JSONLength(value), fact = 'repository.golden_path.declined' AND holds) AS declined,
        anyIf(if(error = '' AND expired, 'the facts of its files have expired', error),
            fact = 'repository.golden_path.followed') AS reason,
        maxIf(observed_at, fact = 'repository.golden_path.followed') AS observed_at
    FROM
    (
        SELECT entity, fact, value, error, observed_at,
            expires_at IS NOT NULL AND expires_at <= {now:DateTime64(3, 'UTC')} AS expired, error = '' AND NOT expired AS holds
        FROM facts
        WHERE fact IN ('repository.golden_path.followed', 'repository.golden_path.name', 'repository.golden_path.version',
            'repository.golden_path.drift', 'repository.golden_path.declined')
    )
    GROUP BY entity
) AS f ON f.entity = e.entity
WHERE lower(e.kind) = 'component' AND lower(e.type) NOT IN ('library', 'documentation', 'docs')
ORDER BY service
