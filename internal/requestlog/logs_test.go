package requestlog_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// P69, P70: a row holds what was recorded; its account sees it, and a key with usage:read
// its own rows; others see nothing.
func TestWhoSeesARow(t *testing.T) {
	r := newRoom(t)
	v, other := r.account(), r.account()
	k, second, blind := key(v, models.ScopeUsageRead), key(v, models.ScopeUsageRead), key(v, models.ScopeChatWrite)
	e := requestlog.Entry{ID: "req_1", At: *r.now.Load(), OwnerID: v.OwnerID, KeyID: k.KeyID, Route: "POST /v1/chat/completions", ModelID: "kimi-k2", Status: 200, Code: "UPSTREAM_FAILED",
		PromptTokens: 5, CachedTokens: 2, OutputTokens: 7, ReasoningTokens: 3, Credits: 1_500_000, FirstToken: 120 * time.Millisecond, Took: 2500 * time.Millisecond, Streamed: true}
	r.write(e, r.entry(second))
	got := r.list(k, requestlog.Filter{})
	if len(got) != 1 {
		t.Fatalf("the key sees %d rows", len(got))
	}
	first := 120
	want := models.RequestLog{ID: "req_1", CreatedAt: e.At, KeyID: k.KeyID, Route: e.Route, ModelID: "kimi-k2", Status: 200, Fault: "UPSTREAM_FAILED", PromptTokens: 5, CachedTokens: 2, OutputTokens: 7,
		ReasoningTokens: 3, Micro: 1_500_000, FirstTokenMs: &first, LatencyMs: 2500, Streamed: true}
	if *got[0].FirstTokenMs != first {
		t.Errorf("first token after %d ms", *got[0].FirstTokenMs)
	}
	got[0].FirstTokenMs = &first
	if *got[0] != want || got[0].Outcome() != models.RequestFailed {
		t.Errorf("got %+v", *got[0])
	}
	if n := len(r.list(v, requestlog.Filter{})); n != 2 {
		t.Errorf("the account sees %d rows", n)
	}
	for name, nobody := range map[string]viewer.Viewer{"another account": other, "another's key": key(other, models.ScopeUsageRead), "a guest": {Kind: viewer.Guest, OwnerID: v.OwnerID, Key: v.Key}, "nobody": {}} {
		if n := len(r.list(nobody, requestlog.Filter{})); n != 0 {
			t.Errorf("%s sees %d rows", name, n)
		}
	}
	if n := len(r.list(k, requestlog.Filter{KeyID: second.KeyID})); n != 0 {
		t.Errorf("a key sees %d rows of another", n)
	}
	for name, read := range map[string]func() error{
		"list": func() error {
			_, _, err := r.Logs(t.Context(), blind, requestlog.List{Page: page.Args{Size: 1}})
			return err
		},
		"follow": func() error { _, err := r.Follow(t.Context(), blind, requestlog.Filter{}); return err },
		"sums": func() error {
			_, _, err := r.Analytics(t.Context(), blind, requestlog.Window{From: e.At, To: e.At.Add(day)})
			return err
		},
	} {
		if err := read(); !fault.Is(err, fault.ScopeMissing) {
			t.Errorf("%s without the scope: %v", name, err)
		}
	}
	if total := r.total(k); total.Requests != 1 {
		t.Errorf("the key's sum is of %d requests", total.Requests)
	}
}

// P71: a row is there at 89 d 23:59:59 and absent to every reader at 90 d.
func TestRowsAreGoneAtNinetyDays(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	k := key(v, models.ScopeUsageRead)
	e := r.entry(k)
	r.write(e)
	readers := func() map[string]int64 {
		var b bytes.Buffer
		r.must(r.CSV(t.Context(), v, requestlog.Export{}, &b))
		narrow, _, err := r.Analytics(t.Context(), v, requestlog.Window{From: e.At.Add(-time.Minute), To: e.At.Add(time.Minute)})
		r.must(err)
		total := r.total(v)
		return map[string]int64{"list": int64(len(r.list(v, requestlog.Filter{}))), "key": int64(len(r.list(k, requestlog.Filter{}))), "filtered": int64(len(r.list(v, requestlog.Filter{Outcome: models.RequestSucceeded}))),
			"csv": int64(bytes.Count(b.Bytes(), []byte("\n")) - 1), "sums": total.Requests, "narrow sums": narrow.Requests}
	}
	r.pass(90*day - time.Second)
	for name, n := range readers() {
		if n != 1 {
			t.Errorf("%s: %d rows at 89 d 23:59:59", name, n)
		}
	}
	r.pass(time.Second)
	for name, n := range readers() {
		if name == "narrow sums" { // what remains of whole days is no row
			continue
		}
		if n != 0 {
			t.Errorf("%s: %d rows at 90 d", name, n)
		}
	}
}

