-- The services of the catalog: components, except those that are not deployed.
SELECT entity AS service, owner AS team
FROM entities
WHERE kind = 'component' AND type NOT IN ('library', 'documentation')
ORDER BY entity
