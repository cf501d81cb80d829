-- A charge moves what a hold set aside to the revenue, so the settled hold says all of it:
-- from which wallet, how much, when, under which id. Beside it stood a transfer and two
-- entries that said the same again, four rows more and four more in indexes for each answer. From here
-- on a settled hold is the transfer: two entries that cannot but sum to zero. Everything else
-- that moves credits stays in ledger_transfers and ledger_entries, and ledger_journal shows
-- both.

-- +goose Up

-- Whole tables meet here: never row by row, however few rows the statistics promise.
SET LOCAL enable_nestloop = off;

-- +goose StatementBegin
-- What is to be taken out must say the same as what stays.
DO $$
DECLARE
    bad text;
BEGIN
    SELECT coalesce(t.id, h.id) INTO bad FROM (SELECT * FROM ledger_transfers WHERE kind = 'CHARGE') t
    FULL JOIN (SELECT * FROM ledger_holds WHERE posted > 0) h ON h.id = t.ref
    LEFT JOIN (SELECT transfer_id, count(*) AS n, min(account_id) FILTER (WHERE account_id <> 'lac_revenue') AS wallet, min(amount) FILTER (WHERE account_id <> 'lac_revenue') AS taken,
            min(amount) FILTER (WHERE account_id = 'lac_revenue') AS got FROM ledger_entries GROUP BY 1) e ON e.transfer_id = t.id
    WHERE t.id IS NULL OR h.id IS NULL OR t.created_at <> h.resolved_at OR e.n IS DISTINCT FROM 2 OR e.wallet IS DISTINCT FROM h.account_id OR e.taken IS DISTINCT FROM -h.posted OR e.got IS DISTINCT FROM h.posted
    LIMIT 1;
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION 'the books contradict themselves at %: nothing was changed; run the version of before, `kimi-k2 verify`, and ask for help', bad;
    END IF;
END $$;
-- +goose StatementEnd

ALTER TABLE ledger_holds ADD COLUMN transfer_id text NOT NULL DEFAULT '';
ALTER TABLE ledger_holds DISABLE TRIGGER USER;
ALTER TABLE ledger_entries DISABLE TRIGGER USER;
ALTER TABLE ledger_transfers DISABLE TRIGGER USER;
UPDATE ledger_holds h SET transfer_id = t.id FROM ledger_transfers t WHERE t.kind = 'CHARGE' AND t.ref = h.id;
DELETE FROM ledger_entries e USING ledger_transfers t WHERE t.id = e.transfer_id AND t.kind = 'CHARGE';
DELETE FROM ledger_transfers WHERE kind = 'CHARGE';
ALTER TABLE ledger_holds ENABLE TRIGGER USER;
ALTER TABLE ledger_entries ENABLE TRIGGER USER;
ALTER TABLE ledger_transfers ENABLE TRIGGER USER;

ALTER TABLE ledger_holds ADD CONSTRAINT ledger_holds_charge CHECK ((coalesce(posted, 0) > 0) = (transfer_id <> '') AND (transfer_id = '' OR transfer_id LIKE 'trf\_%'));
SET LOCAL enable_nestloop = on;

CREATE UNIQUE INDEX ledger_holds_charges ON ledger_holds (account_id, transfer_id) WHERE transfer_id <> '';
ALTER TABLE ledger_transfers DROP CONSTRAINT ledger_transfers_kind_check;
ALTER TABLE ledger_transfers ADD CONSTRAINT ledger_transfers_kinds CHECK (kind IN ('PURCHASE', 'REFUND', 'DISPUTE', 'REINSTATEMENT', 'GRANT', 'ADJUSTMENT', 'REPAYMENT'));

-- A charge is the twin of its act: both have the same UUID, so that whoever has the one
-- looks up the other by its key. Only those of before need an index.
DROP INDEX usage_rows_transfer;
CREATE INDEX usage_rows_transfer ON usage_rows (owner_id, transfer_id) WHERE transfer_id <> '' AND substr(transfer_id, 5) <> substr(id, 5);

