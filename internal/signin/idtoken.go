package signin

import (
	"crypto/subtle"
	"encoding/json"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/kimi-k2/kimi-k2/internal/clock"
)

// Bounds of ID tokens and keys.
const (
	keysTTL    = time.Hour
	keysPause  = time.Minute // an unknown key lets the keys be asked for again this often
	leeway     = time.Minute // clocks differ
	maxSubject = 255         // OpenID Connect Core 1.0, 2
)

// algorithms are the signatures that are believed: none that a client's secret makes,
// and not "none".
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA}

// expected is what a token must say.
type expected struct {
	issuers  []string
	audience string
	keys     string // the address of the issuer's keys
	timed    bool   // for a confirmation it must say when the issuer last asked
}

// claims is what is believed of a token.
type claims struct {
	jwt.Claims
	Nonce     string           `json:"nonce"`
	Presenter string           `json:"azp"`
	AuthTime  *jwt.NumericDate `json:"auth_time"`
	Email     string           `json:"email"`
}

// asked is when the issuer last asked, zero when it does not say.
func (c claims) asked() (at time.Time) {
	if c.AuthTime != nil {
		at = c.AuthTime.Time().UTC()
	}
	return at
}

// verifier checks the ID tokens of one issuer.
type verifier struct {
	clock clock.Clock
	keys  *memo[[]jose.JSONWebKey]
}

func newVerifier(c clock.Clock) *verifier {
	return &verifier{clock: c, keys: newMemo[[]jose.JSONWebKey](c)}
}

// verify returns the claims of a token that the issuer signed for us and for this
// very sign-in.
func (v *verifier) verify(f *flow, raw string, e expected) (claims, error) {
	token, err := jwt.ParseSigned(raw, algorithms)
	if err != nil {
		return claims{}, failed("ID token", "there is none, or it is not signed in a way that is believed")
	}
	c, err := v.signed(f, token, e.keys)
	if err != nil {
		return claims{}, err
	}
	if problem := v.problem(f, c, e); problem != "" {
		return claims{}, failed("ID token", problem)
	}
	return c, nil
}

// signed opens a token with the issuer's keys; when none fits they may have changed.
func (v *verifier) signed(f *flow, token *jwt.JSONWebToken, address string) (claims, error) {
	for _, age := range []time.Duration{keysTTL, keysPause} {
		keys, err := v.keys.get(f, age, func(f *flow) ([]jose.JSONWebKey, error) { return readKeys(f, address) })
		if err != nil {
			return claims{}, err
		}
		if c, ok := open(token, keys); ok {
			return c, nil
		}
	}
	return claims{}, failed("ID token", "it is not signed by a key of the issuer")
}

// readKeys asks the issuer for its keys. One of a kind that is not known here is none.
func readKeys(f *flow, address string) ([]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := f.get("keys", address, "", &set); err != nil {
		return nil, err
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &key) == nil && key.Valid() && key.IsPublic() && key.Use != "enc" {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// open tries the keys of the token's name, or all when it names none.
func open(token *jwt.JSONWebToken, keys []jose.JSONWebKey) (claims, bool) {
	name := token.Headers[0].KeyID
	for _, key := range keys {
		if name != "" && key.KeyID != name {
			continue
		}
		var c claims
		if token.Claims(key.Key, &c) == nil {
			return c, true
		}
	}
	return claims{}, false
}

// problem says what is wrong with the claims, "" when nothing is.
func (v *verifier) problem(f *flow, c claims, e expected) string {
	now := v.clock.Now()
	switch {
	case !slices.Contains(e.issuers, c.Issuer):
		return "it is another issuer's"
	case !c.Audience.Contains(e.audience):
		return "it is for somebody else"
	case len(c.Audience) > 1 && c.Presenter == "", c.Presenter != "" && c.Presenter != e.audience:
		return "it was given to somebody else"
	case c.Expiry == nil || !now.Before(c.Expiry.Time().Add(leeway)):
		return "it has expired"
	case c.NotBefore != nil && now.Add(leeway).Before(c.NotBefore.Time()), c.IssuedAt != nil && now.Add(5*leeway).Before(c.IssuedAt.Time()):
		return "it is from the future"
	case subtle.ConstantTimeCompare([]byte(c.Nonce), []byte(f.nonce)) != 1:
		return "it is of another sign-in"
	case c.Subject == "" || len(c.Subject) > maxSubject:
		return "it names nobody"
	case !f.since.IsZero() && e.timed && c.AuthTime == nil:
		return "it has no auth_time, which max_age demands: nobody knows whether the provider asked anew"
	case !f.since.IsZero() && c.AuthTime != nil && c.AuthTime.Time().Add(leeway).Before(f.since):
		return "the provider did not ask anew"
	}
	return ""
}
