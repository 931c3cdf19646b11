-- What people are told of a campaign, each thing once. The rest of it is in its evidence folder.

-- +goose Up
CREATE TABLE campaign_message (
    job       TEXT   NOT NULL, -- whose notifiers send it
    campaign  TEXT   NOT NULL,
    opened    BIGINT NOT NULL,
    notifier  TEXT   NOT NULL, -- slack, webhook, email
    name      TEXT   NOT NULL, -- CAMPAIGN/OPENED/3d/RECIPIENT
    kind      TEXT   NOT NULL, -- open, reminder, overdue, escalation
    recipient TEXT   NOT NULL,
    state     TEXT   NOT NULL, -- new, sending, uncertain, sent, expired, withdrawn
    ref       TEXT   NOT NULL DEFAULT '', -- what the receiving side calls it
    error     TEXT   NOT NULL DEFAULT '', -- of the last attempt
    since     BIGINT NOT NULL DEFAULT 0,  -- the first attempt, in milliseconds
    created   BIGINT NOT NULL,            -- in milliseconds
    PRIMARY KEY (name, notifier)
);

-- +goose Down
DROP TABLE campaign_message;
