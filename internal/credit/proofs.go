package credit

// proof is how an invariant is checked: queries that count what is looked at and name
// what breaks it, as one column of text.
type proof struct {
	invariant, title string
	count            string
	faults           []string
}

// proofs are the invariants of the ledger, in the order of README.md. Each looks only at
// what its own rule is about, so that a fault names its rule. A settled hold is a transfer of two
// entries, which sum to zero whatever it says.
var proofs = []proof{
	{"L1", "the entries of every transfer sum to zero, and belong to a transfer and an account", `SELECT (SELECT count(*) FROM ledger_transfers) + (SELECT count(*) FROM ledger_holds WHERE posted > 0)`, []string{
		`SELECT transfer_id || ' sums to ' || sum(amount) FROM ledger_entries GROUP BY transfer_id HAVING sum(amount) <> 0`,
		`SELECT t.id || ' has no entries' FROM ledger_transfers t WHERE NOT EXISTS (SELECT FROM ledger_entries e WHERE e.transfer_id = t.id)`,
		`SELECT e.transfer_id || ' is no transfer' FROM ledger_entries e WHERE NOT EXISTS (SELECT FROM ledger_transfers t WHERE t.id = e.transfer_id)`,
		`SELECT e.account_id || ' is no account' FROM (SELECT account_id FROM ledger_entries UNION SELECT account_id FROM ledger_holds) e WHERE NOT EXISTS (SELECT FROM ledger_accounts a WHERE a.id = e.account_id)`,
	}},
	{"L2", "all entries sum to zero", `SELECT (SELECT count(*) FROM ledger_entries) + 2 * (SELECT count(*) FROM ledger_holds WHERE posted > 0)`, []string{
		`SELECT 'all entries sum to ' || sum(amount) FROM ledger_entries HAVING sum(amount) <> 0`,
	}},
	{"L3", "no wallet is overdrawn", `SELECT count(*) FROM ledger_balances`, []string{
		`SELECT account_id || ' has ' || posted || ' of which ' || held || ' are held' FROM ledger_balances WHERE posted - held < 0 OR held < 0 OR owed < 0`,
		guards("c.conname, c.convalidated FROM pg_constraint c WHERE c.conrelid = 'ledger_balances'::regclass", "ledger_balances_covered"),
	}},
	{"L4", "the cached balances are the sums of entries and of pending holds", `SELECT count(*) FROM ledger_balances`, []string{
		`SELECT a.id || ' says ' || coalesce(b.posted::text, 'nothing') || ', its entries ' || coalesce(e.sum, 0) FROM ledger_accounts a LEFT JOIN ledger_balances b ON b.account_id = a.id
			LEFT JOIN (SELECT account_id, sum(amount) FROM (SELECT account_id, amount FROM ledger_entries UNION ALL SELECT account_id, -posted FROM ledger_holds WHERE posted > 0) m GROUP BY 1) e ON e.account_id = a.id
			WHERE a.kind = 'WALLET' AND b.posted IS DISTINCT FROM coalesce(e.sum, 0)`,
		`SELECT b.account_id || ' says ' || b.held || ' is held, its holds ' || coalesce(h.sum, 0) FROM ledger_balances b
			LEFT JOIN (SELECT account_id, sum(amount) FROM ledger_holds WHERE status = 'PENDING' GROUP BY 1) h ON h.account_id = b.account_id
			WHERE b.held <> coalesce(h.sum, 0)`,
		`SELECT b.account_id || ' says ' || b.owed || ' is owed, its debt account ' || -coalesce(e.sum, 0) FROM ledger_balances b
			LEFT JOIN ledger_accounts d ON d.wallet_id = b.account_id AND d.kind = 'DEBT'
			LEFT JOIN (SELECT account_id, sum(amount) FROM ledger_entries GROUP BY 1) e ON e.account_id = d.id
			WHERE d.id IS NULL OR b.owed <> -coalesce(e.sum, 0)`,
		`SELECT a.id || ' is in debt to itself' FROM ledger_accounts a WHERE a.kind = 'WALLET' AND NOT EXISTS (SELECT FROM ledger_accounts d WHERE d.wallet_id = a.id)`,
	}},
	{"L5", "a hold resolves once, to at most what was held, and is charged exactly that", `SELECT count(*) FROM ledger_holds`, []string{
		`SELECT id || ' is ' || status || ' with ' || coalesce(posted::text, 'nothing') || ' of ' || amount FROM ledger_holds
			WHERE (status = 'PENDING') <> (posted IS NULL) OR (status = 'PENDING') <> (resolved_at IS NULL) OR posted NOT BETWEEN 0 AND amount OR (status = 'VOID' AND posted <> 0)`,
		`SELECT id || ' took ' || coalesce(posted, 0) || ' by the charge "' || transfer_id || '"' FROM ledger_holds WHERE (coalesce(posted, 0) > 0) <> (transfer_id <> '')`,
		`SELECT id || ' charges no hold' FROM ledger_transfers WHERE kind = 'CHARGE'`,
		guards("c.conname, c.convalidated FROM pg_constraint c WHERE c.conrelid IN ('ledger_holds'::regclass, 'ledger_transfers'::regclass)", "ledger_holds_within", "ledger_holds_charge", "ledger_transfers_kinds"),
	}},
	{"L6", "a deed is in the books once", `SELECT (SELECT count(*) FROM ledger_transfers) + (SELECT count(*) FROM ledger_holds WHERE posted > 0)`, []string{
		`SELECT kind || ' ' || ref || ' is there ' || count(*) || ' times' FROM ledger_transfers GROUP BY kind, ref HAVING count(*) > 1`,
		`SELECT hold_id || ' is settled by ' || count(*) || ' acts' FROM usage_rows WHERE transfer_id <> '' GROUP BY hold_id HAVING count(*) > 1`,
		`SELECT t.id || ' is a charge and a ' || t.kind FROM ledger_transfers t JOIN ledger_holds h ON h.transfer_id = t.id`,
		guards("i.indexrelid::regclass::text, i.indisvalid AND i.indisunique FROM pg_index i WHERE i.indrelid IN ('ledger_transfers'::regclass, 'ledger_holds'::regclass, 'usage_rows'::regclass)",
			"ledger_transfers_ref", "ledger_holds_charges", "usage_rows_ref"),
	}},
	{"L7", "the books only grow, and the database guards them", `SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'ledger\_%' AND NOT tgisinternal`, []string{
		guards("t.tgname, t.tgenabled IN ('O', 'A') FROM pg_trigger t WHERE NOT t.tgisinternal AND t.tgrelid = ANY(ARRAY['ledger_accounts', 'ledger_balances', 'ledger_transfers', 'ledger_entries', 'ledger_holds']::regclass[])",
			"ledger_accounts_frozen", "ledger_transfers_frozen", "ledger_entries_frozen", "ledger_holds_frozen",
			"ledger_entries_post", "ledger_holds_new", "ledger_holds_changed", "ledger_holds_once", "ledger_holds_same", "ledger_balances_known"),
	}},
	{"L10", "amounts are whole, and go the way their kind says", `SELECT (SELECT count(*) FROM ledger_entries) + 2 * (SELECT count(*) FROM ledger_holds WHERE posted > 0)`, []string{
		`SELECT id || ' holds ' || amount FROM ledger_holds WHERE amount < 0 OR price_input < 0 OR price_cached < 0 OR price_output < 0`,
		`SELECT e.transfer_id || ' moves ' || e.amount || ' of ' || e.account_id FROM ledger_entries e JOIN ledger_transfers t ON t.id = e.transfer_id JOIN ledger_accounts a ON a.id = e.account_id
			WHERE e.amount = 0 OR (a.kind = 'WALLET' AND ((t.kind IN ('REFUND', 'DISPUTE', 'REPAYMENT') AND e.amount > 0) OR (t.kind IN ('PURCHASE', 'REINSTATEMENT', 'GRANT') AND e.amount < 0)))
			OR (a.kind = 'REVENUE' AND e.amount < 0)`,
	}},
	{"P25", "the usage of every wallet costs exactly what its charges took", `SELECT count(*) FROM usage_rows`, []string{
		`SELECT w.account_id || ' used ' || coalesce(u.sum, 0) || ', its charges took ' || coalesce(c.sum, 0) FROM wallets w
			LEFT JOIN (SELECT owner_id, sum(credits) FROM usage_rows GROUP BY 1) u ON u.owner_id = w.owner_id
			LEFT JOIN (SELECT account_id, sum(posted) FROM ledger_holds WHERE posted > 0 GROUP BY 1) c ON c.account_id = w.account_id
			WHERE coalesce(u.sum, 0) <> coalesce(c.sum, 0) AND NOT w.erasing`,
		`SELECT u.id || ' says ' || u.credits || ', its charge ' || coalesce(h.posted, 0) FROM usage_rows u LEFT JOIN wallets w ON w.owner_id = u.owner_id
			LEFT JOIN ledger_holds h ON h.id = u.hold_id AND h.account_id = w.account_id AND h.transfer_id = u.transfer_id WHERE u.credits <> coalesce(h.posted, 0)`,
	}},
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
