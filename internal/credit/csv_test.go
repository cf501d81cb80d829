package credit_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// read parses a table into rows of cells by the heading's names.
func read(t fataler, b []byte) (rows []map[string]string) {
	t.Helper()
	if !bytes.HasPrefix(b, []byte("\ufeff")) || bytes.Count(b, []byte("\n")) != bytes.Count(b, []byte("\r\n")) {
		t.Fatalf("the table isn't marked as UTF-8, or its lines end otherwise: %q", b)
	}
	all, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(b, []byte("\ufeff")))).ReadAll()
	if err != nil {
		t.Fatalf("%v", err)
	}
	for _, cells := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = cells[i]
		}
		rows = append(rows, row)
	}
	return rows
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// own gives somebody a real key, as reasons need it.
func (p person) own(t *testing.T) person {
	t.Helper()
	key, err := seal.KeyOf(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	p.Key = key
	return p
}

// P26: the table of the ledger says what the page of entries says, to the last millionth.
func TestTheLedgersTable(t *testing.T) {
	r := newRoom(t)
	p := r.person(0).own(t)
	r.deposit(p, "pur_1", 3_000_001)
	r.pass(time.Hour)
	r.takeBack(p, "pur_1/1", 1_000_000)
	var refund string
	r.must(r.db.Pool().QueryRow(t.Context(), `SELECT id FROM ledger_transfers WHERE kind = 'REFUND'`).Scan(&refund))
	r.pass(time.Hour)
	h := r.mustHold(p, 7)
	s := act(p, h, "a", 7)
	s.ModelID = "=cmd|' /C calc'!A0"
	_, err := r.settleTx(s)
	r.must(err)
	row := models.CreditAdjustment{OwnerID: p.OwnerID, ID: "adj_1", TransferID: refund, ActorID: "o", Amount: -7, CreatedAt: *r.now.Load()}
	row.ReasonSealed = p.Key.SealString(seal.Place{Table: "credit_adjustments", Column: "reason_sealed", Row: "adj_1", Owner: p.OwnerID}, "\t+1, \"对不起\"\n@x;=1")
	r.must(r.db.Gorm(t.Context()).Create(&row).Error)

	var b bytes.Buffer
	r.must(r.LedgerCSV(t.Context(), p.Viewer, credit.Export{Zone: "Asia/Shanghai"}, &b))
	rows := read(t, b.Bytes())
	if len(rows) != 3 {
		t.Fatalf("there are %d rows: %v", len(rows), rows)
	}
	for i, want := range []map[string]string{
		{"time": "2026-05-01T22:00:00+08:00", "kind": "CHARGE", "credits": "-0.000007", "model": "'=cmd|' /C calc'!A0", "reason": "",
			"output_tokens": "7", "price_output": "1", "status": "COMPLETE", "source": "WEB", "feature": "CHAT", "purchase": ""},
		{"time": "2026-05-01T21:00:00+08:00", "kind": "REFUND", "credits": "-1", "purchase": "pur_1", "act": "", "model": "", "reason": "'\t+1, \"对不起\"\n'@x;'=1"},
		{"time": "2026-05-01T20:00:00+08:00", "kind": "PURCHASE", "credits": "3.000001", "purchase": "pur_1", "reason": ""},
	} {
		for name, cell := range want {
			if rows[i][name] != cell {
				t.Errorf("row %d says %q of %s, want %q", i, rows[i][name], name, cell)
			}
		}
	}
	b.Reset()
	e := credit.Export{From: r.now.Load().Add(-2 * time.Hour), To: *r.now.Load(), Kinds: []models.TransferKind{models.TransferPurchase, models.TransferCharge}}
	r.must(r.LedgerCSV(t.Context(), p.Viewer, e, &b))
	if rows := read(t, b.Bytes()); len(rows) != 1 || rows[0]["kind"] != "PURCHASE" {
		t.Errorf("narrowed it says %v", rows)
	}
}

// half is a reader who goes away after the first part.
type half struct{ parts int }

func (h *half) Write(p []byte) (int, error) {
	if h.parts++; h.parts > 1 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

// A long table is written by pages: each act once, also where many ended at one moment,
// in parts that fit into a small buffer, and no further once nobody reads.
func TestALongTableIsWrittenByPages(t *testing.T) {
	r := newRoom(t)
	p := r.person(0)
	r.must(r.exec(`INSERT INTO usage_rows (owner_id, id, ref, source, feature, model_id, status, prompt_tokens, cached_tokens, output_tokens, reasoning_tokens, estimated,
		price_input, price_cached, price_output, credits, created_at)
		SELECT $1, 'use_' || lpad(n::text, 6, '0'), n::text, 'WEB', 'CHAT', 'm', 'COMPLETE', n, 0, 1, 0, false, 0, 0, 0, 0, '2026-05-01'::timestamptz - make_interval(hours => n / 700)
		FROM generate_series(1, 2100) n`, p.OwnerID))
	var b bytes.Buffer
	parts := &partial{w: &b}
	r.must(r.ActsCSV(t.Context(), p.Viewer, credit.Export{}, parts))
	var ids []string
	for _, row := range read(t, b.Bytes()) {
		ids = append(ids, row["time"]+row["id"])
	}
	if !slices.IsSortedFunc(ids, func(a, b string) int { return strings.Compare(b, a) }) || len(slices.Compact(ids)) != 2100 {
		t.Errorf("there are %d rows, in this order: %v …", len(ids), ids[:3])
	}
	if parts.largest > 8<<10 {
		t.Errorf("the largest part has %d bytes", parts.largest)
	}
	gone := new(half)
	if err := r.ActsCSV(t.Context(), p.Viewer, credit.Export{}, gone); !errors.Is(err, io.ErrClosedPipe) || gone.parts > 3 {
		t.Errorf("who went away was sent %d parts: %v", gone.parts, err)
	}
}

type partial struct {
	w       io.Writer
	largest int
}

func (p *partial) Write(b []byte) (int, error) {
	p.largest = max(p.largest, len(b))
	return p.w.Write(b)
}

// What cannot be written is refused before anything is.
func TestTablesThatAreRefused(t *testing.T) {
	r := newRoom(t)
	p, idle, busy := r.person(0), r.guest(), r.guest()
	idle.Key, busy.Key = &seal.Key{}, &seal.Key{}
	r.must(func() error { _, err := r.settleTx(act(busy, models.Hold{}, "a", 5)); return err }())
	now := *r.now.Load()
	year := credit.Export{From: now.AddDate(-1, 0, 0), To: now.Add(time.Hour)}
	type deed = func(v viewer.Viewer, e credit.Export, w io.Writer) error
	ledger := func(v viewer.Viewer, e credit.Export, w io.Writer) error { return r.LedgerCSV(t.Context(), v, e, w) }
	acts := func(v viewer.Viewer, e credit.Export, w io.Writer) error { return r.ActsCSV(t.Context(), v, e, w) }
	days := func(v viewer.Viewer, e credit.Export, w io.Writer) error { return r.DaysCSV(t.Context(), v, e, w) }
	for name, c := range map[string]struct {
		v    viewer.Viewer
		e    credit.Export
		deed deed
		want fault.Code // empty: it is written
	}{
		"a visitor's ledger":        {viewer.Viewer{Kind: viewer.Visitor}, year, ledger, fault.Unauthenticated},
		"a guest's ledger":          {busy.Viewer, year, ledger, fault.Unauthenticated},
		"a visitor's acts":          {viewer.Viewer{Kind: viewer.Visitor}, year, acts, fault.Unauthenticated},
		"acts of an idle guest":     {idle.Viewer, year, acts, fault.Unauthenticated},
		"days of an idle guest":     {idle.Viewer, year, days, fault.Unauthenticated},
		"acts of a guest":           {busy.Viewer, year, acts, ""},
		"days of a guest":           {busy.Viewer, year, days, ""},
		"an idle account's acts":    {p.Viewer, credit.Export{}, acts, ""},
		"an idle account's ledger":  {p.Viewer, credit.Export{}, ledger, ""},
		"backwards":                 {p.Viewer, credit.Export{From: now, To: now}, ledger, fault.Invalid},
		"a zone that isn't":         {p.Viewer, credit.Export{Zone: "Mars/Base"}, acts, fault.Invalid},
		"the machine's own zone":    {p.Viewer, credit.Export{Zone: "Local"}, acts, fault.Invalid},
		"a file for a zone":         {p.Viewer, credit.Export{Zone: "../../etc/passwd"}, acts, fault.Invalid},
		"days without an end":       {p.Viewer, credit.Export{From: now}, days, fault.Invalid},
		"too many days":             {p.Viewer, credit.Export{From: now.AddDate(-2, 0, 0), To: now}, days, fault.Invalid},
		"days in a zone that isn't": {p.Viewer, credit.Export{From: year.From, To: now, Zone: "x"}, days, fault.Invalid},
	} {
		var b bytes.Buffer
		err := c.deed(c.v, c.e, &b)
		if c.want == "" && (err != nil || b.Len() == 0) || c.want != "" && (!fault.Is(err, c.want) || b.Len() > 0) {
			t.Errorf("%s: %v, and %d bytes were written", name, err, b.Len())
		}
	}
}
