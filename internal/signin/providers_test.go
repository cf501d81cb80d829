package signin_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/signin"
	"github.com/kimi-k2/kimi-k2/internal/signin/signintest"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Provider error pages, answers without a code, and answers of another issuer.
func TestAnswersWithoutACode(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	const canary = "<script>provider-text</script>"
	for _, p := range all {
		for name, c := range map[string]struct {
			spoil func(q url.Values)
			want  signin.Reason
		}{
			"said no":          {func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") }, signin.ReasonDenied},
			"error":            {func(q url.Values) { q.Del("code"); q.Set("error", canary); q.Set("error_description", canary) }, signin.ReasonUpstream},
			"error and a code": {func(q url.Values) { q.Set("error", "server_error") }, signin.ReasonUpstream},
			"nothing":          {func(q url.Values) { q.Del("code") }, signin.ReasonUpstream},
			"two codes":        {func(q url.Values) { q.Add("code", "x") }, signin.ReasonUpstream},
			"long code":        {func(q url.Values) { q.Set("code", strings.Repeat("x", 5000)) }, signin.ReasonUpstream},
			"wrong code":       {func(q url.Values) { q.Set("code", "x") }, signin.ReasonUpstream},
			"another issuer":   {func(q url.Values) { q.Set("iss", "https://evil.example") }, signin.ReasonUpstream},
			"two issuers":      {func(q url.Values) { q["iss"] = []string{f.world.Issuer, "https://accounts.google.com"} }, signin.ReasonUpstream},
		} {
			begun := f.begin(t, signin.Begin{Provider: p})
			q := f.world.Approve(t, begun.URL, "ada-1")
			c.spoil(q)
			done, err := f.Complete(t.Context(), signin.Callback{Provider: p, Query: q, Browser: begun.Browser})
			if mustRefuse(t, err, c.want); done.Proof != (signin.Proof{}) || strings.Contains(err.Error(), canary) {
				t.Errorf("%s, %s: %+v, %v", p, name, done, err)
			}
		}
	}
	if strings.Contains(f.log.String(), "provider-text") {
		t.Error("a provider's text was logged")
	}
}

// A provider that hangs, fails or talks nonsense: a clear refusal, in time, and nothing
// of what it said is repeated or logged.
func TestProvidersThatFail(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *signin.Config) { c.Timeout = time.Second })
	for _, p := range all { // what is asked once is known by now
		if _, err := f.signIn(t, p, "ada-1"); err != nil {
			t.Fatal(err)
		}
	}
	const canary = "leak-canary"
	half := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"access_token":"`+canary)
	}
	faults := map[string]http.HandlerFunc{
		"hangs": signintest.Hang, "500": signintest.Answer(500, canary), "403": signintest.Answer(403, `{"error":"`+canary+`"}`), "garbage": signintest.Answer(200, canary+"<html>"),
		"empty": signintest.Answer(200, ""), "null": signintest.Answer(200, "null"), "list": signintest.Answer(200, "[]"), "half": half,
		"numbers": signintest.Answer(200, `{"access_token":"`+canary+`","id_token":17,"token_type":"bearer","sub":1,"id":"x","email":false}`),
		"huge":    signintest.Answer(200, `{"x":"`+strings.Repeat(canary, 200_000)+`"}`),
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example/"+canary, http.StatusFound)
		},
	}
	for address, p := range map[string]models.Provider{
		"oauth2.googleapis.com/token": models.ProviderGoogle, "www.googleapis.com/oauth2/v2/userinfo": models.ProviderGoogle,
		"github.com/login/oauth/access_token": models.ProviderGitHub, "api.github.com/user": models.ProviderGitHub, "api.github.com/user/emails": models.ProviderGitHub,
		"op/oauth/token": models.ProviderOIDC, "op/userinfo": models.ProviderOIDC,
	} {
		for name, do := range faults {
			if name == "null" || name == "list" {
				if address == "api.github.com/user/emails" {
					continue // no address: the proof says so
				}
			}
			begun := f.begin(t, signin.Begin{Provider: p})
			answer := f.world.Approve(t, begun.URL, "ada-1")
			f.world.Fault(address, do)
			done, err := f.Complete(t.Context(), signin.Callback{Provider: p, Query: answer, Browser: begun.Browser})
			f.world.Fault(address, nil)
			mustRefuse(t, err, signin.ReasonUpstream)
			if done.Proof != (signin.Proof{}) || !fault.Is(err, fault.UpstreamFailed) || strings.Contains(err.Error(), canary) {
				t.Errorf("%s %s: %+v, %v", address, name, done, err)
			}
		}
	}
	if log := f.log.String(); strings.Contains(log, canary) || strings.Contains(log, "token-") || !strings.Contains(log, `cause="no answer in time"`) || !strings.Contains(log, `cause="status 500"`) {
		t.Error(log)
	}
	for _, host := range f.world.Dialled() {
		if strings.Contains(host, "evil") {
			t.Error("a redirect was followed") // P21
		}
	}
}

