package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

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
	rows, _ = b.table("/billing/usage.csv?by=day&from=" + time.Now().AddDate(0, 0, -2).Format(time.DateOnly) + "&to=" + time.Now().AddDate(0, 0, 2).Format(time.DateOnly) + "&timeZone=America/New_York")
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

// P25, P26: what a file that was downloaded adds up to is the balance, the ledger and the
// usage that the page shows, exactly.
func TestTheSumsOfTablesAreTheLedgers(t *testing.T) {
	p := priced(t, 10)
	b := p.signIn("payer")
	for n := range 3 {
		p.engine.Queue(inferencetest.Script{inferencetest.Say("Hello"), inferencetest.Finish("stop"), told(int64(101+n), 40, int64(7+n)), inferencetest.Done()})
		b.paidReply(fmt.Sprint("sums-", n), "m")
	}
	from, to := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly), time.Now().UTC().AddDate(0, 0, 2).Format(time.DateOnly)
	got := b.ask(fmt.Sprintf(`{ viewer { credits { balance } ledgerEntries { nodes { kind amount } } usage(from: "%sT00:00:00Z", to: "%sT00:00:00Z", by: [DAY]) { total { credits } } } }`, from, to), nil)
	var entries, charges []string
	for _, e := range at(got, "data", "viewer", "ledgerEntries", "nodes").([]any) {
		amount, _ := at(e, "amount").(string)
		entries = append(entries, amount)
		if at(e, "kind") == "CHARGE" {
			charges = append(charges, strings.TrimPrefix(amount, "-"))
		}
	}
	if len(charges) != 3 || len(entries) != 4 {
		t.Fatalf("the ledger has %v", entries)
	}
	balance, used := at(got, "data", "viewer", "credits", "balance"), at(got, "data", "viewer", "usage", "total", "credits")
	ledger, _ := b.table("/billing/ledger.csv")
	if sum := added(t, column(ledger, "credits")); sum != balance || sum != added(t, entries) || len(ledger) != len(entries) {
		t.Errorf("the file adds up to %s, the ledger to %s, the balance is %v", sum, added(t, entries), balance)
	}
	for _, path := range []string{"/billing/usage.csv", "/billing/usage.csv?by=day&from=" + from + "&to=" + to} {
		rows, _ := b.table(path)
		if sum := added(t, column(rows, "credits")); sum != used || sum != added(t, charges) {
			t.Errorf("%s adds up to %s, the charges to %s, the page says %v", path, sum, added(t, charges), used)
		}
	}
	charged, _ := b.table("/billing/ledger.csv?kind=CHARGE")
	if sum := added(t, column(charged, "credits")); sum != "-"+added(t, charges) || len(charged) != 3 {
		t.Errorf("the charges of the file add up to %s, those of the ledger to -%s", sum, added(t, charges))
	}
	p.books()
}

// added is the exact sum of amounts, as the server writes one.
func added(t *testing.T, amounts []string) string {
	t.Helper()
	sum := new(big.Rat)
	for _, a := range amounts {
		one, ok := new(big.Rat).SetString(a)
		if !ok {
			t.Fatalf("%q is no amount", a)
		}
		sum.Add(sum, one)
	}
	text := strings.TrimRight(sum.FloatString(9), "0")
	return strings.TrimSuffix(text, ".")
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
