-- The delete of a message looks up its run by the three columns of the foreign key. The server
-- remembers the plan of that from when the table was small, and took any index that begins with
-- the owner: all of an owner's runs were read for each of its messages. Now one index has the
-- three, and the uniqueness is the same, since a message is in one conversation.

-- +goose Up
ALTER TABLE runs
    DROP CONSTRAINT runs_owner_id_reply_id_key,
    ADD CONSTRAINT runs_reply UNIQUE (owner_id, reply_id, conversation_id);

-- +goose Down
ALTER TABLE runs
    DROP CONSTRAINT runs_reply,
    ADD CONSTRAINT runs_owner_id_reply_id_key UNIQUE (owner_id, reply_id);
