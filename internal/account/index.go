package account

import (
	"crypto/rand"
	"crypto/sha256"

	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/models"
)

// indexes makes the keyed hashes by which addresses and provider ids are found. They
// cannot be guessed from the database without the installation's secret.
type indexes struct {
	email, subject []byte
	// Of deletions: tombstones, tickets, and the seed that receipts are signed under.
	tomb, ticket, receipt []byte
}

func newIndexes(secret []byte) indexes {
	return indexes{email: seal.Derive(secret, "e-mail index v1"), subject: seal.Derive(secret, "provider subject index v1"),
		tomb: seal.Derive(secret, "tombstone v1"), ticket: seal.Derive(secret, "deletion ticket v1"), receipt: seal.Derive(secret, "deletion receipt v1")}
}

// ofEmail is the index of an address; empty for no address.
func (i indexes) ofEmail(a address) []byte {
	if a.key == "" {
		return nil
	}
	return seal.Derive(i.email, a.key)
}

// ofSubject is the index of somebody's stable id at a provider.
func (i indexes) ofSubject(p models.Provider, subject string) []byte {
	return seal.Derive(i.subject, string(p)+"\x00"+subject)
}

// newToken makes an opaque secret of 256 bits as text and the hash it is stored under.
func newToken() (token string, hash [sha256.Size]byte) {
	raw := make([]byte, secretSize)
	_, _ = rand.Read(raw) // never fails, it ends the process instead
	return encoding.EncodeToString(raw), sha256.Sum256(raw)
}

// tokenHash is what a token is stored under; ok is false for what is none of ours.
func tokenHash(token string) (hash [sha256.Size]byte, ok bool) {
	if len(token) != encoding.EncodedLen(secretSize) {
		return hash, false
	}
	raw, err := encoding.DecodeString(token)
	if err != nil {
		return hash, false
	}
	return sha256.Sum256(raw), true
}
