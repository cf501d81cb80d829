package main

import (
	"encoding/csv"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
)

// table fetches a table as the page does.
func (b *browser) table(path string) (rows []map[string]string, status int) {
	b.p.t.Helper()
	req, err := http.NewRequestWithContext(b.p.t.Context(), http.MethodGet, b.p.url+path, nil)
	if err != nil {
		b.p.t.Fatal(err)
	}
	resp, err := b.http.Do(req)
	if err != nil {
		b.p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.p.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, resp.StatusCode
	}
	all, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(text), "\ufeff"))).ReadAll()
	if err != nil {
		b.p.t.Fatalf("%s: %v in %q", path, err, text)
	}
	for _, cells := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = cells[i]
		}
		rows = append(rows, row)
	}
	return rows, resp.StatusCode
}

// column is the cells of one column.
func column(rows []map[string]string, name string) (out []string) {
	for _, row := range rows {
		out = append(out, row[name])
	}
	return out
}

// P25, P26: the tables say what the page says: purchases, charges and what they were for.
func TestTablesOfALedger(t *testing.T) {
	s, _, settings := tills(t)
	p := priced(t, 0, settings...)
	s.SetURL(p.url + "/webhooks/stripe")
	b, other := p.signIn("payer"), p.signIn("other")
	id, page := b.buy("STRIPE")
	press(t, page)
	if err := s.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.engine.Queue(inferencetest.Script{inferencetest.Say("Hello"), inferencetest.Finish("stop"), told(100, 40, 7), inferencetest.Done()})
	b.paidReply("one", "m")

	entries := at(b.ask(`{ viewer { ledgerEntries { nodes { kind amount purchase { id provider credits } usage { modelId } } } } }`, nil), "data", "viewer", "ledgerEntries", "nodes")
	want(t, entries, `[{"kind":"CHARGE","amount":"-0.000101","purchase":null,"usage":{"modelId":"`+inferencetest.ModelID+`"}},`+
		`{"kind":"PURCHASE","amount":"500","purchase":{"id":"`+id+`","provider":"STRIPE","credits":"500"},"usage":null}]`)
	rows, _ := b.table("/billing/ledger.csv?timeZone=Europe/Berlin")
	if got := column(rows, "credits"); !slices.Equal(got, []string{"-0.000101", "500"}) || rows[1]["purchase"] != id || rows[0]["model"] != inferencetest.ModelID {
		t.Errorf("the ledger's table says %v", rows)
	}
	rows, _ = b.table("/billing/usage.csv")
	if got := column(rows, "credits"); !slices.Equal(got, []string{"0.000101"}) || rows[0]["cached_tokens"] != "40" {
		t.Errorf("the table of acts says %v", rows)
	}
	rows, _ = b.table("/billing/usage.csv?by=day&from=2026-01-01&to=2027-01-01&timeZone=America/New_York")
	if got := column(rows, "credits"); !slices.Equal(got, []string{"0.000101"}) || rows[0]["acts"] != "1" {
		t.Errorf("the table of days says %v", rows)
	}
	if rows, status := other.table("/billing/ledger.csv"); len(rows) != 0 || status != http.StatusOK {
		t.Errorf("somebody else's table has status %d and says %v", status, rows)
	}
	if rows, status := p.browser().table("/billing/usage.csv"); len(rows) != 0 || status != http.StatusUnauthorized {
		t.Errorf("a stranger's table has status %d and says %v", status, rows)
	}
	p.books()
}

// A balance that falls below the threshold is told by one mail, which names no
// conversation.
func TestALowBalanceIsToldByMail(t *testing.T) {
	p := priced(t, 1)
	b, operator := p.signIn("payer"), p.operator()
	const set = `mutation($i: CreditNoticeUpdateInput!) { creditNoticeUpdate(input: $i) { credits { low lowThreshold lowNotice } userErrors { code field } } }`
	want(t, at(b.ask(set, map[string]any{"i": map[string]any{"threshold": "0.9999"}}), "data", "creditNoticeUpdate"),
		`{"credits":{"low":false,"lowThreshold":"0.9999","lowNotice":true},"userErrors":[]}`)
	sweep := func() {
		t.Helper()
		if err := p.server.sweepHolds(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	sweep()
	p.engine.Queue(inferencetest.Script{inferencetest.Say("Hello"), inferencetest.Finish("stop"), told(100, 40, 7), inferencetest.Done()})
	b.paidReply("one", "canary")
	sweep()
	sweep()
	mails, _ := at(operator.ask(`{ operator { mails { nodes { subject text to } } } }`, nil), "data", "operator", "mails", "nodes").([]any)
	if len(mails) != 1 {
		t.Fatalf("there are %d mails: %v", len(mails), mails)
	}
	text, _ := at(mails[0], "text").(string)
	for _, part := range []string{"0.999899 credits", "0.9999 credits", p.url + "/billing"} {
		if !strings.Contains(text, part) {
			t.Errorf("the mail lacks %q: %s", part, text)
		}
	}
	if at(mails[0], "to") != "payer@example.org" || strings.Contains(text, "canary") {
		t.Errorf("the mail is %v", mails[0])
	}
	want(t, at(b.ask(set, map[string]any{"i": map[string]any{"notice": false}}), "data", "creditNoticeUpdate"),
		`{"credits":{"low":true,"lowThreshold":"0.9999","lowNotice":false},"userErrors":[]}`)
}
