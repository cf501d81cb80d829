-- API keys, what each may spend, and which key a reply was asked for with.

-- +goose Up

-- A key's secret is nowhere: digest_sealed is its HMAC under a secret of the
-- installation, sealed under its owner's key. public_id is the part of a key by which its
-- row is found, and no secret.
CREATE TABLE api_keys (
    owner_id            text        NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
    id                  text        NOT NULL UNIQUE CHECK (id LIKE 'key\_%'),
    public_id           text        NOT NULL CHECK (public_id ~ '^[0-9A-Za-z]{10}$'),
    digest_sealed       bytea       NOT NULL,
    name_sealed         bytea       NOT NULL,
    last_four           text        NOT NULL CHECK (length(last_four) = 4),
    scopes              text        NOT NULL CHECK (scopes ~ '^(CHAT_WRITE|CONVERSATIONS_READ|MODELS_READ|USAGE_READ)( (CHAT_WRITE|CONVERSATIONS_READ|MODELS_READ|USAGE_READ))*$'),
    capped              boolean     NOT NULL DEFAULT false, -- whether key_budgets sets a limit
    created_at          timestamptz NOT NULL,
    expires_at          timestamptz NOT NULL,
    revoked_at          timestamptz,
    last_used_on        date,
    PRIMARY KEY (owner_id, id),
    CONSTRAINT api_keys_public_id UNIQUE (public_id),
    CHECK (expires_at > created_at)
);

-- What a key has spent, and the most that it may. It changes with the wallet locked, in
-- the statement that charges; what a key's pending holds set aside counts too.
CREATE TABLE key_budgets (
    owner_id     text   NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
    key_id       text   NOT NULL,
    credit_limit bigint CHECK (credit_limit >= 0), -- micro-credits; null: as much as the wallet holds
    spent        bigint NOT NULL DEFAULT 0 CHECK (spent >= 0),
    PRIMARY KEY (owner_id, key_id)
);

ALTER TABLE ledger_holds ADD COLUMN key_id text NOT NULL DEFAULT '';
CREATE INDEX ledger_holds_key ON ledger_holds (key_id) WHERE status = 'PENDING' AND key_id <> '';
ALTER TABLE runs ADD COLUMN key_id text NOT NULL DEFAULT '';
CREATE INDEX runs_key ON runs (owner_id, key_id) WHERE status = 'RUNNING' AND key_id <> '';

-- +goose Down
DROP INDEX runs_key;
ALTER TABLE runs DROP COLUMN key_id;
DROP INDEX ledger_holds_key;
ALTER TABLE ledger_holds DROP COLUMN key_id;
DROP TABLE key_budgets, api_keys;