// Rows are recorded without waiting, and an ordered end loses none of them.
func TestAnOrderedEndLosesNothing(t *testing.T) {
	r := newRoom(t, func(c *requestlog.Config) { c.Every = time.Hour })
	v := r.account()
	k := key(v)
	const n = 10_777
	for i := range n {
		e := r.entry(k)
		e.At = e.At.Add(time.Duration(i) * time.Microsecond)
		r.Record(e)
	}
	r.Close(context.Background())
	r.Record(r.entry(k))
	if got := r.count(`SELECT count(*) FROM api_request_logs`); got != n {
		t.Errorf("%d of %d rows are there", got, n)
	}
	if total := r.total(v); total.Requests != n {
		t.Errorf("the sum is of %d", total.Requests)
	}
}

// While the database refuses, rows wait; what doesn't fit is counted and told of. Then each
// is there once, in the sums too.
func TestRowsWaitForTheDatabase(t *testing.T) {
	r := newRoom(t, func(c *requestlog.Config) { c.Buffer = 50 })
	v := r.account()
	k := key(v)
	exec := func(sql string) {
		_, err := r.db.Pool().Exec(t.Context(), sql)
		r.must(err)
	}
	exec(`ALTER TABLE api_request_days RENAME TO elsewhere`)
	for range 60 {
		r.Record(r.entry(k))
	}
	until(t, func() bool {
		return strings.Contains(r.log.String(), "trying again") && strings.Contains(r.log.String(), "request logs were lost")
	})
	exec(`ALTER TABLE elsewhere RENAME TO api_request_days`)
	until(t, func() bool { return r.count(`SELECT count(*) FROM api_request_logs`) == 50 })
	if !strings.Contains(r.log.String(), "rows=10") {
		t.Errorf("the log says %s", r.log)
	}
	if total := r.total(v); total.Requests != 50 {
		t.Errorf("the sum is of %d", total.Requests)
	}
}

// until waits for something that another goroutine brings about.
func until(t testing.TB, done func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for tick := time.NewTicker(5 * time.Millisecond); !done(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it never came about")
		}
	}
}

// A batch whose commit's answer was lost is tried again and counts once, whole or mixed
// with others; a row that the database refuses costs no other.
func TestEachRowCountsOnce(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	k := key(v)
	var rows []requestlog.Entry
	for i := range 9 {
		e := r.entry(k)
		e.At, e.PromptTokens = e.At.Add(time.Duration(i)*time.Millisecond), 1
		rows = append(rows, e)
	}
	r.write(rows[:6]...)
	r.write(rows[:6]...)
	r.write(rows[3:]...)
	bad := r.entry(k)
	bad.Status = 9999
	r.write(append(slices.Clone(rows), bad)...)
	if total := r.total(v); total.Requests != 9 || total.PromptTokens != 9 || r.count(`SELECT count(*) FROM api_request_logs`) != 9 || r.count(`SELECT requests FROM api_request_days`) != 9 {
		t.Errorf("they count %d", total.Requests)
	}
	if !strings.Contains(r.log.String(), "is left out") {
		t.Error("nobody is told of the bad row")
	}
}

