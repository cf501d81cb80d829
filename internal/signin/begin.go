package signin

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/url"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Purpose is what a proof is wanted for.
type Purpose string

// The purposes.
const (
	PurposeSignIn  Purpose = "SIGN_IN"
	PurposeLink    Purpose = "LINK"    // one more way into the viewer's account
	PurposeConfirm Purpose = "CONFIRM" // that the viewer is still who signed in
)

// Begin asks to be sent to a provider.
type Begin struct {
	Provider models.Provider
	Purpose  Purpose
	From     viewer.Viewer
	// ReturnTo is the page to come back to; what Path does not let through is /.
	ReturnTo string
	// Discard wishes what the guest wrote to be deleted instead of kept.
	Discard bool
	// Browser is the secret that the browser has of an earlier sign-in, so that two
	// tabs can sign in side by side; anything else is replaced.
	Browser string
}

// Begun is where to send the browser, and the secret that it must bring back with the
// answer: a cookie for TTL.
type Begun struct{ URL, Browser string }

// Begin remembers a sign-in and returns the provider's address for it. It refuses
// with NOT_FOUND when the provider is not offered, UNAUTHENTICATED when the purpose
// needs an account, RATE_LIMITED, and UPSTREAM_FAILED.
func (s *Service) Begin(ctx context.Context, b Begin) (Begun, error) {
	from := s.sources[b.Provider]
	if from == nil {
		return Begun{}, refuse(ReasonUnknown)
	}
	if b.Purpose != PurposeSignIn && b.From.Kind != viewer.Account {
		return Begun{}, fault.New(fault.Unauthenticated, "sign in first")
	}
	if err := s.begins.admit(b.From.Network); err != nil {
		return Begun{}, err
	}
	state := newSecret()
	address, err := s.address(s.flow(ctx, state), from, b.Purpose, state)
	if err != nil {
		return Begun{}, s.upstream(ctx, b.Provider, err)
	}
	browser := b.Browser
	if !isSecret(browser) {
		browser = newSecret()
	}
	row := models.SignIn{
		StateHash: hashOf(state), BrowserHash: hashOf(browser), Provider: b.Provider, Purpose: string(b.Purpose),
		Discard: b.Discard, ReturnTo: Path(b.ReturnTo), ExpiresAt: s.clock.Now().Add(TTL),
	}
	if b.Purpose != PurposeSignIn {
		row.OwnerID, row.SessionID = &b.From.OwnerID, &b.From.SessionID
	}
	if err := s.keep(ctx, row); err != nil {
		return Begun{}, err
	}
	return Begun{URL: address, Browser: browser}, nil
}

// address is goth's address of the provider, with the verifier's challenge and what
// else the provider needs.
func (s *Service) address(f *flow, from source, p Purpose, state string) (string, error) {
	provider, err := from.provider(f)
	if err != nil {
		return "", err
	}
	session, err := provider.BeginAuth(state)
	if err != nil {
		return "", failed("address", "it cannot be made")
	}
	text, err := session.GetAuthURL()
	if err != nil {
		return "", failed("address", "it cannot be made")
	}
	u, err := url.Parse(text)
	if err != nil {
		return "", failed("address", "it is none")
	}
	q := u.Query()
	challenge := sha256.Sum256([]byte(s.verifier(state)))
	q.Set("code_challenge", encode(challenge[:]))
	q.Set("code_challenge_method", "S256")
	from.ask(q, p, f.nonce)
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// upstream logs once what went wrong at a provider. Errors that are not the
// provider's pass.
func (s *Service) upstream(ctx context.Context, p models.Provider, err error) error {
	if f, ok := err.(*failure); ok { //nolint:errorlint // ours, never wrapped
		s.log.WarnContext(ctx, "a provider failed", "provider", string(p), "stage", f.stage, "cause", f.cause)
		return refuse(ReasonUpstream)
	}
	return fmt.Errorf("ask a provider: %w", err)
}
