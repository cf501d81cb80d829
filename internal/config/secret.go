package config

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unicode"
)

// SecretSize is the length of the key that encrypts the owners' keys, in bytes.
const SecretSize = 32

// ErrSecretMissing says that a database is there but not the key that opens it:
// a new key would make everything stored unreadable, so none is made.
var ErrSecretMissing = errors.New("the key that opens this data is missing")

// Secret is the key that encrypts the owners' keys, SecretSize bytes long. It
// comes from SECRET_KEY, SECRET_KEY_FILE or DATA_DIR/secret.key. The last is made
// once, readable by its owner only, when the server is only for this machine and
// nothing is stored yet; call Secret before opening the database. It refuses that
// file when others may read it, another one when they may change it, and with
// ErrSecretMissing to make a second key.
func (c Config) Secret() ([]byte, error) {
	if c.SecretKey != "" {
		return decodeSecret(c.SecretKey)
	}
	if c.SecretKeyFile != "" {
		return readSecret(c.SecretKeyFile, othersWrite)
	}
	path := c.secretPath()
	key, err := readSecret(path, othersRead)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if !c.Loopback() {
		return nil, errors.New("SECRET_KEY " + secretNeeded)
	}
	if entries, err := os.ReadDir(filepath.Join(c.DataDir, "postgres")); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%w: put %s back, or set SECRET_KEY; without it the conversations in %s cannot be read", ErrSecretMissing, path, c.DataDir)
	}
	return makeSecret(path)
}

// Previous are the keys before Secret, from SECRET_KEY_PREVIOUS or
// SECRET_KEY_PREVIOUS_FILE; none outside of an exchange of keys. It refuses a file that
// others may change.
func (c Config) Previous() ([][]byte, error) {
	switch {
	case c.SecretKeyPrevious != "":
		return decodeSecrets(c.SecretKeyPrevious)
	case c.SecretKeyPreviousFile != "":
		text, err := readKeyFile(c.SecretKeyPreviousFile, othersWrite)
		if err != nil {
			return nil, err
		}
		keys, err := decodeSecrets(text)
		if err != nil {
			return nil, fmt.Errorf("the key file %s %w", c.SecretKeyPreviousFile, err)
		}
		return keys, nil
	}
	return nil, nil
}

const secretNeeded = "is needed when PUBLIC_URL is not on this machine: make one with `openssl rand -base64 32` and keep a copy in a safe place"

func (c Config) secretPath() string { return filepath.Join(c.DataDir, "secret.key") }

// checkSecret finds what is wrong with the key's settings without making a key.
func (c Config) checkSecret(add func(name, format string, args ...any)) {
	c.checkPrevious(add)
	switch {
	case c.SecretKey != "" && c.SecretKeyFile != "":
		add("SECRET_KEY_FILE", "and SECRET_KEY are both set: keep one of them")
	case c.SecretKey != "":
		if _, err := decodeSecret(c.SecretKey); err != nil {
			add("SECRET_KEY", "%v", err)
		}
	case c.SecretKeyFile != "":
		if _, err := readSecret(c.SecretKeyFile, othersWrite); err != nil {
			add("SECRET_KEY_FILE", "%v", err)
		}
	case c.PublicURL != "" && !c.Loopback():
		if _, err := readSecret(c.secretPath(), othersRead); errors.Is(err, fs.ErrNotExist) {
			add("SECRET_KEY", secretNeeded)
		}
	}
}

// checkPrevious finds what is wrong with the settings of the keys before.
func (c Config) checkPrevious(add func(name, format string, args ...any)) {
	name := "SECRET_KEY_PREVIOUS"
	switch {
	case c.SecretKeyPrevious != "" && c.SecretKeyPreviousFile != "":
		add("SECRET_KEY_PREVIOUS_FILE", "and SECRET_KEY_PREVIOUS are both set: keep one of them")
		return
	case c.SecretKeyPreviousFile != "":
		name = "SECRET_KEY_PREVIOUS_FILE"
	}
	if _, err := c.Previous(); err != nil {
		add(name, "%v", err)
	}
}

// decodeSecrets reads keys that are separated by commas or white space.
func decodeSecrets(text string) (keys [][]byte, err error) {
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		key, err := decodeSecret(part)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("holds no key")
	}
	return keys, nil
}

// decodeSecret reads base64 in either alphabet, padded or not. Its error never
// repeats the text.
func decodeSecret(text string) ([]byte, error) {
	text = strings.TrimRight(strings.TrimSpace(text), "=")
	text = strings.NewReplacer("-", "+", "_", "/").Replace(text)
	key, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(key) != SecretSize {
		return nil, fmt.Errorf("must be %d bytes in base64, for example from `openssl rand -base64 32`", SecretSize)
	}
	return key, nil
}

// What others may not do with a key file: with one that we made not even read it. How one is
// mounted into a container is not up to whoever starts it: Docker and Kubernetes let all read.
const (
	othersRead  fs.FileMode = 0o077
	othersWrite fs.FileMode = 0o022
)

// readSecret reads a key file, if its mode has none of the bits that are refused.
func readSecret(path string, refused fs.FileMode) ([]byte, error) {
	text, err := readKeyFile(path, refused)
	if err != nil {
		return nil, err
	}
	key, err := decodeSecret(text)
	if err != nil {
		return nil, fmt.Errorf("the key file %s %w", path, err)
	}
	return key, nil
}

// readKeyFile reads a file, if its mode has none of the bits that are refused.
func readKeyFile(path string, refused fs.FileMode) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("look at key file: %w", err)
	}
	if info.Mode().Perm()&refused != 0 && runtime.GOOS != "windows" {
		return "", fmt.Errorf("the key file %s can be read or changed by others: chmod 600 %s", path, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read key file: %w", err)
	}
	return string(text), nil
}

// makeSecret writes a fresh key so that the file is there whole or not at all.
// When another process was faster, its key is returned.
func makeSecret(path string) ([]byte, error) {
	dir := filepath.Dir(path)
	// Others may pass through, as the database's own user must, but not list.
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	key := make([]byte, SecretSize)
	rand.Read(key)
	temp, err := writeTemp(dir, base64.StdEncoding.EncodeToString(key)+"\n")
	if err != nil {
		return nil, fmt.Errorf("write new key: %w", err)
	}
	err = os.Link(temp, path)
	if rmErr := os.Remove(temp); rmErr != nil && err == nil {
		err = rmErr
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("keep new key: %w", err)
	}
	if err := syncDir(dir); err != nil {
		return nil, fmt.Errorf("keep new key: %w", err)
	}
	return readSecret(path, othersRead)
}

// writeTemp writes text to a new file in dir (mode 0600) and onto the disk.
func writeTemp(dir, text string) (path string, err error) {
	f, err := os.CreateTemp(dir, ".secret-*")
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), err
}

// syncDir makes a new name in dir survive a power cut.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// executableSuffix is what the names of programs end in on this system.
func executableSuffix() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}
