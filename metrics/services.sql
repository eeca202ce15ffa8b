-- The services of the catalog: components, except those that are not deployed. With a service, that one.
SELECT entity AS service, owner AS team
FROM entities
WHERE lower(kind) = 'component' AND lower(type) NOT IN ('library', 'documentation', 'docs')
    AND ({service:String} = '' OR entity = {service:String})
ORDER BY entity