// P104: where an account is deleted, nothing leads from its rows to it or to its keys, and
// what comes late is nobody's.
func TestRowsOfADeletedAccountAreNobodys(t *testing.T) {
	r := newRoom(t)
	v, other := r.account(), r.account()
	k := key(v)
	r.write(r.entry(k), r.entry(key(other)))
	_, err := r.db.Pool().Exec(t.Context(), `DELETE FROM owners WHERE id = $1`, v.OwnerID)
	r.must(err)
	late := key(v)
	r.pass(2 * day)
	r.must(r.SumDays(t.Context()))
	r.write(r.entry(k), r.entry(late), r.entry(key(other)))
	if n := r.count(`SELECT count(*) FROM api_request_logs`); n != 5 {
		t.Errorf("%d rows are kept", n)
	}
	if n := r.count(`SELECT count(*) FROM api_request_logs l WHERE EXISTS (SELECT FROM api_request_keys k WHERE k.key_ref = l.key_ref)
		OR EXISTS (SELECT FROM api_request_subjects s WHERE s.subject = l.subject)`); n != 2 {
		t.Errorf("%d rows lead to somebody, want the other's", n)
	}
	for _, table := range []string{"api_request_subjects", "api_request_keys", "api_request_days"} {
		if n := r.count(`SELECT count(*) FROM `+table+` WHERE owner_id = $1`, v.OwnerID); n != 0 {
			t.Errorf("%s has %d rows", table, n)
		}
	}
	var whole string
	for _, table := range []string{"api_request_logs", "api_request_hours", "api_request_thirds"} {
		r.must(r.db.Pool().QueryRow(t.Context(), `SELECT string_agg(t::text, ' ') FROM `+table+` t`).Scan(&whole))
		for _, name := range []string{v.OwnerID, k.KeyID, late.KeyID, other.OwnerID} {
			if strings.Contains(whole, name) {
				t.Errorf("%s names %s", table, name)
			}
		}
	}
	if total := r.total(other); total.Requests != 2 {
		t.Errorf("the other has %d", total.Requests)
	}
}

