package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/signin"
	"github.com/kimi-k2/kimi-k2/internal/signin/signintest"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// P9, P32, T8: a sign-in gives a session in a cookie nobody else can set or read, and
// what the browser had before is gone.
func TestSigningIn(t *testing.T) {
	h := newHouse(t, nil)
	for _, provider := range []string{"google", "github"} {
		h.know(provider + "-user")
		b := h.visitor(t)
		b.ask(t, http.MethodPost, "/graphql", url.Values{}) // the guest cookie
		before := b.cookies["__Host-guest"]
		if before == "" || b.who(t).Kind != viewer.Visitor {
			t.Fatal(b.cookies)
		}
		res := b.signIn(t, "/auth/"+provider+"?return=/settings/profile", provider+"-user")
		mustLead(t, res, "/settings/profile")
		set := map[string]*http.Cookie{}
		for _, c := range res.Cookies() {
			set[c.Name] = c
		}
		sid := set["__Host-sid"]
		if sid == nil || !sid.Secure || !sid.HttpOnly || sid.SameSite != http.SameSiteLaxMode || sid.Path != "/" || sid.Domain != "" || len(sid.Value) < 43 || sid.MaxAge != 30*24*60*60 {
			t.Errorf("the session's cookie is %v", sid)
		}
		for _, gone := range []string{"__Host-guest", "__Host-oauth", "__Host-gate"} {
			if set[gone] == nil || set[gone].MaxAge >= 0 {
				t.Errorf("%s stays", gone)
			}
		}
		if v := b.who(t); v.Kind != viewer.Account || v.SessionID == "" || v.AuthenticatedAt.IsZero() {
			t.Error(v)
		}
		first := b.cookies["__Host-sid"]
		mustLead(t, b.signIn(t, "/auth/"+provider+"?purpose=confirm&return=/settings", provider+"-user"), "/settings")
		if b.cookies["__Host-sid"] == first {
			t.Error("the session keeps its id after a confirmation")
		}
		old := h.stranger()
		old.cookies["__Host-sid"] = first
		if v := old.who(t); v.Kind != "" {
			t.Error("the old session lives:", v)
		}
	}
	if n := h.count(t, "accounts"); n != 2 {
		t.Errorf("%d accounts", n)
	}
}

// A guest that signs in becomes the account, without another id; its cookie is dead.
func TestGuestBecomesTheAccount(t *testing.T) {
	h := newHouse(t, nil)
	b := h.visitor(t)
	b.ask(t, http.MethodPost, "/graphql", url.Values{})
	ticket := b.cookies["__Host-guest"]
	var guest viewer.Viewer
	err := h.db.Tx(t.Context(), func(tx *gorm.DB) (err error) {
		v := h.accounts.Visitor(ticket)
		v.Gate = h.policy.Read(b.cookies["__Host-gate"])
		if guest, err = h.accounts.EnsureGuestTx(tx, v); err != nil {
			return err
		}
		guest.Gate = v.Gate
		return h.policy.CheckTx(tx, guest)
	})
	if err != nil {
		t.Fatal(err)
	}
	mustLead(t, b.signIn(t, "/auth/google", "ada"), "/")
	if v := b.who(t); v.OwnerID != guest.OwnerID || v.Kind != viewer.Account {
		t.Error(guest, v)
	}
	thief := h.stranger()
	thief.cookies["__Host-guest"] = ticket
	if v := thief.who(t); v.IsOwner() {
		t.Error("the guest's cookie still opens", v)
	}
}

