package main

import (
	"net/http"
	"net/url"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

// passed is a visitor for whom age and policy are settled.
func (p *product) passed() viewer.Viewer {
	now, version := p.server.clock.Now(), p.server.policy.Current().Version
	return viewer.Viewer{Kind: viewer.Visitor, Gate: viewer.Gate{
		AgeConfirmedAt: now, AgePolicy: version, AcceptedPolicy: version, AcceptedAt: now, AcceptedHow: string(models.AcceptedAtSignIn)}}
}

// signIn is a browser of the account name@example.org, which is made the first time.
func (p *product) signIn(name string) *browser {
	p.t.Helper()
	b := p.browser()
	b.enter(p.session(name))
	return b
}

// session begins a session of the account name@example.org.
func (p *product) session(name string) account.Entry {
	p.t.Helper()
	entry, err := p.server.accounts.SignIn(p.t.Context(), account.SignIn{From: p.passed(), Device: account.ParseDevice(firefox),
		Proof: account.Proof{Provider: models.ProviderGoogle, Subject: name, Name: name, Email: name + "@example.org", Verified: true}})
	if err != nil {
		p.t.Fatal(err)
	}
	return entry
}

// operator is a browser of the administrator.
func (p *product) operator() *browser {
	p.t.Helper()
	token, err := p.server.accounts.OperatorLink(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	entry, err := p.server.accounts.RedeemOperatorLink(p.t.Context(), token, p.passed(), account.ParseDevice(firefox))
	if err != nil {
		p.t.Fatal(err)
	}
	b := p.browser()
	b.enter(entry)
	return b
}

// enter gives the browser a session's cookie.
func (b *browser) enter(e account.Entry) {
	b.p.t.Helper()
	b.passed = true
	u, err := url.Parse(b.p.url)
	if err != nil {
		b.p.t.Fatal(err)
	}
	b.http.Jar.SetCookies(u, []*http.Cookie{{Name: "sid", Value: e.Cookie, Path: "/"}})
	b.p.said.hear(map[string]any{"secret": e.Cookie})
}

// age lets a session's proof of who it is lie some time back.
func (p *product) age(e account.Entry, by time.Duration) {
	p.t.Helper()
	at := p.server.clock.Now().Add(-by)
	if err := p.server.db.Gorm(p.t.Context()).Exec("UPDATE sessions SET authenticated_at = ? WHERE id = ?", at, e.Viewer.SessionID).Error; err != nil {
		p.t.Fatal(err)
	}
}
