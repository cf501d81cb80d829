package export_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/export"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/models"
)

// P111, P112, P4: an export holds what the register calls exported, of every personal
// table, and neither what it does not nor anything of anybody else; its file on the disk
// shows none of it.
func TestAnExportHoldsExactlyWhatTheRegisterSays(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	ada, canaries := h.somebody()
	_, others := h.somebody()
	e := h.made(s, ada)
	if e.Status != models.ExportReady || e.Progress() != 1 || e.Bytes == 0 {
		t.Fatalf("%+v", e)
	}
	files := h.fetched(s, ada, e)
	var data struct {
		Format string
		Schema int
		Tables map[string][]map[string]any
	}
	if err := json.Unmarshal([]byte(files["data.json"]), &data); err != nil || data.Format != export.Format || data.Schema != export.Schema {
		t.Fatal(data.Format, data.Schema, err)
	}
	for _, table := range h.register.Shown() {
		if len(data.Tables[table.Name]) == 0 {
			t.Errorf("nothing of %s", table.Name)
		}
		for _, c := range table.Columns {
			canary := canaries.Of(table.Name, c.Name)
			if !canary.Unique || c.Store == register.Hashed && c.Exported() {
				continue
			}
			text := strings.TrimPrefix(strings.Trim(canary.Text, "{}"), `\x`)
			if text = strings.Replace(text, " ", "T", 1); strings.Contains(text, "canary_") {
				text = text[strings.Index(text, "canary_"):][:len("canary_0000000")]
			}
			text = strings.TrimSuffix(text, "+00")
			in, found := contains(files, text)
			if found != c.Exported() {
				t.Errorf("%s.%s: %q is in the export: %v (%s)", table.Name, c.Name, text, found, in)
			}
		}
	}
	for _, c := range others {
		if in, found := contains(files, c.Text); found && c.Unique {
			t.Errorf("%s.%s: %q is somebody else's and in %s", c.Table, c.Column, c.Text, in)
		}
	}
	raw, err := os.ReadFile(filepath.Join(h.dir, h.lying()[0]))
	if err != nil || strings.Contains(string(raw), "canary") || strings.Contains(string(raw), "data.json") {
		t.Errorf("the file on the disk can be read (%v)", err)
	}
}

// P111: the manifest names every other file with its hash and every table with its number
// of rows; a changed one, or another installation's, does not verify.
func TestTheManifestTellsWhatIsInTheArchive(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	ada, _ := h.somebody()
	files := h.fetched(s, ada, h.made(s, ada))
	m, err := s.CheckManifest([]byte(files["manifest.json"]))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range m.Files {
		sum := sha256.Sum256([]byte(files[f.Name]))
		if hex.EncodeToString(sum[:]) != f.SHA256 || int64(len(files[f.Name])) != f.Bytes {
			t.Errorf("%s is not what the manifest says", f.Name)
		}
	}
	if len(m.Files) != len(files)-1 {
		t.Errorf("%d files in the manifest, %d in the archive", len(m.Files), len(files))
	}
	var data struct{ Tables map[string][]json.RawMessage }
	if err := json.Unmarshal([]byte(files["data.json"]), &data); err != nil {
		t.Fatal(err)
	}
	for _, table := range h.register.Shown() {
		if n, has := m.Rows[table.Name]; !has || n != int64(len(data.Tables[table.Name])) {
			t.Errorf("%s: %d rows in the manifest, %d in data.json", table.Name, n, len(data.Tables[table.Name]))
		}
	}
	for text, want := range map[string]error{
		strings.Replace(files["manifest.json"], `"software": "1"`, `"software": "2"`, 1): export.ErrManifestTampered,
		strings.Replace(files["manifest.json"], `"publicKey": "`, `"publicKey": "A`, 1):  export.ErrManifestElse,
		"{}": export.ErrNoManifest,
	} {
		if _, err := s.CheckManifest([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

// P111: a whole archive is checked without a database: one whose files are not those of its
// manifest is refused, and so is what is none.
func TestAnArchiveIsCheckedAsAWhole(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	ada, _ := h.somebody()
	raw := h.archived(s, ada, h.made(s, ada))
	secret := bytes.Repeat([]byte{9}, 32)
	check := func(secret, raw []byte) error {
		_, err := export.Check(secret, bytes.NewReader(raw), int64(len(raw)))
		return err
	}
	if err := check(secret, raw); err != nil {
		t.Error(err)
	}
	for want, err := range map[error]error{
		export.ErrManifestElse: check(bytes.Repeat([]byte{8}, 32), raw),
		export.ErrNoManifest:   check(secret, raw[:len(raw)-1]),
		export.ErrChanged:      check(secret, rezip(t, unzip(t, raw), "data.json", "{}")),
	} {
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	if err := check(secret, rezip(t, unzip(t, raw), "another.txt", "x")); !errors.Is(err, export.ErrChanged) {
		t.Error(err)
	}
}

// rezip packs files again, one of them changed or added.
func rezip(t *testing.T, files map[string]string, name, content string) []byte {
	t.Helper()
	files[name] = content
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, content := range files {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(content))
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

// P111: conversations can be read without a program: a page that leads to a file for each,
// in which branches say what they answer; the page runs nothing.
func TestConversationsCanBeReadWithoutAProgram(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	ada, canaries := h.somebody()
	h.execute(`UPDATE conversations SET leaf_id = NULL WHERE owner_id = $1`, ada.OwnerID)
	conversation := canaries.Of("messages", "conversation_id").Text
	h.execute(`INSERT INTO messages (owner_id, id, conversation_id, parent_id, role, status, model_id, created_at)
		VALUES ($1, 'msg_ffffffffffffffffffffffffffffffff', $2, $3, 'ASSISTANT', 'STOPPED', 'other-model', now())`, ada.OwnerID, conversation, canaries.Of("messages", "parent_id").Text)
	files := h.fetched(s, ada, h.made(s, ada))
	title, text := canaries.Of("conversations", "title_sealed").Text, canaries.Of("messages", "text_sealed").Text
	name := "conversations/00001-" + strings.Replace(title, "_", "-", 1) + ".md"
	for _, want := range []string{"# " + title, text, canaries.Of("messages", "reasoning_sealed").Text, "## 3. Reply of other-model", "*answers 1, version 2*", "*stopped*"} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%q is not in %s:\n%s", want, name, files[name])
		}
	}
	page := files["index.html"]
	for _, want := range []string{name, title, canaries.Of("accounts", "email_sealed").Text, "3 messages, 1 more versions"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	if strings.Contains(page, "<script") || strings.Contains(page, "http://") || strings.Contains(page, "https://") {
		t.Error("the page runs or loads something")
	}
}

// T35: what an operator did shows in the export of whom it concerns, but not from which device.
func TestAnOperatorsSessionIsNobodyElses(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	ada, _ := h.somebody()
	h.execute(`INSERT INTO audit_entries (id, at, act, actor_kind, key_id, session_id, subject, facts, mac)
		SELECT 'aud_opened', now(), 'OPENING_APPROVED', 'OPERATOR', '', 'ses_of_the_operator', subject, '{}', sha256('') FROM audit_subjects WHERE owner_id = $1`, ada.OwnerID)
	files := h.fetched(s, ada, h.made(s, ada))
	if data := files["data.json"]; !strings.Contains(data, "aud_opened") || strings.Contains(data, "ses_of_the_operator") {
		t.Error("the export tells of the opening and of nobody's session: ", strings.Contains(data, "aud_opened"))
	}
}
