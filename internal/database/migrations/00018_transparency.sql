-- +goose Up
-- How the policy is kept: the newest result of each check, for all instances alike, and
-- when results changed. Sentences and numbers; nothing of anybody.
CREATE TABLE transparency_checks (
    id         text        PRIMARY KEY CHECK (id ~ '^[a-z_]{3,40}$'),
    state      text        NOT NULL CHECK (state IN ('GREEN', 'AMBER', 'RED')),
    evidence   text        NOT NULL CHECK (length(evidence) BETWEEN 1 AND 2000),
    checked_at timestamptz NOT NULL,
    since      timestamptz NOT NULL, -- of the state
    red_since  timestamptz,          -- when the newest time of trouble began
    red_at     timestamptz,          -- when it was last found red
    told_at    timestamptz           -- when the administrators were last told
);

CREATE TABLE transparency_changes (
    check_id text        NOT NULL,
    at       timestamptz NOT NULL,
    state    text        NOT NULL CHECK (state IN ('GREEN', 'AMBER', 'RED')),
    evidence text        NOT NULL,
    PRIMARY KEY (check_id, at)
);
CREATE INDEX transparency_changes_time ON transparency_changes (at DESC);

-- +goose Down
DROP TABLE transparency_changes, transparency_checks;
