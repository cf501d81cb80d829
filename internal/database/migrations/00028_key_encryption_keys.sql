-- The key that wraps the owners' keys can be exchanged for another while everything runs:
-- which of them wraps what stands beside it.

-- +goose Up

-- The key-encryption keys that wrap something, by their ids (hashes that tell nothing of
-- them), never the keys. Each wraps a copy of the root secret, from which the keys of
-- signatures, hashes and links are derived. A key without a row is no longer needed.
CREATE TABLE key_encryption_keys (
    id           text        PRIMARY KEY CHECK (id ~ '^[0-9a-f]{16}$'),
    key_check    bytea       NOT NULL,
    root_wrapped bytea       NOT NULL,
    created_at   timestamptz NOT NULL
);

-- Which of them wraps what is new. Empty until this version has started once.
ALTER TABLE installation ADD COLUMN kek_id text REFERENCES key_encryption_keys (id);

-- Which of them wraps this owner's key; empty when an earlier version wrote the row. While
-- one row names a key, the key's own row can't go.
ALTER TABLE owners ADD COLUMN kek_id text REFERENCES key_encryption_keys (id);

-- Which instances run, and which keys they have been given: no key wraps anything that one
-- of them couldn't open.
CREATE TABLE key_holders (
    instance text        PRIMARY KEY CHECK (instance LIKE 'ins\_%'),
    held     text        NOT NULL, -- ids, separated by spaces
    wraps    text        NOT NULL,
    seen_at  timestamptz NOT NULL
);

-- +goose Down
DROP TABLE key_holders;
ALTER TABLE owners DROP COLUMN kek_id;
ALTER TABLE installation DROP COLUMN kek_id;
DROP TABLE key_encryption_keys;
