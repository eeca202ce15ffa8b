-- The services of the catalog: components, except those that are not deployed.
SELECT entity AS service, owner AS team
FROM entities
WHERE lower(kind) = 'component' AND lower(type) NOT IN ('library', 'documentation', 'docs')
ORDER BY entity
