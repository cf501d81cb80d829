-- +goose Up
-- The keys of all personal tables lead with the owner: the database itself refuses
-- a message in somebody else's conversation, and the tables can be distributed by owner.

CREATE TABLE installation (
    id         smallint    PRIMARY KEY CHECK (id = 1),
    key_check  bytea       NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE owners (
    id             text        PRIMARY KEY CHECK (id LIKE 'own\_%'),
    kind           text        NOT NULL CHECK (kind IN ('GUEST', 'ACCOUNT')),
    key_wrapped    bytea       NOT NULL,
    messages_used  integer     NOT NULL DEFAULT 0 CHECK (messages_used >= 0),
    created_at     timestamptz NOT NULL,
    last_active_at timestamptz NOT NULL
);

-- Looks an owner up by the hash of a browser's cookie; the only way from a request to an owner.
CREATE TABLE sessions (
    token_hash bytea       PRIMARY KEY CHECK (length(token_hash) = 32),
    owner_id   text        NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL
);
CREATE INDEX sessions_owner ON sessions (owner_id);

CREATE TABLE conversations (
    owner_id     text        NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
    id           text        NOT NULL CHECK (id LIKE 'con\_%'),
    title_sealed bytea       NOT NULL,
    title_source text        NOT NULL CHECK (title_source IN ('FIRST_WORDS', 'GENERATED', 'OWNER')),
    pinned       boolean     NOT NULL DEFAULT false,
    archived     boolean     NOT NULL DEFAULT false,
    leaf_id      text,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (owner_id, id)
);
CREATE INDEX conversations_list ON conversations (owner_id, archived, pinned DESC, updated_at DESC, id DESC);

CREATE TABLE messages (
    owner_id         text        NOT NULL,
    id               text        NOT NULL CHECK (id LIKE 'msg\_%'),
    conversation_id  text        NOT NULL,
    parent_id        text,
    role             text        NOT NULL CHECK (role IN ('USER', 'ASSISTANT')),
    status           text        NOT NULL CHECK (status IN ('PENDING', 'STREAMING', 'COMPLETE', 'STOPPED', 'INTERRUPTED', 'FAILED')),
    text_sealed      bytea,
    reasoning_sealed bytea,
    error_sealed     bytea,
    error_code       text        NOT NULL DEFAULT '',
    retry_after_ms   integer     NOT NULL DEFAULT 0,
    model_id         text        NOT NULL DEFAULT '',
    engine_name      text        NOT NULL DEFAULT '',
    finish_reason    text        NOT NULL DEFAULT '',
    last_seq         integer     NOT NULL DEFAULT 0 CHECK (last_seq >= 0),
    reasoning_ms     integer     NOT NULL DEFAULT 0,
    dropped_messages integer     NOT NULL DEFAULT 0,
    prompt_tokens    bigint      NOT NULL DEFAULT 0 CHECK (prompt_tokens >= 0),
    cached_tokens    bigint      NOT NULL DEFAULT 0 CHECK (cached_tokens >= 0),
    output_tokens    bigint      NOT NULL DEFAULT 0 CHECK (output_tokens >= 0),
    reasoning_tokens bigint      NOT NULL DEFAULT 0 CHECK (reasoning_tokens >= 0),
    usage_estimated  boolean     NOT NULL DEFAULT false,
    cost_micro       bigint      NOT NULL DEFAULT 0 CHECK (cost_micro >= 0),
    created_at       timestamptz NOT NULL,
    finished_at      timestamptz,
    PRIMARY KEY (owner_id, id),
    UNIQUE (owner_id, conversation_id, id),
    FOREIGN KEY (owner_id, conversation_id) REFERENCES conversations (owner_id, id) ON DELETE CASCADE,
    CONSTRAINT messages_parent FOREIGN KEY (owner_id, conversation_id, parent_id)
        REFERENCES messages (owner_id, conversation_id, id) ON DELETE CASCADE,
    CHECK (role = 'ASSISTANT' OR status = 'COMPLETE'),
    CHECK (role = 'USER' OR parent_id IS NOT NULL)
);
CREATE INDEX messages_children ON messages (owner_id, conversation_id, parent_id, id);

ALTER TABLE conversations ADD CONSTRAINT conversations_leaf FOREIGN KEY (owner_id, id, leaf_id)
    REFERENCES messages (owner_id, conversation_id, id) ON DELETE SET NULL (leaf_id) DEFERRABLE INITIALLY DEFERRED;

-- One run per reply. The epoch is the fencing token: every take-over raises it, and
-- whoever writes names the epoch it holds.
CREATE TABLE runs (
    owner_id         text        NOT NULL,
    id               text        NOT NULL CHECK (id LIKE 'run\_%'),
    conversation_id  text        NOT NULL,
    reply_id         text        NOT NULL,
    client_id        text        NOT NULL CHECK (length(client_id) BETWEEN 1 AND 100),
    request_hash     bytea       NOT NULL,
    status           text        NOT NULL CHECK (status IN ('RUNNING', 'COMPLETE', 'STOPPED', 'INTERRUPTED', 'FAILED')),
    instance_id      text        NOT NULL,
    epoch            integer     NOT NULL DEFAULT 0 CHECK (epoch BETWEEN 0 AND 127),
    lease_expires_at timestamptz NOT NULL,
    stop_requested   boolean     NOT NULL DEFAULT false,
    prompt_messages  integer     NOT NULL DEFAULT 0,
    prompt_rule      text        NOT NULL DEFAULT 'all',
    created_at       timestamptz NOT NULL,
    PRIMARY KEY (owner_id, id),
    UNIQUE (owner_id, reply_id),
    CONSTRAINT runs_client UNIQUE (owner_id, client_id),
    FOREIGN KEY (owner_id, conversation_id, reply_id) REFERENCES messages (owner_id, conversation_id, id) ON DELETE CASCADE
) WITH (fillfactor = 70);
-- No index holds the lease: renewing it then touches the row alone (a HOT update).
CREATE INDEX runs_running ON runs (instance_id) WHERE status = 'RUNNING';
CREATE INDEX runs_conversation ON runs (owner_id, conversation_id) WHERE status = 'RUNNING';

-- What a running reply has produced, in pieces; folded into the message at its end.
CREATE TABLE run_chunks (
    owner_id    text    NOT NULL,
    run_id      text    NOT NULL,
    seq         integer NOT NULL,
    body_sealed bytea   NOT NULL,
    PRIMARY KEY (owner_id, run_id, seq),
    FOREIGN KEY (owner_id, run_id) REFERENCES runs (owner_id, id) ON DELETE CASCADE
);

-- +goose Down
ALTER TABLE conversations DROP CONSTRAINT conversations_leaf;
DROP TABLE run_chunks, runs, messages, conversations, sessions, owners, installation;
