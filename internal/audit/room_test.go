package audit_test

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hand is a clock that tests move.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hand) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hand) move(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// room is an audit log on a database of its own.
type room struct {
	*audit.Service
	t    testing.TB
	db   *database.DB
	url  string
	hand *hand
	log  *bytes.Buffer
}

func newRoom(t testing.TB) *room {
	t.Helper()
	url := dbtest.URL(t)
	r := &room{t: t, db: dbtest.Open(t, url), url: url, hand: &hand{now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}, log: new(bytes.Buffer)}
	r.Service = r.again()
	return r
}

// again is the same log after a restart, or on another instance.
func (r *room) again() *audit.Service {
	return audit.New(audit.Config{DB: r.db, Clock: r.hand, Log: slog.New(slog.NewTextHandler(r.log, nil)), Secret: bytes.Repeat([]byte{5}, 32)})
}

func (r *room) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// exec speaks SQL past the package.
func (r *room) exec(query string, args ...any) error {
	_, err := r.db.Pool().Exec(r.t.Context(), query, args...)
	return err
}

func (r *room) count(query string, args ...any) (n int) {
	r.t.Helper()
	r.must(r.db.Pool().QueryRow(r.t.Context(), query, args...).Scan(&n))
	return n
}

// person is somebody with an account and a session.
func (r *room) person() viewer.Viewer {
	r.t.Helper()
	v := viewer.Viewer{Kind: viewer.Account, OwnerID: id.New(id.Owner), SessionID: id.New(id.Session)}
	var err error
	v.Key, err = seal.KeyOf(bytes.Repeat([]byte{1}, seal.KeySize))
	r.must(err)
	r.must(r.exec(`INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at) VALUES ($1, 'ACCOUNT', '\x00', now(), now())`, v.OwnerID))
	return v
}

func (r *room) write(entries ...audit.Entry) {
	r.t.Helper()
	r.must(r.db.Tx(r.t.Context(), func(tx *gorm.DB) error { return r.WriteTx(tx, entries...) }))
}

// did is an act of somebody's own.
func did(v viewer.Viewer, act models.AuditAct) audit.Entry {
	return audit.Entry{Act: act, Subject: v.OwnerID, By: audit.By(v)}
}

// link chains what waits and says how many that were.
func (r *room) link() int {
	r.t.Helper()
	n, err := r.Link(r.t.Context())
	r.must(err)
	return n
}

// broken are the invariants that s finds broken, with their faults.
func (r *room) broken(s *audit.Service) (names string, faults []string) {
	r.t.Helper()
	found, err := s.Verify(r.t.Context())
	r.must(err)
	for _, f := range found {
		if len(f.Faults) > 0 {
			names += f.Invariant + " "
			faults = append(faults, f.Faults...)
		}
	}
	return names, faults
}

// sound fails when anything is found, by this process or by one that has just begun.
func (r *room) sound() {
	r.t.Helper()
	for _, s := range []*audit.Service{r.Service, r.again()} {
		if names, faults := r.broken(s); names != "" {
			r.t.Errorf("%sis broken: %v", names, faults)
		}
	}
}
