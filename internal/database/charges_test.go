package database_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
)

// until are the migrations before the named one.
func until(t *testing.T, name string) fstest.MapFS {
	t.Helper()
	paths, err := filepath.Glob("migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, path := range paths {
		if filepath.Base(path) >= name {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)] = &fstest.MapFile{Data: text}
	}
	return files
}

// books are those of a wallet with 1,000 micro-credits, of which 70 were charged and 50 are held.
const books = `INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at) VALUES ('own_1', 'ACCOUNT', '', now(), now());
INSERT INTO ledger_accounts (id, kind, created_at) VALUES ('lac_w', 'WALLET', now());
INSERT INTO ledger_accounts (id, kind, wallet_id, created_at) VALUES ('lac_d', 'DEBT', 'lac_w', now());
INSERT INTO ledger_balances (account_id) VALUES ('lac_w');
INSERT INTO wallets (owner_id, account_id) VALUES ('own_1', 'lac_w');
WITH t AS (INSERT INTO ledger_transfers VALUES ('trf_g', 'GRANT', 'g', now())) INSERT INTO ledger_entries VALUES ('lac_w', 'trf_g', 1000), ('lac_grants', 'trf_g', -1000);
INSERT INTO ledger_holds (id, account_id, amount, status, price_input, price_cached, price_output, expires_at, created_at)
    VALUES ('hld_1', 'lac_w', 100, 'PENDING', 0, 0, 1, now(), now()), ('hld_2', 'lac_w', 50, 'PENDING', 0, 0, 1, now(), now()), ('hld_3', 'lac_w', 5, 'PENDING', 0, 0, 1, now(), now());
UPDATE ledger_holds SET status = 'VOID', posted = 0, resolved_at = now() WHERE id = 'hld_3';
UPDATE ledger_holds SET status = 'SETTLED', posted = 70, resolved_at = '2026-05-01 12:00Z' WHERE id = 'hld_1';
WITH t AS (INSERT INTO ledger_transfers VALUES ('trf_c', 'CHARGE', 'hld_1', '2026-05-01 12:00Z')) INSERT INTO ledger_entries VALUES ('lac_w', 'trf_c', -70), ('lac_revenue', 'trf_c', 70)`

// many are 50,000 charges more of the same wallet, as the statistics know.
const many = `ALTER TABLE ledger_holds DISABLE TRIGGER USER; ALTER TABLE ledger_entries DISABLE TRIGGER USER;
INSERT INTO ledger_holds SELECT 'hld_' || md5(n::text), 'lac_w', 10, 7, 'SETTLED', 0, 0, 1, now(), now(), now() FROM generate_series(1, 50000) n;
INSERT INTO ledger_transfers SELECT 'trf_' || md5(n::text), 'CHARGE', 'hld_' || md5(n::text), now() FROM generate_series(1, 50000) n;
INSERT INTO ledger_entries SELECT a, 'trf_' || md5(n::text), m FROM generate_series(1, 50000) n, (VALUES ('lac_w', -7), ('lac_revenue', 7)) v(a, m);
ALTER TABLE ledger_holds ENABLE TRIGGER USER; ALTER TABLE ledger_entries ENABLE TRIGGER USER; ANALYZE`

// sums is what the books say: the wallet's entries and the revenue's, the cached balance, and how
// many transfers there are.
func sums(t *testing.T, db *database.DB, entries string) (out [5]int64) {
	t.Helper()
	err := db.Pool().QueryRow(t.Context(), `SELECT (SELECT sum(amount)::bigint FROM `+entries+` WHERE account_id = 'lac_w'), (SELECT coalesce(sum(amount), 0)::bigint FROM `+entries+` WHERE account_id = 'lac_revenue'),
		posted, held, (SELECT count(DISTINCT transfer_id) FROM `+entries+`) FROM ledger_balances`).Scan(&out[0], &out[1], &out[2], &out[3], &out[4])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// P59: what was charged before charges were settled holds says the same afterwards.
func TestChargesBecomeTheirHolds(t *testing.T) {
	url := dbtest.Empty(t)
	old := open(t, database.WithMigrations(database.Config{URL: url}, until(t, "00024")))
	if _, err := old.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := old.Pool().Exec(t.Context(), books); err != nil {
		t.Fatal(err)
	}
	before := sums(t, old, "ledger_entries")
	db := open(t, database.Config{URL: url})
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := sums(t, db, "ledger_journal"); after != before || after != [5]int64{930, 70, 930, 50, 2} {
		t.Errorf("the books said %v and say %v", before, after)
	}
	var charge string
	err := db.Pool().QueryRow(t.Context(), `SELECT string_agg(concat_ws(' ', account_id, transfer_id, amount, kind, ref, created_at AT TIME ZONE 'UTC'), '; ' ORDER BY amount) FROM ledger_journal WHERE kind = 'CHARGE'`).Scan(&charge)
	if want := "lac_w trf_c -70 CHARGE hld_1 2026-05-01 12:00:00; lac_revenue trf_c 70 CHARGE hld_1 2026-05-01 12:00:00"; err != nil || charge != want {
		t.Errorf("the charge is %q, %v", charge, err)
	}
	if left := sums(t, db, "ledger_entries")[4]; left != 1 {
		t.Errorf("%d transfers are left beside the holds", left)
	}
}

// P64: books that contradict themselves are not rewritten.
func TestContradictingBooksStayAsTheyAre(t *testing.T) {
	for name, change := range map[string]string{
		"a charge that is another amount": `ALTER TABLE ledger_holds DISABLE TRIGGER USER; UPDATE ledger_holds SET posted = 71 WHERE id = 'hld_1'; ALTER TABLE ledger_holds ENABLE TRIGGER USER`,
		"a charge that is missing":        `UPDATE ledger_holds SET status = 'SETTLED', posted = 1, resolved_at = now() WHERE id = 'hld_2'`,
		"a charge of no hold":             `WITH t AS (INSERT INTO ledger_transfers VALUES ('trf_x', 'CHARGE', 'hld_9', now())) INSERT INTO ledger_entries VALUES ('lac_w', 'trf_x', -1), ('lac_revenue', 'trf_x', 1)`,
	} {
		t.Run(name, func(t *testing.T) {
			url := dbtest.Empty(t)
			old := open(t, database.WithMigrations(database.Config{URL: url}, until(t, "00024")))
			if _, err := old.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := old.Pool().Exec(t.Context(), books+";"+change); err != nil {
				t.Fatal(err)
			}
			before := sums(t, old, "ledger_entries")
			if _, err := open(t, database.Config{URL: url}).Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "the books contradict themselves") {
				t.Fatalf("migrating gives %v", err)
			}
			if after := sums(t, old, "ledger_entries"); after != before {
				t.Errorf("the books said %v and say %v", before, after)
			}
		})
	}
}

// Books of years are rewritten in seconds: nothing is compared row by row.
func TestManyChargesBecomeTheirHolds(t *testing.T) {
	url := dbtest.Empty(t)
	old := open(t, database.WithMigrations(database.Config{URL: url}, until(t, "00024")))
	if _, err := old.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := old.Pool().Exec(t.Context(), books+";"+many); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // it took longer, compared pair by pair
	defer cancel()
	db := open(t, database.Config{URL: url})
	if _, err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	if after := sums(t, db, "ledger_journal"); after[1] != 350_070 || after[4] != 50_002 {
		t.Errorf("the books say %v", after)
	}
}
