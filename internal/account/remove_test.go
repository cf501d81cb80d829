package account_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// P102, P123: an account that turns out to be a child's is deleted with all that is its
// own, by a receipt that doesn't say whose it was; others keep theirs, and the same
// identity makes a new, empty account.
func TestRemovedAccountIsGoneEverywhere(t *testing.T) {
	p := newPeople(t)
	revoked := map[string]bool{}
	p.OnRevoked(func(owner, _ string) { revoked[owner] = true })
	child, other := p.signIn(google("1", "ada@example.com")), p.somebody()
	p.fill(child.Viewer.OwnerID)
	p.fund(child.Viewer.OwnerID)
	if _, err := p.Update(t.Context(), child.Viewer, account.Update{Email: new("new@example.com")}); err != nil {
		t.Fatal(err)
	}
	before := personal(t, p, child.Viewer.OwnerID)
	for table, n := range before {
		if n == 0 {
			t.Errorf("the test has no row in %s", table)
		}
	}
	for _, who := range []string{"", "nobody@example.com", "own_1", "own_00000000000000000000000000000000"} {
		_, err := p.Remove(t.Context(), who)
		refused(t, err, fault.NotFound)
	}
	receipt, err := p.Remove(t.Context(), "ADA@example.com")
	if err != nil {
		t.Fatal(err)
	}
	for table, n := range personal(t, p, child.Viewer.OwnerID) {
		if n != 0 || receipt.Rows[table] != before[table] {
			t.Errorf("%s: %d rows left, %d in the receipt, %d before", table, n, receipt.Rows[table], before[table])
		}
	}
	if strings.Contains(dbtest.Dump(t, p.db), child.Viewer.OwnerID) || receipt.Rows["owners"] != 1 || receipt.ID == "" {
		t.Errorf("something names whom it was: %+v", receipt)
	}
	if p.who(child.Cookie) != "" || !revoked[child.Viewer.OwnerID] || p.who(other.Cookie) != other.Viewer.OwnerID || revoked[other.Viewer.OwnerID] {
		t.Error("the wrong sessions ended", revoked)
	}
	if anew := p.signIn(google("1", "ada@example.com")); !anew.Created || anew.Viewer.OwnerID == child.Viewer.OwnerID {
		t.Errorf("%+v", anew)
	}
}

