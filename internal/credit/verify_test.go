package credit_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/page"
)

// grant is a transfer past the package between two accounts.
func grant(kind, ref, to, from, amount string) string {
	return `WITH t AS (INSERT INTO ledger_transfers VALUES ('trf_` + ref + `', '` + kind + `', '` + ref + `', now()))
		INSERT INTO ledger_entries VALUES ('` + to + `', 'trf_` + ref + `', ` + amount + `), ('` + from + `', 'trf_` + ref + `', -(` + amount + `))`
}

// unguarded changes a table past its triggers.
func unguarded(table, change string) string {
	return "ALTER TABLE " + table + " DISABLE TRIGGER USER; " + change + "; ALTER TABLE " + table + " ENABLE TRIGGER USER"
}

// P64: whatever is wrong with the books is found, and named by its rule.
func TestVerifyNamesTheRuleThatIsBroken(t *testing.T) {
	for name, tc := range map[string]struct {
		broken string // the rules, by a space
		fault  string // part of what is named
		change string
	}{
		"nothing": {"", "", `SELECT 1`},
		"entries that went from one transfer to another": {"L1", "trf_a sums to 1", grant("ADJUSTMENT", "a", "lac_suspense", "lac_adjustments", "5") + ";" +
			grant("ADJUSTMENT", "b", "lac_suspense", "lac_adjustments", "5") + ";" + unguarded("ledger_entries",
			`UPDATE ledger_entries SET amount = amount + 1 WHERE transfer_id = 'trf_a' AND amount > 0; UPDATE ledger_entries SET amount = amount - 1 WHERE transfer_id = 'trf_b' AND amount > 0`)},
		"a transfer without entries": {"L1", "trf_e has no entries", `INSERT INTO ledger_transfers VALUES ('trf_e', 'GRANT', 'e', now())`},
		"entries without a transfer": {"L1", "trf_gone is no transfer", unguarded("ledger_entries",
			`INSERT INTO ledger_entries VALUES ('lac_grants', 'trf_gone', 1), ('lac_suspense', 'trf_gone', -1)`)},
		"an entry of nobody": {"L1", "lac_nobody is no account", `INSERT INTO ledger_transfers VALUES ('trf_n', 'GRANT', 'n', now());` + unguarded("ledger_entries",
			`INSERT INTO ledger_entries VALUES ('lac_grants', 'trf_n', 1), ('lac_nobody', 'trf_n', -1)`)},
		"an entry that grew": {"L1 L2", "all entries sum to 1", grant("ADJUSTMENT", "a", "lac_suspense", "lac_adjustments", "5") + ";" + unguarded("ledger_entries",
			`UPDATE ledger_entries SET amount = 6 WHERE transfer_id = 'trf_a' AND amount > 0`)},
		"an overdrawn wallet": {"L3", "WALLET has -70 of which 50 are held", `ALTER TABLE ledger_balances DROP CONSTRAINT ledger_balances_covered;` +
			grant("ADJUSTMENT", "a", "WALLET", "lac_adjustments", "-1000") + `; ALTER TABLE ledger_balances ADD CONSTRAINT ledger_balances_covered CHECK (posted - held >= 0) NOT VALID`},
		"overdrawing that nobody stops":    {"L3", "ledger_balances_covered is missing", `ALTER TABLE ledger_balances DROP CONSTRAINT ledger_balances_covered`},
		"a balance that grew":              {"L4", "WALLET says 931, its entries 930", `UPDATE ledger_balances SET posted = posted + 1`},
		"a hold that is forgotten":         {"L4", "WALLET says 49 is held, its holds 50", `UPDATE ledger_balances SET held = held - 1`},
		"a debt that grew":                 {"L4", "WALLET says 1 is owed, its debt account 0", `UPDATE ledger_balances SET owed = owed + 1`},
		"a wallet without a balance":       {"L4", "WALLET says nothing, its entries 930", `DELETE FROM ledger_balances`},
		"a balance of nobody":              {"L4", "lac_nobody says 0 is owed", unguarded("ledger_balances", `INSERT INTO ledger_balances (account_id) VALUES ('lac_nobody')`)},
		"a hold that settled less":         {"L4 P25", "WALLET says 930, its entries 931", unguarded("ledger_holds", `UPDATE ledger_holds SET posted = 69 WHERE posted = 70`)},
		"a charge without an id":           {"L5 P25", `SETTLED took 70 by the charge ""`, `ALTER TABLE ledger_holds DROP CONSTRAINT ledger_holds_charge;` + unguarded("ledger_holds", `UPDATE ledger_holds SET transfer_id = '' WHERE posted = 70`)},
		"a hold of nobody":                 {"L1 L4", "lac_nobody is no account", unguarded("ledger_holds", `UPDATE ledger_holds SET account_id = 'lac_nobody' WHERE status = 'PENDING'`)},
		"a hold that is void and was paid": {"L5", "SETTLED is VOID with 70 of 100", `ALTER TABLE ledger_holds DROP CONSTRAINT ledger_holds_sound;` + unguarded("ledger_holds", `UPDATE ledger_holds SET status = 'VOID' WHERE posted = 70`)},
		"a charge without a hold":          {"L5", "trf_c charges no hold", `ALTER TABLE ledger_transfers DROP CONSTRAINT ledger_transfers_kinds;` + grant("CHARGE", "c", "lac_revenue", "lac_suspense", "5")},
		"a charge that is a gift as well": {"L6", "is a charge and a GRANT", `INSERT INTO ledger_transfers SELECT transfer_id, 'GRANT', 'g', now() FROM ledger_holds WHERE posted = 70;` + unguarded("ledger_entries",
			`INSERT INTO ledger_entries SELECT a, transfer_id, n FROM ledger_holds, (VALUES ('lac_grants', -1), ('lac_suspense', 1)) v(a, n) WHERE posted = 70`)},
		"charges that can be there twice": {"L6", "ledger_holds_charges is missing", `DROP INDEX ledger_holds_charges`},
		"holds without a bound":           {"L5", "ledger_holds_within is missing", `ALTER TABLE ledger_holds DROP CONSTRAINT ledger_holds_within`},
		"a deed that is there twice": {"L6", "GRANT d is there 2 times", `ALTER TABLE ledger_transfers DROP CONSTRAINT ledger_transfers_ref;` +
			grant("GRANT", "d", "lac_suspense", "lac_grants", "1") + `;` + strings.ReplaceAll(grant("GRANT", "d", "lac_suspense", "lac_grants", "1"), "trf_d", "trf_d2")},
		"acts that can be settled twice":   {"L6", "usage_rows_ref is missing", `ALTER TABLE usage_rows DROP CONSTRAINT usage_rows_ref`},
		"a trigger that is switched off":   {"L7", "ledger_entries_frozen is missing", `ALTER TABLE ledger_entries DISABLE TRIGGER ledger_entries_frozen`},
		"balances that may be of nobody":   {"L7", "ledger_balances_known is missing", `ALTER TABLE ledger_balances DISABLE TRIGGER ledger_balances_known`},
		"a trigger that is gone":           {"L7", "ledger_holds_changed is missing", `DROP TRIGGER ledger_holds_changed ON ledger_holds`},
		"a trigger that replicas only run": {"L7", "ledger_entries_post is missing", `ALTER TABLE ledger_entries ENABLE REPLICA TRIGGER ledger_entries_post`},
		"a gift that takes":                {"L10", "trf_g moves -5 of WALLET", grant("GRANT", "g", "WALLET", "lac_grants", "-5")},
		"usage that costs more":            {"P25", "WALLET used 71, its charges took 70", `UPDATE usage_rows SET credits = 71`},
		"usage that is gone":               {"P25", "WALLET used 0, its charges took 70", `DELETE FROM usage_rows`},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			p := r.person(1000)
			settled := r.mustHold(p, 100)
			r.mustHold(p, 50)
			_, err := r.Settle(t.Context(), act(p, settled, "run/0", 70))
			r.must(err)
			r.must(r.exec(strings.ReplaceAll(tc.change, "'WALLET'", "'"+p.wallet+"'")))
			r.broken(strings.Fields(tc.broken)...)
			r.names(strings.NewReplacer("WALLET", p.wallet, "SETTLED", settled.ID).Replace(tc.fault))
		})
	}
}

