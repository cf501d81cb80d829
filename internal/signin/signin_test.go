package signin_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/signin"
	"github.com/kimi-k2/kimi-k2/internal/signin/signintest"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// P8, P9: each provider says who somebody is, with state, PKCE and nonce; the address
// to come back to is the public one.
func TestEachProviderSaysWhoItIs(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for p, want := range map[models.Provider]signin.Proof{
		models.ProviderGoogle: {Provider: models.ProviderGoogle, Subject: "ada-1", Name: "Ada", Email: "ada@mail.example", Verified: true},
		models.ProviderGitHub: {Provider: models.ProviderGitHub, Subject: "4711", Name: "Ada", Email: "ada@mail.example", Verified: true},
		models.ProviderOIDC:   {Provider: models.ProviderOIDC, Subject: f.world.Issuer + " ada-1", Name: "Ada Test", Email: "ada@mail.example", Verified: true},
	} {
		begun := f.begin(t, signin.Begin{Provider: p, ReturnTo: "/c/con_1", Discard: true})
		q := mustParse(t, begun.URL).Query()
		if len(q.Get("state")) != 43 || q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 ||
			q.Get("redirect_uri") != public+"/auth/"+strings.ToLower(string(p))+"/callback" || q.Get("access_type") == "offline" ||
			(q.Get("nonce") == "") != (p == models.ProviderGitHub) {
			t.Errorf("%s begins with %s", p, begun.URL)
		}
		done, err := f.Complete(t.Context(), signin.Callback{Provider: p, Query: f.world.Approve(t, begun.URL, "ada-1"), Browser: begun.Browser})
		if asked := time.Since(done.Proof.At); (p == models.ProviderOIDC) != (asked >= 0 && asked < time.Minute) {
			t.Errorf("%s asked at %v", p, done.Proof.At)
		}
		done.Proof.At = time.Time{}
		if err != nil || done.Proof != want || done.ReturnTo != "/c/con_1" || !done.Discard || done.Purpose != signin.PurposeSignIn {
			t.Errorf("%s: %+v, %v\n%s", p, done, err, f.log)
		}
	}
	// P21: nobody else was asked.
	want := []string{"accounts.google.com", "api.github.com", "github.com", "oauth2.googleapis.com", "op", "www.googleapis.com"}
	if got := f.world.Dialled(); !slices.Equal(got, want) {
		t.Errorf("dialled %v", got)
	}
}

// P8: what has no client is not offered.
func TestOnlyConfiguredProvidersAreOffered(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *signin.Config) { c.Google, c.OIDC.Client = signin.Client{}, signin.Client{} })
	if got := f.Providers(); len(got) != 1 || got[0] != (signin.Info{Provider: models.ProviderGitHub, Name: "GitHub", Path: "/auth/github"}) {
		t.Error(got)
	}
	for _, p := range []models.Provider{models.ProviderGoogle, models.ProviderOIDC, models.ProviderOperator, models.ProviderGuest, ""} {
		_, err := f.Begin(t.Context(), signin.Begin{Provider: p, Purpose: signin.PurposeSignIn})
		mustRefuse(t, err, signin.ReasonUnknown)
		if _, err = f.Complete(t.Context(), signin.Callback{Provider: p}); f.Offers(p) {
			t.Error(p, "is offered")
		}
		mustRefuse(t, err, signin.ReasonUnknown)
	}
	if _, err := signin.New(signin.Config{Key: []byte("short")}); err == nil {
		t.Error("a short key was taken")
	}
}

// P14, T7: a state is good once, in its browser, at its provider, for ten minutes.
func TestStateIsGoodOnceInItsBrowser(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	other := f.begin(t, signin.Begin{Provider: models.ProviderGitHub})
	for name, spoil := range map[string]func(*signin.Callback){
		"no state":             func(c *signin.Callback) { c.Query.Del("state") },
		"forged state":         func(c *signin.Callback) { c.Query.Set("state", strings.Repeat("A", 43)) },
		"short state":          func(c *signin.Callback) { c.Query.Set("state", "x") },
		"two states":           func(c *signin.Callback) { c.Query.Add("state", c.Query.Get("state")) },
		"state of another":     func(c *signin.Callback) { c.Query.Set("state", mustParse(t, other.URL).Query().Get("state")) },
		"foreign browser":      func(c *signin.Callback) { c.Browser = other.Browser },
		"browser without it":   func(c *signin.Callback) { c.Browser = "" },
		"spare bits":           func(c *signin.Callback) { c.Browser = c.Browser[:42] + "_" },
		"at another provider":  func(c *signin.Callback) { c.Provider = models.ProviderGitHub },
		"in another's address": func(c *signin.Callback) { c.Provider = models.ProviderOIDC },
	} {
		begun := f.begin(t, signin.Begin{Provider: models.ProviderGoogle})
		good := signin.Callback{Provider: models.ProviderGoogle, Query: f.world.Approve(t, begun.URL, "ada-1"), Browser: begun.Browser}
		bad := good
		bad.Query = mustParse(t, "?"+good.Query.Encode()).Query()
		spoil(&bad)
		done, err := f.Complete(t.Context(), bad)
		if mustRefuse(t, err, signin.ReasonState); done.Proof != (signin.Proof{}) || !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %+v, %v", name, done, err)
		}
	}
	begun := f.begin(t, signin.Begin{Provider: models.ProviderGoogle})
	c := signin.Callback{Provider: models.ProviderGoogle, Query: f.world.Approve(t, begun.URL, "ada-1"), Browser: begun.Browser}
	if _, err := f.Complete(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	_, err := f.Complete(t.Context(), c)
	mustRefuse(t, err, signin.ReasonState) // replayed
}

