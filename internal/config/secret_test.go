package config_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/config"
)

func load(t *testing.T, environ ...string) config.Config {
	t.Helper()
	c, _, err := config.Load(environ)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheKeyIsMadeOnceAndKept(t *testing.T) {
	c := load(t, "DATA_DIR="+filepath.Join(t.TempDir(), "new", "data"))
	keys := make([][]byte, 8)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			key, err := c.Secret()
			if err != nil {
				t.Error(err)
			}
			keys[i] = key
		})
	}
	wg.Wait()
	for _, key := range keys {
		if len(key) != config.SecretSize || !bytes.Equal(key, keys[0]) {
			t.Fatalf("keys differ: %x and %x", key, keys[0])
		}
	}
	info, err := os.Stat(filepath.Join(c.DataDir, "secret.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if entries, _ := os.ReadDir(c.DataDir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestNoSecondKeyIsMadeForADatabase(t *testing.T) {
	c := load(t, "DATA_DIR="+t.TempDir())
	if err := os.MkdirAll(filepath.Join(c.DataDir, "postgres", "18"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := c.Secret()
	if !errors.Is(err, config.ErrSecretMissing) || !strings.Contains(err.Error(), "secret.key") {
		t.Errorf("error is %v", err)
	}
}

func TestAnEmptyDatabaseFolderIsNoDatabase(t *testing.T) {
	c := load(t, "DATA_DIR="+t.TempDir())
	if err := os.Mkdir(filepath.Join(c.DataDir, "postgres"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Secret(); err != nil {
		t.Error(err)
	}
}

// Docker's and Kubernetes' secrets can be read by all in their container.
func TestAKeyFileThatOthersMayChangeIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(goodKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := load(t, "SECRET_KEY_FILE="+path, "PUBLIC_URL=https://chat.example")
	if key, err := c.Secret(); err != nil || len(key) != config.SecretSize {
		t.Fatalf("key of %d bytes, %v", len(key), err)
	}
	for mode, refused := range map[os.FileMode]bool{0o444: false, 0o440: false, 0o640: false, 0o660: true, 0o606: true} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Secret(); (err != nil) != refused || refused && !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("with mode %o the error is %v", mode, err)
		}
		_, warnings, _ := config.Load([]string{"SECRET_KEY_FILE=" + path, "PUBLIC_URL=https://chat.example"})
		if !refused && !slices.ContainsFunc(warnings, func(w config.Warning) bool { return w.Name == "SECRET_KEY_FILE" }) {
			t.Errorf("mode %o is not warned of", mode)
		}
	}
}

func TestOurOwnKeyFileIsReadByNobodyElse(t *testing.T) {
	c := load(t, "DATA_DIR="+t.TempDir())
	if _, err := c.Secret(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(c.DataDir, "secret.key"), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Secret(); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("the error is %v", err)
	}
}

func TestADamagedKeyIsRefusedNotReplaced(t *testing.T) {
	c := load(t, "DATA_DIR="+t.TempDir())
	path := filepath.Join(c.DataDir, "secret.key")
	if err := os.WriteFile(path, []byte("half a k"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Secret(); err == nil || strings.Contains(err.Error(), "half a k") {
		t.Errorf("error is %v", err)
	}
	if text, _ := os.ReadFile(path); string(text) != "half a k" {
		t.Errorf("the file now holds %q", text)
	}
}

func TestEveryUsualFormOfBase64IsRead(t *testing.T) {
	raw := bytes.Repeat([]byte{0xfb, 0xef, 0xef}, 11)[:config.SecretSize]
	for _, text := range []string{"--_v--_v", "++/v++/v"} {
		full := strings.Repeat(text, 5) + text[:3]
		for _, end := range []string{"", "="} {
			key, err := load(t, "SECRET_KEY="+full+end).Secret()
			if err != nil || !bytes.Equal(key, raw) {
				t.Errorf("%s%s: %x, %v", full, end, key, err)
			}
		}
	}
}

// P80: the keys before are given as text or in a file, several of them.
func TestTheKeysBefore(t *testing.T) {
	other := "BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU="
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(goodKey+"\n"+other+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, setting := range []string{"SECRET_KEY_PREVIOUS=" + goodKey + ", " + other, "SECRET_KEY_PREVIOUS_FILE=" + path} {
		keys, err := load(t, "SECRET_KEY="+other, setting).Previous()
		if err != nil || len(keys) != 2 || len(keys[0]) != config.SecretSize || bytes.Equal(keys[0], keys[1]) {
			t.Errorf("%s: %d keys, %v", setting[:24], len(keys), err)
		}
	}
	if keys, err := load(t).Previous(); err != nil || keys != nil {
		t.Error(keys, err)
	}
	open := filepath.Join(t.TempDir(), "open")
	if err := errors.Join(os.WriteFile(open, []byte(goodKey), 0o600), os.Chmod(open, 0o620)); err != nil { //nolint:gosec // that is the fault
		t.Fatal(err)
	}
	for setting, says := range map[string]string{
		"SECRET_KEY_PREVIOUS=short":                    "SECRET_KEY_PREVIOUS: must be 32 bytes",
		"SECRET_KEY_PREVIOUS=" + goodKey + ",c2hvcnQ=": "SECRET_KEY_PREVIOUS: must be 32 bytes",
		"SECRET_KEY_PREVIOUS=,":                        "SECRET_KEY_PREVIOUS: holds no key",
		"SECRET_KEY_PREVIOUS_FILE=" + open:             "can be read or changed by others",
		"SECRET_KEY_PREVIOUS_FILE=" + path + ".none":   "SECRET_KEY_PREVIOUS_FILE: look at key file",
		"SECRET_KEY_PREVIOUX=" + goodKey:               "did you mean SECRET_KEY_PREVIOUS",
	} {
		_, _, err := config.Load([]string{setting})
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), goodKey) {
			t.Errorf("%q is refused with %v", says, err)
		}
	}
	if _, _, err := config.Load([]string{"SECRET_KEY_PREVIOUS=" + goodKey, "SECRET_KEY_PREVIOUS_FILE=" + path}); err == nil || !strings.Contains(err.Error(), "both set") {
		t.Error(err)
	}
}