// T35: an installation can't lose its last administrator by a slip.
func TestLastAdministratorCannotBeRemoved(t *testing.T) {
	p := newPeople(t)
	admin, err := p.RedeemOperatorLink(t.Context(), p.link(), viewer.Viewer{}, account.Device{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Remove(t.Context(), admin.Viewer.OwnerID)
	refused(t, err, fault.Conflict)
	p.signIn(google("2", "second@example.com"))
	if err := p.GrantAdmin(t.Context(), "second@example.com"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Remove(t.Context(), admin.Viewer.OwnerID); err != nil {
		t.Error(err)
	}
}

// fund gives the owner a wallet that the operator has put something into.
func (p *people) fund(ownerID string) {
	p.t.Helper()
	p.exec(`INSERT INTO ledger_accounts (id, kind, created_at) VALUES ('lac_1', 'WALLET', now())`)
	p.exec(`INSERT INTO ledger_balances (account_id) VALUES ('lac_1')`)
	p.exec(`INSERT INTO wallets (owner_id, account_id) VALUES ($1, 'lac_1')`, ownerID)
	p.exec(`INSERT INTO ledger_transfers (id, kind, ref, created_at) VALUES ('trf_1', 'GRANT', 'test', now())`)
	p.exec(`INSERT INTO ledger_entries (account_id, transfer_id, amount) VALUES ('lac_1', 'trf_1', 1), ('lac_grants', 'trf_1', -1)`)
	p.exec(`INSERT INTO credit_adjustments (owner_id, id, transfer_id, actor_id, reason_sealed, amount, created_at) VALUES ($1, 'adj_1', 'trf_1', 'own_x', '\x01', 1, now())`, ownerID)
	p.exec(`INSERT INTO purchases (id, account_id, provider, pack_id, credits, amount_minor, currency, live, status, created_at, updated_at)
VALUES ('pur_1', 'lac_1', 'STRIPE', 'small', 1, 1, 'USD', false, 'OPEN', now(), now())`)
	p.exec(`INSERT INTO payment_details (owner_id, purchase_id, click, details_sealed, created_at) VALUES ($1, 'pur_1', 'c', '\x01', now())`, ownerID)
	p.exec(`INSERT INTO api_keys (owner_id, id, public_id, digest_sealed, name_sealed, last_four, scopes, created_at, expires_at)
		VALUES ($1, 'key_1', '0123456789', '\x01', '\x01', 'abcd', 'CHAT_WRITE', now(), now() + interval '1 day')`, ownerID)
	p.exec(`INSERT INTO key_budgets (owner_id, key_id) VALUES ($1, 'key_1')`, ownerID)
	p.exec(`INSERT INTO rate_buckets (owner_id, name, tat) VALUES ($1, 'key_1 requests', 1)`, ownerID)
	p.exec(`INSERT INTO rate_places (owner_id, name, instance_id, n, until) VALUES ($1, 'key_1 streams', 'ins_1', 1, 1)`, ownerID)
	p.exec(`INSERT INTO completions (owner_id, key_hash, id, fingerprint, status, model_id, created_at, lease_expires_at, expires_at)
		VALUES ($1, decode(repeat('00', 32), 'hex'), 'cmp_1', decode(repeat('00', 32), 'hex'), 'RUNNING', 'm', now(), now(), now())`, ownerID)
	p.exec(`INSERT INTO api_request_subjects (owner_id) VALUES ($1)`, ownerID)
	p.exec(`INSERT INTO api_request_keys (owner_id, key_id) VALUES ($1, 'key_1')`, ownerID)
	p.exec(`INSERT INTO api_request_days (owner_id, key_id, day, requests, errors, prompt_tokens, cached_tokens, output_tokens, reasoning_tokens, credits) VALUES ($1, 'key_1', '2026-01-01', 1, 0, 0, 0, 0, 0, 0)`, ownerID)
	p.exec(`INSERT INTO payment_customers (owner_id, provider, customer_sealed, customer_index) VALUES ($1, 'STRIPE', '\x01', decode(repeat('00', 32), 'hex'))`, ownerID)
}

// P123: an administrator with a fresh proof removes an account that it names twice, and
// the receipt says why.
func TestAdministratorRemovesAnAccount(t *testing.T) {
	p := newPeople(t)
	admin, err := p.RedeemOperatorLink(t.Context(), p.link(), viewer.Viewer{}, account.Device{})
	if err != nil {
		t.Fatal(err)
	}
	child, other := p.signIn(google("1", "ada@example.com")), p.somebody()
	childID := child.Viewer.OwnerID
	stale := admin.Viewer
	stale.AuthenticatedAt = stale.AuthenticatedAt.Add(-account.FreshnessTTL)
	good := account.Removal{Account: "ADA@example.com", Confirmation: childID, Reason: models.RemovalUnderAge}
	with := func(change func(*account.Removal)) account.Removal { r := good; change(&r); return r }
	for name, c := range map[string]struct {
		v    viewer.Viewer
		r    account.Removal
		code fault.Code
	}{
		"nobody":           {viewer.Viewer{}, good, fault.Forbidden},
		"somebody":         {other.Viewer, good, fault.Forbidden},
		"stale":            {stale, good, fault.Reauthenticate},
		"no reason":        {admin.Viewer, with(func(r *account.Removal) { r.Reason = "" }), fault.Invalid},
		"wrong reason":     {admin.Viewer, with(func(r *account.Removal) { r.Reason = "BORED" }), fault.Invalid},
		"no confirmation":  {admin.Viewer, with(func(r *account.Removal) { r.Confirmation = "" }), fault.Invalid},
		"another's":        {admin.Viewer, with(func(r *account.Removal) { r.Confirmation = other.Viewer.OwnerID }), fault.Invalid},
		"unknown":          {admin.Viewer, with(func(r *account.Removal) { r.Account = "nobody@example.com" }), fault.NotFound},
		"the own account":  {admin.Viewer, account.Removal{Account: admin.Viewer.OwnerID, Confirmation: admin.Viewer.OwnerID, Reason: models.RemovalAbuse}, fault.Conflict},
		"nothing is named": {admin.Viewer, account.Removal{Reason: models.RemovalAbuse}, fault.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := p.RemoveAccount(t.Context(), c.v, c.r)
			refused(t, err, c.code)
		})
	}
	var stopped []viewer.Viewer
	p.StopWith(stopper(func(v viewer.Viewer) error {
		var n int
		if err := p.db.Pool().QueryRow(t.Context(), "SELECT count(*) FROM owners WHERE id = $1", childID).Scan(&n); err != nil || n != 1 {
			t.Error("deleted before its replies were stopped", err)
		}
		if p.who(child.Cookie) != "" {
			t.Error("its sessions go on while its replies are stopped")
		}
		stopped = append(stopped, v)
		return errors.New("an instance is gone")
	}))
	receipt, err := p.RemoveAccount(t.Context(), admin.Viewer, good)
	if err != nil || receipt.Reason != models.RemovalUnderAge || receipt.Rows["accounts"] != 1 {
		t.Fatal(receipt, err)
	}
	if len(stopped) != 1 || stopped[0].OwnerID != childID || !stopped[0].IsOwner() {
		t.Error("whose replies were stopped:", stopped)
	}
	if p.who(child.Cookie) != "" || p.who(other.Cookie) == "" {
		t.Error("the wrong account is gone")
	}
	var why string
	if err := p.db.Pool().QueryRow(t.Context(), "SELECT reason FROM erasures WHERE id = $1", receipt.ID).Scan(&why); err != nil || why != "UNDER_AGE" {
		t.Error(why, err)
	}
}

type stopper func(v viewer.Viewer) error

func (f stopper) StopAll(_ context.Context, v viewer.Viewer) error { return f(v) }

// personal counts the owner's rows in all tables with a column for owners.
func personal(t *testing.T, p *people, ownerID string) map[string]int64 {
	t.Helper()
	rows, err := p.db.Pool().Query(t.Context(), `SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'owner_id'`)
	if err != nil {
		t.Fatal(err)
	}
	var tables []string
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, table)
	}
	out := map[string]int64{}
	for _, table := range tables {
		var n int64
		if err := p.db.Pool().QueryRow(t.Context(), "SELECT count(*) FROM "+table+" WHERE owner_id = $1", ownerID).Scan(&n); err != nil {
			t.Fatal(err)
		}
		out[table] = n
	}
	return out
}