// P25, L6: an act is held against its own hold, of its own owner, and not only against sums: what
// is mixed up here costs every wallet what it should.
func TestVerifyHoldsEveryActAgainstItsOwnHold(t *testing.T) {
	name := func(acts string) string { return "UPDATE usage_rows SET " + acts }
	for what, tc := range map[string]struct{ broken, fault, change string }{
		"an act that cost nothing beside one that did": {"", "", name(`hold_id = 'FIRST' WHERE hold_id = 'FREE'`)},
		"two acts of one hold": {"L6", "FIRST is settled by 2 acts",
			name(`hold_id = 'FIRST', transfer_id = (SELECT transfer_id FROM ledger_holds WHERE id = 'FIRST') WHERE hold_id = 'SECOND'`)},
		"two acts of a hold that is not there": {"L6 P25", "hld_gone is settled by 2 acts", name(`hold_id = 'hld_gone' WHERE hold_id IN ('FIRST', 'SECOND')`)},
		"acts of each other's holds": {"P25", "says 70, its charge 0", name(`hold_id = h.id, transfer_id = h.transfer_id FROM ledger_holds h
			WHERE usage_rows.hold_id IN ('FIRST', 'THEIRS') AND h.id IN ('FIRST', 'THEIRS') AND h.id <> usage_rows.hold_id`)},
		"an act of another's hold, lower or higher": {"P25", "says 70, its charge 0", `DELETE FROM usage_rows WHERE hold_id = 'THEIRS';` +
			name(`hold_id = 'THEIRS', transfer_id = (SELECT transfer_id FROM ledger_holds WHERE id = 'THEIRS') WHERE hold_id = 'FIRST'`)},
		"an act of another's hold, higher or lower": {"P25", "says 70, its charge 0", `DELETE FROM usage_rows WHERE hold_id = 'FIRST';` +
			name(`hold_id = 'FIRST', transfer_id = (SELECT transfer_id FROM ledger_holds WHERE id = 'FIRST') WHERE hold_id = 'THEIRS'`)},
		"an act of another charge":    {"P25", "says 70, its charge 0", name(`transfer_id = 'trf_other' WHERE hold_id = 'FIRST'`)},
		"an act whose wallet is gone": {"P25", "says 70, its charge 0", `DELETE FROM wallets WHERE account_id = 'WALLET'`},
		"a price below nothing": {"L10", "FIRST holds 100", `ALTER TABLE ledger_holds DROP CONSTRAINT ledger_holds_sound;` +
			unguarded("ledger_holds", `UPDATE ledger_holds SET price_output = -1 WHERE id = 'FIRST'`)},
	} {
		t.Run(what, func(t *testing.T) {
			r := newRoom(t)
			p, q := r.person(1000), r.person(1000)
			words := []string{"WALLET", p.wallet}
			for n, a := range []struct {
				word   string
				of     person
				tokens int64
			}{{"FIRST", p, 70}, {"SECOND", p, 70}, {"FREE", p, 0}, {"THEIRS", q, 70}, {"FOURTH", q, 70}} {
				h := r.mustHold(a.of, 100)
				_, err := r.Settle(t.Context(), act(a.of, h, fmt.Sprint("run/", n), a.tokens))
				r.must(err)
				words = append(words, a.word, h.ID)
			}
			is := strings.NewReplacer(words...)
			r.must(r.exec(is.Replace(tc.change)))
			r.broken(strings.Fields(tc.broken)...)
			r.names(is.Replace(tc.fault))
		})
	}
}