// A provider of a company that cannot be reached or lies about itself is refused
// before anybody is sent there, and works again as soon as it does.
func TestDiscoveryIsChecked(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *signin.Config) { c.Timeout = time.Second })
	const address = "op/.well-known/openid-configuration"
	document := func(change map[string]any) http.HandlerFunc {
		d := map[string]any{"issuer": f.world.Issuer, "authorization_endpoint": f.world.Issuer + "/auth", "token_endpoint": f.world.Issuer + "/oauth/token", "jwks_uri": f.world.Issuer + "/keys"}
		for k, v := range change {
			d[k] = v
		}
		body, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		return signintest.Answer(200, string(body))
	}
	for name, do := range map[string]http.HandlerFunc{
		"hangs": signintest.Hang, "500": signintest.Answer(500, ""), "garbage": signintest.Answer(200, "<html>"), "empty": signintest.Answer(200, "{}"),
		"another issuer": document(map[string]any{"issuer": "https://evil.example"}), "http": document(map[string]any{"token_endpoint": "http://evil.example/token"}),
		"no keys": document(map[string]any{"jwks_uri": ""}), "http userinfo": document(map[string]any{"userinfo_endpoint": "http://evil.example/me"}), "scheme": document(map[string]any{"authorization_endpoint": "javascript:alert(1)"}),
	} {
		f.world.Fault(address, do)
		_, err := f.Begin(t.Context(), signin.Begin{Provider: models.ProviderOIDC, Purpose: signin.PurposeSignIn})
		if mustRefuse(t, err, signin.ReasonUpstream); count(t, f) != 0 {
			t.Error(name, "began")
		}
	}
	// RFC 9207: an issuer that says it names itself must.
	f.world.Fault(address, document(map[string]any{"authorization_response_iss_parameter_supported": true, "userinfo_endpoint": f.world.Issuer + "/userinfo"}))
	begun := f.begin(t, signin.Begin{Provider: models.ProviderOIDC})
	q := f.world.Approve(t, begun.URL, "ada-1")
	_, err := f.Complete(t.Context(), signin.Callback{Provider: models.ProviderOIDC, Query: q, Browser: begun.Browser})
	mustRefuse(t, err, signin.ReasonUpstream)
	begun = f.begin(t, signin.Begin{Provider: models.ProviderOIDC})
	q = f.world.Approve(t, begun.URL, "ada-1")
	q.Set("iss", f.world.Issuer)
	if _, err := f.Complete(t.Context(), signin.Callback{Provider: models.ProviderOIDC, Query: q, Browser: begun.Browser}); err != nil {
		t.Error(err, f.log)
	}
}

// T7: a token that is not for us, for this sign-in, or not signed by the issuer.
func TestForgedIDTokensAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	now := time.Now().Unix()
	for name, change := range map[string]func(c map[string]any){
		"issuer":     func(c map[string]any) { c["iss"] = "https://accounts.google.com.evil.example" },
		"no issuer":  func(c map[string]any) { delete(c, "iss") },
		"audience":   func(c map[string]any) { c["aud"] = "another" },
		"presenter":  func(c map[string]any) { c["azp"] = "another" },
		"audiences":  func(c map[string]any) { c["aud"] = []string{signintest.ClientID, "another"}; delete(c, "azp") },
		"nonce":      func(c map[string]any) { c["nonce"] = strings.Repeat("A", 43) },
		"no nonce":   func(c map[string]any) { delete(c, "nonce") },
		"expired":    func(c map[string]any) { c["exp"] = now - 120 },
		"no expiry":  func(c map[string]any) { delete(c, "exp") },
		"future":     func(c map[string]any) { c["nbf"] = now + 600 },
		"issued":     func(c map[string]any) { c["iat"] = now + 3600 },
		"no subject": func(c map[string]any) { c["sub"] = "" },
		"subject":    func(c map[string]any) { c["sub"] = "somebody-else" },
		"long":       func(c map[string]any) { c["sub"] = strings.Repeat("x", 256) },
	} {
		f.world.ChangeGoogleToken(change)
		if _, err := f.signIn(t, models.ProviderGoogle, "ada-1"); err == nil {
			t.Error(name, "was believed")
		} else {
			mustRefuse(t, err, signin.ReasonUpstream)
		}
	}
	f.world.ChangeGoogleToken(func(c map[string]any) { c["iss"] = "accounts.google.com" }) // as Google may write itself
	if _, err := f.signIn(t, models.ProviderGoogle, "ada-1"); err != nil {
		t.Error(err)
	}
	f.world.ChangeGoogleToken(nil)
	old, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	for name, sign := range map[string]func(map[string]any) string{
		"foreign key":  func(c map[string]any) string { return signintest.Sign(jose.ES256, theirs, "first", c) },
		"unknown key":  func(c map[string]any) string { return signintest.Sign(jose.ES256, theirs, "theirs", c) },
		"nameless key": func(c map[string]any) string { return signintest.Sign(jose.ES256, theirs, "", c) },
		"another kind": func(c map[string]any) string { return signintest.Sign(jose.RS256, old, "first", c) },
		"client's secret": func(c map[string]any) string {
			return signintest.Sign(jose.HS256, []byte(strings.Repeat(signintest.ClientSecret, 4)), "first", c)
		},
		"none": func(c map[string]any) string { return part(map[string]any{"alg": "none"}) + "." + part(c) + "." },
		"unsigned": func(c map[string]any) string {
			return part(map[string]any{"alg": "ES256", "kid": "first"}) + "." + part(c) + ".AAAA"
		},
		"nothing":  func(map[string]any) string { return "" },
		"no token": func(map[string]any) string { return "a.b.c" },
	} {
		f.world.SignGoogleToken(sign)
		if _, err := f.signIn(t, models.ProviderGoogle, "ada-1"); err == nil {
			t.Error(name, "was believed")
		} else {
			mustRefuse(t, err, signin.ReasonUpstream)
		}
	}
	f.world.SignGoogleToken(nil)
}

