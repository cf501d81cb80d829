-- A statement reads and prepares every CHECK of a table that it writes to anew: a tenth of a
-- settlement that is made alone went into that. The same rules in one CHECK cost less than half.
-- What the proofs of the books name stays by itself. The conditions of triggers are read as
-- often: what of a hold never changes is a list of columns now, which costs nothing.

-- +goose Up

ALTER TABLE usage_rows
    DROP CONSTRAINT usage_rows_id_check, DROP CONSTRAINT usage_rows_ref_check, DROP CONSTRAINT usage_rows_source_check, DROP CONSTRAINT usage_rows_feature_check,
    DROP CONSTRAINT usage_rows_status_check, DROP CONSTRAINT usage_rows_prompt_tokens_check, DROP CONSTRAINT usage_rows_output_tokens_check,
    DROP CONSTRAINT usage_rows_check, DROP CONSTRAINT usage_rows_check1, DROP CONSTRAINT usage_rows_check2, DROP CONSTRAINT usage_rows_credits_check,
    ADD CONSTRAINT usage_rows_sound CHECK (id LIKE 'use\_%' AND length(ref) BETWEEN 1 AND 200
        AND source IN ('WEB', 'API_KEY') AND feature IN ('CHAT', 'EDIT', 'REGENERATE', 'CONTINUE', 'API') AND status IN ('COMPLETE', 'STOPPED', 'INTERRUPTED', 'FAILED')
        AND least(cached_tokens, reasoning_tokens, credits) >= 0 AND cached_tokens <= prompt_tokens AND reasoning_tokens <= output_tokens
        AND (credits > 0) = (transfer_id <> ''));

ALTER TABLE ledger_holds
    DROP CONSTRAINT ledger_holds_id_check, DROP CONSTRAINT ledger_holds_amount_check, DROP CONSTRAINT ledger_holds_status_check, DROP CONSTRAINT ledger_holds_price_input_check,
    DROP CONSTRAINT ledger_holds_price_cached_check, DROP CONSTRAINT ledger_holds_price_output_check, DROP CONSTRAINT ledger_holds_check, DROP CONSTRAINT ledger_holds_check1,
    ADD CONSTRAINT ledger_holds_sound CHECK (id LIKE 'hld\_%' AND least(amount, price_input, price_cached, price_output) >= 0
        AND CASE status WHEN 'PENDING' THEN posted IS NULL AND resolved_at IS NULL WHEN 'SETTLED' THEN posted IS NOT NULL AND resolved_at IS NOT NULL
            WHEN 'VOID' THEN posted IS NOT NULL AND posted = 0 AND resolved_at IS NOT NULL ELSE false END);

-- A hold resolves once, and belongs to one wallet at one price (L5).
DROP TRIGGER ledger_holds_once ON ledger_holds;
CREATE TRIGGER ledger_holds_once BEFORE UPDATE ON ledger_holds FOR EACH ROW WHEN (OLD.status <> 'PENDING') EXECUTE FUNCTION ledger_hold_once();
CREATE TRIGGER ledger_holds_same BEFORE UPDATE OF id, account_id, price_input, price_cached, price_output, created_at ON ledger_holds FOR EACH ROW EXECUTE FUNCTION ledger_hold_once();

ALTER TABLE ledger_balances
    DROP CONSTRAINT ledger_balances_held_check, DROP CONSTRAINT ledger_balances_owed_check, DROP CONSTRAINT ledger_balances_covered,
    ADD CONSTRAINT ledger_balances_covered CHECK (least(posted - held, held, owed) >= 0); -- L3

ALTER TABLE messages
    DROP CONSTRAINT messages_id_check, DROP CONSTRAINT messages_role_check, DROP CONSTRAINT messages_status_check, DROP CONSTRAINT messages_check, DROP CONSTRAINT messages_check1,
    DROP CONSTRAINT messages_cached_tokens_check, DROP CONSTRAINT messages_cost_micro_check, DROP CONSTRAINT messages_last_seq_check, DROP CONSTRAINT messages_output_tokens_check,
    DROP CONSTRAINT messages_prompt_tokens_check, DROP CONSTRAINT messages_reasoning_tokens_check,
    ADD CONSTRAINT messages_sound CHECK (id LIKE 'msg\_%'
        AND CASE role WHEN 'USER' THEN status = 'COMPLETE'
            WHEN 'ASSISTANT' THEN parent_id IS NOT NULL AND status IN ('PENDING', 'STREAMING', 'COMPLETE', 'STOPPED', 'INTERRUPTED', 'FAILED') ELSE false END
        AND least(cached_tokens, prompt_tokens, output_tokens, reasoning_tokens, cost_micro, last_seq) >= 0);

ALTER TABLE runs
    DROP CONSTRAINT runs_id_check, DROP CONSTRAINT runs_client_id_check, DROP CONSTRAINT runs_epoch_check, DROP CONSTRAINT runs_feature_check, DROP CONSTRAINT runs_status_check,
    ADD CONSTRAINT runs_sound CHECK (id LIKE 'run\_%' AND length(client_id) BETWEEN 1 AND 100 AND epoch BETWEEN 0 AND 127
        AND feature IN ('CHAT', 'EDIT', 'REGENERATE', 'CONTINUE', 'API') AND status IN ('RUNNING', 'COMPLETE', 'STOPPED', 'INTERRUPTED', 'FAILED'));

-- +goose Down