// Of the tables that grow with every act, holds are read twice and usage once, however many
// proofs there are, and nothing is searched where nothing is wrong.
func TestVerifyReadsTheLargeTablesOnceForAllProofs(t *testing.T) {
	r := newRoom(t)
	p := r.person(1000)
	_, err := r.Settle(t.Context(), act(p, r.mustHold(p, 100), "run/0", 70))
	r.must(err)
	statement, searches := credit.Statement()
	rows, err := r.db.Pool().Query(t.Context(), "EXPLAIN (COSTS OFF) "+statement)
	r.must(err)
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	r.must(err)
	read := map[string]int{}
	for _, node := range plan {
		for _, table := range []string{"ledger_holds", "usage_rows"} {
			if strings.Contains(node, "Scan") && strings.Contains(node, " on "+table) {
				read[table]++
			}
		}
	}
	if read["ledger_holds"] != 2 || read["usage_rows"] != 1 {
		t.Errorf("they are read so often: %v", read)
	}
	for _, query := range searches {
		if strings.Contains(query, "ledger_holds ") || strings.Contains(query, "usage_rows ") {
			t.Errorf("is searched though nothing is wrong: %s", query)
		}
	}
}

// names fails unless a fault has the text.
func (r *room) names(text string) {
	r.t.Helper()
	report, err := r.Verify(r.t.Context())
	r.must(err)
	if text == "" {
		return
	}
	for _, f := range report.Findings {
		for _, fault := range f.Faults {
			if strings.Contains(fault, text) {
				return
			}
		}
	}
	r.t.Errorf("nothing says %q: %v", text, report.Findings)
}

