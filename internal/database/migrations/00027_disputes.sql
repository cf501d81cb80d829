-- Disputes one by one: a payment may be disputed more than once, in parts or again after
-- a dispute was won. Money is minor units of the purchase's currency.

-- +goose Up

-- What a provider ever told of a dispute. Rows are written with the purchase locked; what
-- is withheld for them stands in the purchase.
CREATE TABLE payment_disputes (
    purchase_id    text        NOT NULL REFERENCES purchases (id),
    number         integer     NOT NULL CHECK (number > 0), -- in the order they were told
    dispute_index  bytea       CHECK (length(dispute_index) = 32), -- of its id at the provider; NULL: none was told
    state          text        NOT NULL CHECK (state IN ('OPEN', 'WON', 'LOST')), -- the furthest that was told
    amount_minor   bigint      NOT NULL CHECK (amount_minor >= 0), -- the most that was told; 0: not told, all of the payment
    returned_minor bigint      NOT NULL CHECK (returned_minor >= 0), -- of that: came back although it was not won
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    PRIMARY KEY (purchase_id, number),
    CONSTRAINT payment_disputes_once UNIQUE (dispute_index)
);
CREATE UNIQUE INDEX payment_disputes_nameless ON payment_disputes (purchase_id) WHERE dispute_index IS NULL;

-- What was known of a payment's disputes, all in one, becomes one whose id was not told.
INSERT INTO payment_disputes (purchase_id, number, state, amount_minor, returned_minor, created_at, updated_at)
    SELECT id, 1, dispute, disputed_minor, 0, updated_at, updated_at FROM purchases WHERE dispute <> 'NONE';

-- A purchase says what its open and lost disputes withhold together.
UPDATE purchases SET disputed_minor = CASE WHEN dispute NOT IN ('OPEN', 'LOST') THEN 0
    WHEN disputed_minor = 0 OR disputed_minor > paid_minor THEN paid_minor ELSE disputed_minor END
    WHERE dispute <> 'NONE' OR disputed_minor <> 0;
ALTER TABLE purchases ADD CONSTRAINT purchases_disputed CHECK (disputed_minor <= paid_minor AND (dispute IN ('OPEN', 'LOST')) = (disputed_minor > 0));

-- +goose Down

ALTER TABLE purchases DROP CONSTRAINT purchases_disputed;
DROP TABLE payment_disputes;
