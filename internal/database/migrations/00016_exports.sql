-- Exports of all that is held of somebody. The file itself lies in DATA_DIR/exports, sealed
-- under its owner's key, and goes with its row.

-- +goose Up
CREATE TABLE exports (
    owner_id         text        NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
    id               text        NOT NULL CHECK (id LIKE 'exp\_%'),
    status           text        NOT NULL CHECK (status IN ('RUNNING', 'READY', 'FAILED')),
    epoch            integer     NOT NULL DEFAULT 0 CHECK (epoch >= 0), -- fences off who lost the lease
    lease_expires_at timestamptz NOT NULL,
    rows_total       bigint      NOT NULL DEFAULT 0 CHECK (rows_total >= 0),
    rows_done        bigint      NOT NULL DEFAULT 0 CHECK (rows_done >= 0),
    bytes            bigint      NOT NULL DEFAULT 0 CHECK (bytes >= 0), -- of the ZIP, unsealed
    created_at       timestamptz NOT NULL,
    finished_at      timestamptz,
    expires_at       timestamptz NOT NULL, -- row and file go then
    PRIMARY KEY (owner_id, id),
    CHECK ((status = 'RUNNING') = (finished_at IS NULL))
);
CREATE UNIQUE INDEX exports_running ON exports (owner_id) WHERE status = 'RUNNING';
CREATE INDEX exports_due ON exports (lease_expires_at) WHERE status = 'RUNNING';
CREATE INDEX exports_expiry ON exports (expires_at);

-- +goose Down
DROP TABLE exports;
