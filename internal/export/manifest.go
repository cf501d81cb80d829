package export

import (
	"bufio"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// manifestFormat names the layout of manifests, and what their signatures are for.
const manifestFormat = "kimi-k2 export manifest v1"

// manifestPurpose derives the key that signs them.
const manifestPurpose = "export manifest v1"

// manifestName is the manifest's file in the archive.
const manifestName = "manifest.json"

// Manifest says what is in an archive: its JSON as Go writes it, without white space, is
// what is signed.
type Manifest struct {
	Format     string           `json:"format"`
	ID         string           `json:"id"`
	Schema     int              `json:"schema"`
	Register   string           `json:"register"` // the register's version
	Software   string           `json:"software"`
	ExportedAt time.Time        `json:"exportedAt"`
	Files      []manifestFile   `json:"files"`
	Rows       map[string]int64 `json:"rows"` // by table
}

type manifestFile struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// signedManifest is a manifest as it lies in the archive.
type signedManifest struct {
	Manifest  Manifest `json:"manifest"`
	PublicKey string   `json:"publicKey"` // base64
	Signature string   `json:"signature"` // Ed25519, base64
}

// manifest writes it as the last file.
func (w *writer) manifest() error {
	m := Manifest{Format: manifestFormat, ID: w.export.ID, Schema: Schema, Register: w.Rows.Register.Version, Software: w.Version,
		ExportedAt: w.archive.at.UTC(), Files: w.archive.files, Rows: w.counts}
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write a manifest: %w", err)
	}
	public, _ := w.signer.Public().(ed25519.PublicKey)
	text, err := json.MarshalIndent(signedManifest{Manifest: m, PublicKey: base64.StdEncoding.EncodeToString(public),
		Signature: base64.StdEncoding.EncodeToString(ed25519.Sign(w.signer, body))}, "", "  ")
	if err != nil {
		return fmt.Errorf("write a manifest: %w", err)
	}
	return w.archive.add(manifestName, func(out *bufio.Writer) error {
		_, err := out.Write(append(text, '\n'))
		return err //nolint:wrapcheck // wrapped by add's flush
	})
}

// What CheckManifest refuses.
var (
	ErrNoManifest       = errors.New("this is no manifest of an export")
	ErrManifestElse     = errors.New("this export was made by another installation, or under another SECRET_KEY")
	ErrManifestTampered = errors.New("this manifest was changed after it was signed")
)

// CheckManifest reads a manifest and says whether it is one of this installation's,
// unchanged. What the manifest says of the other files is for the caller to compare.
func (s *Service) CheckManifest(text []byte) (Manifest, error) { return checkManifest(s.signer, text) }

func checkManifest(signer ed25519.PrivateKey, text []byte) (Manifest, error) {
	var m signedManifest
	if err := json.Unmarshal(text, &m); err != nil || m.Manifest.Format != manifestFormat {
		return Manifest{}, ErrNoManifest
	}
	public, _ := signer.Public().(ed25519.PublicKey)
	if m.PublicKey != base64.StdEncoding.EncodeToString(public) {
		return m.Manifest, ErrManifestElse
	}
	signature, err := base64.StdEncoding.DecodeString(m.Signature)
	body, unwritten := json.Marshal(m.Manifest)
	if err != nil || unwritten != nil || !ed25519.Verify(public, body, signature) {
		return m.Manifest, ErrManifestTampered
	}
	return m.Manifest, nil
}
