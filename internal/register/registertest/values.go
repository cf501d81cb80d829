package registertest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/register"
)

// odd are values of columns whose checks span several columns, or whose meaning would have
// the program treat the row differently; "" is NULL, # a number of its own.
var odd = map[string]string{
	"owners.kind": "ACCOUNT", "owners.erasing_at": "", "owners.kek_id": "",
	"accounts.role": "USER", "sessions.method": "OIDC", "mails.status": "SENT",
	"messages.role": "ASSISTANT", "messages.status": "COMPLETE", "messages.cost_micro": "#",
	"messages.parent_id": "msg_ca4a480000000000000000000#", // older than what answers it
	"runs.status":        "COMPLETE", "runs.epoch": "3", "runs.phase_epoch": "3",
	"completions.status":   "ENDED",
	"ledger_accounts.kind": "WALLET", "ledger_accounts.wallet_id": "",
	"ledger_holds.posted": "1#", // it is taken off the balance, which must not become another's number
	"ledger_holds.status": "SETTLED", "ledger_holds.transfer_id": "trf_ca4a4a0000000000000000000#", "ledger_transfers.id": "trf_ca4a490000000000000000000#",
	"purchases.status": "PAID", "purchases.currency": "USD", "purchases.dispute": "NONE", "purchases.disputed_minor": "0", "purchases.revision": "2", // the proof of the books counts through them
	"payment_events.outcome": "WAITING",
	"api_keys.scopes":        "CHAT_WRITE", "api_keys.public_id": "cny#", "api_keys.revoked_at": "",
	"api_request_logs.status": "418", "audit_entries.act": "CANARY", "audit_entries.facts": `{"canary":"canary_#"}`,
	"credit_adjustments.amount": "#",
	"openings.approved_by":      "", "openings.approved_at": "", "openings.reads": "0",
}

// links are references that triggers keep instead of foreign keys.
var links = map[string]reference{"ledger_entries.transfer_id": {"ledger_transfers", "id"}}

// after names tables whose rows triggers want to be there first.
var after = map[string][]string{
	"ledger_balances": {"ledger_accounts"},
	"ledger_entries":  {"ledger_transfers", "ledger_balances"},
	"ledger_holds":    {"ledger_balances"},
	"messages":        {"conversations"},
}

// companions make the rows of a table whose own row can't be alone.
var companions = map[string]func(f *filler, row map[string]*string) []map[string]*string{
	// A reply has a message before it.
	"messages": func(f *filler, row map[string]*string) []map[string]*string {
		root := copied(row)
		root["id"], root["parent_id"] = row["parent_id"], nil
		root["role"], root["text_sealed"], root["reasoning_sealed"], root["error_sealed"] = text("USER"), nil, nil, nil
		return []map[string]*string{root, row}
	},
	// What somebody gets, somebody gives.
	"ledger_entries": func(f *filler, row map[string]*string) []map[string]*string {
		other := copied(row)
		other["account_id"], other["amount"] = text("lac_grants"), text("-"+*row["amount"])
		return []map[string]*string{row, other}
	},
}

func copied(row map[string]*string) map[string]*string {
	out := map[string]*string{}
	for name, value := range row {
		out[name] = value
	}
	return out
}

func text(s string) *string { return &s }

// value is the column's value; that of what it refers to when it refers to something.
func (f *filler) value(table, column string) *string {
	name := table + "." + column
	if value, has := f.values[name]; has || f.resolving[name] {
		return value
	}
	f.resolving[name] = true
	value, own := f.make(table, column)
	f.values[name], f.unique[name], f.resolving[name] = value, own && value != nil, false
	return value
}

// make is a new value; own tells whether it is the column's own.
func (f *filler) make(table, column string) (value *string, own bool) {
	t, _ := f.reg.Table(table)
	c, _ := t.Column(column)
	if table == "owners" && column == "id" || column == t.Subject.Column {
		return text(f.owner.ID), false
	}
	if table == "owners" && column == "key_wrapped" {
		return hexed(f.owner.Wrapped), true
	}
	if value, is := odd[table+"."+column]; is {
		return f.makeOdd(value)
	}
	if ref, is := links[table+"."+column]; is {
		return f.value(ref.table, ref.column), false
	}
	if ref, is := f.catalog.table(table).references[column]; is && ref.table != table {
		return f.value(ref.table, ref.column), false
	}
	if via := t.Subject.Via; via != nil && via.Column == column && !f.resolving[via.Table+"."+via.Key] {
		return f.value(via.Table, via.Key), false
	}
	f.count++
	limited := reference{table, column}
	if ref, is := f.catalog.table(table).references[column]; is {
		limited = ref // to another row of the same table, which a companion is
	}
	return f.fresh(c, f.catalog.column(table, column).typ, f.limits(limited.table, limited.column))
}

func (f *filler) makeOdd(value string) (*string, bool) {
	if value == "" {
		return nil, false
	}
	f.count++
	number := fmt.Sprintf("%07d", f.count)
	if value == "#" {
		return text(strconv.Itoa(top - f.count)), true
	}
	return text(strings.ReplaceAll(value, "#", number)), strings.Contains(value, "#")
}

// top is more than any number of a canary: they fall, so that a column that comes later
// and may not exceed the one before doesn't.
const top = 90_000_000

// fresh is a value that no other column has, where the limits leave room for one.
func (f *filler) fresh(c register.Column, typ string, l limits) (value *string, unique bool) {
	canary := fmt.Sprintf("canary_%07d", f.count)
	switch {
	case len(l.oneOf) > 0:
		return text(l.oneOf[len(l.oneOf)-1]), false
	case c.Store == register.Sealed && c.As == "json":
		return text(`{"canary":"` + canary + `"}`), true
	case c.Store == register.Sealed:
		return text(canary), true
	}
	switch typ {
	case "bytea":
		return hexed([]byte(sized(canary, l.length))), true
	case "bigint", "integer", "numeric":
		return text(strconv.Itoa(top - f.count)), true
	case "smallint":
		return text(strconv.Itoa(f.count%1000 + 1)), false
	case "boolean":
		return text("true"), false
	case "timestamp with time zone":
		return text(f.moment(c.Name).Format("2006-01-02 15:04:05.000000-07")), true
	case "date":
		return text(now().Format(time.DateOnly)), false
	case "jsonb", "json":
		return text(`{"canary": "` + canary + `"}`), true
	case "text[]":
		return text("{" + canary + "}"), true
	}
	switch {
	case strings.HasSuffix(l.prefix, "_"):
		return text(l.prefix + fmt.Sprintf("ca4a4900000000000000%012d", f.count)), true
	case l.length != "":
		return text(sized(fmt.Sprintf("%07d", f.count), l.length)), false
	}
	return text(l.prefix + canary), true
}

// sized repeats or cuts a text to a length; its end is what tells it apart.
func sized(s, length string) string {
	n, err := strconv.Atoi(length)
	if err != nil {
		return s
	}
	return strings.Repeat(s, n/len(s)+1)[(n/len(s)+1)*len(s)-n:]
}

// now is the time when the program began: all that is filled is of the same day.
var now = func() func() time.Time {
	began := clock.System{}.Now().Truncate(time.Second)
	return func() time.Time { return began }
}()

// moment is a time of its own: past for what happened, future for what ends something.
func (f *filler) moment(column string) time.Time {
	at := now().Add(-2 * time.Hour)
	if strings.Contains(column, "expires") || column == "next_at" || column == "until" {
		at = now().Add(2 * time.Hour)
	}
	return at.Add(time.Duration(f.count) * time.Microsecond)
}
