package notice_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/mail"
	"github.com/kimi-k2/kimi-k2/internal/mail/mailtest"
	"github.com/kimi-k2/kimi-k2/internal/notice"
	"github.com/kimi-k2/kimi-k2/internal/notify"
	"github.com/kimi-k2/kimi-k2/internal/policy"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
	policyfiles "github.com/kimi-k2/kimi-k2/policy"
)

// childOf names the database of a process that the kill test starts.
const childOf = "NOTICE_TEST_DATABASE"

func TestMain(m *testing.M) {
	if url := os.Getenv(childOf); url != "" {
		writeForever(url)
		return
	}
	goleak.VerifyTestMain(m)
}

var secret = bytes.Repeat([]byte{7}, 32)

// hand is a clock that tests move.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hand) Now() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return h.now }

func (h *hand) move(d time.Duration) { h.mu.Lock(); defer h.mu.Unlock(); h.now = h.now.Add(d) }

// announced is a policy whose newest version is a significant one.
type announced struct{ *policy.Service }

const newVersion = "2026-05-01.1"

func (announced) Announced() (string, time.Time, bool) {
	return newVersion, time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), true
}

// house is an installation's accounts, outbox and notices.
type house struct {
	*notice.Service
	t        testing.TB
	url      string
	db       *database.DB
	clock    *hand
	accounts *account.Service
	policy   *policy.Service
	mails    *notify.Service
	admin    viewer.Viewer
}

// settings are what differs between tests.
type settings struct {
	url       string
	perMinute int
	server    *mailtest.Server // nil: mails are kept
	announce  bool             // a significant version of the policy is there
}

func open(t testing.TB, db *database.DB, s settings, h *hand) *house {
	t.Helper()
	keeper, err := seal.NewKeeper(secret)
	if err != nil {
		t.Fatal(err)
	}
	out := &house{t: t, url: s.url, db: db, clock: h}
	now := clock.Func(h.Now)
	out.accounts = account.New(account.Config{DB: db, Audit: audittest.New(db), Keeper: keeper, Clock: now, GuestLimit: 10, CookieKey: secret})
	if out.policy, err = policy.New(policy.Config{DB: db, Audit: audittest.New(db), Clock: now, Files: policyfiles.Files(), CookieKey: secret}); err != nil {
		t.Fatal(err)
	}
	c := notify.Config{DB: db, Audit: audittest.New(db), Keys: out.accounts, Clock: now, Brand: notify.Brand{Name: "Kimi K2", Home: "https://kimi.example", Support: "help@kimi.example"}}
	if s.server != nil {
		if c.Sender, err = mail.New(mail.Config{URL: "smtp://" + s.server.Address, From: "Kimi K2 <no-reply@kimi.example>", Clock: now}); err != nil {
			t.Fatal(err)
		}
	}
	if out.mails, err = notify.New(c); err != nil {
		t.Fatal(err)
	}
	var p notice.Policy = out.policy
	if s.announce {
		p = announced{out.policy}
	}
	out.Service = notice.New(notice.Config{DB: db, Audit: audittest.New(db), Accounts: out.accounts, Policy: p, Outbox: out.mails, Clock: now, PerMinute: s.perMinute})
	out.mails.Join(out.Service, out.policy)
	return out
}

func newHouse(t testing.TB, s settings) *house {
	t.Helper()
	s.url = dbtest.URL(t)
	h := open(t, dbtest.Open(t, s.url), s, &hand{now: time.Date(2026, 5, 2, 12, 0, 0, 0, time.UTC)})
	if err := h.accounts.VerifyKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.admin = h.account("admin@kimi.example")
	h.admin.Admin, h.admin.AuthenticatedAt = true, h.clock.Now()
	return h
}

// account is a new account; without an address for "".
func (h *house) account(address string) viewer.Viewer {
	h.t.Helper()
	keeper, err := seal.NewKeeper(secret)
	if err != nil {
		h.t.Fatal(err)
	}
	owner := newOwner()
	key, wrapped, err := keeper.NewKey(owner)
	if err != nil {
		h.t.Fatal(err)
	}
	at := h.clock.Now().Add(-time.Hour)
	var sealed, index []byte
	if address != "" {
		sealed = key.SealString(seal.Place{Table: "accounts", Column: "email_sealed", Row: owner, Owner: owner}, address)
		index = append([]byte(owner)[4:], make([]byte, 0)...)
	}
	h.exec(`INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at) VALUES ($1, 'ACCOUNT', $2, $3, $3)`, owner, wrapped, at)
	h.exec(`INSERT INTO accounts (owner_id, role, name_sealed, email_sealed, email_index, created_at) VALUES ($1, 'USER', $2, $3, $4, $5)`,
		owner, key.SealString(seal.Place{Table: "accounts", Column: "name_sealed", Row: owner, Owner: owner}, "Ann"), sealed, index, at)
	return viewer.Viewer{Kind: viewer.Account, OwnerID: owner, Key: key}
}

// accounts are n of them.
func (h *house) people(n int) []viewer.Viewer {
	out := make([]viewer.Viewer, n)
	for i := range out {
		out[i] = h.account(fmt.Sprintf("a%d@example.org", i))
	}
	return out
}

func (h *house) exec(sql string, args ...any) {
	h.t.Helper()
	if _, err := h.db.Pool().Exec(h.t.Context(), sql, args...); err != nil {
		h.t.Fatal(err)
	}
}

func count(t testing.TB, pool *pgxpool.Pool, sql string, args ...any) (n int) {
	t.Helper()
	if err := pool.QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (h *house) count(sql string, args ...any) int {
	h.t.Helper()
	return count(h.t, h.db.Pool(), sql, args...)
}

// run is a turn of the job.
func (h *house) run() int64 {
	h.t.Helper()
	n, err := h.Run(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

// draft keeps one that must be taken.
func (h *house) draft(kind models.NoticeKind) *models.Notice {
	h.t.Helper()
	n, err := h.Save(h.t.Context(), h.admin, notice.Draft{Kind: kind, Subject: "Something new", Text: "First.\n\nSecond.", SubjectZh: "新消息", TextZh: "第一。"})
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

func (h *house) send(n *models.Notice) {
	h.t.Helper()
	if _, err := h.Send(h.t.Context(), h.admin, n.ID); err != nil {
		h.t.Fatal(err)
	}
}

// only is the newest notice as the operator sees it.
func (h *house) only() *models.Notice {
	h.t.Helper()
	var n models.Notice
	if err := h.db.Gorm(h.t.Context()).Order("id DESC").Take(&n).Error; err != nil {
		h.t.Fatal(err)
	}
	return &n
}