// P14: to the second, also when the clock jumps.
func TestSignInExpiresAfterTenMinutes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for _, c := range []struct {
		after time.Duration
		want  signin.Reason
	}{{signin.TTL - 30*time.Second, ""}, {signin.TTL, signin.ReasonExpired}, {100 * 24 * time.Hour, signin.ReasonExpired}} {
		begun := f.begin(t, signin.Begin{Provider: models.ProviderGitHub, ReturnTo: "/privacy"})
		answer := f.world.Approve(t, begun.URL, "ada-1")
		f.clock.move(c.after)
		done, err := f.Complete(t.Context(), signin.Callback{Provider: models.ProviderGitHub, Query: answer, Browser: begun.Browser})
		if c.want == "" && err != nil {
			t.Error(err)
		} else if c.want != "" {
			mustRefuse(t, err, c.want)
		}
		if done.ReturnTo != "/privacy" {
			t.Error(done)
		}
	}
}

func count(t *testing.T, f *fixture) (n int) {
	t.Helper()
	if err := f.db.Pool().QueryRow(t.Context(), "SELECT count(*) FROM sign_ins").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// T7: a code that was made for another sign-in does not fit this one's verifier.
func TestCodeOfAnotherSignInIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for _, p := range all {
		mine, theirs := f.begin(t, signin.Begin{Provider: p}), f.begin(t, signin.Begin{Provider: p})
		answer := f.world.Approve(t, mine.URL, "ada-1")
		answer.Set("code", f.world.Approve(t, theirs.URL, "ada-1").Get("code"))
		_, err := f.Complete(t.Context(), signin.Callback{Provider: p, Query: answer, Browser: mine.Browser})
		mustRefuse(t, err, signin.ReasonUpstream)
	}
}

// P11, T6: a link and a confirmation belong to the session that began them.
func TestLinkAndConfirmationStayInTheirSession(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	const owner = "own_0198c2f4a00070008000000000000001"
	if _, err := f.db.Pool().Exec(t.Context(), `INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at) VALUES ($1, 'ACCOUNT', '\x01', now(), now())`, owner); err != nil {
		t.Fatal(err)
	}
	me := viewer.Viewer{Kind: viewer.Account, OwnerID: owner, SessionID: "ses_1"}
	for _, purpose := range []signin.Purpose{signin.PurposeLink, signin.PurposeConfirm} {
		for _, kind := range []viewer.Kind{"", viewer.Visitor, viewer.Guest} {
			if _, err := f.Begin(t.Context(), signin.Begin{Provider: models.ProviderOIDC, Purpose: purpose, From: viewer.Viewer{Kind: kind}}); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%s begins as %q: %v", purpose, kind, err)
			}
		}
		for name, c := range map[string]struct {
			from viewer.Viewer
			ok   bool
		}{
			"same": {me, true}, "signed out": {viewer.Viewer{}, false},
			"other session": {viewer.Viewer{Kind: viewer.Account, OwnerID: owner, SessionID: "ses_2"}, false},
			"other account": {viewer.Viewer{Kind: viewer.Account, OwnerID: "own_2", SessionID: "ses_1"}, false},
			"a guest":       {viewer.Viewer{Kind: viewer.Guest, OwnerID: owner, SessionID: "ses_1"}, false},
		} {
			begun := f.begin(t, signin.Begin{Provider: models.ProviderOIDC, Purpose: purpose, From: me})
			if purpose == signin.PurposeConfirm && mustParse(t, begun.URL).Query().Get("prompt") != "login" {
				t.Error("a confirmation does not ask anew")
			}
			done, err := f.Complete(t.Context(), signin.Callback{Provider: models.ProviderOIDC, Query: f.world.Approve(t, begun.URL, "ada-1"), Browser: begun.Browser, From: c.from})
			if !c.ok {
				mustRefuse(t, err, signin.ReasonState)
			} else if err != nil || done.Purpose != purpose {
				t.Errorf("%s %s: %v %v", purpose, name, done.Purpose, err)
			}
		}
	}
}

