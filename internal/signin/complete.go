package signin

import (
	"context"
	"crypto/subtle"
	"net/url"

	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// maxCode bounds the codes of providers.
const maxCode = 4 << 10

// Callback is a browser that comes back from a provider.
type Callback struct {
	Provider models.Provider // whose address it came back to
	Query    url.Values
	Browser  string // the secret of its cookie
	From     viewer.Viewer
}

// Done is a proof and what it was wanted for.
type Done struct {
	Proof    Proof
	Purpose  Purpose
	ReturnTo string // a page of the app
	Discard  bool
}

// Complete exchanges the provider's answer for a proof. Every refusal is a *Refused;
// whatever comes of it, the state is used up. When a sign-in was begun, Done's
// Purpose and ReturnTo are set even if it is refused afterwards.
func (s *Service) Complete(ctx context.Context, c Callback) (Done, error) {
	from := s.sources[c.Provider]
	if from == nil {
		return Done{}, refuse(ReasonUnknown)
	}
	state, ok := single(c.Query, "state")
	if !ok || !isSecret(state) {
		return Done{}, s.stray(c)
	}
	row, err := s.take(ctx, state)
	if err != nil {
		return Done{}, err
	}
	if row == nil || !belongs(row, c) {
		return Done{}, s.stray(c)
	}
	done := Done{Purpose: Purpose(row.Purpose), ReturnTo: Path(row.ReturnTo), Discard: row.Discard}
	if err := s.returns.admit(c.From.Network); err != nil {
		return done, err
	}
	if !s.clock.Now().Before(row.ExpiresAt) {
		return done, refuse(ReasonExpired)
	}
	f := s.flow(ctx, state)
	if done.Purpose == PurposeConfirm {
		f.since = row.ExpiresAt.Add(-TTL)
	}
	done.Proof, err = s.exchange(f, from, c)
	return done, err
}

// stray refuses who comes back to nothing that was begun in this browser. Such are counted
// apart: any page can make a browser come here, and must not use up its network's sign-ins.
func (s *Service) stray(c Callback) error {
	if err := s.strays.admit(c.From.Network); err != nil {
		return err
	}
	return refuse(ReasonState)
}

// exchange reads the provider's answer and asks it for the proof.
func (s *Service) exchange(f *flow, from source, c Callback) (Proof, error) {
	if err := from.mixedUp(f, c.Query); err != nil {
		return Proof{}, s.upstream(f.ctx, c.Provider, err)
	}
	if problem := c.Query.Get("error"); problem == "access_denied" {
		return Proof{}, refuse(ReasonDenied)
	} else if problem != "" {
		return Proof{}, s.upstream(f.ctx, c.Provider, failed("answer", "an error instead of a code"))
	}
	code, ok := single(c.Query, "code")
	if !ok || code == "" || len(code) > maxCode {
		return Proof{}, s.upstream(f.ctx, c.Provider, failed("answer", "no code"))
	}
	proof, err := from.proof(f, code)
	if err != nil {
		return Proof{}, s.upstream(f.ctx, c.Provider, err)
	}
	proof.Provider = c.Provider
	return proof, nil
}

// belongs reports whether a waiting sign-in is the one that comes back: at the same
// provider, in the same browser and, for a link or a confirmation, in the same session.
func belongs(row *models.SignIn, c Callback) bool {
	if !sameBrowser(row, c.Provider, c.Browser) {
		return false
	}
	switch Purpose(row.Purpose) {
	case PurposeSignIn:
		return true
	case purposePending: // no provider was asked under this state
		return false
	case PurposeLink, PurposeConfirm:
	}
	return c.From.Kind == viewer.Account && row.OwnerID != nil && row.SessionID != nil &&
		*row.OwnerID == c.From.OwnerID && *row.SessionID == c.From.SessionID
}

// sameBrowser reports whether a waiting sign-in is of the provider and the browser.
func sameBrowser(row *models.SignIn, p models.Provider, browser string) bool {
	return row.Provider == p && isSecret(browser) && subtle.ConstantTimeCompare(row.BrowserHash, hashOf(browser)) == 1
}

// single is a parameter that is given at most once.
func single(q url.Values, name string) (string, bool) {
	if len(q[name]) > 1 {
		return "", false
	}
	return q.Get(name), true
}
