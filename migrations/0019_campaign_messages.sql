-- The messages that remind owners of campaigns. A row is stored as "sending" before the message is sent, so that a crash
-- in between loses a message and never sends one twice. campaigns and steps have an element for each campaign that the
-- message is about.
CREATE TABLE campaign_messages
(
    owner String,
    id String,
    webhook LowCardinality(String),
    campaigns Array(String),
    steps Array(String),
    status LowCardinality(String),
    error String,
    claimed_at DateTime64(3, 'UTC'),
    changed_at DateTime64(3, 'UTC'),
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (owner, id);
