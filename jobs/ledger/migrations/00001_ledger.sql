-- Times are seconds since 1970 (UTC), but started is in milliseconds. Every statement works on SQLite and PostgreSQL.

-- +goose Up
CREATE TABLE job (
    name     TEXT   PRIMARY KEY,
    schedule TEXT   NOT NULL, -- another one starts afresh: its past slots were never due
    reached  BIGINT NOT NULL  -- slots up to here are dealt with; at first, when the job was first seen
);

CREATE TABLE run (
    job      TEXT   NOT NULL,
    slot     BIGINT NOT NULL,
    cause    TEXT   NOT NULL, -- schedule, catch-up, manual, dry-run
    missed   BIGINT NOT NULL, -- slots before this one that nobody reviewed
    started  BIGINT NOT NULL,
    state    TEXT   NOT NULL, -- running, reported
    verdict  TEXT   NOT NULL DEFAULT '',
    summary  TEXT   NOT NULL DEFAULT '', -- JSON of summary.json
    pack     BIGINT NOT NULL DEFAULT 0,  -- number of its evidence pack, 0 without one
    manifest TEXT   NOT NULL DEFAULT '', -- SHA-256 of the pack's manifest
    PRIMARY KEY (job, slot)
);

-- No overlap: a job has one running run at the most.
CREATE UNIQUE INDEX one_running ON run (job) WHERE state = 'running';

CREATE TABLE item (
    job      TEXT   NOT NULL,
    slot     BIGINT NOT NULL,
    target   TEXT   NOT NULL,
    position BIGINT NOT NULL, -- in the order of the configuration
    state    TEXT   NOT NULL, -- pending, done
    result   TEXT   NOT NULL DEFAULT '', -- JSON: coverage and counts
    PRIMARY KEY (job, slot, target),
    FOREIGN KEY (job, slot) REFERENCES run (job, slot)
);

CREATE TABLE outbox (
    job   TEXT   NOT NULL,
    slot  BIGINT NOT NULL,
    part  TEXT   NOT NULL, -- summary
    state TEXT   NOT NULL, -- new, sending, uncertain, sent
    ref   TEXT   NOT NULL DEFAULT '', -- what the receiving side calls it
    error TEXT   NOT NULL DEFAULT '', -- of the last attempt
    since BIGINT NOT NULL DEFAULT 0,  -- the first attempt
    PRIMARY KEY (job, slot, part),
    FOREIGN KEY (job, slot) REFERENCES run (job, slot)
);

-- +goose Down
DROP TABLE outbox;
DROP TABLE item;
DROP TABLE run;
DROP TABLE job;
