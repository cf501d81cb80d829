package restore_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/export"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/register/rows"
	"github.com/kimi-k2/kimi-k2/internal/restore"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
	"github.com/kimi-k2/kimi-k2/policy"
)

// installation is a database with what exports and imports.
type installation struct {
	t      *testing.T
	db     *database.DB
	keeper *seal.Keeper
	chat   *chat.Service
	export *export.Service
	*restore.Service
}

func install(t *testing.T) *installation {
	t.Helper()
	i := &installation{t: t, db: dbtest.New(t)}
	var err error
	if i.keeper, err = seal.NewKeeper(bytes.Repeat([]byte{7}, seal.KeySize)); err != nil {
		t.Fatal(err)
	}
	known, err := register.Load(policy.Files())
	if err != nil {
		t.Fatal(err)
	}
	log := audittest.New(i.db)
	accounts := account.New(account.Config{DB: i.db, Audit: log, Keeper: i.keeper, Clock: clock.System{}, CookieKey: bytes.Repeat([]byte{8}, 32)})
	i.chat = chat.New(chat.Config{DB: i.db, Owners: accounts, Clock: clock.System{}, Bus: silent{}})
	i.export, err = export.New(export.Config{DB: i.db, Audit: log, Rows: rows.Reader{DB: i.db, Register: known}, Owners: accounts, Clock: clock.System{},
		Secret: bytes.Repeat([]byte{9}, 32), Dir: t.TempDir(), Name: "Test", Version: "1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.export.Close)
	i.Service = restore.New(restore.Config{DB: i.db, Audit: log, Chat: i.chat, Clock: clock.System{}, Dir: t.TempDir()})
	return i
}

// silent is a bus that nobody listens to.
type silent struct{}

func (silent) Publish(string, []byte) error { return nil }
func (silent) Subscribe(string, func([]byte, func([]byte) error)) (func(), error) {
	return func() {}, nil
}
func (silent) Follow(string, func([]byte), func()) (func(), error) { return func() {}, nil }
func (silent) Request(context.Context, string, []byte) ([]byte, error) {
	return nil, errors.New("nobody listens")
}

// somebody is an owner with nothing.
func (i *installation) somebody() viewer.Viewer {
	i.t.Helper()
	v := viewer.Viewer{Kind: viewer.Account, OwnerID: id.New(id.Owner)}
	key, wrapped, err := i.keeper.NewKey(v.OwnerID)
	if err != nil {
		i.t.Fatal(err)
	}
	v.Key = key
	_, err = i.db.Pool().Exec(i.t.Context(), `INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at) VALUES ($1, 'ACCOUNT', $2, now(), now())`, v.OwnerID, wrapped)
	if err != nil {
		i.t.Fatal(err)
	}
	return v
}

// zipped is what the viewer's export holds as it is fetched.
func (i *installation) zipped(v viewer.Viewer) []byte {
	i.t.Helper()
	started, err := i.export.Start(i.t.Context(), v)
	if err != nil {
		i.t.Fatal(err)
	}
	for started.Status == models.ExportRunning {
		if err := i.export.Resume(i.t.Context()); err != nil {
			i.t.Fatal(err)
		}
		list, err := i.export.List(i.t.Context(), v)
		if err != nil {
			i.t.Fatal(err)
		}
		started = list[0]
	}
	token, _ := i.export.Token(started)
	file, err := i.export.Open(i.t.Context(), v, token)
	if err != nil {
		i.t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	raw, err := io.ReadAll(file)
	if err != nil {
		i.t.Fatal(err)
	}
	return raw
}

// kept is how many conversations and messages the viewer has.
func (i *installation) kept(v viewer.Viewer) (conversations, messages int) {
	i.t.Helper()
	err := i.db.Pool().QueryRow(i.t.Context(), `SELECT (SELECT count(*) FROM conversations WHERE owner_id = $1), (SELECT count(*) FROM messages WHERE owner_id = $1)`, v.OwnerID).Scan(&conversations, &messages)
	if err != nil {
		i.t.Fatal(err)
	}
	return conversations, messages
}

// refuses wants a file refused with words, and nothing changed.
func (i *installation) refuses(name string, v viewer.Viewer, file []byte, words string) {
	i.t.Helper()
	_, err := i.Import(i.t.Context(), v, bytes.NewReader(file))
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), words) {
		i.t.Errorf("%s: %v, want %q", name, err, words)
	}
	if list, _ := fault.Of(err); len(list) != 1 || restore.Refusals()[list[0].Reason] == "" || strings.ContainsAny(list[0].Message, "{}") {
		i.t.Errorf("%s: %+v has no reason that is known", name, err)
	}
	if conversations, messages := i.kept(v); conversations+messages > 0 {
		i.t.Errorf("%s: %d conversations and %d messages were left", name, conversations, messages)
	}
}

// told are the conversations of an export in a form in which ids don't count: each message
// by what is in it and what it answers.
func told(t *testing.T, raw []byte) []string {
	t.Helper()
	var data struct {
		Tables struct{ Conversations, Messages []map[string]any }
	}
	if err := json.Unmarshal(unzip(t, raw)["data.json"], &data); err != nil {
		t.Fatal(err)
	}
	names := map[any]string{nil: ""}
	for n, c := range data.Tables.Conversations {
		names[c["id"]] = fmt.Sprint("conversation ", n)
	}
	count := map[any]int{}
	for _, m := range data.Tables.Messages {
		count[m["conversation_id"]]++
		names[m["id"]] = fmt.Sprint(names[m["conversation_id"]], " message ", count[m["conversation_id"]])
	}
	var out []string
	for _, row := range append(data.Tables.Conversations, data.Tables.Messages...) {
		for _, column := range []string{"id", "conversation_id", "parent_id", "leaf_id"} {
			if value, has := row[column]; has {
				row[column] = names[value]
			}
		}
		for _, money := range []string{"owner_id", "cost_micro", "last_seq", "retry_after_ms"} {
			delete(row, money)
		}
		text, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(text))
	}
	return out
}

func unzip(t *testing.T, raw []byte) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// zipOf is a ZIP of files.
func zipOf(t *testing.T, files ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for n := 0; n < len(files); n += 2 {
		w, err := z.Create(files[n])
		if err == nil {
			_, err = io.WriteString(w, files[n+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// restored writes conversations directly.
func (i *installation) restored(v viewer.Viewer, conversations []models.RestoredConversation, messages []models.RestoredMessage, leaves map[string]string) {
	i.t.Helper()
	err := i.db.Tx(i.t.Context(), func(tx *gorm.DB) error {
		if err := i.chat.RestoreTx(tx, v, conversations, messages); err != nil {
			return err
		}
		return i.chat.ShowTx(tx, v, leaves)
	})
	if err != nil {
		i.t.Fatal(err)
	}
}
