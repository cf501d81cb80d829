-- +goose Up
-- Money: a ledger of double entry, the wallets of owners, holds, one row of usage per
-- billable act, and what checks found. Amounts are micro-credits: 1,000,000
-- are a credit, which is a US cent. The ledger knows no owner: a wallet's row, which goes
-- with its owner, is the only thing that leads from one to the other.

-- ---------------------------------------------------------------- the ledger

CREATE TABLE ledger_accounts (
    id         text        PRIMARY KEY CHECK (id LIKE 'lac\_%'),
    kind       text        NOT NULL CHECK (kind IN ('WALLET', 'DEBT', 'REVENUE', 'STRIPE', 'CREEM', 'GRANTS', 'ADJUSTMENTS', 'SUSPENSE')),
    wallet_id  text        REFERENCES ledger_accounts (id),
    created_at timestamptz NOT NULL,
    CHECK ((kind = 'DEBT') = (wallet_id IS NOT NULL))
);
CREATE UNIQUE INDEX ledger_accounts_debt ON ledger_accounts (wallet_id) WHERE kind = 'DEBT';
CREATE UNIQUE INDEX ledger_accounts_system ON ledger_accounts (kind) WHERE kind NOT IN ('WALLET', 'DEBT');
INSERT INTO ledger_accounts (id, kind, created_at) VALUES
    ('lac_revenue', 'REVENUE', now()), ('lac_stripe', 'STRIPE', now()), ('lac_creem', 'CREEM', now()),
    ('lac_grants', 'GRANTS', now()), ('lac_adjustments', 'ADJUSTMENTS', now()), ('lac_suspense', 'SUSPENSE', now());

-- Cached sums of wallets, which the triggers below compute and nothing else writes:
-- posted = the wallet's entries, held = its pending holds, owed = what its debt account
-- lacks. The accounts of the installation itself have none: every charge would wait for
-- that one row.
CREATE TABLE ledger_balances (
    account_id text   PRIMARY KEY REFERENCES ledger_accounts (id),
    posted     bigint NOT NULL DEFAULT 0,
    held       bigint NOT NULL DEFAULT 0 CHECK (held >= 0),
    owed       bigint NOT NULL DEFAULT 0 CHECK (owed >= 0),
    CONSTRAINT ledger_balances_covered CHECK (posted - held >= 0) -- L3
) WITH (fillfactor = 50);
CREATE INDEX ledger_balances_owing ON ledger_balances (account_id) WHERE owed > 0;

