-- +goose Up
-- People, continued: why an account was removed, and sign-ins that wait for an answer.

-- Empty where nobody was asked: guests whose time was over, and the command line.
ALTER TABLE purge_receipts ADD COLUMN reason text NOT NULL DEFAULT '' CHECK (reason IN ('', 'UNDER_AGE', 'REQUESTED', 'ABUSE'));

-- PENDING: the provider has answered, and the person is asked for age and policy before
-- there is an account. What the provider said lies sealed in the browser, not here.
ALTER TABLE sign_ins DROP CONSTRAINT sign_ins_purpose_check,
    ADD CONSTRAINT sign_ins_purpose_check CHECK (purpose IN ('SIGN_IN', 'LINK', 'CONFIRM', 'PENDING'));

-- Mails that are done with go after a while.
CREATE INDEX mails_done ON mails ((COALESCE(finished_at, created_at))) WHERE status <> 'QUEUED';

-- +goose Down
DROP INDEX mails_done;
DELETE FROM sign_ins WHERE purpose = 'PENDING';
ALTER TABLE sign_ins DROP CONSTRAINT sign_ins_purpose_check,
    ADD CONSTRAINT sign_ins_purpose_check CHECK (purpose IN ('SIGN_IN', 'LINK', 'CONFIRM'));
ALTER TABLE purge_receipts DROP COLUMN reason;
