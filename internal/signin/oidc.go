package signin

import (
	"context"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/markbates/goth"
	"github.com/markbates/goth/providers/openidConnect"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/egress"
	"github.com/kimi-k2/kimi-k2/models"
)

// discoveryTTL is how long the addresses of an issuer are believed.
const discoveryTTL = time.Hour

// discovery is what an issuer says about itself (OpenID Connect Discovery 1.0).
type discovery struct {
	Issuer    string `json:"issuer"`
	Authorize string `json:"authorization_endpoint"`
	Token     string `json:"token_endpoint"`
	UserInfo  string `json:"userinfo_endpoint"`
	Keys      string `json:"jwks_uri"`
	NamesIss  bool   `json:"authorization_response_iss_parameter_supported"`
}

type oidcSource struct {
	OIDC
	back   string
	tokens *verifier
	known  *memo[discovery]
	way    *egress.Guard
}

func newOIDC(c OIDC, back string, clk clock.Clock, way *egress.Guard) *oidcSource {
	return &oidcSource{OIDC: c, back: back, tokens: newVerifier(clk), known: newMemo[discovery](clk), way: way}
}

// discover is the issuer's word about itself, asked for once in a while.
func (o *oidcSource) discover(f *flow) (discovery, error) {
	return o.known.get(f, discoveryTTL, func(f *flow) (discovery, error) {
		var d discovery
		if err := f.get("discovery", strings.TrimRight(o.Issuer, "/")+"/.well-known/openid-configuration", "", &d); err != nil {
			return d, err
		}
		if strings.TrimRight(d.Issuer, "/") != strings.TrimRight(o.Issuer, "/") {
			return d, failed("discovery", "it is another issuer's: set OIDC_ISSUER to the issuer as it writes itself")
		}
		for _, address := range []string{d.Authorize, d.Token, d.Keys} {
			if !isSafe(address) {
				return d, failed("discovery", "an address is missing or not https")
			}
		}
		if d.UserInfo != "" && !isSafe(d.UserInfo) {
			return d, failed("discovery", "an address is not https")
		}
		return d, o.reach(d)
	})
}

// reach lets the issuer be asked where it says it answers, which may be other hosts of
// its own. A browser alone goes to where people sign in.
func (o *oidcSource) reach(d discovery) error {
	for _, address := range []string{d.Token, d.Keys, d.UserInfo} {
		if address == "" {
			continue
		}
		if err := o.way.Allow(string(models.ProviderOIDC), address); err != nil {
			return failed("discovery", "an address has no host")
		}
	}
	return nil
}

// isSafe reports whether secrets may travel to the address: over https, or within
// this machine.
func isSafe(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

func (o *oidcSource) provider(f *flow) (goth.Provider, error) {
	d, err := o.discover(f)
	if err != nil {
		return nil, err
	}
	return o.made(f, d)
}

func (o *oidcSource) made(f *flow, d discovery) (*openidConnect.Provider, error) {
	p, err := openidConnect.NewCustomisedURL(o.ID, o.Secret, o.back, d.Authorize, d.Token, d.Issuer, d.UserInfo, "", "openid", "email", "profile")
	if err != nil {
		return nil, failed("discovery", "it cannot be used")
	}
	p.HTTPClient = f.client
	return p, nil
}

// ask wishes a fresh sign-in for a confirmation; a session there is not enough.
func (o *oidcSource) ask(q url.Values, p Purpose, nonce string) {
	q.Set("nonce", nonce)
	if p == PurposeConfirm {
		q.Set("prompt", "login")
		q.Set("max_age", "0")
	}
}

func (o *oidcSource) mixedUp(f *flow, answer url.Values) error {
	d, err := o.discover(f)
	if err != nil {
		return err
	}
	if namesAnother(answer, d.Issuer) || d.NamesIss && answer.Get("iss") == "" {
		return errMixedUp()
	}
	return nil
}

// proof trusts the ID token for who it is. goth mixes the claims of the profile into
// those of the token; an address that the two name differently is nobody's.
func (o *oidcSource) proof(f *flow, code string) (Proof, error) {
	d, err := o.discover(f)
	if err != nil {
		return Proof{}, err
	}
	p, err := o.made(f, d)
	if err != nil {
		return Proof{}, err
	}
	session := &openidConnect.Session{}
	if err := f.authorize(p, session, code); err != nil {
		return Proof{}, err
	}
	claims, err := o.tokens.verify(f, session.IDToken, expected{issuers: []string{d.Issuer}, audience: o.ID, keys: d.Keys, timed: true})
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
	proof := Proof{Subject: d.Issuer + " " + claims.Subject, Name: nameOf(user), Email: emailOf(user.Email), Verified: isTrue(user.RawData["email_verified"]), At: claims.asked()}
	if claims.Email != "" && !strings.EqualFold(claims.Email, user.Email) {
		proof.Verified = false
	}
	return proof, nil
}

// nameOf is the best name that a provider gives.
func nameOf(u goth.User) string {
	if u.Name != "" {
		return u.Name
	}
	if full := strings.TrimSpace(u.FirstName + " " + u.LastName); full != "" {
		return full
	}
	return u.NickName
}

// detached is the flow for a question whose answer serves others too: it does not end
// with the browser that happened to ask first.
func (f *flow) detached() *flow {
	c := &courier{ctx: context.WithoutCancel(f.ctx), next: f.courier.next, timeout: f.courier.timeout}
	return &flow{ctx: c.ctx, courier: c, client: c.client()}
}
