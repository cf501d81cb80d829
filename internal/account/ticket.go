package account

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// TicketTTL is how long a ticket is good for after it was made or renewed.
const TicketTTL = 30 * 24 * time.Hour

// GuestTTL is how long a guest is kept without a sign of life: a message sent or
// received, or a request under its ticket. From that second on it is invisible.
const GuestTTL = 30 * 24 * time.Hour

// A ticket is 32 random bytes, the day it was issued (days since 1970, 4 bytes) and
// an HMAC-SHA256 tag over both. Only the random bytes name the guest, so renewing
// changes the day and nothing else.
const (
	secretSize = 32
	signedSize = secretSize + 4
	ticketSize = signedSize + sha256.Size
	day        = 24 * time.Hour
)

// encoding refuses spare bits, so that no two texts are the same ticket.
var encoding = base64.RawURLEncoding.Strict()

type tickets struct {
	key   []byte
	clock clock.Clock
}

func newTickets(secret []byte, c clock.Clock) tickets {
	return tickets{key: seal.Derive(secret, "guest ticket v1"), clock: c}
}

func (t tickets) today() int64 { return t.clock.Now().Unix() / int64(day/time.Second) }

// sign completes a ticket whose first bytes are its secret.
func (t tickets) sign(raw []byte) string {
	binary.BigEndian.PutUint32(raw[secretSize:signedSize], uint32(t.today()))
	return encoding.EncodeToString(append(raw[:signedSize], t.tag(raw[:signedSize])...))
}

func (t tickets) tag(signed []byte) []byte {
	mac := hmac.New(sha256.New, t.key)
	mac.Write(signed)
	return mac.Sum(nil)
}

// open returns the bytes of a ticket that we signed and its age in days; ok is
// false for anything else. A ticket from tomorrow is one of an instance whose clock
// is ahead.
func (t tickets) open(cookie string) (raw []byte, age int64, ok bool) {
	if len(cookie) != encoding.EncodedLen(ticketSize) {
		return nil, 0, false
	}
	raw, err := encoding.DecodeString(cookie)
	if err != nil || !hmac.Equal(raw[signedSize:], t.tag(raw[:signedSize])) {
		return nil, 0, false
	}
	age = t.today() - int64(binary.BigEndian.Uint32(raw[secretSize:signedSize]))
	return raw, age, age >= -1 && age <= int64(TicketTTL/day)
}

// hashOf is what a ticket is stored under.
func hashOf(raw []byte) [sha256.Size]byte { return sha256.Sum256(raw[:secretSize]) }

// NewTicket makes the value of a fresh guest cookie. Nothing is stored.
func (s *Service) NewTicket() string {
	raw := make([]byte, signedSize, ticketSize)
	_, _ = rand.Read(raw[:secretSize]) // never fails, it ends the process instead
	return s.tickets.sign(raw)
}

// Renew returns the same ticket dated today; due is false when it is of today
// already or no ticket of ours.
func (s *Service) Renew(cookie string) (fresh string, due bool) {
	raw, age, ok := s.tickets.open(cookie)
	if !ok || age <= 0 {
		return "", false
	}
	return s.tickets.sign(raw), true
}

// Visitor is the viewer that a ticket stands for as long as it is not known
// whether a guest is stored under it: the zero Viewer when the ticket is empty,
// forged or too old. It asks nothing of the database.
func (s *Service) Visitor(cookie string) viewer.Viewer {
	raw, _, ok := s.tickets.open(cookie)
	if !ok {
		return viewer.Viewer{}
	}
	hash := hashOf(raw)
	return viewer.Viewer{Kind: viewer.Visitor, Ticket: hash[:]}
}
