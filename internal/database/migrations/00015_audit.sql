-- +goose Up
-- What was done, by whom and concerning whom. An entry is written in the transaction of its
-- act; soon after it gets its place in the chain. Nothing here is ever changed: entries, links
-- and checkpoints only grow.

-- Whom entries speak of: a pseudonym that is random, and goes with its owner. Entries stay,
-- and then lead nowhere.
CREATE TABLE audit_subjects (
    owner_id text  PRIMARY KEY REFERENCES owners (id) ON DELETE CASCADE,
    subject  bytea NOT NULL UNIQUE CHECK (length(subject) = 16)
);

-- `mac` is made under a secret of the installation over all else: who has the database
-- alone can't write an entry.
CREATE TABLE audit_entries (
    id         text        PRIMARY KEY CHECK (id LIKE 'aud\_%'),
    at         timestamptz NOT NULL,
    act        text        NOT NULL CHECK (act ~ '^[A-Z_]{3,40}$'),
    actor_kind text        NOT NULL CHECK (actor_kind IN ('OWNER', 'API_KEY', 'OPERATOR', 'SYSTEM')),
    actor      bytea,      -- a pseudonym; null: no account acted
    key_id     text        NOT NULL, -- the API key that acted, or empty
    session_id text        NOT NULL, -- the session that acted, or empty
    subject    bytea,      -- a pseudonym; null: it concerns nobody in particular
    facts      text        NOT NULL CHECK (length(facts) BETWEEN 2 AND 1000),
    mac        bytea       NOT NULL CHECK (length(mac) = 32)
);
CREATE INDEX audit_entries_subject ON audit_entries (subject, at DESC, id DESC) WHERE subject IS NOT NULL;
CREATE INDEX audit_entries_time ON audit_entries (at DESC, id DESC);
CREATE INDEX audit_entries_act ON audit_entries (act, at DESC, id DESC);

-- The chain: each link's hash covers the one before it, its entry and when it was made.
CREATE TABLE audit_links (
    place     bigint      PRIMARY KEY CHECK (place > 0),
    entry_id  text        NOT NULL UNIQUE,
    linked_at timestamptz NOT NULL,
    hash      bytea       NOT NULL CHECK (length(hash) = 32)
);

-- The end of the chain as it was at one moment, signed.
CREATE TABLE audit_checkpoints (
    number    bigint      PRIMARY KEY CHECK (number > 0),
    place     bigint      NOT NULL,
    hash      bytea       NOT NULL CHECK (length(hash) = 32),
    made_at   timestamptz NOT NULL,
    signature bytea       NOT NULL CHECK (length(signature) = 64)
);

-- +goose StatementBegin
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: what was done stays written', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_entries_frozen BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_links_frozen BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_links FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_checkpoints_frozen BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

-- +goose Down
DROP TABLE audit_checkpoints, audit_links, audit_entries, audit_subjects;
DROP FUNCTION audit_refuse;
