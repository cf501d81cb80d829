package policy_test

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/policy"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	policyfiles "github.com/kimi-k2/kimi-k2/policy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hand is a clock that tests move.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hand) Now() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return h.now }

func (h *hand) move(d time.Duration) { h.mu.Lock(); defer h.mu.Unlock(); h.now = h.now.Add(d) }

func (h *hand) set(t time.Time) { h.mu.Lock(); defer h.mu.Unlock(); h.now = t }

// room is a policy on a database of its own.
type room struct {
	*policy.Service
	t        *testing.T
	db       *database.DB
	accounts *account.Service
	clock    *hand
	external string // the inference service of somebody else
}

var cookieKey = bytes.Repeat([]byte{3}, 32)

func (r *room) config() policy.Config {
	return policy.Config{DB: r.db, Audit: audittest.New(r.db), Clock: clock.Func(r.clock.Now), Files: policyfiles.Files(), CookieKey: cookieKey, GuestTTL: account.GuestTTL,
		External: func() (string, bool) { return r.external, r.external != "" }}
}

func newRoom(t *testing.T) *room {
	t.Helper()
	return openRoom(t, dbtest.URL(t))
}

func openRoom(t *testing.T, url string) *room {
	t.Helper()
	r := &room{t: t, db: dbtest.Open(t, url), clock: &hand{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}
	keeper, err := seal.NewKeeper(bytes.Repeat([]byte{7}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	r.accounts = account.New(account.Config{DB: r.db, Audit: audittest.New(r.db), Keeper: keeper, Clock: clock.Func(r.clock.Now), GuestLimit: 10, CookieKey: bytes.Repeat([]byte{8}, 32)})
	if r.Service, err = policy.New(r.config()); err != nil {
		t.Fatal(err)
	}
	return r
}

// visitor is somebody of whom nothing is stored, over HTTP.
func (r *room) visitor() viewer.Viewer {
	v := r.accounts.Visitor(r.accounts.NewTicket())
	v.CanSetCookie = true
	return v
}

// guest is a stored guest who has settled nothing.
func (r *room) guest() (v viewer.Viewer) {
	r.t.Helper()
	r.tx(func(tx *gorm.DB) (err error) {
		v, err = r.accounts.EnsureGuestTx(tx, r.visitor())
		return err
	})
	v.CanSetCookie = true
	return v
}

// member is somebody with an account; to this room its owner is like any other.
func (r *room) member() viewer.Viewer {
	v := r.guest()
	v.Kind = viewer.Account
	return v
}

// passed is a visitor who has confirmed and accepted.
func (r *room) passed() viewer.Viewer {
	r.t.Helper()
	v := r.visitor()
	var err error
	if v.Gate, err = r.ConfirmAge(r.t.Context(), v, 1990, 5); err != nil {
		r.t.Fatal(err)
	}
	if v.Gate, err = r.Accept(r.t.Context(), v, r.Current().Version, "COMPOSER"); err != nil {
		r.t.Fatal(err)
	}
	return v
}

func (r *room) tx(fn func(tx *gorm.DB) error) {
	r.t.Helper()
	if err := r.db.Tx(r.t.Context(), fn); err != nil {
		r.t.Fatal(err)
	}
}

// check is CheckTx in a transaction of its own.
func (r *room) check(v viewer.Viewer) error {
	return r.db.Tx(r.t.Context(), func(tx *gorm.DB) error { return r.CheckTx(tx, v) })
}

// rows counts the rows of the policy's tables.
func (r *room) rows() (n int) {
	r.t.Helper()
	err := r.db.Gorm(r.t.Context()).Raw(`SELECT (SELECT count(*) FROM age_confirmations) + (SELECT count(*) FROM policy_acceptances) + (SELECT count(*) FROM consents)
		+ (SELECT count(*) FROM owners) + (SELECT count(*) FROM sessions)`).Scan(&n).Error
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

func wantFault(t *testing.T, err error, code fault.Code) {
	t.Helper()
	if !fault.Is(err, code) {
		t.Errorf("got %v, want %s", err, code)
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
