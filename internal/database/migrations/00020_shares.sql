-- +goose Up
-- Frozen copies of branches that whoever has the link may read. Of a link there is its hash,
-- to find its row by, and the link itself sealed under its owner's key, so that the owner can
-- hand it out again. Which links were made here their own form tells: what is revoked leaves
-- nothing behind.
CREATE TABLE shares (
    owner_id        text        NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
    id              text        NOT NULL CHECK (id LIKE 'shr\_%'),
    conversation_id text        NOT NULL,
    link_hash       bytea       NOT NULL CHECK (length(link_hash) = 32),
    link_sealed     bytea       NOT NULL,
    title_sealed    bytea       NOT NULL,
    snapshot_sealed bytea       NOT NULL,
    messages        integer     NOT NULL CHECK (messages > 0),
    reasoning       boolean     NOT NULL, -- it shows what the model thought
    named           boolean     NOT NULL, -- it shows who shared it
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz,          -- null: until it is revoked
    PRIMARY KEY (owner_id, id),
    CONSTRAINT shares_conversation FOREIGN KEY (owner_id, conversation_id) REFERENCES conversations (owner_id, id) ON DELETE CASCADE,
    CONSTRAINT shares_link UNIQUE (link_hash),
    CHECK (expires_at > created_at)
);
CREATE INDEX shares_of_conversation ON shares (owner_id, conversation_id);
CREATE INDEX shares_expiry ON shares (expires_at) WHERE expires_at IS NOT NULL;

-- +goose Down
DROP TABLE shares;
