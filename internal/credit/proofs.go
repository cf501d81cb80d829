package credit

import (
	"fmt"
	"strings"
)

// proof is how an invariant is checked: a query that counts what is looked at, and queries
// that name what breaks it, as one column of text. The count and what is summed use the summaries.
type proof struct {
	invariant, title string
	count            string
	summed           []string
	searches         []search
}

// search names faults. It is only made when a condition on the summaries holds, if it has one.
type search struct{ when, query string }

// What is wrong with a hold whatever else is there. A summary counts the holds of which one
// of these is true, and only if there are some all are read again to name them.
const (
	unsoundHold   = `(status = 'PENDING') <> (posted IS NULL) OR (status = 'PENDING') <> (resolved_at IS NULL) OR posted NOT BETWEEN 0 AND amount OR (status = 'VOID' AND posted <> 0)`
	uncharged     = `(coalesce(posted, 0) > 0) <> (transfer_id <> '')`
	negativeHold  = `amount < 0 OR price_input < 0 OR price_cached < 0 OR price_output < 0`
	someHoldWrong = `(SELECT sum(wrong) FROM holds) > 0`
	someHoldTwice = `(SELECT sum(twice) FROM holds) > 0`
)

// When rows of usage are wrong: several of them name one hold, or one that is not there; one
// says something else than its hold, or its hold is not of its owner's wallet.
const (
	someHoldShared = `(SELECT sum(met) FROM used) > (SELECT sum(n) FROM holds) OR (SELECT sum(lost) FROM used) > 0`
	someUsageWrong = `EXISTS (SELECT FROM used s LEFT JOIN wallets o ON o.owner_id = s.owner_id WHERE s.wrong > 0 OR s.lowest <> coalesce(o.account_id, '') OR s.highest <> coalesce(o.account_id, ''))`
)

// summaries are what the proofs share, each computed by one pass over the large tables however
// many proofs need it: the entries and holds of every account, and the usage of every owner,
// each row beside its hold. Holds without usage are beside the owner NULL.
//
// In used, met are the holds, counted once for each row that names them and once without any;
// lost the charged rows that name no hold there is; wrong those that don't say what their hold
// took, whoever the hold is of; lowest and highest the accounts that were charged, both of which
// must be the owner's.
const summaries = `WITH entries AS MATERIALIZED (
	SELECT account_id, count(*) AS n, sum(amount) AS amount FROM ledger_entries GROUP BY account_id
), holds AS MATERIALIZED (
	SELECT h.account_id, count(*) AS n, count(*) FILTER (WHERE posted > 0) AS charges, sum(posted) FILTER (WHERE posted > 0) AS charged,
		sum(amount) FILTER (WHERE status = 'PENDING') AS pending, count(t.id) AS twice,
		count(*) FILTER (WHERE ` + unsoundHold + ` OR ` + uncharged + ` OR ` + negativeHold + `) AS wrong
	FROM ledger_holds h LEFT JOIN (SELECT id FROM ledger_transfers) t ON t.id = h.transfer_id GROUP BY h.account_id
), used AS MATERIALIZED (
	SELECT u.owner_id, count(u.owner_id) AS n, sum(u.credits) AS credits, count(h.id) AS met, count(*) FILTER (WHERE h.id IS NULL AND u.transfer_id <> '') AS lost,
		count(*) FILTER (WHERE u.credits <> coalesce(CASE WHEN h.transfer_id = u.transfer_id THEN h.posted END, 0)) AS wrong,
		min(h.account_id COLLATE "C") FILTER (WHERE u.credits <> 0) AS lowest, max(h.account_id COLLATE "C") FILTER (WHERE u.credits <> 0) AS highest
	FROM usage_rows u FULL JOIN ledger_holds h ON h.id = u.hold_id GROUP BY u.owner_id
)`

// Counts that several proofs give.
const (
	countTransfers = `SELECT (SELECT count(*) FROM ledger_transfers) + coalesce((SELECT sum(charges) FROM holds), 0)`
	countEntries   = `SELECT coalesce((SELECT sum(n) FROM entries), 0) + 2 * coalesce((SELECT sum(charges) FROM holds), 0)`
)

