package signintest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// google speaks Google's wire.
type google struct {
	*codes

	mu     sync.Mutex
	key    *ecdsa.PrivateKey
	name   string // of the key
	change func(claims map[string]any)
	signer func(claims map[string]any) string
}

func newGoogle(w *World) *google {
	g := &google{codes: newCodes(w)}
	g.rotate("first")
	return g
}

func (g *google) rotate(name string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // a machine without randomness tests nothing
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.key, g.name = key, name
}

// RotateGoogleKeys gives Google a new key of that name in place of the old one.
func (w *World) RotateGoogleKeys(name string) { w.google.rotate(name) }

// ChangeGoogleToken lets change write into the claims of Google's ID tokens before
// they are signed; nil leaves them as they are.
func (w *World) ChangeGoogleToken(change func(claims map[string]any)) {
	w.google.mu.Lock()
	defer w.google.mu.Unlock()
	w.google.change = change
}

// SignGoogleToken lets sign make the token of the claims; nil lets Google's key.
func (w *World) SignGoogleToken(sign func(claims map[string]any) string) {
	w.google.mu.Lock()
	defer w.google.mu.Unlock()
	w.google.signer = sign
}

func (g *google) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET accounts.google.com/o/oauth2/auth":     g.authorize,
		"GET accounts.google.com/o/oauth2/v2/auth":  g.authorize,
		"POST oauth2.googleapis.com/token":          g.token,
		"GET www.googleapis.com/oauth2/v3/certs":    g.certs,
		"GET www.googleapis.com/oauth2/v2/userinfo": g.userinfo,
	}
}

func (g *google) token(w http.ResponseWriter, r *http.Request) {
	grant, token, ok := g.exchange(w, r, http.StatusBadRequest)
	if !ok {
		return
	}
	now := time.Now()
	claims := map[string]any{"iss": "https://accounts.google.com", "aud": ClientID, "azp": ClientID, "sub": grant.person, "nonce": grant.nonce,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	writeJSON(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 3599, "scope": "openid email profile", "id_token": g.sign(claims)})
}

func (g *google) sign(claims map[string]any) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.change != nil {
		g.change(claims)
	}
	if g.signer != nil {
		return g.signer(claims)
	}
	return Sign(jose.ES256, g.key, g.name, claims)
}

// Sign makes a token of the claims.
func Sign(alg jose.SignatureAlgorithm, key any, name string, claims map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", name))
	if err != nil {
		return err.Error() // no token: whoever reads it says so
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		return err.Error()
	}
	return token
}

// certs has a key besides that nobody knows how to use.
func (g *google) certs(w http.ResponseWriter, _ *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]any{"keys": []any{
		map[string]any{"kty": "future", "kid": "x"}, jose.JSONWebKey{Key: &g.key.PublicKey, KeyID: g.name, Algorithm: "ES256", Use: "sig"},
	}})
}

func (g *google) userinfo(w http.ResponseWriter, r *http.Request) {
	if p, ok := g.whose(w, r.URL.Query().Get("access_token")); ok {
		writeJSON(w, http.StatusOK, map[string]any{"id": p.ID, "email": p.Email, "verified_email": p.Verified, "name": p.Name, "picture": "https://lh3.googleusercontent.com/a"})
	}
}
