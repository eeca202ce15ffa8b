-- Merged changes of people and how many of them were reviewed before the merge, by service.
SELECT service, count() AS merged,
    countIf(ifNull(first_review_at <= merged_at, false) OR ifNull(approved_at <= merged_at, false)) AS reviewed,
    toNullable(max(assumeNotNull(merged_at))) AS last_at
FROM changes
WHERE merged_at IS NOT NULL AND NOT bot AND ({service:String} = '' OR service = {service:String})
    AND merged_at >= {from:DateTime64(3, 'UTC')} AND merged_at < {to:DateTime64(3, 'UTC')}
GROUP BY service
ORDER BY service
