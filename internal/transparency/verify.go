package transparency

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"

	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/models"
)

// What Verify refuses.
var (
	ErrNoReport       = errors.New("this is no transparency report")
	ErrReportElse     = errors.New("this report was signed by another installation, or under another SECRET_KEY")
	ErrReportTampered = errors.New("this report was changed after it was signed")
)

// maxReport bounds what is read as a report, in bytes.
const maxReport = 4 << 20

// Verify says whether a document is a report of the installation with the secret,
// unchanged. It asks nobody.
func Verify(secret, document []byte) (*models.Transparency, error) {
	var d struct {
		Transparency json.RawMessage
		PublicKey    []byte
		Signature    []byte
	}
	r := new(models.Transparency)
	if len(document) > maxReport || json.Unmarshal(document, &d) != nil || json.Unmarshal(d.Transparency, r) != nil || r.Format != Format {
		return nil, ErrNoReport
	}
	public, _ := ed25519.NewKeyFromSeed(seal.Derive(secret, "transparency report v1")).Public().(ed25519.PublicKey)
	if !public.Equal(ed25519.PublicKey(d.PublicKey)) {
		return nil, ErrReportElse
	}
	if !ed25519.Verify(public, d.Transparency, d.Signature) {
		return nil, ErrReportTampered
	}
	r.PublicKey, r.Signature = base64.StdEncoding.EncodeToString(d.PublicKey), base64.StdEncoding.EncodeToString(d.Signature)
	return r, nil
}
