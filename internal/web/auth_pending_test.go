package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/signin"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// answer puts age and policy into the browser, as the page's dialogs do.
func (b *browser) answer(t *testing.T) {
	b.cookies["__Host-gate"] = b.h.visitor(t).cookies["__Host-gate"]
}

// P7, P121: who comes back is not asked anything, whatever the browser has forgotten.
func TestReturningNeedsNoSecondAnswer(t *testing.T) {
	h := newHouse(t, nil)
	mustLead(t, h.visitor(t).signIn(t, "/auth/google", "ada"), "/")
	b := h.stranger()
	mustLead(t, b.signIn(t, "/auth/google?return=/c/con_1", "ada"), "/c/con_1")
	if b.who(t).Kind != viewer.Account || b.cookies["__Host-pending"] != "" || h.count(t, "accounts") != 1 {
		t.Error(b.who(t), b.cookies)
	}
}

// P121: before there is an account age and policy are asked, after the provider has said
// that there is none; nothing is stored of it until they are answered, and then the
// provider isn't asked again.
func TestANewAccountWaitsForAgeAndPolicy(t *testing.T) {
	h := newHouse(t, nil)
	b := h.stranger()
	const asks = "/sign-in?guest=discard&need=age&provider=google&return=%2Fc%2Fcon_1"
	res := b.signIn(t, "/auth/google?return=/c/con_1&guest=discard", "ada")
	mustLead(t, res, asks)
	for _, c := range res.Cookies() {
		if c.Name == "__Host-pending" && (!c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 600) {
			t.Errorf("the cookie is %v", c)
		}
	}
	if h.count(t, "owners")+h.count(t, "accounts")+h.count(t, "sessions") != 0 || strings.Contains(dbtest.Dump(t, h.db)+h.log.String()+b.cookies["__Host-pending"], "mail.example") {
		t.Error("something was stored, logged or readable")
	}
	dialled := len(h.world.Dialled())
	mustLead(t, b.get(t, "/auth/google?resume=1&return=/c/con_1&guest=discard"), asks) // nothing was answered yet
	v, now := h.policy.Current().Version, clock.System{}.Now()
	b.cookies["__Host-gate"], _ = h.policy.Stamp(viewer.Gate{AgeConfirmedAt: now, AgePolicy: v})
	mustLead(t, b.get(t, "/auth/google?resume=1&guest=discard"), strings.Replace(asks, "age", "policy", 1))
	b.answer(t)
	kept, bound := b.cookies["__Host-pending"], b.cookies["__Host-oauth"]
	mustLead(t, b.get(t, "/auth/google?resume=1&return=//evil.example"), "/c/con_1")
	if b.who(t).Kind != viewer.Account || b.cookies["__Host-pending"] != "" || len(h.world.Dialled()) != dialled {
		t.Error(b.who(t), b.cookies, "or the provider was asked again")
	}
	// It was good once, there, and at that provider.
	for name, change := range map[string]func(b *browser) (path string){
		"used":             func(*browser) string { return "/auth/google?resume=1" },
		"another provider": func(*browser) string { return "/auth/github?resume=1" },
		"another browser": func(b *browser) string {
			b.cookies["__Host-oauth"] = strings.Repeat("A", 43)
			return "/auth/google?resume=1"
		},
		"damaged": func(b *browser) string { b.cookies["__Host-pending"] = "A" + kept; return "/auth/google?resume=1" },
		"huge": func(b *browser) string {
			b.cookies["__Host-pending"] = strings.Repeat("A", 9000)
			return "/auth/google?resume=1"
		},
	} {
		thief := h.visitor(t)
		thief.cookies["__Host-pending"], thief.cookies["__Host-oauth"] = kept, bound
		if res := thief.get(t, change(thief)); !strings.HasPrefix(res.Header.Get("Location"), "https://") || thief.who(t).Kind == viewer.Account {
			t.Errorf("%s: %d %s", name, res.StatusCode, res.Header.Get("Location"))
		}
	}
}

// A waiting answer is no answer of a provider's.
func TestAWaitingAnswerIsNoCallback(t *testing.T) {
	h := newHouse(t, nil)
	b := h.stranger()
	b.signIn(t, "/auth/google", "ada")
	b.answer(t)
	mustFail(t, b.get(t, "/auth/google/callback?code=x&state="+url.QueryEscape(b.cookies["__Host-pending"])), http.StatusBadRequest, "/sign-in?error=state&provider=google")
	for range signin.PerMinute + 1 {
		b.network = "203.0.113.9:1"
		b.get(t, "/auth/github")
	}
	mustFail(t, b.get(t, "/auth/google?resume=1"), http.StatusTooManyRequests, "/sign-in?error=rate_limited&provider=google")
	b.network = "127.0.0.1:1"
	mustLead(t, b.get(t, "/auth/google?resume=1"), "/") // nothing was lost by waiting
}

// P121: who turns out to be too young leaves nothing, neither here nor in the browser,
// and isn't sent to a provider again.
func TestTooYoungAfterTheProviderLeavesNothing(t *testing.T) {
	h := newHouse(t, nil)
	b := h.stranger()
	mustLead(t, b.signIn(t, "/auth/google", "ada"), "/sign-in?need=age&provider=google")
	h.act = func(v *viewer.Viewer) { v.Gate.AgeRefusedUntil = clock.System{}.Now().AddDate(0, 0, 1) }
	b.ask(t, http.MethodPost, "/graphql", url.Values{})
	if b.cookies["__Host-pending"] != "" || b.cookies["__Host-gate"] == "" {
		t.Error("the browser keeps", b.cookies)
	}
	h.act = nil
	dialled := len(h.world.Dialled())
	for _, path := range []string{"/auth/google", "/auth/google?resume=1"} {
		mustFail(t, b.get(t, path), http.StatusForbidden, "/sign-in?error=age_refused&provider=google")
	}
	if len(h.world.Dialled()) != dialled || h.count(t, "owners")+h.count(t, "accounts")+h.count(t, "identities") != 0 || strings.Contains(dbtest.Dump(t, h.db), "mail.example") {
		t.Error("something was stored, or the provider was asked again")
	}
}