-- Every entry there is, with what its transfer says. Who reads one wallet's takes the parts
-- apart, each by its own index.
CREATE VIEW ledger_journal AS
SELECT e.account_id, e.transfer_id, e.amount, t.kind, t.ref, t.created_at FROM ledger_entries e JOIN ledger_transfers t ON t.id = e.transfer_id
UNION ALL SELECT h.account_id, h.transfer_id, -h.posted, 'CHARGE', h.id, h.resolved_at FROM ledger_holds h WHERE h.transfer_id <> ''
UNION ALL SELECT 'lac_revenue', h.transfer_id, h.posted, 'CHARGE', h.id, h.resolved_at FROM ledger_holds h WHERE h.transfer_id <> '';

-- +goose StatementBegin
-- Every statement brings whole transfers between known accounts (L1), and moves the
-- cached balances by what it brings (L4). This and the next two look up only what the
-- statement brings, by index and with arrays: the server remembers their plans from when the
-- tables were small, and one that reads a whole table, as a join may, would stay.
CREATE OR REPLACE FUNCTION ledger_post() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    bad   text;
    whole boolean;
    ids   text[];
    came  bigint[];
BEGIN
    SELECT e.transfer_id, sum(e.amount) = 0 INTO bad, whole FROM fresh e GROUP BY e.transfer_id
    HAVING sum(e.amount) <> 0 OR (SELECT t.id FROM ledger_transfers t WHERE t.id = e.transfer_id) IS NULL LIMIT 1;
    IF NOT whole THEN
        RAISE EXCEPTION 'the entries of transfer % do not sum to zero', bad USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entries_zero';
    ELSIF bad IS NOT NULL THEN
        RAISE EXCEPTION 'transfer % is unknown', bad USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'ledger_entries_transfer';
    END IF;
    SELECT array_agg(d.id), array_agg(d.amount) INTO ids, came FROM (SELECT account_id AS id, sum(amount)::bigint AS amount FROM fresh GROUP BY 1) d;
    SELECT u.id INTO bad FROM unnest(ids) u(id) WHERE (SELECT a.id FROM ledger_accounts a WHERE a.id = u.id) IS NULL LIMIT 1;
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION 'account % is unknown', bad USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'ledger_entries_account';
    END IF;
    UPDATE ledger_balances b SET posted = b.posted + came[array_position(ids, b.account_id)] WHERE b.account_id = ANY (ids);
    SELECT array_agg(d.id), array_agg(d.amount) INTO ids, came
    FROM (SELECT a.wallet_id AS id, sum(u.amount)::bigint AS amount FROM unnest(ids, came) u(id, amount)
          CROSS JOIN LATERAL (SELECT x.wallet_id FROM ledger_accounts x WHERE x.id = u.id AND x.kind = 'DEBT' OFFSET 0) a GROUP BY 1) d;
    UPDATE ledger_balances b SET owed = b.owed - came[array_position(ids, b.account_id)] WHERE b.account_id = ANY (ids);
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger_hold_new() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    ids   text[];
    more  bigint[];
    spent bigint[];
    found bigint;
BEGIN
    SELECT array_agg(d.id ORDER BY d.id), array_agg(d.more ORDER BY d.id), array_agg(d.spent ORDER BY d.id) INTO ids, more, spent
    FROM (SELECT account_id AS id, sum(CASE status WHEN 'PENDING' THEN amount ELSE 0 END)::bigint AS more, sum(coalesce(posted, 0))::bigint AS spent FROM fresh GROUP BY 1) d;
    UPDATE ledger_balances b SET held = b.held + more[width_bucket(b.account_id, ids)], posted = b.posted - spent[width_bucket(b.account_id, ids)] WHERE b.account_id = ANY (ids);
    GET DIAGNOSTICS found = ROW_COUNT;
    IF found < cardinality(ids) THEN
        RAISE EXCEPTION 'a hold has no wallet' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'ledger_holds_wallet';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- What a hold set aside is free again, what it was settled with is gone (L4), and what its
