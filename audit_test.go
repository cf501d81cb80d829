package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/models"
)

// activity is what a browser's access log says, newest first: act, who, and about what.
func (b *browser) activity() (out []string) {
	b.p.t.Helper()
	nodes, _ := at(b.ask(`{ viewer { accessLog(first: 100) { nodes { act actor actorKey { name } session { id current } key { name } provider consent policyVersion credits } } } }`, nil),
		"data", "viewer", "accessLog", "nodes").([]any)
	for _, n := range nodes {
		line := fmt.Sprint(at(n, "act"), " ", at(n, "actor"))
		for _, fact := range []any{at(n, "key", "name"), at(n, "provider"), at(n, "consent"), at(n, "credits")} {
			if fact != nil {
				line += fmt.Sprint(" ", fact)
			}
		}
		if at(n, "session", "current") == true {
			line += " here"
		}
		out = append(out, line)
	}
	return out
}

// P84, P16, P37: what somebody does, and what is done to somebody, stands in their access log, and
// in nobody else's; the operator sees all of it; and all of it verifies.
func TestActsStandInTheAccessLog(t *testing.T) {
	p := priced(t, 1)
	b, other, operator := p.signIn("ada"), p.signIn("other"), p.operator()
	g := b.program(map[string]any{"name": "nightly"})
	b.ask(`mutation($i: ApiKeyUpdateInput!) { apiKeyUpdate(input: $i) { userErrors { code } } }`, map[string]any{"i": map[string]any{"apiKeyId": g.id, "name": "daily"}})
	for _, granted := range []bool{true, false} {
		b.ask(`mutation($i: ConsentSetInput!) { consentSet(input: $i) { userErrors { code } } }`, map[string]any{"i": map[string]any{"kind": "MARKETING", "granted": granted}})
	}
	want(t, at(operator.ask(`mutation($i: CreditAdjustInput!) { creditAdjust(input: $i) { userErrors { code } } }`,
		map[string]any{"i": map[string]any{"clientId": "one", "account": b.id(), "amount": "5", "reason": "a canary of a reason"}}), "data", "creditAdjust"), `{"userErrors":[]}`)
	if err := p.server.keys.Surrender(t.Context(), g.secret, netip.Addr{}); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(b.activity(), "\n")
	wanted := strings.Join([]string{"KEY_REVOKED API_KEY daily", "CREDITS_ADJUSTED OPERATOR 5", "CONSENT_WITHDRAWN OWNER MARKETING here", "CONSENT_GIVEN OWNER MARKETING here",
		"KEY_UPDATED OWNER daily here", "KEY_CREATED OWNER daily here", "SESSION_BEGUN OWNER GOOGLE here"}, "\n")
	if !strings.HasPrefix(got, wanted+"\n") || !strings.Contains(got, "ACCOUNT_CREATED OWNER GOOGLE") || !strings.Contains(got, "POLICY_ACCEPTED OWNER") || !strings.Contains(got, "AGE_CONFIRMED OWNER") {
		t.Errorf("the access log says\n%s", got)
	}
	if s := strings.Join(other.activity(), "\n"); strings.Contains(s, "KEY_") || !strings.HasPrefix(s, "SESSION_BEGUN") {
		t.Errorf("somebody else's says\n%s", s)
	}
	if _, err := p.server.audit.Link(t.Context()); err != nil {
		t.Fatal(err)
	}
	const audit = `query($f: AuditFilter) { operator { audit(first: 100, filter: $f) { nodes { act actor ownerId actorId place credits outcome } } } }`
	want(t, at(operator.ask(audit, map[string]any{"f": map[string]any{"acts": []string{"KEY_REVOKED"}}}), "data", "operator", "audit", "nodes", 0, "ownerId"), `"`+b.id()+`"`)
	found, err := actFindings(t.Context(), p.server.audit)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if len(f.Faults) > 0 || f.Checked == 0 && f.Invariant != "A3" {
			t.Errorf("%+v", f)
		}
	}
	var written string
	if err := p.server.db.Pool().QueryRow(t.Context(), `SELECT string_agg(e::text, ' ') FROM audit_entries e`).Scan(&written); err != nil {
		t.Fatal(err)
	}
	for _, private := range []string{"canary", "nightly", "daily", "ada@", b.id()} {
		if strings.Contains(written, private) {
			t.Errorf("the entries hold %q", private)
		}
	}
}