// proofs are the invariants of the ledger, in the order of README.md. Each looks only at
// what its own rule is about, so that a fault names its rule. A settled hold is a transfer of two
// entries, which sum to zero whatever it says.
var proofs = []proof{
	{"L1", "the entries of every transfer sum to zero, and belong to a transfer and an account", countTransfers, []string{
		`SELECT e.account_id || ' is no account' FROM (SELECT account_id FROM entries UNION SELECT account_id FROM holds) e WHERE NOT EXISTS (SELECT FROM ledger_accounts a WHERE a.id = e.account_id)`,
	}, []search{
		{"", `SELECT transfer_id || ' sums to ' || sum(amount) FROM ledger_entries GROUP BY transfer_id HAVING sum(amount) <> 0`},
		{"", `SELECT t.id || ' has no entries' FROM ledger_transfers t WHERE NOT EXISTS (SELECT FROM ledger_entries e WHERE e.transfer_id = t.id)`},
		{"", `SELECT e.transfer_id || ' is no transfer' FROM ledger_entries e WHERE NOT EXISTS (SELECT FROM ledger_transfers t WHERE t.id = e.transfer_id)`},
	}},
	{"L2", "all entries sum to zero", countEntries, []string{
		`SELECT 'all entries sum to ' || sum(amount) FROM entries HAVING sum(amount) <> 0`,
	}, nil},
	{"L3", "no wallet is overdrawn", `SELECT count(*) FROM ledger_balances`, nil, []search{
		{"", `SELECT account_id || ' has ' || posted || ' of which ' || held || ' are held' FROM ledger_balances WHERE posted - held < 0 OR held < 0 OR owed < 0`},
		{"", guards("c.conname, c.convalidated FROM pg_constraint c WHERE c.conrelid = 'ledger_balances'::regclass", "ledger_balances_covered")},
	}},
	{"L4", "the cached balances are the sums of entries and of pending holds", `SELECT count(*) FROM ledger_balances`, []string{
		`SELECT a.id || ' says ' || coalesce(b.posted::text, 'nothing') || ', its entries ' || coalesce(e.amount, 0) - coalesce(h.charged, 0) FROM ledger_accounts a LEFT JOIN ledger_balances b ON b.account_id = a.id
			LEFT JOIN entries e ON e.account_id = a.id LEFT JOIN holds h ON h.account_id = a.id
			WHERE a.kind = 'WALLET' AND b.posted IS DISTINCT FROM coalesce(e.amount, 0) - coalesce(h.charged, 0)`,
		`SELECT b.account_id || ' says ' || b.held || ' is held, its holds ' || coalesce(h.pending, 0) FROM ledger_balances b
			LEFT JOIN holds h ON h.account_id = b.account_id WHERE b.held <> coalesce(h.pending, 0)`,
		`SELECT b.account_id || ' says ' || b.owed || ' is owed, its debt account ' || -coalesce(e.amount, 0) FROM ledger_balances b
			LEFT JOIN ledger_accounts d ON d.wallet_id = b.account_id AND d.kind = 'DEBT' LEFT JOIN entries e ON e.account_id = d.id
			WHERE d.id IS NULL OR b.owed <> -coalesce(e.amount, 0)`,
	}, []search{
		{"", `SELECT a.id || ' is in debt to itself' FROM ledger_accounts a WHERE a.kind = 'WALLET' AND NOT EXISTS (SELECT FROM ledger_accounts d WHERE d.wallet_id = a.id)`},
	}},
	{"L5", "a hold resolves once, to at most what was held, and is charged exactly that", `SELECT coalesce(sum(n), 0) FROM holds`, nil, []search{
		{someHoldWrong, `SELECT id || ' is ' || status || ' with ' || coalesce(posted::text, 'nothing') || ' of ' || amount FROM ledger_holds WHERE ` + unsoundHold},
		{someHoldWrong, `SELECT id || ' took ' || coalesce(posted, 0) || ' by the charge "' || transfer_id || '"' FROM ledger_holds WHERE ` + uncharged},
		{"", `SELECT id || ' charges no hold' FROM ledger_transfers WHERE kind = 'CHARGE'`},
		{"", guards("c.conname, c.convalidated FROM pg_constraint c WHERE c.conrelid IN ('ledger_holds'::regclass, 'ledger_transfers'::regclass)", "ledger_holds_within", "ledger_holds_charge", "ledger_transfers_kinds")},
	}},
	{"L6", "a deed is in the books once", countTransfers, nil, []search{
		{"", `SELECT kind || ' ' || ref || ' is there ' || count(*) || ' times' FROM ledger_transfers GROUP BY kind, ref HAVING count(*) > 1`},
		{someHoldShared, `SELECT hold_id || ' is settled by ' || count(*) || ' acts' FROM usage_rows WHERE transfer_id <> '' GROUP BY hold_id HAVING count(*) > 1`},
		{someHoldTwice, `SELECT t.id || ' is a charge and a ' || t.kind FROM ledger_transfers t JOIN ledger_holds h ON h.transfer_id = t.id`},
		{"", guards("i.indexrelid::regclass::text, i.indisvalid AND i.indisunique FROM pg_index i WHERE i.indrelid IN ('ledger_transfers'::regclass, 'ledger_holds'::regclass, 'usage_rows'::regclass)",
			"ledger_transfers_ref", "ledger_holds_charges", "usage_rows_ref")},
	}},
	{"L7", "the books only grow, and the database guards them", `SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'ledger\_%' AND NOT tgisinternal`, nil, []search{
		{"", guards("t.tgname, t.tgenabled IN ('O', 'A') FROM pg_trigger t WHERE NOT t.tgisinternal AND t.tgrelid = ANY(ARRAY['ledger_accounts', 'ledger_balances', 'ledger_transfers', 'ledger_entries', 'ledger_holds']::regclass[])",
			"ledger_accounts_frozen", "ledger_transfers_frozen", "ledger_entries_frozen", "ledger_holds_frozen",
			"ledger_entries_post", "ledger_holds_new", "ledger_holds_changed", "ledger_holds_once", "ledger_holds_same", "ledger_balances_known")},
	}},
	{"L10", "amounts are whole, and go the way their kind says", countEntries, nil, []search{
		{someHoldWrong, `SELECT id || ' holds ' || amount FROM ledger_holds WHERE ` + negativeHold},
		{"", `SELECT e.transfer_id || ' moves ' || e.amount || ' of ' || e.account_id FROM ledger_entries e JOIN ledger_transfers t ON t.id = e.transfer_id JOIN ledger_accounts a ON a.id = e.account_id
			WHERE e.amount = 0 OR (a.kind = 'WALLET' AND ((t.kind IN ('REFUND', 'DISPUTE', 'REPAYMENT') AND e.amount > 0) OR (t.kind IN ('PURCHASE', 'REINSTATEMENT', 'GRANT') AND e.amount < 0)))
			OR (a.kind = 'REVENUE' AND e.amount < 0)`},
	}},
	{"P25", "the usage of every wallet costs exactly what its charges took", `SELECT coalesce(sum(n), 0) FROM used`, []string{
		`SELECT w.account_id || ' used ' || coalesce(u.credits, 0) || ', its charges took ' || coalesce(c.charged, 0) FROM wallets w
			LEFT JOIN used u ON u.owner_id = w.owner_id LEFT JOIN holds c ON c.account_id = w.account_id WHERE coalesce(u.credits, 0) <> coalesce(c.charged, 0) AND NOT w.erasing`,
	}, []search{
		{someUsageWrong, `SELECT u.id || ' says ' || u.credits || ', its charge ' || coalesce(h.posted, 0) FROM usage_rows u LEFT JOIN wallets w ON w.owner_id = u.owner_id
			LEFT JOIN ledger_holds h ON h.id = u.hold_id AND h.account_id = w.account_id AND h.transfer_id = u.transfer_id WHERE u.credits <> coalesce(h.posted, 0)`},
	}},
}

