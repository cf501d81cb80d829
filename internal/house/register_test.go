package house

import (
	"strings"
	"sync"
	"testing"

	graphql "github.com/vektah/gqlparser/v2/ast"

	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/policy"
)

var loadRegister = sync.OnceValues(func() (*register.Register, error) { return register.Load(policy.Files()) })

func theRegister(t *testing.T) *register.Register {
	t.Helper()
	r, err := loadRegister()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func registeredField(name string) bool {
	r, err := loadRegister()
	if err != nil {
		return false
	}
	_, ok := r.LogField(name)
	return ok
}

// P5, P20: what the register says of fields of the log is said of fields that there are. That
// each of those is registered, and that none holds what somebody wrote, is a rule of the tree.
func TestRegisteredLogFieldsAreWritten(t *testing.T) {
	fields, _ := logNotes(theTree(t))
	for _, f := range theRegister(t).LogFields {
		if fields[f.Name] == nil {
			t.Errorf("policy/register.yaml: no line of the log has the field %q: take it out of log_fields", f.Name)
		}
	}
}

// The owners of tables and the register know the same tables.
func TestTheRegisterKnowsEachOwnedTable(t *testing.T) {
	r := theRegister(t)
	for _, table := range tables {
		if _, ok := r.Table(table.name); !ok {
			t.Errorf("internal/house/rooms.go: the table %s is not in policy/register.yaml", table.name)
		}
	}
	for _, table := range r.Tables {
		if ownerOf(table.Name) == "" && table.Name != "goose_db_version" {
			t.Errorf("policy/register.yaml: the table %s has no owner in internal/house/rooms.go", table.Name)
		}
	}
}

// P19, P83, P98: nothing trains on what people write: no table is used for it, and no way
// leads from what operators may ask for to somebody's conversations.
func TestNothingTrainsOnConversations(t *testing.T) {
	for _, table := range theRegister(t).Tables {
		for _, use := range table.Use {
			if strings.Contains(use, "train") || strings.Contains(use, "advertising") || strings.Contains(use, "third_party") || strings.Contains(use, "personalize") {
				t.Errorf("table %s is used for %s", table.Name, use)
			}
		}
	}
	schema, err := readSchema(root)
	if err != nil {
		t.Fatal(err)
	}
	from := reachable(schema, "Operator")
	if !from["AuditRecord"] {
		t.Fatal("what operators ask for was not found")
	}
	for _, content := range []string{"Message", "Conversation"} {
		if schema.Types[content] == nil || from[content] {
			t.Errorf("an operator reaches somebody's %s", content)
		}
	}
	if !reachable(schema, "Viewer")["Message"] {
		t.Error("the way to one's own messages was not found")
	}
}

// ownOnly are fields that look for what is the asker's own, whosever the object is.
var ownOnly = map[string]bool{"UsageRow.reply": true}

// reachable are the types that fields lead to from a type.
func reachable(schema *graphql.Schema, from string) map[string]bool {
	found := map[string]bool{}
	for todo := []string{from}; len(todo) > 0; {
		name := todo[0]
		todo = todo[1:]
		def := schema.Types[name]
		if def == nil || found[name] {
			continue
		}
		found[name] = true
		for _, f := range def.Fields {
			if !ownOnly[name+"."+f.Name] {
				todo = append(todo, f.Type.Name())
			}
		}
		for _, possible := range schema.PossibleTypes[name] {
			todo = append(todo, possible.Name)
		}
	}
	return found
}
