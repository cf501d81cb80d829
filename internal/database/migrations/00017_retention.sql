-- What ends by itself: where each rule stands, and the receipts of its sweeps.

-- +goose Up

-- One row for each table that does not keep its rows. Whoever begins a sweep takes the next
-- epoch; a write under an older one changes nothing.
CREATE TABLE retention_rules (
    rule         text        PRIMARY KEY CHECK (length(rule) BETWEEN 1 AND 63),
    epoch        bigint      NOT NULL DEFAULT 0 CHECK (epoch >= 0),
    swept_at     timestamptz,
    removed      bigint      NOT NULL DEFAULT 0 CHECK (removed >= 0),
    removed_at   timestamptz,
    oldest       timestamptz,
    hold         text        NOT NULL DEFAULT '' CHECK (hold IN ('', 'CLOCKS', 'JUMP', 'MANY')),
    held_since   timestamptz,
    due          bigint      NOT NULL DEFAULT 0 CHECK (due >= 0),
    usual        bigint      NOT NULL DEFAULT 0 CHECK (usual >= 0),
    confirmed_at timestamptz,
    CHECK ((hold = '') = (held_since IS NULL))
);

-- What sweeps removed, and what held them: counts and times, and nothing of whom.
CREATE TABLE retention_sweeps (
    id          text        PRIMARY KEY CHECK (id LIKE 'rts\_%'),
    rule        text        NOT NULL,
    cutoff      timestamptz NOT NULL,
    rows        bigint      NOT NULL CHECK (rows >= 0),
    oldest_left timestamptz,
    guard       text        NOT NULL CHECK (guard IN ('', 'CLOCKS', 'JUMP', 'MANY')),
    started_at  timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX retention_sweeps_rule ON retention_sweeps (rule, id DESC);
CREATE INDEX retention_sweeps_time ON retention_sweeps (started_at);
CREATE INDEX retention_sweeps_open ON retention_sweeps (rule) WHERE finished_at IS NULL;

-- +goose Down
DROP TABLE retention_sweeps, retention_rules;
