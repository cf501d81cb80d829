-- +goose Up
-- People: accounts and the identities that lead to them, sessions with a name of their
-- own, what people accepted and agreed to, mails to them, and receipts of purges.

ALTER TABLE sessions ADD COLUMN id text;
UPDATE sessions SET id = 'ses_' || replace(gen_random_uuid()::text, '-', '');
ALTER TABLE sessions
    ALTER COLUMN id SET NOT NULL,
    ADD CHECK (id LIKE 'ses\_%'),
    ADD COLUMN method             text        NOT NULL DEFAULT 'GUEST' CHECK (method IN ('GUEST', 'GOOGLE', 'GITHUB', 'OIDC', 'OPERATOR')),
    ADD COLUMN device_type        text        NOT NULL DEFAULT '',
    ADD COLUMN os                 text        NOT NULL DEFAULT '',
    ADD COLUMN browser            text        NOT NULL DEFAULT '',
    ADD COLUMN browser_version    integer     NOT NULL DEFAULT 0 CHECK (browser_version >= 0),
    ADD COLUMN last_seen_at       timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN authenticated_at   timestamptz,
    DROP CONSTRAINT sessions_pkey,
    ADD PRIMARY KEY (owner_id, id),
    ADD CONSTRAINT sessions_token UNIQUE (token_hash);
UPDATE sessions SET last_seen_at = created_at;
ALTER TABLE sessions ALTER COLUMN last_seen_at DROP DEFAULT, ALTER COLUMN method DROP DEFAULT;
DROP INDEX sessions_owner;

-- Guests by their last sign of life: what the purge reads.
CREATE INDEX owners_guests ON owners (last_active_at, id) WHERE kind = 'GUEST';

-- An account is an owner that signed in. The e-mail's index is a keyed hash: it finds
-- an address without showing it.
CREATE TABLE accounts (
    owner_id        text        PRIMARY KEY REFERENCES owners (id) ON DELETE CASCADE,
    role            text        NOT NULL CHECK (role IN ('USER', 'ADMIN')),
    name_sealed     bytea       NOT NULL,
    name_corrected  boolean     NOT NULL DEFAULT false,
    email_sealed    bytea,
    email_index     bytea       CHECK (length(email_index) = 32),
    email_corrected boolean     NOT NULL DEFAULT false,
    theme           text        NOT NULL DEFAULT '' CHECK (theme IN ('', 'SYSTEM', 'LIGHT', 'DARK')),
    language        text        NOT NULL DEFAULT '' CHECK (length(language) <= 35),
    send_key        text        NOT NULL DEFAULT '' CHECK (send_key IN ('', 'ENTER', 'MOD_ENTER')),
    created_at      timestamptz NOT NULL,
    CONSTRAINT accounts_email UNIQUE (email_index),
    CHECK ((email_sealed IS NULL) = (email_index IS NULL))
);

-- Who somebody is at a provider: the pair of provider and stable id, never the e-mail.
CREATE TABLE identities (
    owner_id       text        NOT NULL REFERENCES accounts (owner_id) ON DELETE CASCADE,
    id             text        NOT NULL CHECK (id LIKE 'idn\_%'),
    provider       text        NOT NULL CHECK (provider IN ('GOOGLE', 'GITHUB', 'OIDC', 'OPERATOR')),
    subject_index  bytea       NOT NULL CHECK (length(subject_index) = 32),
    subject_sealed bytea       NOT NULL,
    created_at     timestamptz NOT NULL,
    last_used_at   timestamptz NOT NULL,
    PRIMARY KEY (owner_id, id),
    CONSTRAINT identities_subject UNIQUE (provider, subject_index)
);

-- Sign-ins that wait for their provider: single use, bound to a browser, ten minutes.
CREATE TABLE sign_ins (
    state_hash   bytea       PRIMARY KEY CHECK (length(state_hash) = 32),
    browser_hash bytea       NOT NULL CHECK (length(browser_hash) = 32),
    provider     text        NOT NULL CHECK (provider IN ('GOOGLE', 'GITHUB', 'OIDC')),
    purpose      text        NOT NULL CHECK (purpose IN ('SIGN_IN', 'LINK', 'CONFIRM')),
    owner_id     text        REFERENCES owners (id) ON DELETE CASCADE,
    session_id   text,
    discard      boolean     NOT NULL DEFAULT false,
    return_to    text        NOT NULL CHECK (return_to LIKE '/%'),
    expires_at   timestamptz NOT NULL
);
CREATE INDEX sign_ins_expiry ON sign_ins (expires_at);
CREATE INDEX sign_ins_owner ON sign_ins (owner_id) WHERE owner_id IS NOT NULL;

