package signin_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/signin"
	"github.com/kimi-k2/kimi-k2/internal/signin/signintest"
	"github.com/kimi-k2/kimi-k2/models"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const public = "https://chat.example"

var all = []models.Provider{models.ProviderGoogle, models.ProviderGitHub, models.ProviderOIDC}

// ada has an account everywhere.
var ada = signintest.Person{ID: "ada-1", Number: 4711, Login: "ada", Name: "Ada", Email: "ada@mail.example", Verified: true}

// hand is the system's clock, which tests move ahead.
type hand struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (h *hand) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return clock.System{}.Now().Add(h.ahead)
}

func (h *hand) move(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ahead += d
}

// journal is a log that tests read.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

// fixture is the service with the world around it.
type fixture struct {
	*signin.Service
	world *signintest.World
	db    *database.DB
	clock *hand
	log   *journal
}

func newFixture(t *testing.T, change func(*signin.Config)) *fixture {
	t.Helper()
	w := signintest.New(t, public+"/auth/google/callback", public+"/auth/github/callback", public+"/auth/oidc/callback")
	w.Know(ada)
	f := &fixture{world: w, db: dbtest.New(t), clock: &hand{}, log: &journal{}}
	client := signin.Client{ID: signintest.ClientID, Secret: signintest.ClientSecret}
	c := signin.Config{
		DB: f.db, Clock: f.clock, Log: slog.New(slog.NewTextHandler(f.log, nil)), Key: bytes.Repeat([]byte{7}, 32), PublicURL: mustParse(t, public),
		Google: client, GitHub: client, OIDC: signin.OIDC{Client: client, Issuer: w.Issuer, Name: "Acme"}, Transport: w.Transport(t),
	}
	if change != nil {
		change(&c)
	}
	s, err := signin.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	f.Service = s
	return f
}

func mustParse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (f *fixture) begin(t *testing.T, b signin.Begin) signin.Begun {
	t.Helper()
	if b.Purpose == "" {
		b.Purpose = signin.PurposeSignIn
	}
	begun, err := f.Begin(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return begun
}

// signIn is a whole sign-in of the person.
func (f *fixture) signIn(t *testing.T, p models.Provider, person string) (signin.Proof, error) {
	t.Helper()
	begun := f.begin(t, signin.Begin{Provider: p})
	answer := f.world.Approve(t, begun.URL, person)
	done, err := f.Complete(t.Context(), signin.Callback{Provider: p, Query: answer, Browser: begun.Browser})
	return done.Proof, err
}

// mustRefuse wants a refusal of the reason.
func mustRefuse(t *testing.T, err error, want signin.Reason) {
	t.Helper()
	var refused *signin.Refused
	if !errors.As(err, &refused) || refused.Reason != want {
		t.Errorf("refused with %v, want %s", err, want)
	}
}
