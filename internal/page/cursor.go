package page

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strings"
	"sync"

	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// A cursor is version, tag and position, in base64. The tag is a part of the HMAC-SHA-256
// of list, owner and position: 96 bits can't be guessed.
const (
	version     = 2
	tagLen      = 12
	headLen     = 1 + tagLen
	longest     = 400 // characters of a cursor
	unsigned    = "c1:"
	keyPurpose  = "page cursor v1"
	foreignText = "this cursor is not one of this list: pass pageInfo.endCursor unchanged, or leave it out for the first page"
	oldText     = "this cursor was made by an earlier version: leave it out for the first page"
)

// Signer signs the cursors of an installation, on all of its instances.
type Signer struct{ macs sync.Pool }

// NewSigner makes a Signer of a secret of the installation of at least 32 bytes; with
// another secret no cursor is good any more.
func NewSigner(secret []byte) *Signer {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(keyPurpose))
	key := m.Sum(nil)
	return &Signer{macs: sync.Pool{New: func() any { return &mac{hash: hmac.New(sha256.New, key)} }}}
}

// mac is a hash that is used again, with room for what it gives.
type mac struct {
	hash    hash.Hash
	sum     [sha256.Size]byte
	in, out []byte
}

// List makes and checks the cursors of one list of one owner.
type List struct {
	signer *Signer
	bound  string
}

// List is the list of that name, with its parent's id where there are several, as its
// owner sees it.
func (s *Signer) List(ownerID string, name ...string) List {
	return List{s, strings.Join(name, "\x00") + "\x00\x00" + ownerID + "\x00\x00"}
}

// Cursor makes the opaque form of a position.
func (l List) Cursor(position string) string {
	m := l.signer.macs.Get().(*mac)
	defer l.signer.macs.Put(m)
	m.out = append(append(append(m.out[:0], version), m.tag(l.bound, position)...), position...)
	return base64.RawURLEncoding.EncodeToString(m.out)
}

// position is the reverse of Cursor. It refuses what Cursor didn't make.
func (l List) position(cursor string) (string, error) {
	if len(cursor) > longest {
		return "", fault.On("after", fault.Invalid, foreignText)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	switch {
	case err == nil && strings.HasPrefix(string(b), unsigned):
		return "", fault.On("after", fault.Invalid, oldText)
	case err != nil || strings.ContainsAny(cursor, "\r\n") || len(b) <= headLen || b[0] != version:
		return "", fault.On("after", fault.Invalid, foreignText)
	}
	m := l.signer.macs.Get().(*mac)
	defer l.signer.macs.Put(m)
	position := string(b[headLen:])
	if !hmac.Equal(m.tag(l.bound, position), b[1:headLen]) {
		return "", fault.On("after", fault.Invalid, foreignText)
	}
	return position, nil
}

// tag is good until the next call.
func (m *mac) tag(bound, position string) []byte {
	m.hash.Reset()
	m.in = append(append(m.in[:0], bound...), position...)
	_, _ = m.hash.Write(m.in) // hashes don't fail
	return m.hash.Sum(m.sum[:0])[:tagLen]
}