CREATE TABLE ledger_transfers (
    id         text        PRIMARY KEY CHECK (id LIKE 'trf\_%'),
    kind       text        NOT NULL CHECK (kind IN ('CHARGE', 'PURCHASE', 'REFUND', 'DISPUTE', 'REINSTATEMENT', 'GRANT', 'ADJUSTMENT', 'REPAYMENT')),
    ref        text        NOT NULL CHECK (length(ref) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL,
    CONSTRAINT ledger_transfers_ref UNIQUE (kind, ref) -- L6
);

CREATE TABLE ledger_entries (
    account_id  text   NOT NULL,
    transfer_id text   NOT NULL,
    amount      bigint NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (account_id, transfer_id)
);

-- A hold sets credits aside until its one settlement; the prices of that moment count.
CREATE TABLE ledger_holds (
    id           text        PRIMARY KEY CHECK (id LIKE 'hld\_%'),
    account_id   text        NOT NULL,
    amount       bigint      NOT NULL CHECK (amount >= 0),
    posted       bigint,
    status       text        NOT NULL CHECK (status IN ('PENDING', 'SETTLED', 'VOID')),
    price_input  bigint      NOT NULL CHECK (price_input >= 0),
    price_cached bigint      NOT NULL CHECK (price_cached >= 0),
    price_output bigint      NOT NULL CHECK (price_output >= 0),
    expires_at   timestamptz NOT NULL,
    created_at   timestamptz NOT NULL,
    resolved_at  timestamptz,
    CHECK ((status = 'PENDING') = (posted IS NULL) AND (status = 'PENDING') = (resolved_at IS NULL)),
    CONSTRAINT ledger_holds_within CHECK (posted BETWEEN 0 AND amount), -- L5
    CHECK (status <> 'VOID' OR posted = 0)
);
CREATE INDEX ledger_holds_pending ON ledger_holds (account_id, expires_at) WHERE status = 'PENDING';

-- +goose StatementBegin
CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: the ledger only grows', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Every statement brings whole transfers between known accounts (L1), and moves the
-- cached balances by what it brings (L4). This and the next two look up only what the
-- statement brings, by index: the server remembers their plans from when the tables were
-- small, and a plan that reads a whole table would stay. Hence the subqueries where a
-- join or EXISTS would be shorter, and the arrays.
CREATE FUNCTION ledger_post() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
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
CREATE FUNCTION ledger_hold_new() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
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
CREATE FUNCTION ledger_hold_changed() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
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
-- A hold resolves once, and belongs to one wallet at one price (L5).
CREATE FUNCTION ledger_hold_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> 'PENDING' OR (NEW.id, NEW.account_id, NEW.price_input, NEW.price_cached, NEW.price_output, NEW.created_at)
            IS DISTINCT FROM (OLD.id, OLD.account_id, OLD.price_input, OLD.price_cached, OLD.price_output, OLD.created_at) THEN
        RAISE EXCEPTION 'hold % is resolved, or would become another', OLD.id USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_holds_once';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

CREATE TRIGGER ledger_accounts_frozen BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_accounts FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_transfers_frozen BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transfers FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_entries_frozen BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_holds_frozen BEFORE DELETE OR TRUNCATE ON ledger_holds FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_entries_post AFTER INSERT ON ledger_entries REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION ledger_post();
CREATE TRIGGER ledger_holds_new AFTER INSERT ON ledger_holds REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION ledger_hold_new();
CREATE TRIGGER ledger_holds_changed AFTER UPDATE ON ledger_holds REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION ledger_hold_changed();
CREATE TRIGGER ledger_holds_once BEFORE UPDATE ON ledger_holds FOR EACH ROW EXECUTE FUNCTION ledger_hold_once();

-- What a check of the books found.
CREATE TABLE ledger_checks (
    id          text        PRIMARY KEY CHECK (id LIKE 'chk\_%'),
    ok          boolean     NOT NULL,
    findings    jsonb       NOT NULL,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz NOT NULL
);

-- ---------------------------------------------------------------- owners and their money

CREATE TABLE wallets (
    owner_id      text        PRIMARY KEY REFERENCES owners (id) ON DELETE CASCADE,
    account_id    text        NOT NULL UNIQUE REFERENCES ledger_accounts (id),
    low_notice    boolean     NOT NULL DEFAULT true,
    low_threshold bigint      NOT NULL DEFAULT 50000000 CHECK (low_threshold >= 0),
    low_told_at   timestamptz
);

-- What the operator gave or took, and why.
CREATE TABLE credit_adjustments (
    owner_id      text        NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
    id            text        NOT NULL CHECK (id LIKE 'adj\_%'),
    transfer_id   text        NOT NULL UNIQUE REFERENCES ledger_transfers (id),
    actor_id      text        NOT NULL,
    reason_sealed bytea       NOT NULL,
    amount        bigint      NOT NULL CHECK (amount <> 0),
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (owner_id, id)
);

-- One row per billable act, without content. hold_id is empty where nothing could be
-- charged: a guest's reply. The prices are those of the hold.
CREATE TABLE usage_rows (
    owner_id         text        NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
    id               text        NOT NULL CHECK (id LIKE 'use\_%'),
    ref              text        NOT NULL CHECK (length(ref) BETWEEN 1 AND 200),
    hold_id          text        NOT NULL DEFAULT '',
    transfer_id      text        NOT NULL DEFAULT '',
    reply_id         text        NOT NULL DEFAULT '',
    source           text        NOT NULL CHECK (source IN ('WEB', 'API_KEY')),
    key_id           text        NOT NULL DEFAULT '',
    feature          text        NOT NULL CHECK (feature IN ('CHAT', 'EDIT', 'REGENERATE', 'CONTINUE', 'API')),
    model_id         text        NOT NULL,
    engine_name      text        NOT NULL DEFAULT '',
    status           text        NOT NULL CHECK (status IN ('COMPLETE', 'STOPPED', 'INTERRUPTED', 'FAILED')),
    prompt_tokens    bigint      NOT NULL CHECK (prompt_tokens >= 0),
    cached_tokens    bigint      NOT NULL CHECK (cached_tokens BETWEEN 0 AND prompt_tokens),
    output_tokens    bigint      NOT NULL CHECK (output_tokens >= 0),
    reasoning_tokens bigint      NOT NULL CHECK (reasoning_tokens BETWEEN 0 AND output_tokens),
    estimated        boolean     NOT NULL,
    counted_prompt   bigint      NOT NULL DEFAULT 0, -- our own count, to know its error
    counted_output   bigint      NOT NULL DEFAULT 0,
    quarantined      boolean     NOT NULL DEFAULT false,
    reported         jsonb,      -- the engine's absurd numbers
    reviewed_at      timestamptz,
    price_input      bigint      NOT NULL,
    price_cached     bigint      NOT NULL,
    price_output     bigint      NOT NULL,
    credits          bigint      NOT NULL CHECK (credits >= 0),
    first_token_ms   integer     NOT NULL DEFAULT 0,
    latency_ms       integer     NOT NULL DEFAULT 0,
    created_at       timestamptz NOT NULL,
    PRIMARY KEY (owner_id, id),
    CONSTRAINT usage_rows_ref UNIQUE (owner_id, ref),
    CHECK ((credits > 0) = (transfer_id <> ''))
);
CREATE INDEX usage_rows_time ON usage_rows (owner_id, created_at);
CREATE INDEX usage_rows_transfer ON usage_rows (owner_id, transfer_id) WHERE transfer_id <> '';
CREATE INDEX usage_rows_quarantine ON usage_rows (id DESC) WHERE quarantined;

-- A run's present phase: from its beginning, or from where it was continued.
ALTER TABLE runs
    ADD COLUMN hold_id          text        NOT NULL DEFAULT '',
    ADD COLUMN feature          text        NOT NULL DEFAULT 'CHAT' CHECK (feature IN ('CHAT', 'EDIT', 'REGENERATE', 'CONTINUE', 'API')),
    ADD COLUMN phase            integer     NOT NULL DEFAULT 0,
    ADD COLUMN phase_epoch      integer     NOT NULL DEFAULT 0,
    ADD COLUMN phase_text       integer     NOT NULL DEFAULT 0, -- bytes of text that earlier phases made
    ADD COLUMN phase_reasoning  integer     NOT NULL DEFAULT 0, -- and of reasoning
    ADD COLUMN phase_prompt     bigint      NOT NULL DEFAULT 0, -- tokens the engine reads, by our own count
    ADD COLUMN phase_started_at timestamptz;
CREATE INDEX runs_hold ON runs (hold_id) WHERE hold_id <> '';

-- Accounts that were there before money get their wallets.
-- +goose StatementBegin
DO $$
DECLARE
    o text;
    w text;
BEGIN
    FOR o IN SELECT owner_id FROM accounts LOOP
        w := 'lac_' || replace(gen_random_uuid()::text, '-', '');
        INSERT INTO ledger_accounts (id, kind, created_at) VALUES (w, 'WALLET', now());
        INSERT INTO ledger_accounts (id, kind, wallet_id, created_at) VALUES ('lac_' || replace(gen_random_uuid()::text, '-', ''), 'DEBT', w, now());
        INSERT INTO ledger_balances (account_id) VALUES (w);
        INSERT INTO wallets (owner_id, account_id) VALUES (o, w);
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
ALTER TABLE runs DROP COLUMN hold_id, DROP COLUMN feature, DROP COLUMN phase, DROP COLUMN phase_epoch, DROP COLUMN phase_text, DROP COLUMN phase_reasoning, DROP COLUMN phase_prompt, DROP COLUMN phase_started_at;
DROP TABLE usage_rows, credit_adjustments, wallets,
    ledger_checks, ledger_holds, ledger_entries, ledger_transfers, ledger_balances, ledger_accounts;
DROP FUNCTION ledger_refuse, ledger_post, ledger_hold_new, ledger_hold_changed, ledger_hold_once;
