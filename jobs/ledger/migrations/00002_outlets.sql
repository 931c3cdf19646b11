-- Several ways out, and several messages on each; a job is held by one process at a time.

-- +goose Up
ALTER TABLE job ADD COLUMN holder TEXT   NOT NULL DEFAULT ''; -- the process that works on it, '' for none
ALTER TABLE job ADD COLUMN held   BIGINT NOT NULL DEFAULT 0;  -- until when, in milliseconds

ALTER TABLE run ADD COLUMN news   TEXT   NOT NULL DEFAULT ''; -- JSON of what the messages say besides the summary

CREATE TABLE part (
    job      TEXT   NOT NULL,
    slot     BIGINT NOT NULL,
    outlet   TEXT   NOT NULL, -- slack, webhook, email
    name     TEXT   NOT NULL, -- summary, owner:ID, file:NAME
    position BIGINT NOT NULL, -- in which order they are sent; 0 is the root of the others
    state    TEXT   NOT NULL, -- new, sending, uncertain, sent, expired
    ref      TEXT   NOT NULL DEFAULT '', -- what the receiving side calls it
    error    TEXT   NOT NULL DEFAULT '', -- of the last attempt
    since    BIGINT NOT NULL DEFAULT 0,  -- the first attempt, in milliseconds
    PRIMARY KEY (job, slot, outlet, name),
    FOREIGN KEY (job, slot) REFERENCES run (job, slot)
);
INSERT INTO part (job, slot, outlet, name, position, state, ref, error, since)
    SELECT job, slot, 'slack', part, 0, state, ref, error, since * 1000 FROM outbox;
DROP TABLE outbox;
