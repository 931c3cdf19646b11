-- What is known of tokens belongs to the source that showed them: which review had which.

-- +goose Up
CREATE TABLE source (
    job    TEXT   NOT NULL,
    slot   BIGINT NOT NULL,
    target TEXT   NOT NULL,
    name   TEXT   NOT NULL, -- kind of store and ID of the org
    PRIMARY KEY (name, job, slot, target),
    FOREIGN KEY (job, slot) REFERENCES run (job, slot)
);

CREATE TABLE retired (
    source TEXT   PRIMARY KEY, -- not followed any more
    reason TEXT   NOT NULL,
    since  BIGINT NOT NULL     -- in milliseconds
);

-- +goose Down
DROP TABLE retired;
DROP TABLE source;