func TestNewKeysOfAnIssuerAreLearnt(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	if _, err := f.signIn(t, models.ProviderGoogle, "ada-1"); err != nil {
		t.Fatal(err)
	}
	f.world.RotateGoogleKeys("second")
	_, err := f.signIn(t, models.ProviderGoogle, "ada-1") // asked a moment ago
	mustRefuse(t, err, signin.ReasonUpstream)
	f.clock.move(2 * time.Minute)
	if _, err := f.signIn(t, models.ProviderGoogle, "ada-1"); err != nil {
		t.Error(err)
	}
}

// P12: an address is verified only when the provider says so of this very address.
func TestUnverifiedAddressesAreTold(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for name, person := range map[string]signintest.Person{
		"unverified":  {ID: "x", Number: 9, Login: "x", Name: "X", Email: "x@mail.example"},
		"none":        {ID: "x", Number: 9, Login: "x", Name: "X", Verified: true},
		"none at all": {ID: "x", Number: 9, Login: "x", Name: "X", Email: "nobody", Verified: true},
		"too long":    {ID: "x", Number: 9, Login: "x", Name: "X", Email: strings.Repeat("x", 250) + "@mail.example", Verified: true},
		"line break":  {ID: "x", Number: 9, Login: "x", Name: "X", Email: "x@mail.example\nBcc: y@mail.example", Verified: true},
	} {
		f.world.Know(person)
		for _, p := range all {
			proof, err := f.signIn(t, p, "x")
			if err != nil || proof.Subject == "" || proof.Verified && proof.Email != "" {
				t.Errorf("%s at %s: %+v, %v", name, p, proof, err)
			}
		}
	}
}

// An ID token and a profile that name different addresses verify neither.
func TestAddressesThatDifferAreUnverified(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.world.Fault("op/userinfo", signintest.Answer(200, `{"sub":"ada-1","email":"other@mail.example","email_verified":true}`))
	if proof, err := f.signIn(t, models.ProviderOIDC, "ada-1"); err != nil || proof.Email != "other@mail.example" || !proof.Verified {
		t.Error("a token without an address:", proof, err)
	}
	f.world.Fault("op/userinfo", signintest.Answer(200, `{"sub":"somebody-else","email":"ada@mail.example","email_verified":true}`))
	_, err := f.signIn(t, models.ProviderOIDC, "ada-1")
	mustRefuse(t, err, signin.ReasonUpstream)
}

// P12: the same when the token names an address and the profile another one.
func TestTokenAndProfileMustAgreeOnTheAddress(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.world.Fault("op/.well-known/openid-configuration", signintest.Answer(200, `{"issuer":"`+f.world.Issuer+`","authorization_endpoint":"https://accounts.google.com/o/oauth2/auth",
		"token_endpoint":"https://oauth2.googleapis.com/token","jwks_uri":"https://www.googleapis.com/oauth2/v3/certs","userinfo_endpoint":"https://api.github.com/me"}`))
	f.world.Fault("api.github.com/me", signintest.Answer(200, `{"sub":"ada-1","given_name":"Ada","family_name":"L","email":"victim@mail.example"}`))
	for address, verified := range map[string]bool{"eve@mail.example": false, "Victim@mail.example": true} {
		f.world.ChangeGoogleToken(func(c map[string]any) { c["iss"], c["email"], c["email_verified"] = f.world.Issuer, address, true })
		if proof, err := f.signIn(t, models.ProviderOIDC, "ada-1"); err != nil || proof.Email != "victim@mail.example" || proof.Verified != verified || proof.Name != "Ada L" {
			t.Errorf("%s: %+v, %v", address, proof, err)
		}
	}
}

