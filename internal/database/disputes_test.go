package database_test

import (
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
)

// sold are paid purchases of 1,000 minor units with what was known of their disputes.
const sold = `INSERT INTO ledger_accounts (id, kind, created_at) VALUES ('lac_w', 'WALLET', now());
INSERT INTO purchases (id, account_id, provider, pack_id, credits, amount_minor, currency, live, status, paid_minor, disputed_minor, dispute, reversed, created_at, updated_at, paid_at)
    SELECT 'pur_' || n, 'lac_w', 'STRIPE', 'p', 1000, 1000, 'USD', true, 'PAID', 1000, minor, dispute, reversed, now(), now(), now()
    FROM (VALUES (1, 0, 'NONE', 0), (2, 300, 'OPEN', 300), (3, 0, 'LOST', 1000), (4, 2000, 'OPEN', 1000), (5, 300, 'WON', 0), (6, 0, 'WON', 0)) v(n, minor, dispute, reversed)`

// P56: what was known of disputes is carried over, and withholds what it did.
func TestDisputesAreCarriedOver(t *testing.T) {
	url := dbtest.Empty(t)
	old := open(t, database.WithMigrations(database.Config{URL: url}, until(t, "00027")))
	if _, err := old.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := old.Pool().Exec(t.Context(), sold); err != nil {
		t.Fatal(err)
	}
	db := open(t, database.Config{URL: url})
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got string
	err := db.Pool().QueryRow(t.Context(), `SELECT string_agg(concat_ws(' ', p.id, p.dispute, p.disputed_minor, p.reversed, d.number, d.state, d.amount_minor, d.dispute_index), '; ' ORDER BY p.id)
		FROM purchases p LEFT JOIN payment_disputes d ON d.purchase_id = p.id`).Scan(&got)
	want := "pur_1 NONE 0 0; pur_2 OPEN 300 300 1 OPEN 300; pur_3 LOST 1000 1000 1 LOST 0; pur_4 OPEN 1000 1000 1 OPEN 2000; pur_5 WON 0 0 1 WON 300; pur_6 WON 0 0 1 WON 0"
	if err != nil || got != want {
		t.Errorf("there are %q, %v", got, err)
	}
}

// The database refuses what no dispute can be.
func TestDisputesTheDatabaseRefuses(t *testing.T) {
	db := open(t, database.Config{URL: dbtest.Empty(t)})
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	insert := func(values string) string {
		return `INSERT INTO payment_disputes (purchase_id, number, dispute_index, state, amount_minor, returned_minor, created_at, updated_at) VALUES (` + values + `, now(), now())`
	}
	for _, fits := range []string{`INSERT INTO ledger_accounts (id, kind, created_at) VALUES ('lac_w', 'WALLET', now())`,
		`INSERT INTO purchases (id, account_id, provider, pack_id, credits, amount_minor, currency, live, status, paid_minor, created_at, updated_at, paid_at)
			SELECT 'pur_' || n, 'lac_w', 'STRIPE', 'p', 1000, 1000, 'USD', true, 'PAID', 1000, now(), now(), now() FROM generate_series(1, 2) n`,
		insert(`'pur_1', 1, sha256('a'), 'OPEN', 300, 0`), insert(`'pur_1', 2, NULL, 'LOST', 300, 0`), insert(`'pur_1', 3, sha256('b'), 'WON', 0, 0`)} {
		if _, err := db.Pool().Exec(t.Context(), fits); err != nil {
			t.Fatalf("%s: %v", fits, err)
		}
	}
	for name, odd := range map[string]string{
		"the same dispute of two payments": insert(`'pur_2', 1, sha256('a'), 'OPEN', 300, 0`),
		"the same dispute twice":           insert(`'pur_1', 4, sha256('a'), 'OPEN', 300, 0`),
		"two without a name":               insert(`'pur_1', 4, NULL, 'OPEN', 300, 0`),
		"an amount below nothing":          insert(`'pur_1', 4, sha256('c'), 'OPEN', -1, 0`),
		"less than nothing came back":      insert(`'pur_1', 4, sha256('c'), 'LOST', 1, -1`),
		"a state there isn't":              insert(`'pur_1', 4, sha256('c'), 'NONE', 1, 0`),
		"of no purchase":                   insert(`'pur_3', 1, sha256('c'), 'OPEN', 1, 0`),
		"more withheld than paid":          `UPDATE purchases SET dispute = 'OPEN', disputed_minor = 1001`,
		"withheld for a dispute won":       `UPDATE purchases SET dispute = 'WON', disputed_minor = 1`,
		"an open dispute about nothing":    `UPDATE purchases SET dispute = 'OPEN', disputed_minor = 0`,
	} {
		if _, err := db.Pool().Exec(t.Context(), odd); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
