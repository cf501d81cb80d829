package disclosure_test

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/disclosure"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var secret = bytes.Repeat([]byte{7}, 32)

// hand is a clock that tests move.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hand) Now() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return h.now }

func (h *hand) move(d time.Duration) { h.mu.Lock(); defer h.mu.Unlock(); h.now = h.now.Add(d) }

// office is where administrators decide, with a shelf of conversations.
type office struct {
	*disclosure.Service
	t        *testing.T
	db       *database.DB
	clock    *hand
	audit    *audit.Service
	keeper   *seal.Keeper
	accounts *account.Service
	shelf    *shelf
	post     *post
}

// post keeps the letters that were written.
type post struct {
	mu      sync.Mutex
	letters []models.Letter
}

func (p *post) EnqueueTx(_ *gorm.DB, _ viewer.Viewer, l models.Letter) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.letters = append(p.letters, l)
	return nil
}

// shelf has conversations by owner, and counts how often one was read.
type shelf struct {
	owners map[string]string
	reads  int
	before func() // is called before each reading
}

func (s *shelf) Owns(_ context.Context, owner viewer.Viewer, conversationID string) error {
	if s.owners[conversationID] != owner.OwnerID {
		return fault.New(fault.NotFound, "there is no such conversation")
	}
	return nil
}

func (s *shelf) Read(ctx context.Context, owner viewer.Viewer, conversationID string) (disclosure.Conversation, error) {
	if err := s.Owns(ctx, owner, conversationID); err != nil {
		return disclosure.Conversation{}, err
	}
	if s.before != nil {
		s.before()
	}
	s.reads++
	return disclosure.Conversation{ID: conversationID, Title: "canary-title"}, nil
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, db: dbtest.New(t), clock: &hand{now: time.Date(2026, 5, 2, 12, 0, 0, 0, time.UTC)}, shelf: &shelf{owners: map[string]string{}}, post: &post{}}
	var err error
	if o.keeper, err = seal.NewKeeper(secret); err != nil {
		t.Fatal(err)
	}
	o.audit = audittest.New(o.db)
	now := clock.Func(o.clock.Now)
	o.accounts = account.New(account.Config{DB: o.db, Audit: o.audit, Keeper: o.keeper, Clock: now, GuestLimit: 10, CookieKey: secret, Mailer: o.post})
	if err := o.accounts.VerifyKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.Service = disclosure.New(disclosure.Config{DB: o.db, Audit: o.audit, Owners: o.accounts, Reader: o.shelf, Clock: now})
	return o
}

// owner is a new account, or a guest without an address.
func (o *office) owner(kind viewer.Kind) viewer.Viewer {
	o.t.Helper()
	owner := id.New(id.Owner)
	key, wrapped, err := o.keeper.NewKey(owner)
	if err != nil {
		o.t.Fatal(err)
	}
	at := o.clock.Now()
	o.exec(`INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at) VALUES ($1, $2, $3, $4, $4)`, owner, kind, wrapped, at)
	if kind == viewer.Account {
		place := func(column string) seal.Place {
			return seal.Place{Table: "accounts", Column: column, Row: owner, Owner: owner}
		}
		o.exec(`INSERT INTO accounts (owner_id, role, name_sealed, email_sealed, email_index, created_at) VALUES ($1, 'USER', $2, $3, $4, $5)`, owner,
			key.SealString(place("name_sealed"), "Ann"), key.SealString(place("email_sealed"), "ann@example.org"), []byte(owner)[4:], at)
	}
	return viewer.Viewer{Kind: kind, OwnerID: owner, Key: key}
}

// admin is an administrator who has just proved who it is.
func (o *office) admin() viewer.Viewer {
	v := o.owner(viewer.Account)
	v.Admin, v.AuthenticatedAt = true, o.clock.Now()
	return v
}

func (o *office) exec(sql string, args ...any) {
	o.t.Helper()
	if _, err := o.db.Pool().Exec(o.t.Context(), sql, args...); err != nil {
		o.t.Fatal(err)
	}
}

// seen are the acts of somebody's activity, newest first.
func (o *office) seen(v viewer.Viewer) (acts []models.AuditAct) {
	o.t.Helper()
	log, _, err := o.audit.AccessLog(o.t.Context(), v, page.Args{Size: 50})
	if err != nil {
		o.t.Fatal(err)
	}
	for _, e := range log {
		acts = append(acts, e.Act)
	}
	return acts
}

func wantFault(t *testing.T, err error, code fault.Code) {
	t.Helper()
	if !fault.Is(err, code) {
		t.Errorf("got %v, want %s", err, code)
	}
}