// P13: of 50 browsers' windows that come back with one state, one gets in; 50 sign-ins
// side by side all do, as the same person.
func TestFiftyCallbacksAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	begun := f.begin(t, signin.Begin{Provider: models.ProviderGitHub})
	same := signin.Callback{Provider: models.ProviderGitHub, Query: f.world.Approve(t, begun.URL, "ada-1"), Browser: begun.Browser}
	apart := make([]signin.Callback, 50)
	for i := range apart {
		b := f.begin(t, signin.Begin{Provider: models.ProviderGitHub})
		apart[i] = signin.Callback{Provider: models.ProviderGitHub, Query: f.world.Approve(t, b.URL, "ada-1"), Browser: b.Browser}
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	in := map[string]int{}
	for i := range apart {
		for name, c := range map[string]signin.Callback{"same": same, "apart": apart[i]} {
			wg.Go(func() {
				done, err := f.Complete(t.Context(), c)
				mu.Lock()
				defer mu.Unlock()
				if err == nil && done.Proof.Subject == "4711" {
					in[name]++
				}
			})
		}
	}
	wg.Wait()
	if in["same"] != 1 || in["apart"] != 50 {
		t.Error(in)
	}
}

// Two tabs of one browser sign in side by side; a made-up secret is not taken.
func TestTabsShareTheBrowsersSecret(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	first := f.begin(t, signin.Begin{Provider: models.ProviderGitHub})
	second := f.begin(t, signin.Begin{Provider: models.ProviderGoogle, Browser: first.Browser})
	if second.Browser != first.Browser {
		t.Error("the second tab's secret replaces the first's")
	}
	if b := f.begin(t, signin.Begin{Provider: models.ProviderGoogle, Browser: "mine"}); b.Browser == "mine" {
		t.Error("a made-up secret was taken")
	}
}

