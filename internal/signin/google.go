package signin

import (
	"net/url"

	"github.com/markbates/goth"
	"github.com/markbates/goth/providers/google"

	"github.com/kimi-k2/kimi-k2/internal/clock"
)

const (
	googleIssuer = "https://accounts.google.com"
	googleKeys   = "https://www.googleapis.com/oauth2/v3/certs"
)

type googleSource struct {
	client Client
	back   string
	tokens *verifier
}

func newGoogle(c Client, back string, clk clock.Clock) *googleSource {
	return &googleSource{client: c, back: back, tokens: newVerifier(clk)}
}

func (g *googleSource) provider(f *flow) (goth.Provider, error) {
	p := google.New(g.client.ID, g.client.Secret, g.back, "openid", "email", "profile")
	p.HTTPClient = f.client
	return p, nil
}

// ask wishes no refresh token, which goth does.
func (g *googleSource) ask(q url.Values, _ Purpose, nonce string) {
	q.Set("nonce", nonce)
	q.Set("access_type", "online")
}

func (g *googleSource) mixedUp(_ *flow, answer url.Values) error {
	if namesAnother(answer, googleIssuer) {
		return errMixedUp()
	}
	return nil
}

// proof trusts the ID token for who it is and the profile, which must be the same
// person's, for the name and the address. goth reports addresses nobody has checked.
func (g *googleSource) proof(f *flow, code string) (Proof, error) {
	p, _ := g.provider(f) // it only makes a value
	session := &google.Session{}
	if err := f.authorize(p, session, code); err != nil {
		return Proof{}, err
	}
	// Google writes its issuer with and without the scheme.
	claims, err := g.tokens.verify(f, session.IDToken, expected{issuers: []string{googleIssuer, "accounts.google.com"}, audience: g.client.ID, keys: googleKeys})
	if err != nil {
		return Proof{}, err
	}
	user, err := f.user(p, session)
	if err != nil {
		return Proof{}, err
	}
	if user.UserID != claims.Subject {
		return Proof{}, failed("profile", "it is another person's than the token")
	}
	verified := isTrue(user.RawData["verified_email"]) || isTrue(user.RawData["email_verified"])
	return Proof{Subject: claims.Subject, Name: user.Name, Email: emailOf(user.Email), Verified: verified, At: claims.asked()}, nil
}