// R-AUDIT: where nothing can be written down, nothing that must be is done.
func TestWithoutItsEntryNoActIsDone(t *testing.T) {
	p := priced(t, 1)
	b, operator := p.signIn("ada"), p.operator()
	g := b.program(map[string]any{})
	sql := func(q string) {
		t.Helper()
		if _, err := p.server.db.Pool().Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	counts := func() (out string) {
		t.Helper()
		err := p.server.db.Pool().QueryRow(t.Context(), `SELECT concat_ws(' ', (SELECT count(*) FROM api_keys WHERE revoked_at IS NULL), (SELECT count(*) FROM sessions), (SELECT count(*) FROM consents),
			(SELECT count(*) FROM owners), (SELECT count(*) FROM ledger_transfers), (SELECT count(*) FROM operator_links), (SELECT count(*) FROM accounts WHERE role = 'ADMIN'))`).Scan(&out)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	before := counts()
	sql(`ALTER TABLE audit_entries RENAME TO audit_away`)
	for name, answer := range map[string]map[string]any{
		"make a key":   b.ask(keyDocument, map[string]any{"i": map[string]any{"name": "x"}}),
		"revoke a key": b.ask(`mutation($i: ApiKeyRevokeInput!) { apiKeyRevoke(input: $i) { userErrors { code } } }`, map[string]any{"i": map[string]any{"apiKeyId": g.id}}),
		"consent":      b.ask(`mutation($i: ConsentSetInput!) { consentSet(input: $i) { userErrors { code } } }`, map[string]any{"i": map[string]any{"kind": "MARKETING", "granted": true}}),
		"adjust": operator.ask(`mutation($i: CreditAdjustInput!) { creditAdjust(input: $i) { userErrors { code } } }`,
			map[string]any{"i": map[string]any{"clientId": "one", "account": b.id(), "amount": "5", "reason": "so"}}),
		"remove": operator.ask(removeDocument, map[string]any{"input": map[string]any{"account": b.id(), "confirmation": b.id(), "reason": "REQUESTED"}}),
	} {
		if answer["errors"] == nil {
			t.Errorf("%s: %v", name, answer)
		}
	}
	ctx := t.Context()
	if _, err := p.server.accounts.OperatorLink(ctx); err == nil {
		t.Error("a link is made")
	}
	if err := p.server.accounts.GrantAdmin(ctx, "ada@example.org"); err == nil {
		t.Error("an administrator is made")
	}
	if _, err := p.server.accounts.SignIn(ctx, account.SignIn{Proof: account.Proof{Provider: models.ProviderGoogle, Subject: "new", Email: "new@example.org", Verified: true}, From: p.passed()}); err == nil {
		t.Error("somebody signs in")
	}
	if after := counts(); after != before {
		t.Errorf("there were %s and are %s", before, after)
	}
	sql(`ALTER TABLE audit_away RENAME TO audit_entries`)
	want(t, at(b.ask(keyDocument, map[string]any{"i": map[string]any{"name": "x"}}), "data", "apiKeyCreate", "userErrors"), `[]`)
}

// P84: `kimi-k2 verify` finds a changed act, names it and fails.
func TestVerifyFindsATamperedAct(t *testing.T) {
	url := dbtest.URL(t)
	db := dbtest.Open(t, url)
	adminAccounts(t, db)
	environ := adminEnvironment("DATABASE_URL="+url, "DATA_DIR="+t.TempDir())
	if err := command(t.Context(), []string{"admin", "sign-in-link"}, environ, io.Discard); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := command(t.Context(), []string{"verify"}, environ, &out); err != nil || !strings.Contains(out.String(), "ok    A1   every act is as this installation wrote it (1 checked)") {
		t.Fatal(err, out.String())
	}
	if _, err := db.Pool().Exec(t.Context(), `ALTER TABLE audit_entries DISABLE TRIGGER USER; UPDATE audit_entries SET act = 'KEY_UPDATED'; ALTER TABLE audit_entries ENABLE TRIGGER USER`); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := command(t.Context(), []string{"verify"}, environ, &out); err == nil || !strings.Contains(out.String(), "FAIL  A1") || !strings.Contains(out.String(), "aud_") {
		t.Errorf("%v: %s", err, out.String())
	}
}

// L9, P54: `kimi-k2 verify` finds a purchase that is paid and was never credited, without a
// payment provider.
func TestVerifyFindsAPaidPurchaseWithoutCredits(t *testing.T) {
	url := dbtest.URL(t)
	db := dbtest.Open(t, url)
	adminAccounts(t, db)
	environ := adminEnvironment("DATABASE_URL="+url, "DATA_DIR="+t.TempDir())
	var out bytes.Buffer
	if err := command(t.Context(), []string{"verify"}, environ, &out); err != nil || !strings.Contains(out.String(), "ok    L9   a purchase is paid if and only if its credits are in the ledger (0 checked)") {
		t.Fatal(err, out.String())
	}
	if _, err := db.Pool().Exec(t.Context(), `INSERT INTO ledger_accounts (id, kind, created_at) VALUES ('lac_buyer', 'WALLET', now());
		INSERT INTO ledger_accounts (id, kind, wallet_id, created_at) VALUES ('lac_debt', 'DEBT', 'lac_buyer', now()); INSERT INTO ledger_balances (account_id) VALUES ('lac_buyer');
		INSERT INTO purchases (id, account_id, provider, pack_id, credits, amount_minor, currency, live, status, created_at, updated_at, paid_at)
		VALUES ('pur_never_credited', 'lac_buyer', 'STRIPE', 'small', 1000000, 500, 'EUR', false, 'PAID', now(), now(), now())`); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	err := command(t.Context(), []string{"verify"}, environ, &out)
	if !errors.Is(err, errBooks) || !strings.Contains(out.String(), "FAIL  L9") || !strings.Contains(out.String(), "pur_never_credited: it is paid for 1000000 micro-credits, and 0 were posted") {
		t.Errorf("%v: %s", err, out.String())
	}
	if strings.Count(out.String(), "FAIL") != 1 || strings.Contains(out.String(), "in order") {
		t.Errorf("more than L9 is broken, or all is said to be right: %s", out.String())
	}
}
