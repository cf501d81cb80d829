package credit_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kimi-k2/kimi-k2/models"
)

// refused fails unless the database refuses the statement by the named constraint, or by
// the code when no constraint has a name.
func (r *room) refused(rule, query string, args ...any) {
	r.t.Helper()
	var pg *pgconn.PgError
	if err := r.exec(query, args...); !errors.As(err, &pg) || (pg.ConstraintName != rule && pg.Code != rule) {
		r.t.Errorf("%s\ngives %v, want a refusal by %s", query, err, rule)
	}
}

// frozen is the code of refusing to change what only grows.
const frozen = "23001"

// busy is a room whose books have something of everything.
func busy(t *testing.T) (r *room, p person, settled, pending models.Hold) {
	t.Helper()
	r = newRoom(t)
	p = r.person(1000)
	settled, pending = r.mustHold(p, 100), r.mustHold(p, 50)
	_, err := r.Settle(t.Context(), act(p, settled, "run/0", 70))
	r.must(err)
	return r, p, settled, pending
}

func TestL1TransfersSumToZero(t *testing.T) {
	r, p, _, _ := busy(t)
	defer r.sound()
	const begin = `WITH t AS (INSERT INTO ledger_transfers VALUES ('trf_x', 'GRANT', 'x', now())) INSERT INTO ledger_entries VALUES `
	r.refused("ledger_entries_zero", begin+`('`+p.wallet+`', 'trf_x', 5)`)
	r.refused("ledger_entries_zero", begin+`('`+p.wallet+`', 'trf_x', 5), ('lac_grants', 'trf_x', -4)`)
	r.refused("ledger_entries_zero", begin+`('`+p.wallet+`', 'trf_x', 9223372036854775807), ('lac_grants', 'trf_x', 9223372036854775807), ('lac_revenue', 'trf_x', 2)`)
	r.refused("ledger_entries_account", begin+`('lac_nobody', 'trf_x', 5), ('lac_grants', 'trf_x', -5)`)
	r.refused("ledger_entries_transfer", `INSERT INTO ledger_entries VALUES ('lac_grants', 'trf_none', 5), ('lac_revenue', 'trf_none', -5)`)
	r.wants(p, 930, 50, 0)
}

func TestL2AllIsZero(t *testing.T) {
	r, _, _, _ := busy(t)
	defer r.sound()
	if sum := r.count(`SELECT sum(amount)::bigint FROM ledger_journal`); sum != 0 {
		t.Errorf("all entries sum to %d", sum)
	}
	if got := r.count(`SELECT sum(amount)::bigint FROM ledger_journal WHERE account_id = 'lac_revenue'`); got != 70 {
		t.Errorf("the revenue is %d", got)
	}
}

func TestL3NobodyIsOverdrawn(t *testing.T) {
	r, p, _, _ := busy(t)
	defer r.sound()
	r.refused("ledger_balances_covered", `WITH t AS (INSERT INTO ledger_transfers VALUES ('trf_x', 'ADJUSTMENT', 'x', now()))
		INSERT INTO ledger_entries VALUES ('`+p.wallet+`', 'trf_x', -881), ('lac_adjustments', 'trf_x', 881)`)
	r.refused("ledger_balances_covered", `INSERT INTO ledger_holds (id, account_id, amount, status, price_input, price_cached, price_output, expires_at, created_at)
		VALUES ('hld_x', '`+p.wallet+`', 881, 'PENDING', 0, 0, 0, now(), now())`)
	r.refused("ledger_balances_covered", `UPDATE ledger_holds SET amount = amount + 881 WHERE status = 'PENDING'`)
	r.wants(p, 930, 50, 0)
}

func TestL4BalancesFollowTheBooks(t *testing.T) {
	r, p, _, pending := busy(t)
	defer r.sound()
	r.refused("ledger_holds_wallet", `INSERT INTO ledger_holds (id, account_id, amount, status, price_input, price_cached, price_output, expires_at, created_at)
		VALUES ('hld_x', 'lac_revenue', 0, 'PENDING', 0, 0, 0, now(), now())`)
	r.refused("ledger_balances_account", `INSERT INTO ledger_balances (account_id) VALUES ('lac_nobody')`)
	r.refused("ledger_balances_account", `UPDATE ledger_balances SET account_id = 'lac_nobody' WHERE account_id = $1`, p.wallet)
	r.must(r.exec(`WITH t AS (INSERT INTO ledger_transfers VALUES ('trf_x', 'GRANT', 'x', now()))
		INSERT INTO ledger_entries VALUES ('` + p.wallet + `', 'trf_x', 10), ('lac_grants', 'trf_x', -10)`))
	r.must(r.exec(`UPDATE ledger_holds SET amount = amount + 7 WHERE id = $1`, pending.ID))
	r.wants(p, 940, 57, 0)
}

