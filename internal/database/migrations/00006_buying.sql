-- Buying: purchases, what is kept of their payments, the inbox of webhooks, payments that
-- contradict what was bought, and comparisons with the providers. Credits are
-- micro-credits; money is minor units of its currency.

-- +goose Up

-- A purchase leads to a wallet's number in the ledger, not to its owner; what leads to
-- the payer at the provider is here as a keyed hash only.
CREATE TABLE purchases (
    id             text        PRIMARY KEY CHECK (id LIKE 'pur\_%'),
    account_id     text        NOT NULL REFERENCES ledger_accounts (id),
    provider       text        NOT NULL CHECK (provider IN ('STRIPE', 'CREEM')),
    pack_id        text        NOT NULL,
    credits        bigint      NOT NULL CHECK (credits > 0),
    amount_minor   bigint      NOT NULL CHECK (amount_minor > 0), -- the pack's price, without tax that is added
    currency       text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    live           boolean     NOT NULL,
    status         text        NOT NULL CHECK (status IN ('CREATING', 'OPEN', 'PAID', 'EXPIRED', 'FAILED')),
    paid_minor     bigint      NOT NULL DEFAULT 0 CHECK (paid_minor >= 0), -- with tax
    tax_minor      bigint      NOT NULL DEFAULT 0 CHECK (tax_minor >= 0),
    refunded_minor bigint      NOT NULL DEFAULT 0 CHECK (refunded_minor >= 0),
    disputed_minor bigint      NOT NULL DEFAULT 0 CHECK (disputed_minor >= 0),
    dispute        text        NOT NULL DEFAULT 'NONE' CHECK (dispute IN ('NONE', 'OPEN', 'WON', 'LOST')),
    reversed       bigint      NOT NULL DEFAULT 0 CHECK (reversed BETWEEN 0 AND credits), -- micro-credits taken back so far
    revision       integer     NOT NULL DEFAULT 0, -- counts the transfers that took back or gave again
    session_index  bytea       CHECK (length(session_index) = 32),
    payment_index  bytea       CHECK (length(payment_index) = 32),
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    expires_at     timestamptz,
    paid_at        timestamptz,
    CONSTRAINT purchases_session UNIQUE (provider, session_index),
    CONSTRAINT purchases_payment UNIQUE (provider, payment_index),
    CHECK ((status = 'PAID') = (paid_at IS NOT NULL))
);
CREATE INDEX purchases_account ON purchases (account_id, id DESC);
CREATE INDEX purchases_open ON purchases (created_at) WHERE status IN ('CREATING', 'OPEN');

-- What is kept of a payment for its payer; it goes with the owner. The sealed details
-- are the provider's ids, brand and last four digits, billing address and receipt link.
CREATE TABLE payment_details (
    owner_id       text        NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
    purchase_id    text        NOT NULL UNIQUE REFERENCES purchases (id),
    click          text        NOT NULL CHECK (length(click) BETWEEN 1 AND 100), -- the caller's idempotency key
    details_sealed bytea       NOT NULL,
    created_at     timestamptz NOT NULL,
    PRIMARY KEY (owner_id, purchase_id),
    CONSTRAINT payment_details_click UNIQUE (owner_id, click)
);

CREATE TABLE payment_customers (
    owner_id        text NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
    provider        text NOT NULL CHECK (provider IN ('STRIPE', 'CREEM')),
    customer_sealed bytea NOT NULL,
    customer_index  bytea NOT NULL CHECK (length(customer_index) = 32), -- whose it is
    PRIMARY KEY (owner_id, provider)
);
CREATE INDEX payment_customers_index ON payment_customers (provider, customer_index);

-- The inbox of webhooks: written in the transaction of what the event does. Nothing of
-- the event but this is kept.
CREATE TABLE payment_events (
    provider    text        NOT NULL CHECK (provider IN ('STRIPE', 'CREEM')),
    event_id    text        NOT NULL CHECK (length(event_id) BETWEEN 1 AND 200),
    kind        text        NOT NULL CHECK (length(kind) <= 100),
    purchase_id text        REFERENCES purchases (id),
    outcome     text        NOT NULL CHECK (outcome IN ('APPLIED', 'NOTHING', 'QUARANTINED', 'WAITING')),
    occurred_at timestamptz,
    received_at timestamptz NOT NULL,
    -- What went back of a payment that was not told yet: amounts, and a keyed hash.
    payment_index bytea     CHECK (length(payment_index) = 32),
    facts         jsonb,
    PRIMARY KEY (provider, event_id),
    CHECK ((outcome = 'WAITING') = (facts IS NOT NULL) AND (facts IS NULL) = (payment_index IS NULL))
);
CREATE INDEX payment_events_purchase ON payment_events (purchase_id) WHERE purchase_id IS NOT NULL;
CREATE INDEX payment_events_waiting ON payment_events (provider, payment_index) WHERE outcome = 'WAITING';

-- Payments that contradict what was bought: no credits until the operator has looked.
CREATE TABLE payment_quarantine (
    id          text        PRIMARY KEY CHECK (id LIKE 'qua\_%'),
    provider    text        NOT NULL CHECK (provider IN ('STRIPE', 'CREEM')),
    event_id    text        NOT NULL,
    purchase_id text        REFERENCES purchases (id),
    reason      text        NOT NULL CHECK (reason IN ('UNKNOWN_PURCHASE', 'AMOUNT', 'CURRENCY', 'MODE', 'PRODUCT', 'ACCOUNT', 'CONTRADICTION')),
    facts       jsonb       NOT NULL, -- expected and found, nobody's data
    created_at  timestamptz NOT NULL,
    resolved_at timestamptz,
    resolved_by text        NOT NULL DEFAULT '',
    resolution  text        NOT NULL DEFAULT '' CHECK (resolution IN ('', 'CREDITED', 'DISMISSED')),
    CONSTRAINT payment_quarantine_event UNIQUE (provider, event_id)
);

CREATE TABLE reconciliations (
    id          text        PRIMARY KEY CHECK (id LIKE 'rec\_%'),
    provider    text        NOT NULL CHECK (provider IN ('STRIPE', 'CREEM')),
    since       timestamptz NOT NULL,
    compared    integer     NOT NULL DEFAULT 0,
    repaired    integer     NOT NULL DEFAULT 0,
    differences jsonb       NOT NULL DEFAULT '[]',
    failure     text        NOT NULL DEFAULT '',
    started_at  timestamptz NOT NULL,
    finished_at timestamptz NOT NULL
);

-- +goose Down

DROP TABLE reconciliations, payment_quarantine, payment_events, payment_customers, payment_details, purchases;
