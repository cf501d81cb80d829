package export

import (
	"archive/zip"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/kimi-k2/kimi-k2/internal/seal"
)

// ErrChanged refuses an archive whose files are not those of its manifest.
var ErrChanged = errors.New("a file in this export was changed, is missing or was added")

// maxManifest bounds what is read as a manifest, in bytes.
const maxManifest = 64 << 20

// Check reads an archive and says whether all of it is as an installation with this secret
// wrote it. It asks nobody, not even a database. It refuses with ErrNoManifest,
// ErrManifestElse, ErrManifestTampered and ErrChanged.
func Check(secret []byte, in io.ReaderAt, size int64) (Manifest, error) {
	z, err := zip.NewReader(in, size)
	if err != nil {
		return Manifest{}, fmt.Errorf("%w: %w", ErrNoManifest, err)
	}
	files := map[string]*zip.File{}
	for _, f := range z.File {
		files[f.Name] = f
	}
	text, err := read(files[manifestName])
	if err != nil {
		return Manifest{}, err
	}
	m, err := checkManifest(ed25519.NewKeyFromSeed(seal.Derive(secret, manifestPurpose)), text)
	if err != nil {
		return m, err
	}
	if len(z.File) != len(m.Files)+1 {
		return m, ErrChanged
	}
	for _, f := range m.Files {
		if sum, n, err := digest(files[f.Name]); err != nil || sum != f.SHA256 || n != f.Bytes {
			return m, fmt.Errorf("%w: %s", ErrChanged, f.Name)
		}
	}
	return m, nil
}

func read(f *zip.File) ([]byte, error) {
	if f == nil {
		return nil, ErrNoManifest
	}
	in, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoManifest, err)
	}
	defer func() { _ = in.Close() }()
	text, err := io.ReadAll(io.LimitReader(in, maxManifest))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoManifest, err)
	}
	return text, nil
}

func digest(f *zip.File) (sum string, n int64, err error) {
	if f == nil {
		return "", 0, ErrChanged
	}
	in, err := f.Open()
	if err != nil {
		return "", 0, fmt.Errorf("open %s: %w", f.Name, err)
	}
	defer func() { _ = in.Close() }()
	h := sha256.New()
	n, err = io.Copy(h, in)
	return hex.EncodeToString(h.Sum(nil)), n, err //nolint:wrapcheck // wrapped by the caller
}
