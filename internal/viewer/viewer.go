// Package viewer says who is asking. A Viewer is an argument of every exported
// service method; a context carries it only from middleware to resolver.
package viewer

import (
	"context"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/seal"
)

// Kind is the sort of principal.
type Kind string

// The kinds of viewers. A Visitor is a browser that has not sent a message yet:
// nothing is stored of it, its first message makes it a guest.
const (
	Visitor Kind = "VISITOR"
	Guest   Kind = "GUEST"
	Account Kind = "ACCOUNT"
	System  Kind = "SYSTEM"
	APIKey  Kind = "API_KEY" // a program that acts for an account
)

// Viewer is a principal and what it may use. The zero value is nobody: services
// refuse it.
type Viewer struct {
	Kind    Kind
	OwnerID string    // empty for visitors
	Key     *seal.Key // the owner's unwrapped data key; nil for visitors
	// Ticket is the SHA-256 of the browser's guest cookie: what a visitor's first
	// message is stored under. Empty when the transport could not set a cookie.
	Ticket []byte
	// SessionID names the session of a guest or an account.
	SessionID string
	// Admin reports whether the account runs this installation.
	Admin bool
	// AuthenticatedAt is when an account last proved who it is; zero for others.
	AuthenticatedAt time.Time
	// KeyID names the key of a program, Scopes what it is good for, as the schema's enum
	// Scope names it, and KeyExpiresAt is its end. KeyCapped says that it may not spend
	// all that the wallet holds. KeyRequestsPerMinute and KeyTokensPerMinute are limits of
	// the key's own, 0 for none.
	KeyID                                    string
	Scopes                                   []string
	KeyExpiresAt                             time.Time
	KeyCapped                                bool
	KeyRequestsPerMinute, KeyTokensPerMinute int64
	// Gate is what the browser's cookies say of somebody of whom nothing is stored;
	// what guests and accounts have confirmed and accepted stands in the database.
	Gate Gate
	// CanSetCookie reports whether the answer to this request can still carry a
	// cookie: what a visitor confirms could not be kept otherwise.
	CanSetCookie bool
	// ForgetPreferences asks for an answer that takes the preferences cookie away.
	ForgetPreferences bool
	// Network is the client's address, for limits that live in memory only: it is
	// never stored and never logged. It is invalid when the transport knows none.
	Network netip.Addr
}

// IsOwner reports whether the viewer has stored data of its own.
func (v Viewer) IsOwner() bool { return v.OwnerID != "" && v.Key != nil }

// HasWallet reports whether what the viewer does costs credits: accounts, and the keys
// that act for them.
func (v Viewer) HasWallet() bool { return v.Kind == Account || v.Kind == APIKey }

// String is the kind and the owner: nothing that opens anything or tells where
// the viewer is.
func (v Viewer) String() string { return string(v.Kind) + " " + v.OwnerID }

// GoString is String.
func (v Viewer) GoString() string { return v.String() }

// LogValue is String.
func (v Viewer) LogValue() slog.Value { return slog.StringValue(v.String()) }

type key struct{}

// holder lets a request go on as somebody else.
type holder struct{ v atomic.Pointer[Viewer] }

// With puts the viewer into the context of one request or socket.
func With(ctx context.Context, v Viewer) context.Context {
	h := new(holder)
	h.v.Store(&v)
	return context.WithValue(ctx, key{}, h)
}

// From is the viewer of the request, the zero Viewer when there is none.
func From(ctx context.Context) Viewer {
	if h, ok := ctx.Value(key{}).(*holder); ok {
		return *h.v.Load()
	}
	return Viewer{}
}

// Become makes the rest of the request the viewer's: a visitor's first message has
// made it a guest.
func Become(ctx context.Context, v Viewer) {
	if h, ok := ctx.Value(key{}).(*holder); ok {
		h.v.Store(&v)
	}
}
