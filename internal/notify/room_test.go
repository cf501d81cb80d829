package notify_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/mail"
	"github.com/kimi-k2/kimi-k2/internal/mail/mailtest"
	"github.com/kimi-k2/kimi-k2/internal/notify"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

var admin = viewer.Viewer{Kind: viewer.Account, OwnerID: "own_admin", Admin: true}

// post is a database, a mail server and a clock that instances share.
type post struct {
	t      *testing.T
	url    string
	server *mailtest.Server
	log    *syncBuffer

	mu   sync.Mutex
	now  time.Time
	keys map[string]*seal.Key
}

func newPost(t *testing.T) *post {
	t.Helper()
	return &post{t: t, url: dbtest.URL(t), server: mailtest.Start(t, mailtest.Options{}), log: new(syncBuffer), now: noon, keys: map[string]*seal.Key{}}
}

func (p *post) Now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

func (p *post) pass(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = p.now.Add(d)
}

func (p *post) Key(_ context.Context, owner string) (*seal.Key, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if k := p.keys[owner]; k != nil {
		return k, nil
	}
	return nil, fault.New(fault.NotFound, "the owner no longer exists")
}

// office is one instance's outbox.
type office struct {
	*notify.Service
	t  *testing.T
	db *database.DB
}

func (p *post) sender() *mail.Sender {
	p.t.Helper()
	s, err := mail.New(mail.Config{URL: "smtp://" + p.server.Address, From: "Kimi K2 <no-reply@kimi.example>", Clock: clock.Func(p.Now)})
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// open opens an office; change may change its settings.
func (p *post) open(change ...func(*notify.Config)) *office {
	p.t.Helper()
	db := dbtest.Open(p.t, p.url)
	c := notify.Config{DB: db, Audit: audittest.New(db), Keys: p, Sender: p.sender(), Clock: clock.Func(p.Now), Log: slog.New(slog.NewTextHandler(p.log, nil)),
		Brand: notify.Brand{Name: "Kimi K2", Home: "https://kimi.example", Support: "help@kimi.example"}}
	for _, do := range change {
		do(&c)
	}
	s, err := notify.New(c)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := db.Pool().Exec(p.t.Context(), `INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at)
		VALUES ($1, 'ACCOUNT', '\x00', now(), now()) ON CONFLICT DO NOTHING`, admin.OwnerID); err != nil {
		p.t.Fatal(err)
	}
	return &office{Service: s, t: p.t, db: db}
}

// keeping is an office without a mail server.
func keeping(c *notify.Config) { c.Sender = nil }

// owner makes somebody to write to.
func (p *post) owner(o *office) viewer.Viewer {
	p.t.Helper()
	keeper, err := seal.NewKeeper(bytes.Repeat([]byte{7}, seal.KeySize))
	if err != nil {
		p.t.Fatal(err)
	}
	owner := id.New(id.Owner)
	key, wrapped, err := keeper.NewKey(owner)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := o.db.Pool().Exec(p.t.Context(), `INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at) VALUES ($1, 'ACCOUNT', $2, $3, $3)`,
		owner, wrapped, p.Now()); err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	p.keys[owner] = key
	p.mu.Unlock()
	return viewer.Viewer{Kind: viewer.Account, OwnerID: owner, Key: key}
}

func (o *office) enqueue(v viewer.Viewer, l models.Letter) error {
	return o.db.Tx(o.t.Context(), func(tx *gorm.DB) error { return o.EnqueueTx(tx, v, l) })
}

// write writes a letter that must be taken.
func (o *office) write(v viewer.Viewer, key string) {
	o.t.Helper()
	if err := o.enqueue(v, letter(key)); err != nil {
		o.t.Fatal(err)
	}
}

func letter(key string) models.Letter {
	return models.Letter{Kind: models.LetterSignInNewDevice, To: "canary-address@example.org", DedupeKey: key,
		Facts: map[string]string{"name": "canary-name", "device": "canary-device", "at": "1769860800"}}
}

// deliver sends what is due and says how many were taken.
func (o *office) deliver() int {
	o.t.Helper()
	n, err := o.Deliver(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	return n
}

// stored is how a mail stands.
type stored struct {
	Status   models.MailStatus
	Attempts int
	Error    string
	Next     time.Time
}

func (o *office) only() stored {
	o.t.Helper()
	var s stored
	err := o.db.Pool().QueryRow(o.t.Context(), `SELECT status, attempts, last_error, next_at FROM mails`).Scan(&s.Status, &s.Attempts, &s.Error, &s.Next)
	if err != nil {
		o.t.Fatal(err)
	}
	return s
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}
func (s *syncBuffer) String() string { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }
