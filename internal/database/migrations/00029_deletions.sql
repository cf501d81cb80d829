-- The delete of a message looks up its run by the three columns of the foreign key. The server
-- remembers the plan of that from when the table was small, and took any index that begins with
-- the owner: all of an owner's runs were read for each of its messages. Now one index has the
-- three, and the uniqueness is the same, since a message is in one conversation.

-- +goose Up
ALTER TABLE runs
    DROP CONSTRAINT runs_owner_id_reply_id_key,
    ADD CONSTRAINT runs_reply UNIQUE (owner_id, reply_id, conversation_id);

-- An account has its own pseudonym, which new entries name, and those of guests that joined it:
-- what was written of them stands in its activity.
ALTER TABLE audit_subjects
    ADD COLUMN joined boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT audit_subjects_pkey,
    ADD PRIMARY KEY (owner_id, subject);
CREATE UNIQUE INDEX audit_subjects_own ON audit_subjects (owner_id) WHERE NOT joined;

-- The usage of an owner that is being deleted goes in parts: the books don't compare it with the
-- charges of its wallet any more.
ALTER TABLE wallets ADD COLUMN erasing boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE wallets DROP COLUMN erasing;
DELETE FROM audit_subjects WHERE joined;
DROP INDEX audit_subjects_own;
ALTER TABLE audit_subjects
    DROP CONSTRAINT audit_subjects_pkey,
    DROP COLUMN joined,
    ADD PRIMARY KEY (owner_id);
ALTER TABLE runs
    DROP CONSTRAINT runs_reply,
    ADD CONSTRAINT runs_owner_id_reply_id_key UNIQUE (owner_id, reply_id);