// P32, T7: the database holds no state, secret, verifier, nonce, code or token.
func TestNothingSecretIsStoredOrLogged(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	var canaries []string
	for _, p := range all {
		begun := f.begin(t, signin.Begin{Provider: p})
		q := mustParse(t, begun.URL).Query()
		canaries = append(canaries, begun.Browser, q.Get("state"), q.Get("code_challenge"))
		if n := q.Get("nonce"); n != "" {
			canaries = append(canaries, n)
		}
	}
	dump := dbtest.Dump(t, f.db) + f.log.String()
	sum := sha256.Sum256([]byte(canaries[0]))
	if !strings.Contains(dump, hex.EncodeToString(sum[:])) {
		t.Error("the dump does not hold the sign-in")
	}
	for _, c := range append(canaries, signintest.ClientSecret) {
		raw, err := base64.RawURLEncoding.DecodeString(c)
		if strings.Contains(dump, c) || err == nil && strings.Contains(dump, hex.EncodeToString(raw)) {
			t.Errorf("%q is stored or logged", c)
		}
	}
	if n := count(t, f); n != 3 {
		t.Fatal(n)
	}
	for _, p := range all {
		if _, err := f.signIn(t, p, "ada-1"); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []string{"token-", "code-", ada.Email, ada.ID} {
		if strings.Contains(dbtest.Dump(t, f.db)+f.log.String(), c) {
			t.Errorf("%q is stored or logged", c)
		}
	}
}

// T32: a network tries ten times a minute, and comes back as often.
func TestNetworksAreLimited(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	from := func(addr string) viewer.Viewer { return viewer.Viewer{Network: netip.MustParseAddr(addr)} }
	begin := func(addr string) error {
		_, err := f.Begin(t.Context(), signin.Begin{Provider: models.ProviderGitHub, Purpose: signin.PurposeSignIn, From: from(addr)})
		return err
	}
	for i := range signin.PerMinute {
		if err := begin("192.0.2." + string(rune('1'+i%9))); err != nil {
			t.Fatal(i, err)
		}
		_, err := f.Complete(t.Context(), signin.Callback{Provider: models.ProviderGitHub, From: from("192.0.2.1")})
		mustRefuse(t, err, signin.ReasonState)
	}
	err := begin("192.0.2.200")
	mustRefuse(t, err, signin.ReasonBusy)
	if list, _ := fault.Of(err); !fault.Is(err, fault.RateLimited) || list[0].RetryAfter <= 0 || list[0].RetryAfter > time.Minute {
		t.Error(err)
	}
	mustRefuse(t, f.Attempt(netip.MustParseAddr("::ffff:192.0.2.3")), signin.ReasonBusy)
	_, err = f.Complete(t.Context(), signin.Callback{Provider: models.ProviderGitHub, From: from("192.0.2.1")})
	mustRefuse(t, err, signin.ReasonBusy)
	for _, addr := range []string{"192.0.3.1", "2001:db8::1", "127.0.0.1"} {
		if err := begin(addr); err != nil {
			t.Error(addr, err)
		}
	}
	f.clock.move(time.Minute)
	if err := begin("192.0.2.1"); err != nil {
		t.Error(err)
	}
	f.clock.move(-time.Hour)
	if err := begin("192.0.2.1"); err != nil {
		t.Error("the clock was set back:", err)
	}
	if strings.Contains(dbtest.Dump(t, f.db)+f.log.String(), "192.0.2") {
		t.Error("an address was stored or logged")
	}
}

// T32: who comes back to nothing, as any page can make a browser do, uses up no sign-in of
// its network; those that were begun are counted when they come back.
func TestStraysLockNobodyOut(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	at := viewer.Viewer{Network: netip.MustParseAddr("192.0.2.1")}
	back := func() error {
		begun := f.begin(t, signin.Begin{Provider: models.ProviderGitHub})
		_, err := f.Complete(t.Context(), signin.Callback{Provider: models.ProviderGitHub, Query: f.world.Approve(t, begun.URL, "ada-1"), Browser: begun.Browser, From: at})
		return err
	}
	for _, state := range []string{"", "x", strings.Repeat("A", 43)} {
		for range signin.PerMinute + 1 {
			_, err := f.Complete(t.Context(), signin.Callback{Provider: models.ProviderGitHub, Query: url.Values{"state": {state}}, From: at})
			if err == nil {
				t.Fatal("it came back to something")
			}
		}
	}
	for i := range signin.PerMinute {
		if err := back(); err != nil {
			t.Fatal(i, err)
		}
	}
	mustRefuse(t, back(), signin.ReasonBusy)
}

// A flood of networks takes no more memory than there is, and locks nobody out.
func TestFloodOfNetworksIsForgotten(t *testing.T) {
	t.Parallel()
	f, err := signin.New(signin.Config{Clock: &hand{}, Key: make([]byte, 32), PublicURL: mustParse(t, public)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	for i := range 100_100 {
		if err := f.Attempt(netip.AddrFrom16([16]byte{0x20, 1, 0, byte(i >> 16), byte(i >> 8), byte(i)})); err != nil {
			t.Fatal(i, err)
		}
	}
}

// T36: only pages of the app are come back to.
func TestReturnPathsArePagesOfTheApp(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"/", "/c/con_0198c2f4a00070008000000000000001", "/settings", "/settings/identities", "/operator/mails", "/developers", "/developers/completions", "/privacy", "/transparency", "/s/AbC-_9", "/usage", "/billing", "/billing/return?purchase=pur_0198c2f4a00070008000000000000001"} {
		if signin.Path(good) != good {
			t.Error(good, "is refused")
		}
	}
	for _, bad := range []string{
		"", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/\\/evil.example", "https://evil.example", "http:evil.example", "HTTPS:/evil.example",
		"javascript:alert(1)", "data:text/html,x", "/c/../../evil", "/c/%2e%2e/x", "/%2f%2fevil.example", "/%5cevil.example", "/c/x?next=//evil.example", "/c/x#@evil.example",
		"/\t/evil.example", "/\n/evil.example", "/\r\nSet-Cookie: a=b", "/c/x\r\nLocation: //evil.example", " /", "/ ", "/\x00", "/c/x\n", "/@evil.example", "evil.example", "/.evil.example",
		"/。evil.example", "/auth/sign-out", "/auth/google?return=/", "/sign-in?error=x", "/graphql", "/c/", "/c/" + strings.Repeat("a", 65), "/settings/Profile", "/c/x/y", "//", "/./c/x", "?x", "#x", "/billing/return", "/billing?purchase=x", "/billing/return?purchase=", "/billing/return?purchase=x&y=z", "/billing/return?purchase=x%0d", "/billing/return?other=x",
	} {
		if got := signin.Path(bad); got != "/" {
			t.Errorf("%q leads to %q", bad, got)
		}
	}
}

// What waits for age and policy is as old as the provider said, not as its coming back.
func TestWhatWaitsKeepsItsTime(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	begun := f.begin(t, signin.Begin{Provider: models.ProviderOIDC})
	done, err := f.Complete(t.Context(), signin.Callback{Provider: models.ProviderOIDC, Query: f.world.Approve(t, begun.URL, "ada-1"), Browser: begun.Browser})
	if err != nil || done.Proof.At.IsZero() {
		t.Fatal(done.Proof.At, err)
	}
	cookie, err := f.Pend(t.Context(), done, begun.Browser)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := f.Resume(t.Context(), models.ProviderOIDC, cookie, begun.Browser, viewer.Viewer{}); err != nil || !again.Proof.At.Equal(done.Proof.At) {
		t.Error(again.Proof.At, err)
	}
}
