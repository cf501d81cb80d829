package main

import (
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/notify"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
)

// B9, C-RETENTION: what readers leave out is what the register has deleted: the figures are the same.
func TestReadersAndRulesAgree(t *testing.T) {
	reg := theRegister(t)
	for name, want := range map[string]time.Duration{"sessions": account.SessionTTL, "mails": notify.KeepFor, "api_request_logs": requestlog.TTL, "api_request_hours": requestlog.TTL, "api_request_thirds": requestlog.TTL, "owners": account.GuestTTL,
		"completions": 0, "operator_links": 0, "email_changes": 0} {
		table, _ := reg.Table(name)
		if got := max(time.Duration(table.Retention.Max), time.Duration(table.Retention.Guests)); got != want || table.Retention.Clock == "" {
			t.Errorf("%s is read for %v and kept for %v", name, want, got)
		}
	}
	if sessions, _ := reg.Table("sessions"); time.Duration(sessions.Retention.Idle.Max) != account.SessionIdle {
		t.Errorf("idle sessions are kept for %v", time.Duration(sessions.Retention.Idle.Max))
	}
}

// P46, T38: where far more guests than usual would go, none does until the operator confirms
// it; then all are gone.
func TestManyGuestsWaitForTheOperator(t *testing.T) {
	p := start(t)
	operator := p.operator()
	if _, err := p.server.db.Pool().Exec(t.Context(), `INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at)
		SELECT 'own_' || replace(gen_random_uuid()::text, '-', ''), 'GUEST', '\x00', now() - interval '31 days', now() - interval '31 days' FROM generate_series(1, 1001)`); err != nil {
		t.Fatal(err)
	}
	purger := account.NewPurger(account.PurgeConfig{DB: p.server.db, Audit: p.server.audit, Clock: p.server.clock})
	turn := p.server.retention.Watch(guestsEnd(purger))
	left := func() (n int) {
		t.Helper()
		if err := p.server.db.Pool().QueryRow(t.Context(), `SELECT count(*) FROM owners WHERE kind = 'GUEST'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if err := turn(t.Context()); err == nil || !strings.Contains(err.Error(), "1001 rows would go") || left() != 1001 {
		t.Fatalf("%v, %d are left", err, left())
	}
	const confirm = `mutation { retentionConfirm(input: {table: "owners"}) { rule { hold { kind due confirmable } } userErrors { code } } }`
	want(t, at(operator.ask(confirm, nil), "data", "retentionConfirm"), `{"rule":{"hold":{"kind":"MANY","due":1001,"confirmable":false}},"userErrors":[]}`)
	if err := turn(t.Context()); err != nil || left() != 0 {
		t.Errorf("confirmed: %v, %d are left", err, left())
	}
}

// The operator sees what ends when and confirms what is held; nobody else does.
func TestTheOperatorSeesWhatEnds(t *testing.T) {
	p := start(t)
	operator, stranger := p.operator(), p.signIn("stranger")
	if _, err := p.server.db.Pool().Exec(t.Context(), `INSERT INTO operator_links (token_hash, expires_at) SELECT sha256(gen_random_uuid()::text::bytea), now() FROM generate_series(1, 1001)`); err != nil {
		t.Fatal(err)
	}
	var held error
	for until := time.Now().Add(patience); held == nil && time.Now().Before(until); { // the first turn since the start may still run
		held = p.server.retention.Sweep(t.Context())
	}
	if held == nil || !strings.Contains(held.Error(), "1001 rows would go") {
		t.Fatal(held)
	}
	const all = `{ operator { retention { table about group clause job keptSeconds idleSeconds oldestAt sweptAt removed removedAt overdue hold { kind since due usual until confirmable confirmedAt } upcoming { day rows } sweeps { id rows guard cutoff oldestLeft startedAt finishedAt } } } }`
	find := func(table string) any {
		t.Helper()
		answer := operator.ask(all, nil)
		rules, _ := at(answer, "data", "operator", "retention").([]any)
		for _, r := range rules {
			if at(r, "table") == table {
				return r
			}
		}
		t.Fatalf("%s is not in %v", table, answer)
		return nil
	}
	links := find("operator_links")
	want(t, at(links, "hold", "kind"), `"MANY"`)
	want(t, at(links, "hold", "due"), `1001`)
	want(t, at(links, "sweeps", 0, "guard"), `"MANY"`)
	want(t, at(links, "upcoming", 0, "rows"), `1001`)
	want(t, at(find("sessions"), "idleSeconds"), `604800`)
	const confirm = `mutation($i: RetentionConfirmInput!) { retentionConfirm(input: $i) { rule { table hold { confirmable } } userErrors { code field } } }`
	links1 := map[string]any{"i": map[string]any{"table": "operator_links"}}
	if got := stranger.ask(confirm, links1); at(got, "errors") == nil {
		t.Errorf("a stranger may: %v", got)
	}
	want(t, at(operator.ask(confirm, map[string]any{"i": map[string]any{"table": "mails"}}), "data", "retentionConfirm"), `{"rule":null,"userErrors":[{"code":"CONFLICT","field":["table"]}]}`)
	want(t, at(operator.ask(confirm, links1), "data", "retentionConfirm"), `{"rule":{"table":"operator_links","hold":{"confirmable":false}},"userErrors":[]}`)
	if err := p.server.retention.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	links = find("operator_links")
	want(t, at(links, "hold"), `null`)
	want(t, at(links, "removed"), `1001`)
}
