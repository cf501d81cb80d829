-- +goose Up
-- A wallet waits to be told of while low_told_at is empty. Those whose balance is low
-- already are taken for told: nobody gets a mail because of an update.
UPDATE wallets w SET low_told_at = now() FROM ledger_balances b
WHERE b.account_id = w.account_id AND w.low_told_at IS NULL AND b.posted < w.low_threshold;
CREATE INDEX wallets_waiting ON wallets (owner_id) WHERE low_notice AND low_told_at IS NULL;

-- +goose Down
DROP INDEX wallets_waiting;
