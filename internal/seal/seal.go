// Package seal encrypts personal text before it reaches the database.
//
// Every owner has a data key of its own (AES-256-GCM). The data key lies in the
// owner's row, wrapped by the key-encryption key of the installation, which never
// lies in the database. Destroying the row's wrapped key makes all that the owner
// ever wrote unreadable, in backups too. While the key-encryption key is exchanged for
// another there are two or more: each wrapped key opens under one of them.
//
// The additional data of each value names table, column, row and owner, so a sealed
// value that is moved to another place does not open.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
)

// KeySize is the length of data keys and of the key-encryption key in bytes.
const KeySize = 32

// Version leads every sealed value, so that the format can change.
const Version = 1

// Overhead is how many bytes a sealed value has more than what it opens to.
const Overhead = 1 + 12 + 16

// Errors of this package.
var (
	// ErrOpen means that a value was not sealed under this key for this place.
	ErrOpen = errors.New("sealed value does not open: wrong key, wrong place or damaged")
	// ErrKeySize means that a key has not KeySize bytes.
	ErrKeySize = fmt.Errorf("a key must have exactly %d bytes", KeySize)
)

// Place is where a sealed value lives; it is bound to the value.
type Place struct {
	Table, Column, Row, Owner string
}

// aad is the unambiguous form of the place: each part led by its length.
func (p Place) aad() []byte {
	return p.appendAAD(make([]byte, 0, 4+len(p.Table)+len(p.Column)+len(p.Row)+len(p.Owner)+4))
}

func (p Place) appendAAD(b []byte) []byte {
	for _, s := range [...]string{p.Table, p.Column, p.Row, p.Owner} {
		b = append(b, byte(len(s)>>8), byte(len(s)))
		b = append(b, s...)
	}
	return b
}

// Key seals and opens the values of one owner. It is safe for concurrent use and
// never prints itself.
type Key struct{ aead cipher.AEAD }

// String hides the key.
func (*Key) String() string { return "[key]" }

// GoString hides the key.
func (*Key) GoString() string { return "[key]" }

func newKey(raw []byte) (*Key, error) {
	if len(raw) != KeySize {
		return nil, ErrKeySize
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return &Key{aead: aead}, nil
}

// Seal returns the sealed form of plain for the place: a version byte, a random
// nonce of 12 bytes, the ciphertext and a tag of 16 bytes.
func (k *Key) Seal(p Place, plain []byte) []byte {
	n := k.aead.NonceSize()
	out := make([]byte, 1+n, 1+n+len(plain)+k.aead.Overhead())
	out[0] = Version
	if _, err := rand.Read(out[1:]); err != nil {
		panic("the system has no randomness: " + err.Error()) // crypto/rand never fails on supported systems
	}
	return k.aead.Seal(out, out[1:], plain, p.aad())
}

// SealString is Seal for text.
func (k *Key) SealString(p Place, plain string) []byte { return k.Seal(p, []byte(plain)) }

// Open is the reverse of Seal. An empty value (NULL in the database) opens as
// nothing. It refuses with ErrOpen.
func (k *Key) Open(p Place, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	return k.open(nil, p, p.aad(), sealed)
}

// open appends to dst.
func (k *Key) open(dst []byte, p Place, aad, sealed []byte) ([]byte, error) {
	n := k.aead.NonceSize()
	if len(sealed) < 1+n+k.aead.Overhead() || sealed[0] != Version {
		return nil, fmt.Errorf("%s.%s: %w", p.Table, p.Column, ErrOpen)
	}
	plain, err := k.aead.Open(dst, sealed[1:1+n], sealed[1+n:], aad)
	if err != nil {
		return nil, fmt.Errorf("%s.%s: %w", p.Table, p.Column, ErrOpen)
	}
	return plain, nil
}

// room is where OpenString works: lists open two values a row.
type room struct{ aad, plain []byte }

// maxRoom is the most plain text that a room keeps its memory for.
const maxRoom = 16 << 10

var rooms = sync.Pool{New: func() any { return new(room) }}

// OpenString is Open for text.
func (k *Key) OpenString(p Place, sealed []byte) (string, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	r := rooms.Get().(*room)
	defer rooms.Put(r)
	r.aad = p.appendAAD(r.aad[:0])
	plain, err := k.open(r.plain[:0], p, r.aad, sealed)
	s := string(plain)
	clear(plain) // of an owner nothing stays behind
	if cap(plain) <= maxRoom {
		r.plain = plain
	}
	return s, err
}

// KeyOf makes a key of KeySize bytes that is no owner's, for what the program itself
// keeps sealed.
func KeyOf(raw []byte) (*Key, error) { return newKey(raw) }
