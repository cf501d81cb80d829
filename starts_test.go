package main

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/config"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
)

// startOn builds the product on a database and returns why it could not.
func startOn(t *testing.T, url string, settings ...string) error {
	t.Helper()
	cfg, _, err := config.Load(adminEnvironment(append([]string{"LISTEN_ADDR=127.0.0.1:0", "PUBLIC_URL=", "DATA_DIR=" + t.TempDir(), "DATABASE_URL=" + url, "INFERENCE_URL=http://127.0.0.1:1"}, settings...)...))
	if err != nil {
		t.Fatal(err)
	}
	s, err := build(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err == nil {
		s.shutdown(t.Context())
	}
	return err
}

func versionOf(t *testing.T, db *database.DB) int64 {
	t.Helper()
	at, err := db.SchemaVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Whoever is to be replaced goes on when the new version's start fails: its schema is as it was.
func TestAStartThatFailsLeavesTheSchema(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{6}, 32))
	for _, c := range []struct{ name, setting, says string }{
		{"models", "MODELS_FILE=" + bad, "MODELS_FILE"},
		{"packs", "PACKS_FILE=" + bad, "PACKS_FILE"},
		{"bus", "NATS_URL=nats://someone:wrong@127.0.0.1:1", "NATS_URL"},
		{"key", "SECRET_KEY=" + other, "SECRET_KEY"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			url := dbtest.URL(t)
			db := dbtest.Open(t, url)
			adminAccounts(t, db) // the key is remembered
			newest := versionOf(t, db)
			// What the newest migration made stays: applied once more, it would fail.
			if err := db.Gorm(t.Context()).Exec("DELETE FROM goose_db_version WHERE version_id = ?", newest).Error; err != nil {
				t.Fatal(err)
			}
			if err := startOn(t, url, c.setting); err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "migrat") {
				t.Errorf("the start ends with %v", err)
			}
			if at := versionOf(t, db); at != newest-1 {
				t.Errorf("the schema is at %d, was at %d", at, newest-1)
			}
		})
	}
}

// A newer version's database is refused before anything else is looked at.
func TestANewerDatabaseIsRefusedFirst(t *testing.T) {
	url := dbtest.URL(t)
	db := dbtest.Open(t, url)
	if err := db.Gorm(t.Context()).Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)").Error; err != nil {
		t.Fatal(err)
	}
	if err := startOn(t, url, "SECRET_KEY="+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{6}, 32))); err == nil || !strings.Contains(err.Error(), "schema version 99999") {
		t.Errorf("the start ends with %v", err)
	}
}

// A migration that fails ends the start, and all that was built before it.
func TestAMigrationThatFailsEndsTheStart(t *testing.T) {
	url := dbtest.Empty(t)
	if err := dbtest.Open(t, url).Gorm(t.Context()).Exec("CREATE TABLE owners (id text)").Error; err != nil {
		t.Fatal(err)
	}
	if err := startOn(t, url); err == nil || !strings.Contains(err.Error(), "migrate the database") {
		t.Errorf("the start ends with %v", err)
	}
}
