-- A change may be merged or closed although nobody knows since when. What was stored before is so where it has a time.
ALTER TABLE raw_changes ADD COLUMN state LowCardinality(String) AFTER approved_at;

CREATE OR REPLACE VIEW changes AS
SELECT
    multiIf(r.service != '', r.service, o.service != '', o.service, b.service != '', b.service,
        concat('unmapped:', r.provider, '/', r.scope)) AS service,
    r.repository AS repository, r.id AS id, r.number AS number, r.title AS title,
    multiIf(r.merged_at IS NOT NULL OR r.state = 'merged', 'merged', r.closed_at IS NOT NULL OR r.state = 'closed', 'closed', 'open')
        AS status,
    r.author AS author, if(i.person != '', i.person, j.person) AS person, r.bot OR i.bot OR j.bot AS bot,
    r.created_at AS created_at, r.first_commit_at AS first_commit_at, r.first_review_at AS first_review_at,
    r.approved_at AS approved_at, r.merged_at AS merged_at, r.closed_at AS closed_at,
    r.merge_sha AS merge_sha, r.head_sha AS head_sha, r.commit_shas AS commit_shas,
    r.additions AS additions, r.deletions AS deletions, r.reverts AS reverts,
    r.source AS source, r.scope AS scope, r.url AS url
FROM (SELECT * FROM raw_changes FINAL) AS r
LEFT ANY JOIN (SELECT * FROM catalog_bindings WHERE source = '') AS b ON b.provider = r.provider AND b.scope = lower(r.scope)
LEFT ANY JOIN (SELECT * FROM catalog_bindings WHERE source != '') AS o
    ON o.provider = r.provider AND o.source = r.source AND o.scope = lower(r.scope)
LEFT ANY JOIN (SELECT * FROM catalog_identities WHERE provider != '') AS i ON i.provider = r.provider AND i.login = lower(r.author)
LEFT ANY JOIN (SELECT * FROM catalog_identities WHERE provider = '') AS j ON j.login = lower(r.author)
SETTINGS join_use_nulls = 0;
