package export_test

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/export"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/register/registertest"
	"github.com/kimi-k2/kimi-k2/internal/register/rows"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
	"github.com/kimi-k2/kimi-k2/policy"
)

// house is a database and a folder that instances share.
type house struct {
	t        *testing.T
	url, dir string
	keeper   *seal.Keeper
	register *register.Register
	db       *database.DB
	accounts *account.Service

	mu  sync.Mutex
	now time.Time
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, url: dbtest.URL(t), dir: filepath.Join(t.TempDir(), "exports"), now: clock.System{}.Now()}
	var err error
	if h.keeper, err = seal.NewKeeper(bytes.Repeat([]byte{7}, seal.KeySize)); err != nil {
		t.Fatal(err)
	}
	if h.register, err = register.Load(policy.Files()); err != nil {
		t.Fatal(err)
	}
	h.db = dbtest.Open(t, h.url)
	h.accounts = account.New(account.Config{DB: h.db, Audit: audittest.New(h.db), Keeper: h.keeper, Clock: clock.System{}, CookieKey: bytes.Repeat([]byte{8}, 32)})
	return h
}

// Now is the house's time.
func (h *house) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// open is another instance.
func (h *house) open() *export.Service {
	h.t.Helper()
	s, err := export.New(export.Config{DB: h.db, Audit: audittest.New(h.db), Rows: rows.Reader{DB: h.db, Register: h.register}, Owners: h.accounts,
		Clock: clock.Func(h.Now), Secret: bytes.Repeat([]byte{9}, 32), Dir: h.dir, Name: "Test", Version: "1"})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(s.Close)
	return s
}

// somebody has a row in every table.
func (h *house) somebody() (viewer.Viewer, registertest.Canaries) {
	h.t.Helper()
	owner := registertest.NewOwner(h.t, h.keeper, id.New(id.Owner))
	canaries := registertest.Fill(h.t, h.db, h.register, owner)
	return viewer.Viewer{Kind: viewer.Account, OwnerID: owner.ID, Key: owner.Key}, canaries
}

// made is an export that is ready.
func (h *house) made(s *export.Service, v viewer.Viewer) *models.Export {
	h.t.Helper()
	started, err := s.Start(h.t.Context(), v)
	if err != nil {
		h.t.Fatal(err)
	}
	s.Idle()
	return h.find(s, v, started.ID)
}

func (h *house) find(s *export.Service, v viewer.Viewer, exportID string) *models.Export {
	h.t.Helper()
	list, err := s.List(h.t.Context(), v)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, e := range list {
		if e.ID == exportID {
			return e
		}
	}
	h.t.Fatalf("the export %s is not in the list", exportID)
	return nil
}

// fetched are the files of an export.
func (h *house) fetched(s *export.Service, v viewer.Viewer, e *models.Export) map[string]string {
	h.t.Helper()
	return unzip(h.t, h.archived(s, v, e))
}

// archived is the archive of an export.
func (h *house) archived(s *export.Service, v viewer.Viewer, e *models.Export) []byte {
	h.t.Helper()
	token, _ := s.Token(e)
	file, err := s.Open(h.t.Context(), v, token)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	raw, err := io.ReadAll(file)
	if err != nil || int64(len(raw)) != file.Size {
		h.t.Fatalf("%d of %d bytes: %v", len(raw), file.Size, err)
	}
	return raw
}

func unzip(t *testing.T, raw []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(text)
	}
	return files
}

// lying are the names of the files in the folder.
func (h *house) lying() (names []string) {
	h.t.Helper()
	entries, err := os.ReadDir(h.dir)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// leaves is half a file, as kill -9 leaves it.
func (h *house) leaves(name string) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, name), []byte("half"), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) execute(sql string, args ...any) {
	h.t.Helper()
	if _, err := h.db.Pool().Exec(context.WithoutCancel(h.t.Context()), sql, args...); err != nil {
		h.t.Fatal(err)
	}
}

func refused(t *testing.T, err error, code fault.Code) {
	t.Helper()
	if !fault.Is(err, code) {
		t.Errorf("not refused with %s: %v", code, err)
	}
}

func contains(files map[string]string, text string) (in string, found bool) {
	for name, content := range files {
		if strings.Contains(content, text) {
			return name, true
		}
	}
	return "", false
}
