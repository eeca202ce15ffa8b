-- Actions in batches. A run of a batch is planned for a repository, and its row is written again whenever its outcome is
-- known better: what became of its pull request. batch is empty and wave is 0 outside of a batch; pull is 0 without a
-- pull request.
ALTER TABLE raw_action_runs
    ADD COLUMN batch String DEFAULT '' AFTER plan,
    ADD COLUMN wave UInt32 DEFAULT 0 AFTER batch,
    ADD COLUMN repository String DEFAULT '' AFTER wave,
    ADD COLUMN rules Array(String) DEFAULT [] AFTER repository,
    ADD COLUMN outcome LowCardinality(String) DEFAULT '' AFTER rules,
    ADD COLUMN patch String DEFAULT '' AFTER outcome,
    ADD COLUMN pull UInt64 DEFAULT 0 AFTER patch,
    ADD COLUMN note String DEFAULT '' AFTER pull;

-- What happened in a run, in the order of number. undo has the requests that restore what the step changed; the view
-- leaves it out.
CREATE TABLE raw_action_steps
(
    source LowCardinality(String),
    run String,
    number UInt32,
    name LowCardinality(String),
    status LowCardinality(String),
    at Nullable(DateTime64(3, 'UTC')),
    url String,
    note String,
    undo String,
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (source, run, number);

-- A batch: its selection and limits, how far it is, and why it does not go on. waves has the number of runs of each wave.
CREATE TABLE raw_action_batches
(
    source LowCardinality(String),
    id String,
    kind LowCardinality(String),
    actor String,
    plan String,
    settings String,
    status LowCardinality(String),
    wave UInt32,
    waves Array(UInt32),
    note String,
    started_at Nullable(DateTime64(3, 'UTC')),
    finished_at Nullable(DateTime64(3, 'UTC')),
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (source, id);

CREATE OR REPLACE VIEW action_runs AS
SELECT id, kind, entity, actor, plan, batch, wave, repository, rules, outcome, patch, pull, note, status, started_at,
    finished_at, source, url
FROM raw_action_runs FINAL;

CREATE VIEW action_steps AS
SELECT run, number, name, status, at, note, source, url FROM raw_action_steps FINAL;

CREATE VIEW action_batches AS
SELECT id, kind, actor, plan, settings, status, wave, waves, note, started_at, finished_at, source, '' AS url
FROM raw_action_batches FINAL;