ALTER TABLE runs
    DROP CONSTRAINT runs_sound,
    ADD CONSTRAINT runs_id_check CHECK (id LIKE 'run\_%'),
    ADD CONSTRAINT runs_client_id_check CHECK (length(client_id) BETWEEN 1 AND 100),
    ADD CONSTRAINT runs_epoch_check CHECK (epoch BETWEEN 0 AND 127),
    ADD CONSTRAINT runs_feature_check CHECK (feature IN ('CHAT', 'EDIT', 'REGENERATE', 'CONTINUE', 'API')),
    ADD CONSTRAINT runs_status_check CHECK (status IN ('RUNNING', 'COMPLETE', 'STOPPED', 'INTERRUPTED', 'FAILED'));

ALTER TABLE messages
    DROP CONSTRAINT messages_sound,
    ADD CONSTRAINT messages_id_check CHECK (id LIKE 'msg\_%'),
    ADD CONSTRAINT messages_role_check CHECK (role IN ('USER', 'ASSISTANT')),
    ADD CONSTRAINT messages_status_check CHECK (status IN ('PENDING', 'STREAMING', 'COMPLETE', 'STOPPED', 'INTERRUPTED', 'FAILED')),
    ADD CONSTRAINT messages_check CHECK (role = 'ASSISTANT' OR status = 'COMPLETE'),
    ADD CONSTRAINT messages_check1 CHECK (role = 'USER' OR parent_id IS NOT NULL),
    ADD CONSTRAINT messages_cached_tokens_check CHECK (cached_tokens >= 0),
    ADD CONSTRAINT messages_cost_micro_check CHECK (cost_micro >= 0),
    ADD CONSTRAINT messages_last_seq_check CHECK (last_seq >= 0),
    ADD CONSTRAINT messages_output_tokens_check CHECK (output_tokens >= 0),
    ADD CONSTRAINT messages_prompt_tokens_check CHECK (prompt_tokens >= 0),
    ADD CONSTRAINT messages_reasoning_tokens_check CHECK (reasoning_tokens >= 0);

DROP TRIGGER ledger_holds_same ON ledger_holds;
DROP TRIGGER ledger_holds_once ON ledger_holds;
CREATE TRIGGER ledger_holds_once BEFORE UPDATE ON ledger_holds FOR EACH ROW
WHEN (OLD.status <> 'PENDING' OR OLD.id <> NEW.id OR OLD.account_id <> NEW.account_id OR OLD.price_input <> NEW.price_input OR OLD.price_cached <> NEW.price_cached
    OR OLD.price_output <> NEW.price_output OR OLD.created_at <> NEW.created_at)
EXECUTE FUNCTION ledger_hold_once();

ALTER TABLE ledger_balances
    DROP CONSTRAINT ledger_balances_covered,
    ADD CONSTRAINT ledger_balances_held_check CHECK (held >= 0),
    ADD CONSTRAINT ledger_balances_owed_check CHECK (owed >= 0),
    ADD CONSTRAINT ledger_balances_covered CHECK (posted - held >= 0);

ALTER TABLE ledger_holds
    DROP CONSTRAINT ledger_holds_sound,
    ADD CONSTRAINT ledger_holds_id_check CHECK (id LIKE 'hld\_%'),
    ADD CONSTRAINT ledger_holds_amount_check CHECK (amount >= 0),
    ADD CONSTRAINT ledger_holds_status_check CHECK (status IN ('PENDING', 'SETTLED', 'VOID')),
    ADD CONSTRAINT ledger_holds_price_input_check CHECK (price_input >= 0),
    ADD CONSTRAINT ledger_holds_price_cached_check CHECK (price_cached >= 0),
    ADD CONSTRAINT ledger_holds_price_output_check CHECK (price_output >= 0),
    ADD CONSTRAINT ledger_holds_check CHECK ((status = 'PENDING') = (posted IS NULL) AND (status = 'PENDING') = (resolved_at IS NULL)),
    ADD CONSTRAINT ledger_holds_check1 CHECK (status <> 'VOID' OR posted = 0);

ALTER TABLE usage_rows
    DROP CONSTRAINT usage_rows_sound,
    ADD CONSTRAINT usage_rows_id_check CHECK (id LIKE 'use\_%'),
    ADD CONSTRAINT usage_rows_ref_check CHECK (length(ref) BETWEEN 1 AND 200),
    ADD CONSTRAINT usage_rows_source_check CHECK (source IN ('WEB', 'API_KEY')),
    ADD CONSTRAINT usage_rows_feature_check CHECK (feature IN ('CHAT', 'EDIT', 'REGENERATE', 'CONTINUE', 'API')),
    ADD CONSTRAINT usage_rows_status_check CHECK (status IN ('COMPLETE', 'STOPPED', 'INTERRUPTED', 'FAILED')),
    ADD CONSTRAINT usage_rows_prompt_tokens_check CHECK (prompt_tokens >= 0),
    ADD CONSTRAINT usage_rows_output_tokens_check CHECK (output_tokens >= 0),
    ADD CONSTRAINT usage_rows_check CHECK (cached_tokens BETWEEN 0 AND prompt_tokens),
    ADD CONSTRAINT usage_rows_check1 CHECK (reasoning_tokens BETWEEN 0 AND output_tokens),
    ADD CONSTRAINT usage_rows_check2 CHECK ((credits > 0) = (transfer_id <> '')),
    ADD CONSTRAINT usage_rows_credits_check CHECK (credits >= 0);
