-- +goose Up
-- What a check found, beside the sentence: codes with numbers and names, which the page says
-- in the reader's language. Results of before the update have none until they are made anew.
ALTER TABLE transparency_checks ADD COLUMN findings jsonb NOT NULL DEFAULT '[]';
ALTER TABLE transparency_changes ADD COLUMN findings jsonb NOT NULL DEFAULT '[]';

-- +goose Down
ALTER TABLE transparency_changes DROP COLUMN findings;
ALTER TABLE transparency_checks DROP COLUMN findings;
