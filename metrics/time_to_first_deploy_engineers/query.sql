-- One row a person: their start and the first successful production deployment that is theirs. A person may have
-- several rows in people (a row a team): the first start counts, and the team they started in. left_on is the last day
-- that somebody works here, as a whole day, so they have left when the day after begins.
WITH
    authored AS
    (
        SELECT source, scope, id, person FROM changes WHERE person != '' AND NOT bot
    ),
    delivered AS
    (
        SELECT a.person AS person, d.deployed_at AS at, d.link_method AS link_method, d.deployment_id AS deployment_id, d.service AS service, d.url AS url
        FROM deployed_changes AS d
        INNER JOIN authored AS a
            ON a.source = d.change_source AND a.scope = d.scope AND a.id = d.change_id -- of whichever service: in a shared repository a change may be several services'
        WHERE d.environment = {environment:String}
        UNION ALL
        SELECT person, assumeNotNull(coalesce(finished_at, started_at, created_at)) AS at, 'started' AS link_method, id AS deployment_id, service, url
        FROM deployments
        WHERE environment = {environment:String} AND status = 'succeeded' AND NOT baseline AND rollback_of = ''
            AND person != '' AND NOT bot AND coalesce(finished_at, started_at, created_at) IS NOT NULL
    ),
    firsts AS
    (
        SELECT person, toNullable(min(at)) AS deployed_at, argMin(tuple(link_method, deployment_id, service, url), tuple(at, link_method, deployment_id, service, url)) AS first
        FROM delivered
        GROUP BY person
    ),
    persons AS
    (
        SELECT p.person AS person, min(p.name) AS name,
            if(count(p.started_on) = 0, min(p.team), argMinIf(p.team, tuple(assumeNotNull(p.started_on), p.team), p.started_on IS NOT NULL)) AS team,
            min(p.started_on) AS started_at,
            if(countIf(p.left_on IS NULL) > 0, NULL, addDays(max(p.left_on), 1)) AS left_at
        FROM people AS p
        GROUP BY p.person
    ),
    (
        SELECT minOrNull(coalesce(finished_at, started_at, created_at)) FROM deployment_times
        WHERE environment = {environment:String} AND NOT baseline
    ) AS history
SELECT s.person AS id, s.name AS name, s.team AS team, s.started_at AS started_at, s.left_at AS left_at,
    f.deployed_at AS deployed_at, f.first.1 AS link_method, f.first.2 AS deployment_id, f.first.3 AS service, f.first.4 AS url,
    toNullable(toDateTime64(toDate32(history), 3, 'UTC')) AS history_at, true AS connected
FROM persons AS s
LEFT JOIN firsts AS f ON f.person = s.person
ORDER BY started_at, id
