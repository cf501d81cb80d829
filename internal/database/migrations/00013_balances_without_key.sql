-- +goose Up
-- A charge changes its wallet's cached sums twice: the hold is released, then the entries
-- come. The second change finds a row that the same transaction has written, and of such a
-- row a foreign key is looked up again however equal it is, with a lock on the account.
-- Accounts are never deleted and keep their ids, so one look when a row comes, or is to
-- become another account's, says as much.
ALTER TABLE ledger_balances DROP CONSTRAINT ledger_balances_account_id_fkey;

-- +goose StatementBegin
CREATE FUNCTION ledger_balance_known() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ledger_accounts a WHERE a.id = NEW.account_id) THEN
        RAISE EXCEPTION 'account % is unknown', NEW.account_id USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'ledger_balances_account';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER ledger_balances_known AFTER INSERT OR UPDATE OF account_id ON ledger_balances FOR EACH ROW EXECUTE FUNCTION ledger_balance_known();

-- +goose Down
DROP TRIGGER ledger_balances_known ON ledger_balances;
DROP FUNCTION ledger_balance_known;
ALTER TABLE ledger_balances ADD CONSTRAINT ledger_balances_account_id_fkey FOREIGN KEY (account_id) REFERENCES ledger_accounts (id);
