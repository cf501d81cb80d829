package chaos_test

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/policy"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
	policyfiles "github.com/kimi-k2/kimi-k2/policy"
)

// newCustomers are accounts customer-0, customer-1 …, as signIn makes them.
func newCustomers(t *testing.T, databaseURL string, instances []*process, n int, credits int64) []*customer {
	t.Helper()
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("customer-%d", i)
	}
	return signIn(t, databaseURL, instances, credits, names...)
}

// newCustomer is one account.
func newCustomer(t *testing.T, databaseURL string, instances []*process, name string) *customer {
	t.Helper()
	return signIn(t, databaseURL, instances, 0, name)[0]
}

// signIn signs accounts in beside the running instances, on their database and under their
// key, and gives each a browser that holds the session, and micro-credits.
func signIn(t *testing.T, databaseURL string, instances []*process, credits int64, names ...string) []*customer {
	t.Helper()
	db, err := database.Open(t.Context(), database.Config{URL: databaseURL, MaxConns: 2, AppName: "chaos"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close(t.Context()) }()
	keys, err := account.OpenKeys(t.Context(), db, clock.System{}, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	secret := keys.Root
	accounts := account.New(account.Config{DB: db, Audit: audittest.Under(db, secret), Keeper: keys.Keeper, Clock: clock.System{}, CookieKey: secret})
	texts, err := policy.New(policy.Config{DB: db, Audit: audittest.Under(db, secret), Clock: clock.System{}, Files: policyfiles.Files(), CookieKey: secret, GuestTTL: account.GuestTTL,
		Brand: policy.Brand{Name: "Kimi K2"}, External: func() (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	books := credit.New(credit.Config{DB: db, Audit: audittest.Under(db, secret), Keys: accounts, Clock: clock.System{}, SignupCredits: credits})
	defer books.Close()
	accounts.Join(texts, nil, texts)
	accounts.Fund(books)
	now, version := time.Now(), texts.Current().Version
	from := viewer.Viewer{Kind: viewer.Visitor, Gate: viewer.Gate{AgeConfirmedAt: now, AgePolicy: version, AcceptedPolicy: version, AcceptedAt: now, AcceptedHow: string(models.AcceptedAtSignIn)}}
	var out []*customer
	for _, name := range names {
		entry, err := accounts.SignIn(t.Context(), account.SignIn{From: from, Device: account.Device{Type: "desktop"},
			Proof: account.Proof{Provider: models.ProviderGoogle, Subject: name, Name: name, Email: name + "@example.org", Verified: true}})
		if err != nil {
			t.Fatal(err)
		}
		b, err := newBrowser(instances)
		if err != nil {
			t.Fatal(err)
		}
		b.settled = true
		for _, p := range instances {
			b.http.Jar.SetCookies(&url.URL{Scheme: "http", Host: p.addr}, []*http.Cookie{{Name: "sid", Value: entry.Cookie, Path: "/"}})
		}
		out = append(out, &customer{browser: b, name: name, replies: map[string]string{}, root: secret})
	}
	return out
}

// serveHere serves on a port of this machine until the test ends.
func serveHere(t *testing.T, h http.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	return "http://" + l.Addr().String()
}
