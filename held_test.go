package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/register/registertest"
	"github.com/kimi-k2/kimi-k2/internal/register/rows"
)

const heldDocument = `query($table: String!, $after: String) { viewer { dataInventory { policyVersion groups { name clause tables { name count oldestAt } }
	table(name: $table) { name retention { rule seconds words } erasure rows(first: 1, after: $after) { nodes { values { name value } } edges { cursor } pageInfo { hasNextPage endCursor } } } } } }`

// held asks for a table of what is held about a browser.
func (b *browser) held(table string, after any) any {
	b.p.t.Helper()
	answer := b.ask(heldDocument, map[string]any{"table": table, "after": after})
	if answer["errors"] != nil {
		return answer["errors"]
	}
	return at(answer, "data", "viewer", "dataInventory")
}

// valueOf is a value of a row of the table.
func valueOf(inventory any, name string) any {
	values, _ := at(inventory, "table", "rows", "nodes", 0, "values").([]any)
	for _, v := range values {
		if at(v, "name") == name {
			return at(v, "value")
		}
	}
	return nil
}

// countOf is how many rows of a table are held.
func countOf(inventory any, table string) any {
	groups, _ := at(inventory, "groups").([]any)
	for _, g := range groups {
		tables, _ := at(g, "tables").([]any)
		for _, t := range tables {
			if at(t, "name") == table {
				return at(t, "count")
			}
		}
	}
	return nil
}

// P109, P115: guests and accounts see what is held about them, opened; a browser of which
// nothing is stored sees what would be; nobody sees anything of others, and programs none.
func TestWhatIsHeldIsShown(t *testing.T) {
	p := start(t)
	visitor, guest, ada := p.browser(), p.browser(), p.signIn("ada")
	if n := countOf(visitor.held("messages", nil), "messages"); n != float64(0) {
		t.Errorf("a visitor has %v messages", n)
	}
	guest.pass()
	guest.finished("a guest's canary")
	ada.finished("an account's canary")
	for text, b := range map[string]*browser{"a guest's canary": guest, "an account's canary": ada} {
		first := b.held("messages", nil)
		want(t, at(first, "table", "retention"), `{"rule": "OWNER", "seconds": null, "words": "as long as the account or guest"}`)
		want(t, at(first, "table", "erasure"), `"DELETED"`)
		want(t, at(first, "table", "rows", "pageInfo", "hasNextPage"), `true`)
		second := b.held("messages", at(first, "table", "rows", "pageInfo", "endCursor"))
		texts := []any{valueOf(first, "text_sealed"), valueOf(second, "text_sealed")}
		if countOf(first, "messages") != float64(2) || !slices.Contains(texts, any(text)) || at(second, "table", "rows", "pageInfo", "hasNextPage") != false {
			t.Errorf("%v messages with %v", countOf(first, "messages"), texts)
		}
		if code := at(b.held("runs", at(first, "table", "rows", "pageInfo", "endCursor")), 0, "extensions", "code"); code != "INVALID" {
			t.Errorf("a cursor of another table gives %v", code)
		}
		if there := at(b.held("installation", nil), "table"); there != nil {
			t.Errorf("a table of nobody is %v", there)
		}
	}
	if got := valueOf(ada.held("accounts", nil), "email_sealed"); got != "ada@example.org" {
		t.Errorf("the address is shown as %v", got)
	}
	program := ada.program(map[string]any{"scopes": []string{"conversations:read", "usage:read"}})
	if code := at(program.ask(`{ viewer { dataInventory { policyVersion } } }`, nil), "errors", 0, "extensions", "code"); code != "FORBIDDEN" && code != "SCOPE_MISSING" {
		t.Errorf("a program gets %v", code)
	}
}

// P5, P28, P80, P101-P104, P107: an account with a value of its own in every column of every table is
// deleted: none of what has to be sealed could be read before, and nothing of the person is
// left afterwards in the database, in the mails, in DATA_DIR or in the log, but for numbers
// that lead to nobody. What is somebody else's is as it was.
func TestADeletionLeavesNoCanary(t *testing.T) {
	p, reg := start(t), theRegister(t)
	p.still()
	owner := registertest.NewOwner(t, p.server.secrets.Keeper, id.New(id.Owner))
	other := registertest.NewOwner(t, p.server.secrets.Keeper, id.New(id.Owner))
	canaries, theirs := registertest.Fill(t, p.server.db, reg, owner), registertest.Fill(t, p.server.db, reg, other)
	dump, sealed := dbtest.Dump(t, p.server.db), 0
	for _, c := range canaries {
		if !c.Unique || c.Text == "" {
			continue
		}
		switch there := strings.Contains(dump, c.Text); {
		case c.Stored == register.Sealed && there:
			t.Errorf("%s.%s is sealed, and can be read in the database: %q", c.Table, c.Column, c.Text)
		case c.Stored == register.Sealed:
			sealed++
		case !there:
			t.Errorf("%s.%s can't be found in the database: %q", c.Table, c.Column, c.Text)
		}
	}
	if sealed < 12 || !strings.Contains(dump, owner.ID) {
		t.Fatalf("only %d sealed values were looked for", sealed)
	}
	if receipt, err := p.server.accounts.Remove(t.Context(), owner.ID); err != nil || receipt.FinishedAt.IsZero() {
		t.Fatal(receipt, err)
	}
	reader := rows.Reader{DB: p.server.db, Register: reg}
	for _, table := range reg.Personal() {
		if n, err := reader.Count(t.Context(), owner.ID, table.Name); err != nil || n != 0 {
			t.Errorf("%s: %d rows still lead to who was deleted, %v", table.Name, n, err)
		}
		if n, err := reader.Count(t.Context(), other.ID, table.Name); err != nil || n == 0 {
			t.Errorf("%s: somebody else's row is gone, %v", table.Name, err)
		}
	}
	dump = dbtest.Dump(t, p.server.db)
	for _, c := range theirs {
		if c.Unique && c.Text != "" && c.Stored != register.Sealed && !strings.Contains(dump, c.Text) {
			t.Errorf("%s.%s of somebody else is not what it was", c.Table, c.Column)
		}
	}
	files, logs := everyFile(t, p.server.cfg.DataDir), p.logs.String()
	if strings.Contains(dump+files, owner.ID) {
		t.Error("the owner's id is still in the database or in DATA_DIR")
	}
	for _, c := range canaries {
		if !c.Unique || c.Text == "" {
			continue
		}
		table, _ := reg.Table(c.Table)
		if table.Erase != register.EraseUnlink && !isNumber(reg, c) && strings.Contains(dump, c.Text) {
			t.Errorf("%s.%s is still in the database: %q", c.Table, c.Column, c.Text)
		}
		if strings.Contains(files, c.Text) {
			t.Errorf("%s.%s is in a file of DATA_DIR", c.Table, c.Column)
		}
		if column, _ := table.Column(c.Column); column.Category != "user.unique_id" && strings.Contains(logs, c.Text) {
			t.Errorf("%s.%s is in the log", c.Table, c.Column)
		}
	}
}

// isNumber reports whether a canary is one of the random numbers under which rows stay that
// lead to nobody without it.
func isNumber(reg *register.Register, c registertest.Canary) bool {
	return slices.ContainsFunc(reg.Personal(), func(t register.Table) bool {
		return t.Erase == register.EraseUnlink && t.Subject.Via.Table == c.Table && t.Subject.Via.Key == c.Column
	})
}

// everyFile is all that files below a folder hold.
func everyFile(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path) //nolint:gosec // a folder of the test's
		out.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}