func TestChecksAreKeptNewestFirst(t *testing.T) {
	r := newRoomWith(t, func(c *credit.Config) {
		c.Extra = append(c.Extra, func(context.Context) ([]credit.Finding, error) {
			return []credit.Finding{{Invariant: "L9", Title: "paid is credited", Checked: 3}}, nil
		})
	})
	p := r.person(10)
	good, err := r.RunCheck(t.Context())
	r.must(err)
	r.must(r.exec(`UPDATE ledger_balances SET posted = 11 WHERE account_id = $1`, p.wallet))
	bad, err := r.RunCheck(t.Context())
	r.must(err)
	checks, more, err := r.Checks(t.Context(), page.Args{Size: 10})
	r.must(err)
	if more || len(checks) != 2 || checks[0].ID != bad.ID || checks[1].ID != good.ID || checks[0].OK || !checks[1].OK {
		t.Fatalf("kept are %+v", checks)
	}
	findings, err := credit.Findings(*checks[0])
	r.must(err)
	if n := len(findings); n != 10 || findings[n-1].Invariant != "L9" || findings[n-1].Checked != 3 || len(findings[3].Faults) != 1 {
		t.Errorf("it found %+v", findings)
	}
	if only, more, err := r.Checks(t.Context(), page.Args{Size: 1}); len(only) != 1 || only[0].ID != bad.ID || !more || err != nil {
		t.Errorf("the first page is %v, more %v, %v", only, more, err)
	}
	if rest, more, err := r.Checks(t.Context(), page.Args{Size: 1, After: bad.ID}); len(rest) != 1 || rest[0].ID != good.ID || more || err != nil {
		t.Errorf("the second page is %v, more %v, %v", rest, more, err)
	}
}

func TestAFurtherCheckThatFailsIsNoCheck(t *testing.T) {
	lost := errors.New("no answer")
	r := newRoomWith(t, func(c *credit.Config) {
		c.Extra = append(c.Extra, func(context.Context) ([]credit.Finding, error) { return nil, lost })
	})
	if _, err := r.RunCheck(t.Context()); !errors.Is(err, lost) {
		t.Errorf("it gives %v", err)
	}
	if n := r.count(`SELECT count(*) FROM ledger_checks`); n != 0 {
		t.Errorf("%d checks were kept", n)
	}
}

// However much is wrong, a report stays short.
func TestAtMostTwentyFaultsOfARuleAreNamed(t *testing.T) {
	r := newRoom(t)
	for range 25 {
		r.person(0)
	}
	r.must(r.exec(`UPDATE ledger_balances SET posted = 1`))
	report, err := r.Verify(t.Context())
	r.must(err)
	if n := len(report.Findings[3].Faults); n != 20 {
		t.Errorf("%d are named", n)
	}
}