// P12, P14, T7, T36: refusals have a status, a stable code and nothing of what was sent.
func TestRefusalsAreTold(t *testing.T) {
	h := newHouse(t, nil)
	const canary = "<script>alert(1)</script>"
	b := h.visitor(t)
	good := b.approve(t, "/auth/google?return=/c/con_1", "ada")
	foreign := h.visitor(t)
	mustFail(t, foreign.get(t, good), http.StatusBadRequest, "/sign-in?error=state&provider=google")
	mustFail(t, b.get(t, good), http.StatusBadRequest, "/sign-in?error=state&provider=google") // it is used up
	for query, want := range map[string]string{
		"":                                  "/sign-in?error=state&provider=google",
		"?state=" + url.QueryEscape(canary): "/sign-in?error=state&provider=google",
		"?code=x&state=" + url.QueryEscape(canary): "/sign-in?error=state&provider=google",
	} {
		if page := mustFail(t, b.get(t, "/auth/google/callback"+query), http.StatusBadRequest, want); strings.Contains(page, "alert") || !strings.Contains(page, "help@chat.example") {
			t.Error(page)
		}
	}
	state := func(b *browser, path string) string {
		at, err := url.Parse(b.get(t, path).Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		return at.Query().Get("state")
	}
	denied := "/auth/github/callback?error=access_denied&error_description=" + url.QueryEscape(canary) + "&state=" + state(b, "/auth/github?return=/privacy&guest=discard")
	mustFail(t, b.get(t, denied), http.StatusForbidden, "/sign-in?error=denied&guest=discard&provider=github&return=%2Fprivacy")
	failed := "/auth/github/callback?error=" + url.QueryEscape(canary) + "&state=" + state(b, "/auth/github")
	if page := mustFail(t, b.get(t, failed, "Accept-Language", "zh-CN,zh;q=0.9"), http.StatusBadGateway, "/sign-in?error=upstream&provider=github"); strings.Contains(page, "alert") || !strings.Contains(page, `lang="zh"`) {
		t.Error(page)
	}
	h.world.Know(signintest.Person{ID: "unverified", Number: 5, Login: "u", Email: "u@mail.example"})
	for _, p := range []string{"google", "github"} {
		mustFail(t, b.signIn(t, "/auth/"+p, "unverified"), http.StatusForbidden, "/sign-in?error=email_unverified&provider="+p)
	}
	if n := h.count(t, "accounts") + h.count(t, "owners") + h.count(t, "sessions"); n != 0 {
		t.Errorf("refusals stored %d rows", n)
	}
	if log := h.log.String() + dbtest.Dump(t, h.db); strings.Contains(log, "alert") || strings.Contains(log, "mail.example") || strings.Contains(log, "code-") || strings.Contains(log, "token-") {
		t.Error("a provider's text, an address or a token was logged or stored")
	}
}

// A provider that hangs, fails or talks nonsense ends in a page that says to try again.
func TestFailingProviderIsTold(t *testing.T) {
	h := newHouse(t, func(c *signin.Config) { c.Timeout = 500 * time.Millisecond })
	for name, do := range map[string]http.HandlerFunc{"hangs": signintest.Hang, "500": signintest.Answer(500, "x"), "garbage": signintest.Answer(200, "<html>")} {
		b := h.visitor(t)
		back := b.approve(t, "/auth/github", "ada")
		h.world.Fault("github.com/login/oauth/access_token", do)
		res := b.get(t, back)
		h.world.Fault("github.com/login/oauth/access_token", nil)
		if mustFail(t, res, http.StatusBadGateway, "/sign-in?error=upstream&provider=github"); b.who(t).Kind == viewer.Account {
			t.Error(name, "signed in")
		}
		mustLead(t, b.signIn(t, "/auth/github", "ada"), "/") // and it can be tried again
	}
}

// P11, T6: the same address at another provider is no way in; it becomes one in the
// settings.
func TestSameAddressElsewhereIsLinkedOnlyBySignedIn(t *testing.T) {
	h := newHouse(t, nil)
	b := h.visitor(t)
	b.signIn(t, "/auth/google", "ada")
	me := b.who(t)
	other := h.visitor(t)
	mustFail(t, other.signIn(t, "/auth/github?return=/c/con_1", "ada"), http.StatusConflict, "/sign-in?error=same_email&provider=github&return=%2Fc%2Fcon_1&use=google")
	if v := other.who(t); v.Kind == viewer.Account || h.count(t, "accounts") != 1 || h.count(t, "identities") != 1 {
		t.Error("an address opened an account:", v)
	}
	mustLead(t, b.signIn(t, "/auth/github?purpose=link&return=/settings/identities", "ada"), "/settings/identities")
	mustLead(t, other.signIn(t, "/auth/github", "ada"), "/")
	if v := other.who(t); v.OwnerID != me.OwnerID {
		t.Error(v, me)
	}
	h.know("eve")
	eve := h.visitor(t)
	eve.signIn(t, "/auth/google", "eve")
	mustFail(t, eve.signIn(t, "/auth/github?purpose=link&return=/settings/identities", "ada"), http.StatusConflict, "/settings/identities?error=linked_elsewhere")
	mustFail(t, eve.signIn(t, "/auth/google?purpose=confirm&return=/settings/profile", "ada"), http.StatusConflict, "/settings/profile?error=linked_elsewhere")
	if v := eve.who(t); v.OwnerID == me.OwnerID || v.Kind != viewer.Account {
		t.Error(v)
	}
	// Linking and confirming begin and end in the same session.
	mustFail(t, h.visitor(t).get(t, "/auth/github?purpose=confirm"), http.StatusForbidden, "/sign-in?error=signed_out&provider=github")
	mustFail(t, h.visitor(t).get(t, "/auth/github?purpose=link"), http.StatusForbidden, "/sign-in?error=signed_out&provider=github")
	back := eve.approve(t, "/auth/google?purpose=link&return=/settings", "eve")
	eve.cookies["__Host-sid"] = b.cookies["__Host-sid"]
	mustFail(t, eve.get(t, back), http.StatusBadRequest, "/sign-in?error=state&provider=google")
}

// P13: 50 first callbacks at once make one account, and everybody is in.
func TestFiftyFirstSignInsMakeOneAccount(t *testing.T) {
	h := newHouse(t, nil)
	const n = 50
	browsers, backs := make([]*browser, n), make([]string, n)
	for i := range browsers {
		browsers[i] = h.visitor(t)
		backs[i] = browsers[i].approve(t, "/auth/github", "ada")
	}
	var wg sync.WaitGroup
	for i := range browsers {
		wg.Go(func() { mustLead(t, browsers[i].get(t, backs[i]), "/") })
	}
	wg.Wait()
	if accounts, identities := h.count(t, "accounts"), h.count(t, "identities"); accounts != 1 || identities != 1 {
		t.Errorf("%d accounts, %d identities", accounts, identities)
	}
}

// P8: what is not configured is not there.
func TestUnconfiguredProvidersAreNotThere(t *testing.T) {
	h := newHouse(t, func(c *signin.Config) { c.Google = signin.Client{} })
	b := h.visitor(t)
	for _, path := range []string{"/auth/google", "/auth/oidc", "/auth/google/callback?code=x&state=y", "/auth/facebook", "/auth/", "/auth/github/x", "/auth/github?purpose=steal", "/auth/operator/callback", "/auth/sign-out"} {
		if res := b.get(t, path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s answers %d", path, res.StatusCode)
		}
	}
	if res := b.ask(t, http.MethodPost, "/auth/github", url.Values{}); res.StatusCode != http.StatusNotFound {
		t.Error("a sign-in begins with a POST", res.StatusCode)
	}
}

// T32, T36: where people come back to is the public address and a page of the app,
// whatever a request says.
func TestReturnAddressesCannotBeForged(t *testing.T) {
	h := newHouse(t, nil)
	forged := []string{"X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "http", "X-Forwarded-Port", "81", "Forwarded", "host=evil.example;proto=http",
		"X-Original-Host", "evil.example", "X-Rewrite-Url", "//evil.example", "X-Forwarded-Prefix", "//evil.example"}
	for _, payload := range []string{"//evil.example", "https://evil.example", "/\\evil.example", "%2f%2fevil.example", "javascript:alert(1)", "/c/../..//evil", "/auth/operator", "/c/a%0d%0aSet-Cookie:x=y", ""} {
		b := h.visitor(t)
		res := b.get(t, "/auth/github?return="+url.QueryEscape(payload)+"&redirect_uri=https://evil.example&state=mine", forged...)
		to, err := url.Parse(res.Header.Get("Location"))
		if err != nil || to.Host != "github.com" || to.Query().Get("redirect_uri") != secure+"/auth/github/callback" || to.Query().Get("state") == "mine" {
			t.Fatalf("%s: %d %s", payload, res.StatusCode, to)
		}
		answer := h.world.Approve(t, to.String(), "ada")
		answer.Set("redirect_uri", "https://evil.example")
		mustLead(t, b.get(t, "/auth/github/callback?"+answer.Encode(), forged...), "/")
	}
	res := h.visitor(t).get(t, "/auth/github", "X-Forwarded-For", "192.0.2.1")
	if res.StatusCode != http.StatusSeeOther {
		t.Error(res.StatusCode)
	}
}

// T7: pages of others, and pictures, begin no sign-in; people choose themselves.
func TestOtherSitesCannotBeginASignIn(t *testing.T) {
	h := newHouse(t, nil)
	b := h.visitor(t)
	for _, site := range []string{"cross-site", "same-site"} {
		mustLead(t, b.get(t, "/auth/google?guest=discard&return=/privacy", "Sec-Fetch-Site", site, "Sec-Fetch-Dest", "document"), "/sign-in?return=%2Fprivacy")
	}
	for _, dest := range []string{"image", "iframe", "empty", "script"} {
		if res := b.get(t, "/auth/google", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Dest", dest); res.StatusCode != http.StatusBadRequest {
			t.Errorf("as %s: %d", dest, res.StatusCode)
		}
	}
	if n := h.count(t, "sign_ins"); n != 0 {
		t.Errorf("%d sign-ins were begun", n)
	}
	back := h.visitor(t)
	to := back.approve(t, "/auth/google", "ada")
	for _, dest := range []string{"image", "iframe", "empty", "script"} {
		if res := back.get(t, to, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", dest); res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" {
			t.Errorf("back as %s: %d", dest, res.StatusCode)
		}
	}
	mustLead(t, back.get(t, to, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "document"), "/")
	if res := b.get(t, "/auth/google", "Sec-Fetch-Site", "none", "Sec-Fetch-Dest", "document"); !strings.HasPrefix(res.Header.Get("Location"), "https://accounts.google.com/") {
		t.Error(res.Header)
	}
}

func TestTooManySignInsAreToldToWait(t *testing.T) {
	h := newHouse(t, nil)
	b := h.visitor(t)
	b.network = "203.0.113.9:1"
	for range signin.PerMinute {
		b.get(t, "/auth/github")
	}
	res := b.get(t, "/auth/github")
	if mustFail(t, res, http.StatusTooManyRequests, "/sign-in?error=rate_limited&provider=github"); res.Header.Get("Retry-After") == "" {
		t.Error("it is not said when to come again")
	}
	if res := b.ask(t, http.MethodPost, "/auth/email", url.Values{"token": {strings.Repeat("A", 43)}}); res.StatusCode != http.StatusTooManyRequests {
		t.Error(res.StatusCode)
	}
}

// The operator's link: looking at it burns nothing, a click signs in once.
func TestOperatorLink(t *testing.T) {
	h := newHouse(t, nil)
	token, err := h.accounts.OperatorLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	link := "/auth/operator?token=" + token
	mustLead(t, h.stranger().get(t, link), "/sign-in?need=age&provider=operator&return="+url.QueryEscape(link))
	b := h.visitor(t)
	for range 3 {
		res := b.get(t, link)
		page := bodyOf(t, res)
		if res.StatusCode != http.StatusOK || !strings.Contains(page, `<form method="post" action="/auth/operator">`) || !strings.Contains(page, token) || strings.Contains(page, "<script") ||
			!strings.Contains(res.Header.Get("Content-Security-Policy"), "form-action 'self'") || res.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Fatal(res.Header, page)
		}
	}
	form := url.Values{"token": {token}}
	if res := b.ask(t, http.MethodPost, "/auth/operator", form, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); res.StatusCode != http.StatusForbidden {
		t.Error("another site redeems links:", res.StatusCode) // T10
	}
	refused := h.stranger()
	mustLead(t, refused.ask(t, http.MethodPost, "/auth/operator", form), "/sign-in?need=age&provider=operator&return="+url.QueryEscape(link))
	mustLead(t, b.ask(t, http.MethodPost, "/auth/operator", form), "/")
	if v := b.who(t); v.Kind != viewer.Account || !v.Admin {
		t.Error(v)
	}
	// Who has an account has answered: signing in again needs no gate.
	if second, err := h.accounts.OperatorLink(t.Context()); err != nil {
		t.Fatal(err)
	} else if back := h.stranger(); back.get(t, "/auth/operator?token="+second).StatusCode != http.StatusOK {
		t.Error("a returning operator is asked once more")
	} else if mustLead(t, back.ask(t, http.MethodPost, "/auth/operator", url.Values{"token": {second}}), "/"); !back.who(t).Admin {
		t.Error(back.who(t))
	}
	again := h.visitor(t)
	mustFail(t, again.ask(t, http.MethodPost, "/auth/operator", form), http.StatusBadRequest, "/sign-in?error=link_expired&provider=operator&return="+url.QueryEscape(link))
	for _, bad := range []string{"", "x", "<script>", strings.Repeat("A", 200), "a b"} {
		mustFail(t, again.get(t, "/auth/operator?token="+url.QueryEscape(bad)), http.StatusBadRequest, "/sign-in?error=link_expired&provider=operator")
		mustFail(t, again.ask(t, http.MethodPost, "/auth/operator", url.Values{"token": {bad}}), http.StatusBadRequest, "/sign-in?error=link_expired&provider=operator")
	}
	mustFail(t, again.ask(t, http.MethodPost, "/auth/operator", url.Values{"token": {strings.Repeat("A", 5000)}}), http.StatusBadRequest, "/sign-in?error=link_expired&provider=operator")
	if strings.Contains(h.log.String(), token) {
		t.Error("the link is in the log")
	}
}

// The link of a mail asks for a click too, and tells how it went.
func TestEmailLink(t *testing.T) {
	h := newHouse(t, nil)
	b, token := h.stranger(), strings.Repeat("A", 43)
	if page := bodyOf(t, b.get(t, "/auth/email?token="+token)); !strings.Contains(page, `action="/auth/email"`) || !strings.Contains(page, token) {
		t.Error(page)
	}
	mustFail(t, b.get(t, "/auth/email"), http.StatusBadRequest, "/settings/profile")
	mustFail(t, b.ask(t, http.MethodPost, "/auth/email", url.Values{"token": {token}}), http.StatusBadRequest, "")
	mustFail(t, b.ask(t, http.MethodPost, "/auth/email", url.Values{}), http.StatusBadRequest, "")
}

// P36: signing out ends the session and makes the browser forget; again does nothing.
func TestSigningOut(t *testing.T) {
	h := newHouse(t, nil)
	b := h.visitor(t)
	b.signIn(t, "/auth/google", "ada")
	session := b.cookies["__Host-sid"]
	if res := b.ask(t, http.MethodPost, "/auth/sign-out", nil, "Sec-Fetch-Site", "cross-site"); res.StatusCode != http.StatusForbidden || b.who(t).Kind != viewer.Account {
		t.Error("another site signs people out:", res.StatusCode) // T10
	}
	res := b.ask(t, http.MethodPost, "/auth/sign-out", nil, "Sec-Fetch-Site", "same-origin")
	if res.StatusCode != http.StatusNoContent || res.Header.Get("Clear-Site-Data") != `"cache", "cookies", "storage"` || b.cookies["__Host-sid"] != "" {
		t.Error(res.StatusCode, res.Header)
	}
	thief := h.stranger()
	thief.cookies["__Host-sid"] = session
	if v := thief.who(t); v.Kind != "" || h.count(t, "sessions") != 0 {
		t.Error("the session lives:", v)
	}
	if res := thief.ask(t, http.MethodPost, "/auth/sign-out", nil, "Sec-Fetch-Mode", "navigate"); res.StatusCode != http.StatusSeeOther || thief.cookies["__Host-sid"] != "" {
		t.Error(res.StatusCode)
	}
	guest := h.visitor(t)
	guest.ask(t, http.MethodPost, "/graphql", url.Values{})
	if res := guest.ask(t, http.MethodPost, "/auth/sign-out", nil); res.StatusCode != http.StatusNoContent || res.Header.Get("Clear-Site-Data") != "" || guest.cookies["__Host-guest"] == "" {
		t.Error("a guest lost its cookie", res.Header)
	}
}

// Stolen, shortened and made-up session cookies are nobody's.
func TestForgedSessionCookies(t *testing.T) {
	h := newHouse(t, nil)
	b := h.visitor(t)
	b.signIn(t, "/auth/google", "ada")
	good := b.cookies["__Host-sid"]
	for _, bad := range []string{"", "x", good[1:], good[:len(good)-1], good + "A", strings.ToLower(good), strings.Repeat("A", len(good)), strings.Repeat("A", 20_000)} {
		forger := h.stranger()
		forger.cookies["__Host-sid"] = bad
		if v := forger.who(t); v.Kind != "" {
			t.Errorf("%.60q is %v", bad, v)
		}
	}
	two := h.stranger()
	two.cookies["sid"] = good // a cookie that another site may have set
	if v := two.who(t); v.Kind != "" {
		t.Error(v)
	}
}

// A database that is away is told as such, without its error.
func TestSignInWithoutDatabase(t *testing.T) {
	h := newHouse(t, nil)
	b := h.visitor(t)
	back := b.approve(t, "/auth/github", "ada")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("gone"))
	if err := h.db.Close(context.WithoutCancel(ctx)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/auth/github", back} {
		if res := b.get(t, path); res.StatusCode < 500 || strings.Contains(bodyOf(t, res), "closed") {
			t.Errorf("%s answers %d", path, res.StatusCode)
		}
	}
}
