package signin

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// purposePending is a sign-in that the provider has answered and that waits for the
// person's age and policy.
const purposePending Purpose = "PENDING"

// Bounds of what is kept in the browser: browsers take cookies up to 4,096 bytes.
const (
	maxPending     = 3800
	maxPendingName = 200 // characters
)

// pendingProof is a proof as the browser carries it, sealed.
type pendingProof struct {
	State    string `json:"s"`
	Subject  string `json:"i"`
	Name     string `json:"n,omitempty"`
	Email    string `json:"e"`
	Verified bool   `json:"v,omitempty"`
	At       int64  `json:"t,omitempty"` // in seconds since 1970
}

// Pend lets a sign-in wait for up to TTL: of somebody who may turn out to be too young
// nothing is stored. What the provider said becomes the value of a cookie, sealed, that
// opens here alone, in this browser and once; the database keeps hashes and where to go
// on. An empty value means that it doesn't fit: the provider has to be asked again.
func (s *Service) Pend(ctx context.Context, done Done, browser string) (cookie string, err error) {
	state, p := newSecret(), done.Proof
	if name := []rune(p.Name); len(name) > maxPendingName {
		p.Name = string(name[:maxPendingName])
	}
	var plain strings.Builder
	e := json.NewEncoder(&plain)
	e.SetEscapeHTML(false)
	if err := e.Encode(pendingProof{State: state, Subject: p.Subject, Name: p.Name, Email: p.Email, Verified: p.Verified, At: seconds(p.At)}); err != nil {
		return "", fmt.Errorf("keep the provider's answer: %w", err)
	}
	cookie = encode(s.sealer.SealString(pendingPlace(p.Provider, browser), plain.String()))
	if len(cookie) > maxPending || !isSecret(browser) {
		return "", nil
	}
	row := models.SignIn{
		StateHash: hashOf(state), BrowserHash: hashOf(browser), Provider: p.Provider, Purpose: string(purposePending),
		Discard: done.Discard, ReturnTo: Path(done.ReturnTo), ExpiresAt: s.clock.Now().Add(TTL),
	}
	if err := s.keep(ctx, row); err != nil {
		return "", err
	}
	return cookie, nil
}

// Resume goes on with what Pend kept in this browser. Whatever comes of it, that is used
// up. It refuses with ReasonState what was not kept here, was used or is of another
// browser or provider, with ReasonExpired what is too old, and with RATE_LIMITED.
func (s *Service) Resume(ctx context.Context, provider models.Provider, cookie, browser string, from viewer.Viewer) (Done, error) {
	if err := s.begins.admit(from.Network); err != nil {
		return Done{}, err
	}
	kept, ok := s.openPending(provider, cookie, browser)
	if !ok {
		return Done{}, refuse(ReasonState)
	}
	row, err := s.take(ctx, kept.State)
	if err != nil {
		return Done{}, err
	}
	if row == nil || Purpose(row.Purpose) != purposePending || !sameBrowser(row, provider, browser) {
		return Done{}, refuse(ReasonState)
	}
	if !s.clock.Now().Before(row.ExpiresAt) {
		return Done{}, refuse(ReasonExpired)
	}
	done := Done{
		Proof:   Proof{Provider: provider, Subject: kept.Subject, Name: kept.Name, Email: kept.Email, Verified: kept.Verified},
		Purpose: PurposeSignIn, ReturnTo: Path(row.ReturnTo), Discard: row.Discard,
	}
	if kept.At != 0 {
		done.Proof.At = time.Unix(kept.At, 0).UTC()
	}
	return done, nil
}

// seconds is a time as seconds since 1970, 0 for none.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// openPending opens a cookie of Pend's.
func (s *Service) openPending(provider models.Provider, cookie, browser string) (kept pendingProof, ok bool) {
	if len(cookie) > maxPending || !isSecret(browser) {
		return kept, false
	}
	sealed, err := encoding.DecodeString(cookie)
	if err != nil {
		return kept, false
	}
	plain, err := s.sealer.Open(pendingPlace(provider, browser), sealed)
	return kept, err == nil && json.Unmarshal(plain, &kept) == nil && isSecret(kept.State)
}

// pendingPlace binds what is kept to the browser and to the provider.
func pendingPlace(p models.Provider, browser string) seal.Place {
	return seal.Place{Table: "sign_ins", Column: "pending", Row: hex.EncodeToString(hashOf(browser)), Owner: string(p)}
}
