package main

import (
	"bytes"
	"encoding/base64"
	"io"
	"log/slog"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// everybody may have an account.
type everybody struct{}

func (everybody) AdmitTx(*gorm.DB, viewer.Viewer, viewer.Viewer) error { return nil }

var adminSecret = bytes.Repeat([]byte{5}, 32)

func adminEnvironment(settings ...string) []string {
	return append([]string{"SECRET_KEY=" + base64.StdEncoding.EncodeToString(adminSecret), "PUBLIC_URL=http://localhost:8080", "LOG_LEVEL=error"}, settings...)
}

func adminAccounts(t *testing.T, db *database.DB) *account.Service {
	t.Helper()
	keys, err := account.OpenKeys(t.Context(), db, clock.System{}, adminSecret)
	if err != nil {
		t.Fatal(err)
	}
	s := account.New(account.Config{DB: db, Audit: audit.New(audit.Config{DB: db, Clock: clock.System{}, Secret: keys.Root}), Keeper: keys.Keeper, Clock: clock.System{}, CookieKey: keys.Root, Admission: everybody{}})
	return s
}

// redeem signs in with the link that the command has printed.
func redeem(t *testing.T, s *account.Service, printed string) account.Entry {
	t.Helper()
	link, _, _ := strings.Cut(printed, "\n")
	token, ok := strings.CutPrefix(link, "http://localhost:8080/auth/operator?token=")
	if !ok {
		t.Fatalf("printed %q", printed)
	}
	e, err := s.RedeemOperatorLink(t.Context(), token, viewer.Viewer{}, account.Device{})
	if err != nil || !e.Viewer.Admin {
		t.Fatal(e, err)
	}
	return e
}

// P8: whoever has a terminal on the installation gets in, and lets others in.
func TestAdminCommands(t *testing.T) {
	url := dbtest.URL(t)
	s := adminAccounts(t, dbtest.Open(t, url))
	environ := adminEnvironment("DATABASE_URL="+url, "DATA_DIR="+t.TempDir())
	var out bytes.Buffer
	if err := command(t.Context(), []string{"admin", "sign-in-link"}, environ, &out); err != nil {
		t.Fatal(err)
	}
	redeem(t, s, out.String())
	proof := account.Proof{Provider: models.ProviderGoogle, Subject: "1", Email: "ada@example.com", Verified: true}
	if _, err := s.SignIn(t.Context(), account.SignIn{Proof: proof}); err != nil {
		t.Fatal(err)
	}
	if err := command(t.Context(), []string{"admin", "grant", "Ada@example.com"}, environ, io.Discard); err != nil {
		t.Fatal(err)
	}
	if e, err := s.SignIn(t.Context(), account.SignIn{Proof: proof}); err != nil || !e.Viewer.Admin {
		t.Error(e, err)
	}
	if err := command(t.Context(), []string{"admin", "grant", "nobody@example.com"}, environ, io.Discard); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	for _, args := range [][]string{{"admin"}, {"admin", "x"}, {"admin", "grant"}, {"admin", "sign-in-link", "x"}, {"serve", "x"}} {
		if err := command(t.Context(), args, environ, io.Discard); err == nil || !strings.Contains(err.Error(), "unknown command") || !strings.Contains(err.Error(), "sign-in-link") {
			t.Error(args, err)
		}
	}
	unknown := append(environ, "PUBLIC_URL=", "LISTEN_ADDR=127.0.0.1:0")
	if err := command(t.Context(), []string{"admin", "sign-in-link"}, unknown, io.Discard); err == nil || !strings.Contains(err.Error(), "PUBLIC_URL") {
		t.Error(err)
	}
	wrong := append(environ, "SECRET_KEY="+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{6}, 32)))
	if err := command(t.Context(), []string{"admin", "sign-in-link"}, wrong, io.Discard); err == nil || !strings.Contains(err.Error(), "SECRET_KEY") {
		t.Error(err)
	}
}

// The command works beside a server whose embedded database runs, and leaves it running.
func TestAdminJoinsTheEmbeddedDatabase(t *testing.T) {
	dir := t.TempDir()
	db, err := database.Open(t.Context(), database.Config{DataDir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	environ := adminEnvironment("DATA_DIR=" + dir)
	if err := command(t.Context(), []string{"admin", "sign-in-link"}, environ, io.Discard); err == nil {
		t.Error("a database without tables was used")
	}
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := command(t.Context(), []string{"admin", "sign-in-link"}, environ, &out); err != nil {
		t.Fatal(err)
	}
	redeem(t, adminAccounts(t, db), out.String())
}