// statement reads the large tables and gives rows of a proof's place in the list and a search's
// (-1: none): with a number of what was checked, or of whether the search is to be made (1), or
// without a number, with a fault that is summed.
func statement(all []proof) string {
	var parts []string
	for i, p := range all {
		parts = append(parts, fmt.Sprintf("SELECT %d AS proof, -1 AS search, '' AS fault, (%s)::bigint AS number", i, p.count))
		for _, query := range p.summed {
			parts = append(parts, fmt.Sprintf("SELECT %d, -1, fault, NULL FROM (%s) f", i, firstFaults(query)))
		}
		for n, f := range p.searches {
			if f.when != "" {
				parts = append(parts, fmt.Sprintf("SELECT %d, %d, '', 1 WHERE %s", i, n, f.when))
			}
		}
	}
	return summaries + "\nSELECT proof, search, fault, number FROM (" + strings.Join(parts, "\nUNION ALL ") + ") f ORDER BY proof, search, fault"
}

// firstFaults are those that are named.
func firstFaults(query string) string {
	return fmt.Sprintf("SELECT fault FROM (%s) f(fault) ORDER BY fault LIMIT %d", query, maxFaults)
}

// guards names what of the wanted is not in the list, a query of names and of whether
// each is in force.
func guards(list string, wanted ...string) string {
	names := ""
	for i, name := range wanted {
		if i > 0 {
			names += ", "
		}
		names += "'" + name + "'"
	}
	return "SELECT w.name || ' is missing or switched off' FROM unnest(ARRAY[" + names + "]) w(name) " +
		"WHERE NOT EXISTS (SELECT FROM (SELECT " + list + ") x(name, works) WHERE x.name = w.name AND x.works)"
}