func TestL5AHoldResolvesOnce(t *testing.T) {
	r, p, settled, pending := busy(t)
	defer r.sound()
	for _, change := range []string{
		`status = 'PENDING', posted = NULL, resolved_at = NULL`, `status = 'VOID', posted = 0`, `posted = 71`, `amount = 200`, `resolved_at = now()`, `transfer_id = 'trf_other'`,
	} {
		r.refused("ledger_holds_once", `UPDATE ledger_holds SET `+change+` WHERE id = $1`, settled.ID)
	}
	for _, change := range []string{`price_output = 0`, `price_input = 1`, `account_id = 'lac_other'`, `id = 'hld_other'`, `created_at = now()`} {
		r.refused("ledger_holds_once", `UPDATE ledger_holds SET `+change+` WHERE id = $1`, pending.ID)
	}
	r.refused("ledger_holds_within", `UPDATE ledger_holds SET status = 'SETTLED', posted = 51, transfer_id = 'trf_x', resolved_at = now() WHERE id = $1`, pending.ID)
	r.refused("ledger_holds_within", `UPDATE ledger_holds SET status = 'SETTLED', posted = -1, resolved_at = now() WHERE id = $1`, pending.ID)
	r.refused("23514", `UPDATE ledger_holds SET status = 'VOID', posted = 1, resolved_at = now() WHERE id = $1`, pending.ID)
	r.refused("23514", `UPDATE ledger_holds SET status = 'SETTLED' WHERE id = $1`, pending.ID)
	r.refused("ledger_holds_charge", `UPDATE ledger_holds SET status = 'SETTLED', posted = 1, resolved_at = now() WHERE id = $1`, pending.ID)
	r.refused("ledger_holds_charge", `UPDATE ledger_holds SET status = 'SETTLED', posted = 0, transfer_id = 'trf_x', resolved_at = now() WHERE id = $1`, pending.ID)
	r.refused("ledger_holds_charge", `UPDATE ledger_holds SET transfer_id = 'trf_x' WHERE id = $1`, pending.ID)
	r.wants(p, 930, 50, 0)
}

func TestL6ADeedIsInTheBooksOnce(t *testing.T) {
	r, p, settled, pending := busy(t)
	defer r.sound()
	r.refused("ledger_transfers_ref", `INSERT INTO ledger_transfers SELECT 'trf_x', kind, ref, now() FROM ledger_transfers`)
	r.refused("ledger_transfers_kinds", `INSERT INTO ledger_transfers VALUES ('trf_x', 'CHARGE', $1, now())`, settled.ID)
	r.refused("ledger_holds_charges", `UPDATE ledger_holds h SET status = 'SETTLED', posted = 1, resolved_at = now(), transfer_id = (SELECT transfer_id FROM ledger_holds WHERE id = $1) WHERE id = $2`, settled.ID, pending.ID)
	r.refused("usage_rows_ref", `INSERT INTO usage_rows SELECT (jsonb_populate_record(u, '{"id": "use_x"}')).* FROM usage_rows u`)
	r.wants(p, 930, 50, 0)
}

// P59: the books only grow.
func TestL7NothingIsRewritten(t *testing.T) {
	r, _, _, _ := busy(t)
	defer r.sound()
	for _, query := range []string{
		`UPDATE ledger_entries SET amount = amount * 2`, `DELETE FROM ledger_entries`, `TRUNCATE ledger_entries`,
		`UPDATE ledger_transfers SET ref = 'x'`, `DELETE FROM ledger_transfers`, `TRUNCATE ledger_transfers CASCADE`,
		`UPDATE ledger_accounts SET kind = 'REVENUE'`, `DELETE FROM ledger_accounts`, `TRUNCATE ledger_accounts CASCADE`,
		`DELETE FROM ledger_holds`, `TRUNCATE ledger_holds`, `DELETE FROM ledger_entries WHERE false`,
	} {
		r.refused(frozen, query)
	}
}

func TestL10AmountsAreWholeAndPositive(t *testing.T) {
	r, p, _, _ := busy(t)
	defer r.sound()
	for _, numbers := range []string{`-1, 'PENDING', 0, 0, 0`, `0, 'PENDING', -1, 0, 0`, `0, 'PENDING', 0, -1, 0`, `0, 'PENDING', 0, 0, -1`} {
		r.refused("23514", `INSERT INTO ledger_holds (id, account_id, amount, status, price_input, price_cached, price_output, expires_at, created_at)
			VALUES ('hld_x', '`+p.wallet+`', `+numbers+`, now(), now())`)
	}
	r.refused("23514", `INSERT INTO ledger_entries VALUES ('lac_grants', 'trf_x', 0)`)
	r.refused("23514", `UPDATE usage_rows SET credits = -1`)
	r.refused("22003", `INSERT INTO ledger_entries VALUES ('lac_grants', 'trf_x', 9223372036854775808), ('lac_revenue', 'trf_x', -9223372036854775808)`)
}

// P25: a row of usage costs something exactly when it has a charge.
func TestAUsageRowCostsOnlyWhatACharge(t *testing.T) {
	r, _, _, _ := busy(t)
	defer r.sound()
	r.refused("23514", `UPDATE usage_rows SET transfer_id = ''`)
	r.refused("23514", `UPDATE usage_rows SET credits = 0`)
}