// P10: a renamed login is the same person, and who takes the old login is another.
func TestRenamedLoginIsTheSamePerson(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	before, err := f.signIn(t, models.ProviderGitHub, "ada-1")
	if err != nil {
		t.Fatal(err)
	}
	renamed, taker := ada, signintest.Person{ID: "eve-1", Number: 666, Login: "ada", Name: "Ada", Email: "eve@mail.example", Verified: true}
	renamed.Login = "countess"
	f.world.Know(renamed)
	f.world.Know(taker)
	after, err := f.signIn(t, models.ProviderGitHub, "ada-1")
	if err != nil || after.Subject != before.Subject {
		t.Error(before, after, err)
	}
	if other, err := f.signIn(t, models.ProviderGitHub, "eve-1"); err != nil || other.Subject == before.Subject {
		t.Error(other, err)
	}
}

func TestOddNamesAreHandedOn(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for _, name := range []string{"مُحَمَّد", "👩‍🚀 Ada", strings.Repeat("a", 10_000), "<b>Ada</b>", "Ada\u202egnp.exe", "Ada\x07"} {
		p := ada
		p.Name = name
		f.world.Know(p)
		for _, provider := range all {
			if proof, err := f.signIn(t, provider, "ada-1"); err != nil || !strings.HasPrefix(proof.Name, name) {
				t.Errorf("%s: %.40q, %v", provider, proof.Name, err)
			}
		}
	}
	p := ada
	p.Name = ""
	f.world.Know(p)
	if proof, err := f.signIn(t, models.ProviderGitHub, "ada-1"); err != nil || proof.Name != "ada" {
		t.Error(proof, err)
	}
}

// A confirmation is no confirmation when the provider last asked long ago.
func TestConfirmationNeedsAFreshSignIn(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	const owner = "own_0198c2f4a00070008000000000000001"
	if _, err := f.db.Pool().Exec(t.Context(), `INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at) VALUES ($1, 'ACCOUNT', '\x01', now(), now())`, owner); err != nil {
		t.Fatal(err)
	}
	me := viewer.Viewer{Kind: viewer.Account, OwnerID: owner, SessionID: "ses_1"}
	// A company's provider, whose tokens the test makes.
	f.world.Fault("op/.well-known/openid-configuration", signintest.Answer(200, `{"issuer":"`+f.world.Issuer+`","authorization_endpoint":"https://accounts.google.com/o/oauth2/auth",
		"token_endpoint":"https://oauth2.googleapis.com/token","jwks_uri":"https://www.googleapis.com/oauth2/v3/certs"}`))
	ago := func(d time.Duration) any { return time.Now().Add(-d).Unix() }
	for _, c := range []struct {
		provider models.Provider
		issuer   string
		asked    any
		ok       bool
	}{
		{models.ProviderGoogle, "https://accounts.google.com", ago(0), true}, {models.ProviderGoogle, "https://accounts.google.com", ago(time.Hour), false},
		{models.ProviderGoogle, "https://accounts.google.com", nil, true}, // it never says
		{models.ProviderOIDC, f.world.Issuer, ago(0), true}, {models.ProviderOIDC, f.world.Issuer, ago(time.Hour), false}, {models.ProviderOIDC, f.world.Issuer, nil, false},
	} {
		f.world.ChangeGoogleToken(func(m map[string]any) {
			if m["iss"] = c.issuer; c.asked != nil {
				m["auth_time"] = c.asked
			}
		})
		begun := f.begin(t, signin.Begin{Provider: c.provider, Purpose: signin.PurposeConfirm, From: me})
		_, err := f.Complete(t.Context(), signin.Callback{Provider: c.provider, Query: f.world.Approve(t, begun.URL, "ada-1"), Browser: begun.Browser, From: me})
		if c.ok && err != nil {
			t.Error(c, err, f.log)
		} else if !c.ok {
			mustRefuse(t, err, signin.ReasonUpstream)
		}
	}
	// Signing in goes on without it.
	if proof, err := f.signIn(t, models.ProviderOIDC, "ada-1"); err != nil || !proof.At.IsZero() {
		t.Error(proof.At, err)
	}
}
