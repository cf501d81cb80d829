-- The same rules of the ledger for less: what the triggers refuse and compute stays as it was.

-- +goose Up

-- +goose StatementBegin
-- Every statement brings whole transfers between known accounts (L1), and moves the
-- cached balances by what it brings (L4). This and the next two look up only what the
-- statement brings, by index and with arrays: the server remembers their plans from when the
-- tables were small, and one that reads a whole table, as a join may, would stay. An account
-- with a balance is a wallet, and known; a charge brings nothing else but revenue, which is
-- known too. Of other statements each account is looked up.
CREATE OR REPLACE FUNCTION ledger_post() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    bad   text;
    whole boolean;
    ids   text[];
    came  bigint[];
    found bigint;
BEGIN
    SELECT e.transfer_id, sum(e.amount) = 0 INTO bad, whole FROM fresh e GROUP BY e.transfer_id
    HAVING sum(e.amount) <> 0 OR (SELECT t.id FROM ledger_transfers t WHERE t.id = e.transfer_id) IS NULL LIMIT 1;
    IF NOT whole THEN
        RAISE EXCEPTION 'the entries of transfer % do not sum to zero', bad USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entries_zero';
    ELSIF bad IS NOT NULL THEN
        RAISE EXCEPTION 'transfer % is unknown', bad USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'ledger_entries_transfer';
    END IF;
    SELECT array_agg(d.id), array_agg(d.amount) INTO ids, came FROM (SELECT account_id AS id, sum(amount)::bigint AS amount FROM fresh GROUP BY 1) d;
    IF ids IS NULL THEN
        RETURN NULL; -- the statement brought nothing
    END IF;
    UPDATE ledger_balances b SET posted = b.posted + came[array_position(ids, b.account_id)] WHERE b.account_id = ANY (ids);
    GET DIAGNOSTICS found = ROW_COUNT;
    IF found + ('lac_revenue' = ANY (ids))::integer < cardinality(ids) THEN
        SELECT u.id INTO bad FROM unnest(ids) u(id) WHERE (SELECT a.id FROM ledger_accounts a WHERE a.id = u.id) IS NULL LIMIT 1;
        IF bad IS NOT NULL THEN
            RAISE EXCEPTION 'account % is unknown', bad USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'ledger_entries_account';
        END IF;
        SELECT array_agg(d.id), array_agg(d.amount) INTO ids, came
        FROM (SELECT a.wallet_id AS id, sum(u.amount)::bigint AS amount FROM unnest(ids, came) u(id, amount)
              CROSS JOIN LATERAL (SELECT x.wallet_id FROM ledger_accounts x WHERE x.id = u.id AND x.kind = 'DEBT' OFFSET 0) a GROUP BY 1) d;
        UPDATE ledger_balances b SET owed = b.owed - came[array_position(ids, b.account_id)] WHERE b.account_id = ANY (ids);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger_hold_new() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    ids   text[];
    more  bigint[];
    found bigint;
BEGIN
    SELECT array_agg(d.id), array_agg(d.more) INTO ids, more
    FROM (SELECT account_id AS id, sum(amount)::bigint AS more FROM fresh WHERE status = 'PENDING' GROUP BY 1 HAVING sum(amount) <> 0) d;
    UPDATE ledger_balances b SET held = b.held + more[array_position(ids, b.account_id)] WHERE b.account_id = ANY (ids);
    GET DIAGNOSTICS found = ROW_COUNT;
    IF found < coalesce(cardinality(ids), 0)
        OR EXISTS (SELECT FROM fresh h WHERE (h.status <> 'PENDING' OR h.amount = 0) AND (SELECT b.account_id FROM ledger_balances b WHERE b.account_id = h.account_id) IS NULL) THEN
        RAISE EXCEPTION 'a hold has no wallet' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'ledger_holds_wallet';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger_hold_changed() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    ids  text[];
    more bigint[];
BEGIN
    SELECT array_agg(d.id), array_agg(d.more) INTO ids, more
    FROM (SELECT account_id AS id, sum(amount)::bigint AS more FROM (
              SELECT account_id, amount FROM fresh WHERE status = 'PENDING' UNION ALL SELECT account_id, -amount FROM stale WHERE status = 'PENDING') x
          GROUP BY 1 HAVING sum(amount) <> 0) d;
    UPDATE ledger_balances b SET held = b.held + more[array_position(ids, b.account_id)] WHERE b.account_id = ANY (ids);
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- A hold resolves once, and belongs to one wallet at one price (L5). The condition is the
-- trigger's own, so that nothing is called for the changes that are allowed.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger_hold_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'hold % is resolved, or would become another', OLD.id USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_holds_once';
END $$;
-- +goose StatementEnd
DROP TRIGGER ledger_holds_once ON ledger_holds;
CREATE TRIGGER ledger_holds_once BEFORE UPDATE ON ledger_holds FOR EACH ROW
WHEN (OLD.status <> 'PENDING' OR OLD.id <> NEW.id OR OLD.account_id <> NEW.account_id OR OLD.price_input <> NEW.price_input OR OLD.price_cached <> NEW.price_cached
    OR OLD.price_output <> NEW.price_output OR OLD.created_at <> NEW.created_at)
