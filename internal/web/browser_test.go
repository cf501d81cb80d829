package web_test

import (
	"bytes"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/policy"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/signin"
	"github.com/kimi-k2/kimi-k2/internal/signin/signintest"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/internal/web"
	"github.com/kimi-k2/kimi-k2/models"
	policyfiles "github.com/kimi-k2/kimi-k2/policy"
)

const secure = "https://chat.example"

// house is the ways in and out with everything behind them: the real services, on a
// real database, and providers around.
type house struct {
	http.Handler
	db       *database.DB
	accounts *account.Service
	policy   *policy.Service
	world    *signintest.World
	log      *journal
	seen     viewer.Viewer          // of the last request to /graphql
	act      func(v *viewer.Viewer) // what an operation makes of the viewer; nil: nothing
}

// noMail takes mails and sends none.
type noMail struct{}

func (noMail) EnqueueTx(*gorm.DB, viewer.Viewer, models.Letter) error { return nil }

func newHouse(t *testing.T, change func(*signin.Config)) *house {
	t.Helper()
	w := signintest.New(t, secure+"/auth/google/callback", secure+"/auth/github/callback", secure+"/auth/oidc/callback")
	h := &house{db: dbtest.New(t), world: w, log: &journal{}}
	h.know("ada")
	secret := bytes.Repeat([]byte{7}, seal.KeySize)
	keeper, err := seal.NewKeeper(secret)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h.policy, err = policy.New(policy.Config{DB: h.db, Audit: audittest.New(h.db), Clock: clock.System{}, Files: policyfiles.Files(), CookieKey: secret, GuestTTL: account.GuestTTL})
	if err != nil {
		t.Fatal(err)
	}
	h.accounts = account.New(account.Config{DB: h.db, Audit: audittest.New(h.db), Keeper: keeper, Clock: clock.System{}, GuestLimit: 10, CookieKey: secret, CacheTTL: time.Nanosecond, PublicURL: secure,
		Admission: h.policy, Movers: []account.Mover{h.policy}, Mailer: noMail{}})
	public, err := url.Parse(secure)
	if err != nil {
		t.Fatal(err)
	}
	client := signin.Client{ID: signintest.ClientID, Secret: signintest.ClientSecret}
	c := signin.Config{DB: h.db, Clock: clock.System{}, Log: log, Key: secret, PublicURL: public, Google: client, GitHub: client, Transport: w.Transport(t)}
	if change != nil {
		change(&c)
	}
	providers, err := signin.New(c)
	if err != nil {
		t.Fatal(err)
	}
	h.Handler = web.New(web.Config{
		Account: h.accounts, Gates: h.policy, Sessions: h.accounts, SignIns: providers, Admission: h.policy, PublicURL: public, Clock: clock.System{}, Log: log,
		GraphQL: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.seen = viewer.From(r.Context())
			if h.act != nil {
				h.act(&h.seen)
				viewer.Become(r.Context(), h.seen)
				w.WriteHeader(http.StatusOK)
			}
		}),
		SupportEmail: "help@chat.example", Static: site(),
	})
	return h
}

// know makes a person known to the providers, with a number made of the name.
func (h *house) know(name string) signintest.Person {
	number := 0
	for _, r := range name {
		number = number*100 + int(r)
	}
	p := signintest.Person{ID: name, Number: number, Login: name, Name: strings.ToUpper(name), Email: name + "@mail.example", Verified: true}
	h.world.Know(p)
	return p
}

func (h *house) count(t *testing.T, table string) (n int) {
	t.Helper()
	if err := h.db.Pool().QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// browser keeps cookies.
type browser struct {
	h       *house
	cookies map[string]string
	network string
}

// visitor is a browser that has said its age and accepted the policy.
func (h *house) visitor(t *testing.T) *browser {
	t.Helper()
	b, v, now := h.stranger(), h.policy.Current().Version, clock.System{}.Now()
	value, _ := h.policy.Stamp(viewer.Gate{AgeConfirmedAt: now, AgePolicy: v, AcceptedPolicy: v, AcceptedAt: now, AcceptedHow: string(models.AcceptedAtSignIn)})
	b.cookies["__Host-gate"] = value
	return b
}

func (h *house) stranger() *browser {
	return &browser{h: h, cookies: map[string]string{}, network: "127.0.0.1:1234"}
}

// ask sends a request as the browser would; headers come as name, value. A form, if
// not nil, is posted.
func (b *browser) ask(t *testing.T, method, path string, form url.Values, headers ...string) *http.Response {
	t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequest(method, secure+path, body)
	r.RemoteAddr = b.network
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	b.h.ServeHTTP(w, r)
	res := w.Result()
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return res
}

func (b *browser) get(t *testing.T, path string, headers ...string) *http.Response {
	t.Helper()
	return b.ask(t, http.MethodGet, path, nil, headers...)
}

// signIn goes to the provider and comes back as the person.
func (b *browser) signIn(t *testing.T, path, person string) *http.Response {
	t.Helper()
	return b.get(t, b.approve(t, path, person))
}

// approve goes to the provider and returns the address to come back to.
func (b *browser) approve(t *testing.T, path, person string) string {
	t.Helper()
	res := b.get(t, path)
	to := res.Header.Get("Location")
	if res.StatusCode != http.StatusSeeOther || strings.HasPrefix(to, "/") || to == "" {
		t.Fatalf("%s leads to %d %s\n%s", path, res.StatusCode, to, b.h.log)
	}
	answer := b.h.world.Approve(t, to, person)
	bare, _, _ := strings.Cut(path, "?")
	return bare + "/callback?" + answer.Encode()
}

// who is whom the server takes the browser for.
func (b *browser) who(t *testing.T) viewer.Viewer {
	t.Helper()
	b.get(t, "/graphql")
	return b.h.seen
}

// mustLead wants an answer that leads to the address.
func mustLead(t *testing.T, res *http.Response, to string) {
	t.Helper()
	if got := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || got != to {
		t.Errorf("%d leads to %q, want %q: %s", res.StatusCode, got, to, refresh.FindString(bodyOf(t, res)))
	}
}

var refresh = regexp.MustCompile(`<meta http-equiv="refresh" content="0;url=([^"]*)">`)

// mustFail wants a page without scripts that leads on to the address, and returns it.
func mustFail(t *testing.T, res *http.Response, status int, to string) string {
	t.Helper()
	body := bodyOf(t, res)
	next := refresh.FindStringSubmatch(body)
	got := ""
	if next != nil {
		got = html.UnescapeString(next[1])
	}
	if res.StatusCode != status || got != to {
		t.Errorf("%d leads to %q, want %d %q", res.StatusCode, got, status, to)
	}
	csp := res.Header.Get("Content-Security-Policy")
	if strings.Contains(body, "<script") || !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "script-src") || strings.Contains(csp, "unsafe") ||
		res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the page's policy is %s", csp)
	}
	return body
}