-- One-time links that sign the operator in.
CREATE TABLE operator_links (
    token_hash bytea       PRIMARY KEY CHECK (length(token_hash) = 32),
    expires_at timestamptz NOT NULL
);

-- A new address that waits for its confirmation; one per account.
CREATE TABLE email_changes (
    owner_id     text        PRIMARY KEY REFERENCES accounts (owner_id) ON DELETE CASCADE,
    token_hash   bytea       NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    email_sealed bytea       NOT NULL,
    email_index  bytea       NOT NULL CHECK (length(email_index) = 32),
    expires_at   timestamptz NOT NULL
);

-- That somebody is old enough: the result, when, and under which policy; no date of birth.
CREATE TABLE age_confirmations (
    owner_id       text        PRIMARY KEY REFERENCES owners (id) ON DELETE CASCADE,
    policy_version text        NOT NULL,
    confirmed_at   timestamptz NOT NULL
);

CREATE TABLE policy_acceptances (
    owner_id    text        NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
    version     text        NOT NULL,
    method      text        NOT NULL CHECK (method IN ('COMPOSER', 'SIGN_IN', 'SETTINGS', 'API')),
    accepted_at timestamptz NOT NULL,
    PRIMARY KEY (owner_id, version)
);

-- Every choice is a row; the newest of a kind counts.
CREATE TABLE consents (
    owner_id       text        NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
    id             text        NOT NULL CHECK (id LIKE 'cns\_%'),
    kind           text        NOT NULL CHECK (kind IN ('PREFERENCES_COOKIE', 'EXTERNAL_INFERENCE', 'SHARE', 'MARKETING')),
    granted        boolean     NOT NULL,
    provider       text        NOT NULL DEFAULT '' CHECK (length(provider) <= 300),
    policy_version text        NOT NULL,
    method         text        NOT NULL CHECK (method IN ('BANNER', 'SETTINGS', 'DIALOG', 'API')),
    created_at     timestamptz NOT NULL,
    PRIMARY KEY (owner_id, id)
);
CREATE INDEX consents_newest ON consents (owner_id, kind, id DESC);

-- The outbox: a mail is written with the act it tells of and sent afterwards.
CREATE TABLE mails (
    owner_id     text        NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
    id           text        NOT NULL CHECK (id LIKE 'mai\_%'),
    kind         text        NOT NULL,
    dedupe_key   text        NOT NULL CHECK (length(dedupe_key) BETWEEN 1 AND 200),
    language     text        NOT NULL DEFAULT '',
    to_sealed    bytea       NOT NULL,
    facts_sealed bytea       NOT NULL,
    status       text        NOT NULL CHECK (status IN ('QUEUED', 'SENT', 'FAILED', 'KEPT')),
    attempts     integer     NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    last_error   text        NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL,
    next_at      timestamptz NOT NULL,
    finished_at  timestamptz,
    PRIMARY KEY (owner_id, id),
    CONSTRAINT mails_dedupe UNIQUE (owner_id, dedupe_key)
);
CREATE INDEX mails_due ON mails (next_at, id) WHERE status = 'QUEUED';
CREATE INDEX mails_outbox ON mails (id DESC);

-- What a purge removed: counts only.
CREATE TABLE purge_receipts (
    id          text        PRIMARY KEY CHECK (id LIKE 'prg\_%'),
    kind        text        NOT NULL CHECK (kind IN ('GUESTS', 'REMOVAL')),
    cutoff      timestamptz NOT NULL,
    rows        jsonb       NOT NULL,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz
);

-- +goose Down
DROP TABLE purge_receipts, mails, consents, policy_acceptances, age_confirmations, email_changes, operator_links, sign_ins, identities, accounts;
DROP INDEX owners_guests;
ALTER TABLE sessions
    DROP CONSTRAINT sessions_pkey,
    DROP CONSTRAINT sessions_token,
    DROP COLUMN id, DROP COLUMN method, DROP COLUMN device_type, DROP COLUMN os, DROP COLUMN browser,
    DROP COLUMN browser_version, DROP COLUMN last_seen_at, DROP COLUMN authenticated_at,
    ADD PRIMARY KEY (token_hash);
CREATE INDEX sessions_owner ON sessions (owner_id);
