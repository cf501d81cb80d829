package house

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"
)

const root = "../.."

var parseTree = sync.OnceValues(func() ([]source, error) { return readTree(root) })

// theTree is this code base, parsed once for all tests.
func theTree(t *testing.T) []source {
	t.Helper()
	tree, err := parseTree()
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// checks are the rules about Go files, by the name of their bad tree in testdata.
var checks = map[string]func([]source) []string{
	"import-walls":         importWalls,
	"outbound-calls":       outboundCalls,
	"table-owners":         tableOwners,
	"unwritten-resolvers":  unwrittenResolvers,
	"inline-conditions":    inlineConditions,
	"undescribed-packages": undescribed,
	"sleeping-tests":       sleeps,
	"promises":             promisesInGo,
	"log-fields":           unregisteredFields(registeredField),
	"metrics":              metered,
}

func TestTheTreeKeepsTheRules(t *testing.T) {
	tree := theTree(t)
	if len(tree) < 10 {
		t.Fatalf("only %d files were found", len(tree))
	}
	for name, check := range checks {
		t.Run(name, func(t *testing.T) {
			for _, line := range check(tree) {
				t.Error(line)
			}
		})
	}
}

func TestEachRuleIsSeenToFail(t *testing.T) {
	for name, check := range checks {
		t.Run(name, func(t *testing.T) {
			dir, want := badTree(t, name)
			tree, err := readTree(dir)
			if err != nil {
				t.Fatal(err)
			}
			got := check(tree)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
			}
		})
	}
}

func TestEveryTableHasAnOwner(t *testing.T) {
	for _, line := range unownedTables(migrations(t, filepath.Join(root, "internal/database/migrations"))) {
		t.Error(line)
	}
}

func TestATableWithoutOwnerIsSeen(t *testing.T) {
	all := migrations(t, filepath.Join(root, "internal/database/migrations"))
	all["99999_bad.sql"] = "CREATE TABLE IF NOT EXISTS secrets (id text);"
	want := "99999_bad.sql: the table secrets has no owner: enter it in internal/house/rooms.go"
	if got := unownedTables(all); !slices.Contains(got, want) {
		t.Errorf("got %q", got)
	}
	if got := unownedTables(nil); len(got) != len(tables) {
		t.Errorf("without migrations %d of %d tables are missed", len(got), len(tables))
	}
}

func TestNoWorkIsPromisedInOtherFiles(t *testing.T) {
	err := walk(root, func(name string) error {
		if !extensions[filepath.Ext(name)] {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		for _, line := range promisesLeft(name, string(text)) {
			t.Error(line)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if got := promisesLeft("a.ts", "x\n// "+"TO"+"DO: y"); len(got) != 1 || !strings.HasPrefix(got[0], "a.ts:2:") {
		t.Errorf("a promise in a comment gives %q", got)
	}
}

func TestEveryRoomIsThere(t *testing.T) {
	tree := theTree(t)
	for dir := range rooms {
		base := strings.TrimSuffix(dir, "/...")
		if !slices.ContainsFunc(tree, func(s source) bool { return under(s.dir, base) || base == "." }) {
			t.Errorf("internal/house/rooms.go names %s, which holds no Go file", dir)
		}
	}
	for dir := range toolMayImport {
		if rooms[dir+"/..."] != tool {
			t.Errorf("%s is no tool", dir)
		}
	}
}

// badTree lays out testdata/NAME.txtar in a folder and returns the lines that the
// check must give.
func badTree(t *testing.T, name string) (dir string, want []string) {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for _, f := range archive.Files {
		if f.Name == "want" {
			want = strings.Split(strings.TrimSpace(string(f.Data)), "\n")
			continue
		}
		full := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir, want
}

// migrations reads the SQL files of a folder.
func migrations(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.sql"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no migrations in %s: %v", dir, err)
	}
	out := map[string]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(f)] = string(text)
	}
	return out
}
