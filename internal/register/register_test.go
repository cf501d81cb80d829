package register_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/policy"
)

// P4: the register that is built in can be read, and every column says what it is.
func TestTheRegisterLoads(t *testing.T) {
	r, err := register.Load(policy.Files())
	if err != nil {
		t.Fatal(err)
	}
	messages, ok := r.Table("messages")
	text, found := messages.Column("text_sealed")
	if !ok || !found || text.Category != "user.content.private" || text.Store != register.Sealed || text.Row != "id" || !text.Exported() {
		t.Errorf("messages.text_sealed is %+v", text)
	}
	id, _ := messages.Column("id")
	if id.Store != register.Plain || !id.Exported() {
		t.Errorf("messages.id is %+v", id)
	}
	logs, _ := r.Table("api_request_logs")
	if logs.Subject.Via == nil || logs.Subject.Via.Table != "api_request_subjects" || logs.Retention.Max != register.Days(90) {
		t.Errorf("api_request_logs is %+v", logs)
	}
}

const good = `
version: "1"
groups:
  account: {clause: C-A, purpose: p}
clauses:
  C-A: {run: [x]}
tables:
  people:
    group: account
    about: People.
    subject: {column: owner_id}
    retention: {keep: owner, clause: C-A}
    erase: cascade
    use: [essential.service]
    columns:
      owner_id: user.unique_id
      name_sealed: {category: user.name, store: sealed, row: owner_id}
log_fields:
  ms: system.operations
mails:
  HELLO: {about: Says hello., clause: C-A, facts: {name: user.name}}
recipients:
  mail: {about: It carries mails., clause: C-A, fields: {address: user.contact.email}}
files:
  key: {about: A key., kept: always}
`

const kept = `{"entries": [{"name": "sid", "kind": "cookie", "purpose": "p", "ttl": "a day", "clause": "C-A"}]}`

// A register that contradicts itself is refused, and says where.
func TestABadRegisterIsRefused(t *testing.T) {
	load := func(text string) error {
		_, err := register.Load(fstest.MapFS{register.FileName: {Data: []byte(text)}, register.StorageFile: {Data: []byte(kept)}})
		return err
	}
	if err := load(good); err != nil {
		t.Fatal(err)
	}
	undeclared := strings.Replace(kept, "C-A", "C-B", 1)
	if _, err := register.Load(fstest.MapFS{register.FileName: {Data: []byte(good)}, register.StorageFile: {Data: []byte(undeclared)}}); err == nil || !strings.Contains(err.Error(), "sid") {
		t.Errorf("a cookie of no clause: %v", err)
	}
	for _, c := range []struct{ from, to, says string }{
		{"user.name, store", "name, store", `"name" is no category`},
		{"row: owner_id}", "row: id}", "there is no column id"},
		{", row: owner_id}", "}", "a sealed value has a row"},
		{"store: sealed", "store: hidden", `"hidden" is unknown`},
		{"{category: user.name, store: sealed, row: owner_id}", "user.name", "is stored sealed"},
		{"erase: cascade", "erase: unlink", "holds nothing of the kind user.name"},
		{"ms: system.operations", "prompt: user.content.private", "no category that may leave the database"},
		{"HELLO: {about: Says hello., clause: C-A", "HELLO: {clause: C-B", "mail HELLO: there is no clause C-B"},
		{"{name: user.name}}", "{name: name}}", `mail HELLO, name: "name" is no category`},
		{", fields: {address: user.contact.email}}", "}", "recipient mail: what does it get?"},
		{"about: It carries mails., ", "", "recipient mail: about is needed"},
		{", kept: always", "", "place key: about and kept are needed"},
		{"row: owner_id}", "row: owner_id, export: no}", "export is left out, or it is no and why says why"},
		{"{column: owner_id}", "{column: user_id}", "there is no column user_id"},
		{"{column: owner_id}", "{none: because}", "does not go with its subject"},
		{"{column: owner_id}", "{via: {column: owner_id, table: x, key: y}}", "leads nowhere"},
		{"erase: cascade", "erase: later", `"later" is unknown`},
		{"{keep: owner, clause: C-A}", "{keep: forever}", "no reason why"},
		{"{keep: owner, clause: C-A}", "{max: 9d, clause: C-A}", "no clock ends it"},
		{"{keep: owner, clause: C-A}", "{keep: owner, or: owner_id}", "go with a clock"},
		{"{keep: owner, clause: C-A}", "{max: 9d, clock: owner_id, or: made, by: x}", "there is no column made"},
		{"{keep: owner, clause: C-A}", "{max: 9d, clock: owner_id, idle: {clock: owner_id}, by: x}", "idle needs a clock and a time span"},
		{"{keep: owner, clause: C-A}", "{max: 9d, clock: owner_id, except: {kind: A}, by: x}", "there is no column kind"},
		{"{keep: owner, clause: C-A}", "{max: 9d, clock: owner_id, only: {owner_id: \"A' OR 1\"}, by: x}", "is no word in capitals"},
		{"{keep: owner, clause: C-A}", "{max: soon, clock: owner_id, by: x}", "is no time span"},
		{"{keep: owner, clause: C-A}", "{keep: owner, clause: C-B}", "there is no clause C-B"},
		{"group: account", "group: friends", `there is no group "friends"`},
		{"{run: [x]}", "{}", "nothing shows that it is kept"},
		{"about: People.", "aboot: People.", "aboot"},
		{"owner_id: user.unique_id", "owner_id: user.unique_id\n      owner_id: user.unique_id", "owner_id"},
	} {
		text := strings.Replace(good, c.from, c.to, 1)
		if err := load(text); text == good || err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s -> %s: %v, want %q", c.from, c.to, err, c.says)
		}
	}
}
