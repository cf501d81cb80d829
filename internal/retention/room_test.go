package retention_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/retention"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/policy"
)

const day = 24 * time.Hour

// times are the three clocks that a test moves by hand.
type times struct {
	mu          sync.Mutex
	now, second time.Time
	up          time.Duration
}

func (m *times) Now() time.Time { m.mu.Lock(); defer m.mu.Unlock(); return m.now }

func (m *times) uptime() time.Duration { m.mu.Lock(); defer m.mu.Unlock(); return m.up }

func (m *times) other(context.Context) (time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.second, nil
}

// pass lets time go by for all of them.
func (m *times) pass(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now, m.second, m.up = m.now.Add(d), m.second.Add(d), m.up+d
}

// jump sets this machine's clock, and the database's when both.
func (m *times) jump(d time.Duration, both bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
	if both {
		m.second = m.second.Add(d)
	}
}

// room is an engine on a database of its own, with an account and a guest.
type room struct {
	*retention.Engine
	*times
	t  *testing.T
	db *database.DB
}

const account, guest = "own_00000000000000000000000000000001", "own_00000000000000000000000000000002"

var admin = viewer.Viewer{Kind: viewer.Account, OwnerID: account, Admin: true}

func newRoom(t *testing.T, change ...func(*retention.Config)) *room {
	t.Helper()
	return roomOn(t, dbtest.New(t), change...)
}

func roomOn(t *testing.T, db *database.DB, change ...func(*retention.Config)) *room {
	t.Helper()
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	r := &room{t: t, db: db, times: &times{now: start, second: start}}
	r.Engine = r.engine(change...)
	r.exec(`INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at) VALUES ($1, 'ACCOUNT', '\x00', $3, $3), ($2, 'GUEST', '\x00', $3, $3)`, account, guest, start)
	r.exec(`INSERT INTO accounts (owner_id, role, name_sealed, created_at) VALUES ($1, 'ADMIN', '\x00', $2)`, account, start)
	return r
}

// engine is one more instance.
func (r *room) engine(change ...func(*retention.Config)) *retention.Engine {
	r.t.Helper()
	reg, err := register.Load(policy.Files())
	r.must(err)
	c := retention.Config{DB: r.db, Register: reg, Audit: audittest.New(r.db), Clock: clock.Func(r.Now), Uptime: r.uptime, SecondClock: r.other}
	for _, f := range change {
		f(&c)
	}
	e, err := retention.New(c)
	r.must(err)
	return e
}

func (r *room) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *room) exec(sql string, args ...any) {
	r.t.Helper()
	if _, err := r.db.Pool().Exec(r.t.Context(), sql, args...); err != nil {
		r.t.Fatal(err)
	}
}

func (r *room) count(sql string, args ...any) (n int64) {
	r.t.Helper()
	r.must(r.db.Pool().QueryRow(r.t.Context(), sql, args...).Scan(&n))
	return n
}

func (r *room) sweep() { r.t.Helper(); r.must(r.Sweep(r.t.Context())) }

// links makes operator's links that end at a time.
func (r *room) links(n int, end time.Time) {
	r.t.Helper()
	r.exec(`INSERT INTO operator_links (token_hash, expires_at) SELECT sha256(gen_random_uuid()::text::bytea), $2 FROM generate_series(1, $1::int)`, n, end)
}

func (r *room) left() int64 { r.t.Helper(); return r.count(`SELECT count(*) FROM operator_links`) }
