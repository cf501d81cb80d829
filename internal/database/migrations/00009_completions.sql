-- Answers to programs that may ask the same again.

-- +goose Up

-- A row is there only for a request with an idempotency key, and for a day. What the
-- client chose as its key is hashed, with the API key that it came with; the answer is
-- sealed under its owner's key. A running one belongs to an instance under a lease.
CREATE TABLE completions (
    owner_id         text        NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
    key_hash         bytea       NOT NULL CHECK (length(key_hash) = 32),
    id               text        NOT NULL UNIQUE CHECK (id LIKE 'cmp\_%'),
    fingerprint      bytea       NOT NULL CHECK (length(fingerprint) = 32),
    status           text        NOT NULL CHECK (status IN ('RUNNING', 'ENDED')),
    hold_id          text        NOT NULL DEFAULT '',
    model_id         text        NOT NULL,
    answer_sealed    bytea,
    created_at       timestamptz NOT NULL,
    lease_expires_at timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    PRIMARY KEY (owner_id, key_hash),
    CHECK ((status = 'ENDED') = (answer_sealed IS NOT NULL))
);
CREATE INDEX completions_expiry ON completions (expires_at);

-- +goose Down
DROP TABLE completions;