-- wallet owes is paid with what that leaves: once, in the name of the wallet's first hold
-- of the statement. The repayment's id is a UUIDv7 like all others, so that it sorts by its time.
CREATE OR REPLACE FUNCTION ledger_hold_changed() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    ids   text[];
    more  bigint[];
    spent bigint[];
    owing boolean;
BEGIN
    SELECT array_agg(d.id ORDER BY d.id), array_agg(d.more ORDER BY d.id), array_agg(d.spent ORDER BY d.id) INTO ids, more, spent
    FROM (SELECT account_id AS id, sum(held)::bigint AS more, sum(posted)::bigint AS spent FROM (
              SELECT account_id, CASE status WHEN 'PENDING' THEN amount ELSE 0 END AS held, coalesce(posted, 0) AS posted FROM fresh
              UNION ALL SELECT account_id, CASE status WHEN 'PENDING' THEN -amount ELSE 0 END, -coalesce(posted, 0) FROM stale) x
          GROUP BY 1 HAVING sum(held) <> 0 OR sum(posted) <> 0) d;
    IF ids IS NULL THEN
        RETURN NULL; -- leases only
    END IF;
    WITH moved AS (
        UPDATE ledger_balances b SET held = b.held + more[width_bucket(b.account_id, ids)], posted = b.posted - spent[width_bucket(b.account_id, ids)]
        WHERE b.account_id = ANY (ids) RETURNING b.owed
    )
    SELECT bool_or(m.owed > 0) INTO owing FROM moved m;
    IF owing THEN
        WITH due AS MATERIALIZED (
            SELECT b.account_id, least(b.posted - b.held, b.owed) AS amount, h.ref, h.at, d.id AS debt,
                'trf_' || lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 14) AS transfer
            FROM ledger_balances b CROSS JOIN LATERAL (SELECT min(f.id) AS ref, max(f.resolved_at) AS at FROM fresh f WHERE f.account_id = b.account_id AND f.status <> 'PENDING') h
            JOIN ledger_accounts d ON d.wallet_id = b.account_id AND d.kind = 'DEBT'
            WHERE b.account_id = ANY (ids) AND b.owed > 0 AND b.posted > b.held AND h.ref IS NOT NULL
                AND NOT EXISTS (SELECT FROM ledger_transfers t WHERE t.kind = 'REPAYMENT' AND t.ref = h.ref)
        ), moved AS (
            INSERT INTO ledger_transfers (id, kind, ref, created_at) SELECT transfer, 'REPAYMENT', ref, at FROM due
        )
        INSERT INTO ledger_entries (account_id, transfer_id, amount)
        SELECT account_id, transfer, -amount FROM due UNION ALL SELECT debt, transfer, amount FROM due;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose Down

DROP VIEW ledger_journal;
ALTER TABLE ledger_transfers DROP CONSTRAINT ledger_transfers_kinds;
ALTER TABLE ledger_transfers ADD CONSTRAINT ledger_transfers_kind_check CHECK (kind IN ('CHARGE', 'PURCHASE', 'REFUND', 'DISPUTE', 'REINSTATEMENT', 'GRANT', 'ADJUSTMENT', 'REPAYMENT'));
ALTER TABLE ledger_entries DISABLE TRIGGER USER;
INSERT INTO ledger_transfers (id, kind, ref, created_at) SELECT transfer_id, 'CHARGE', id, resolved_at FROM ledger_holds WHERE transfer_id <> '';
INSERT INTO ledger_entries (account_id, transfer_id, amount) SELECT account_id, transfer_id, -posted FROM ledger_holds WHERE transfer_id <> '';
INSERT INTO ledger_entries (account_id, transfer_id, amount) SELECT 'lac_revenue', transfer_id, posted FROM ledger_holds WHERE transfer_id <> '';
ALTER TABLE ledger_entries ENABLE TRIGGER USER;
DROP INDEX ledger_holds_charges;
DROP INDEX usage_rows_transfer;
CREATE INDEX usage_rows_transfer ON usage_rows (owner_id, transfer_id) WHERE transfer_id <> '';
ALTER TABLE ledger_holds DROP COLUMN transfer_id;

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