// The list narrows down to what is asked for, in pages, also where few of many rows are.
func TestTheListNarrowsDown(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	keys := []viewer.Viewer{key(v), key(v)}
	status := []int{200, 200, 200, 403, 429, 500, 200}
	var rows []requestlog.Entry
	for i := range 500 {
		e := r.entry(keys[i%5/4])
		e.At = e.At.Add(-time.Duration(i) * 17 * time.Minute)
		e.ModelID, e.Route = fmt.Sprint("m", i%3), []string{"query viewer", "mutation messageSend"}[i%11/10]
		if e.Status = status[i%7]; i%7 == 6 {
			e.Code = "UPSTREAM_FAILED"
		}
		rows = append(rows, e)
	}
	r.write(rows...)
	from := r.now.Load().Add(-30 * time.Hour)
	for name, c := range map[string]struct {
		f    requestlog.Filter
		want func(e *requestlog.Entry) bool
	}{
		"all":       {requestlog.Filter{}, func(*requestlog.Entry) bool { return true }},
		"a key":     {requestlog.Filter{KeyID: keys[1].KeyID}, func(e *requestlog.Entry) bool { return e.KeyID == keys[1].KeyID }},
		"succeeded": {requestlog.Filter{Outcome: models.RequestSucceeded}, func(e *requestlog.Entry) bool { return e.Status == 200 && e.Code == "" }},
		"refused":   {requestlog.Filter{Outcome: models.RequestRefused}, func(e *requestlog.Entry) bool { return e.Status == 403 }},
		"limited":   {requestlog.Filter{Outcome: models.RequestLimited}, func(e *requestlog.Entry) bool { return e.Status == 429 }},
		"failed":    {requestlog.Filter{Outcome: models.RequestFailed}, func(e *requestlog.Entry) bool { return e.Status == 500 || e.Code != "" }},
		"a model":   {requestlog.Filter{ModelID: "m1"}, func(e *requestlog.Entry) bool { return e.ModelID == "m1" }},
		"a route": {requestlog.Filter{Route: "mutation messageSend", From: from, To: r.now.Load().Add(-time.Hour)}, func(e *requestlog.Entry) bool {
			return e.Route == "mutation messageSend" && !e.At.Before(from) && e.At.Before(r.now.Load().Add(-time.Hour))
		}},
		"a key of nobody's": {requestlog.Filter{KeyID: "key_x"}, func(*requestlog.Entry) bool { return false }},
	} {
		var want []string
		for i := range rows {
			if c.want(&rows[i]) {
				want = append(want, rows[i].ID)
			}
		}
		var got []string
		for _, l := range r.list(v, c.f) {
			got = append(got, l.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d rows, want %d", name, len(got), len(want))
		}
	}
	if _, _, err := r.Logs(t.Context(), v, requestlog.List{Page: page.Args{Size: 1}, Filter: requestlog.Filter{From: from, To: from}}); !fault.Is(err, fault.Invalid) {
		t.Errorf("an empty time: %v", err)
	}
	if _, _, err := r.Logs(t.Context(), v, requestlog.List{Page: page.Args{Size: 1, After: "x"}}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a wrong cursor: %v", err)
	}
}

// P70: the table for spreadsheets has each row once, in the reader's zone; only accounts
// get it.
func TestRowsAsATable(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	k := key(v, models.ScopeUsageRead)
	r.write(r.entry(k))
	var many []requestlog.Entry
	for i := range 1202 {
		e := r.entry(k)
		e.At, e.ModelID = e.At.Add(time.Duration(i+5000)*time.Second), "=cmd"
		many = append(many, e)
	}
	r.write(many...)
	r.pass(day)
	var b bytes.Buffer
	r.must(r.CSV(t.Context(), v, requestlog.Export{Zone: "Asia/Kathmandu", Filter: requestlog.Filter{ModelID: "=cmd"}}, &b))
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.String(), "\ufeff"))).ReadAll()
	r.must(err)
	if len(rows) != 1203 || rows[1][4] != "'=cmd" || !strings.HasSuffix(rows[1][0], "+05:45") || rows[1][2] != k.KeyID {
		t.Errorf("%d rows, the first is %v", len(rows), rows[1])
	}
	for _, nobody := range []viewer.Viewer{{}, k} {
		b.Reset()
		if err := r.CSV(t.Context(), nobody, requestlog.Export{}, &b); !fault.Is(err, fault.Unauthenticated) || b.Len() > 0 {
			t.Errorf("%v gets %d bytes, %v", nobody, b.Len(), err)
		}
	}
	if err := r.CSV(t.Context(), v, requestlog.Export{Zone: "Mars/Base"}, &b); !fault.Is(err, fault.Invalid) || b.Len() > 0 {
		t.Errorf("a zone that isn't: %v", err)
	}
}

// Rows are followed on another instance as they are written, by those who may see them;
// who lags too far behind is not left with a hole.
func TestRowsAreFollowed(t *testing.T) {
	a := newRoom(t)
	b := newRoomOn(t, a.db, a.bus)
	v := a.account()
	k, other := key(v, models.ScopeUsageRead), key(v)
	all, err := b.Follow(t.Context(), v, requestlog.Filter{})
	a.must(err)
	own, err := b.Follow(t.Context(), k, requestlog.Filter{Outcome: models.RequestRefused})
	a.must(err)
	first, second := a.entry(other), a.entry(k)
	second.Status = 403
	a.Record(first)
	a.Record(second)
	next := func(c <-chan *models.RequestLog) string {
		select {
		case l := <-c:
			return l.ID
		case <-time.After(10 * time.Second):
			t.Fatal("nothing came")
			return ""
		}
	}
	if got := next(all); got != first.ID {
		t.Errorf("got %s", got)
	}
	if got := next(all); got != second.ID {
		t.Errorf("got %s", got)
	}
	if got := next(own); got != second.ID {
		t.Errorf("the key got %s", got)
	}
	const many = 6000
	for range many { // nobody takes them
		a.Record(a.entry(other))
	}
	until(t, func() bool { return a.count(`SELECT count(*) FROM api_request_logs`) == many+2 })
	for got := 0; got < many; got++ { // all of them, or what had been taken and then the end
		select {
		case _, followed := <-all:
			if !followed {
				return
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("after %d of %d rows nothing comes, and no end", got, many)
		}
	}
}