EXECUTE FUNCTION ledger_hold_once();

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger_post() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    bad     text;
    ids     text[];
    came    bigint[];
    missing bigint[];
BEGIN
    SELECT e.transfer_id INTO bad FROM fresh e GROUP BY e.transfer_id HAVING sum(e.amount) <> 0 LIMIT 1;
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION 'the entries of transfer % do not sum to zero', bad USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entries_zero';
    END IF;
    SELECT e.transfer_id INTO bad FROM (SELECT DISTINCT transfer_id FROM fresh) e WHERE (SELECT t.id FROM ledger_transfers t WHERE t.id = e.transfer_id) IS NULL LIMIT 1;
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION 'transfer % is unknown', bad USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'ledger_entries_transfer';
    END IF;
    SELECT min(d.account_id) FILTER (WHERE d.kind IS NULL), array_agg(d.wallet) FILTER (WHERE d.wallet IS NOT NULL),
        array_agg(CASE d.kind WHEN 'WALLET' THEN d.amount ELSE 0 END) FILTER (WHERE d.wallet IS NOT NULL),
        array_agg(CASE d.kind WHEN 'DEBT' THEN -d.amount ELSE 0 END) FILTER (WHERE d.wallet IS NOT NULL) INTO bad, ids, came, missing
    FROM (SELECT e.account_id, e.amount, a.kind, a.wallet FROM (SELECT account_id, sum(amount) AS amount FROM fresh GROUP BY 1) e
          LEFT JOIN LATERAL (SELECT x.kind, CASE x.kind WHEN 'WALLET' THEN x.id WHEN 'DEBT' THEN x.wallet_id END AS wallet
              FROM ledger_accounts x WHERE x.id = e.account_id OFFSET 0) a ON true) d;
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION 'account % is unknown', bad USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'ledger_entries_account';
    END IF;
    UPDATE ledger_balances b SET posted = b.posted + d.posted, owed = b.owed + d.owed
    FROM (SELECT u.id, sum(u.posted)::bigint AS posted, sum(u.owed)::bigint AS owed FROM unnest(ids, came, missing) u(id, posted, owed) GROUP BY 1) d
    WHERE b.account_id = d.id AND b.account_id = ANY(ids);
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger_hold_new() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    ids  text[];
    more bigint[];
BEGIN
    IF EXISTS (SELECT FROM fresh h WHERE (SELECT b.account_id FROM ledger_balances b WHERE b.account_id = h.account_id) IS NULL) THEN
        RAISE EXCEPTION 'a hold has no wallet' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'ledger_holds_wallet';
    END IF;
    SELECT array_agg(d.id), array_agg(d.more) INTO ids, more
    FROM (SELECT account_id AS id, sum(amount)::bigint AS more FROM fresh WHERE status = 'PENDING' GROUP BY 1 HAVING sum(amount) <> 0) d;
    UPDATE ledger_balances b SET held = b.held + d.more FROM unnest(ids, more) d(id, more) WHERE b.account_id = d.id AND b.account_id = ANY(ids);
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger_hold_changed() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    ids  text[];
    more bigint[];
BEGIN
    SELECT array_agg(d.id), array_agg(d.more) INTO ids, more
    FROM (SELECT account_id AS id, sum(amount)::bigint AS more FROM (
              SELECT account_id, amount FROM fresh WHERE status = 'PENDING' UNION ALL SELECT account_id, -amount FROM stale WHERE status = 'PENDING') x
          GROUP BY 1 HAVING sum(amount) <> 0) d;
    UPDATE ledger_balances b SET held = b.held + d.more FROM unnest(ids, more) d(id, more) WHERE b.account_id = d.id AND b.account_id = ANY(ids);
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger_hold_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> 'PENDING' OR (NEW.id, NEW.account_id, NEW.price_input, NEW.price_cached, NEW.price_output, NEW.created_at)
            IS DISTINCT FROM (OLD.id, OLD.account_id, OLD.price_input, OLD.price_cached, OLD.price_output, OLD.created_at) THEN
        RAISE EXCEPTION 'hold % is resolved, or would become another', OLD.id USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_holds_once';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

DROP TRIGGER ledger_holds_once ON ledger_holds;
CREATE TRIGGER ledger_holds_once BEFORE UPDATE ON ledger_holds FOR EACH ROW EXECUTE FUNCTION ledger_hold_once();
