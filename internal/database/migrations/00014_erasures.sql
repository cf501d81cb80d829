-- Deletions of accounts, guests and all conversations, so that what began ends.

-- +goose Up

-- Set in the first transaction of a deletion: nothing new may become this owner's.
ALTER TABLE owners ADD COLUMN erasing_at timestamptz;
CREATE INDEX owners_erasing ON owners (erasing_at) WHERE erasing_at IS NOT NULL;

-- One row for each deletion, for ever, and nothing of whom: tombstone is a keyed hash of
-- the owner's id, good for nothing but to know it again in a restored backup.
CREATE TABLE erasures (
    id           text        PRIMARY KEY CHECK (id LIKE 'ers\_%'),
    tombstone    bytea       NOT NULL UNIQUE CHECK (length(tombstone) = 32),
    kind         text        NOT NULL CHECK (kind IN ('GUEST', 'ACCOUNT')),
    reason       text        NOT NULL DEFAULT '' CHECK (reason IN ('', 'UNDER_AGE', 'REQUESTED', 'ABUSE')), -- empty: by its owner
    state        text        NOT NULL CHECK (state IN ('ERASING', 'ERASED')),
    elsewhere    text        NOT NULL DEFAULT 'PENDING' CHECK (elsewhere IN ('PENDING', 'ASKED', 'FAILED')),
    rows         jsonb       NOT NULL, -- deleted so far, by table
    attempted_at timestamptz NOT NULL, -- who works on it began then
    started_at   timestamptz NOT NULL,
    finished_at  timestamptz,
    CHECK ((state = 'ERASED') = (finished_at IS NOT NULL))
);

-- The last deletion of all of an owner's conversations.
CREATE TABLE clearings (
    owner_id      text        PRIMARY KEY REFERENCES owners (id) ON DELETE CASCADE,
    id            text        NOT NULL CHECK (id LIKE 'clr\_%'),
    cutoff        timestamptz NOT NULL, -- what was begun later stays
    conversations bigint      NOT NULL DEFAULT 0 CHECK (conversations >= 0),
    messages      bigint      NOT NULL DEFAULT 0 CHECK (messages >= 0),
    attempted_at  timestamptz NOT NULL,
    started_at    timestamptz NOT NULL,
    finished_at   timestamptz
);
CREATE INDEX clearings_open ON clearings (attempted_at) WHERE finished_at IS NULL;

-- +goose Down
DROP TABLE clearings, erasures;
DROP INDEX owners_erasing;
ALTER TABLE owners DROP COLUMN erasing_at;
