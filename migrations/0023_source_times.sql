-- When each source first reported a repository: what is created after that was observed from its beginning.
CREATE VIEW source_times AS
SELECT source, min(valid_from) AS since FROM fact_history WHERE fact = 'repository.created_at' GROUP BY source;
