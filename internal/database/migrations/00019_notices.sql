-- +goose Up
-- Mails to everybody: a new version of the policy, news, an incident. The walk over the
-- accounts is the cursor: it moves in the transaction that writes the mails.
CREATE TABLE notices (
    id             text        PRIMARY KEY CHECK (id LIKE 'ntc\_%'),
    kind           text        NOT NULL CHECK (kind IN ('POLICY', 'NEWS', 'INCIDENT')),
    policy_version text        UNIQUE,
    subject        text        NOT NULL CHECK (length(subject) <= 200),
    text           text        NOT NULL CHECK (length(text) <= 10000),
    subject_zh     text        NOT NULL CHECK (length(subject_zh) <= 200),
    text_zh        text        NOT NULL CHECK (length(text_zh) <= 10000),
    state          text        NOT NULL CHECK (state IN ('DRAFT', 'WRITING', 'SENDING', 'DONE')),
    cursor         text        NOT NULL, -- the last account that was written to
    paced_until    timestamptz NOT NULL, -- when the next ones are
    written        bigint      NOT NULL CHECK (written >= 0),
    waiting        bigint      NOT NULL CHECK (waiting >= 0),
    sent           bigint      NOT NULL CHECK (sent >= 0),
    refused        bigint      NOT NULL CHECK (refused >= 0),   -- by the recipient's mail server, for good
    withdrawn      bigint      NOT NULL CHECK (withdrawn >= 0), -- not wanted any more when their turn came
    failed         bigint      NOT NULL CHECK (failed >= 0),
    kept           bigint      NOT NULL CHECK (kept >= 0),
    created_at     timestamptz NOT NULL,
    started_at     timestamptz, -- accounts of this moment are written to
    finished_at    timestamptz,
    CHECK ((kind = 'POLICY') = (policy_version IS NOT NULL)),
    CHECK ((state = 'DRAFT') = (started_at IS NULL)),
    CHECK ((state = 'DONE') = (finished_at IS NOT NULL))
);
CREATE INDEX notices_running ON notices (started_at) WHERE state IN ('WRITING', 'SENDING');

-- Which mails are a notice's, and which are due before those.
CREATE INDEX mails_due_personal ON mails (next_at, id) WHERE status = 'QUEUED' AND dedupe_key NOT LIKE 'notice/%';
CREATE INDEX mails_notice ON mails (dedupe_key, status, last_error) WHERE dedupe_key LIKE 'notice/%';

-- An opt-out by the link in a mail.
ALTER TABLE consents DROP CONSTRAINT consents_method_check,
    ADD CONSTRAINT consents_method_check CHECK (method IN ('BANNER', 'SETTINGS', 'DIALOG', 'API', 'MAIL'));

-- What an authority asked for, and what was decided: nothing of whom.
CREATE TABLE legal_requests (
    id           text        PRIMARY KEY CHECK (id LIKE 'lgl\_%'),
    ground       text        NOT NULL CHECK (ground IN ('LAW', 'SAFETY')),
    authority    text        NOT NULL CHECK (length(authority) BETWEEN 1 AND 200),
    basis        text        NOT NULL CHECK (length(basis) BETWEEN 1 AND 300),
    asked        text        NOT NULL, -- kinds of data, parted by blanks
    given        text        NOT NULL,
    state        text        NOT NULL CHECK (state IN ('OPEN', 'DISCLOSED', 'REFUSED')),
    telling      text        NOT NULL CHECK (telling IN ('UNDECIDED', 'TOLD', 'PROHIBITED', 'UNREACHABLE')),
    received_at  timestamptz NOT NULL,
    decided_at   timestamptz,
    CHECK ((state = 'OPEN') = (decided_at IS NULL)),
    CHECK ((state = 'OPEN') = (telling = 'UNDECIDED')),
    CHECK (state = 'DISCLOSED' OR given = '')
);

-- Whom it is about, with all words that could name somebody: sealed, and gone with the
-- owner. request_id names a row of legal_requests, of which none is ever deleted.
CREATE TABLE legal_subjects (
    owner_id     text  NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
    request_id   text  NOT NULL CHECK (request_id LIKE 'lgl\_%'),
    words_sealed bytea NOT NULL,
    PRIMARY KEY (owner_id, request_id)
);
CREATE UNIQUE INDEX legal_subjects_request ON legal_subjects (request_id);

-- The only way to somebody's conversations for others: asked for by one administrator,
-- approved by another one, for an hour at most.
CREATE TABLE openings (
    owner_id      text        NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
    id            text        NOT NULL CHECK (id LIKE 'opn\_%'),
    conversations text        NOT NULL CHECK (length(conversations) BETWEEN 1 AND 1000), -- ids, parted by blanks
    reason_sealed bytea       NOT NULL,
    asked_by      text        NOT NULL,
    approved_by   text,
    asked_at      timestamptz NOT NULL,
    approved_at   timestamptz,
    expires_at    timestamptz NOT NULL, -- of the request, then of the access
    ended_at      timestamptz,
    reads         bigint      NOT NULL CHECK (reads >= 0),
    PRIMARY KEY (owner_id, id),
    CHECK (approved_by <> asked_by),
    CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
    CHECK (approved_at IS NULL OR expires_at <= approved_at + interval '1 hour'),
    CHECK (approved_at IS NOT NULL OR reads = 0)
);
CREATE INDEX openings_newest ON openings (id DESC);

-- +goose Down
DROP TABLE openings, legal_subjects, legal_requests, notices;
DROP INDEX mails_notice, mails_due_personal;
DELETE FROM consents WHERE method = 'MAIL';
ALTER TABLE consents DROP CONSTRAINT consents_method_check,
    ADD CONSTRAINT consents_method_check CHECK (method IN ('BANNER', 'SETTINGS', 'DIALOG', 'API'));
