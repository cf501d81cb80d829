package transparency_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/transparency"
	"github.com/kimi-k2/kimi-k2/models"
	"github.com/kimi-k2/kimi-k2/policy"
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

var secret = bytes.Repeat([]byte{5}, 32)

// room is a service whose facts are all well at first.
type room struct {
	*transparency.Service
	t      *testing.T
	db     *database.DB
	hand   *hand
	log    *bytes.Buffer
	config transparency.Config
	told   []transparency.Alarm
	untold error // why nobody can be told
}

func newRoom(t *testing.T) *room {
	t.Helper()
	r := &room{t: t, db: dbtest.New(t), hand: &hand{now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}, log: new(bytes.Buffer)}
	held, err := register.Load(policy.Files())
	r.must(err)
	text, err := policy.Files().Open("policy.md")
	r.must(err)
	defer text.Close()
	var body bytes.Buffer
	_, err = body.ReadFrom(text)
	r.must(err)
	r.config = transparency.Config{DB: r.db, Clock: r.hand, Log: slog.New(slog.NewTextHandler(r.log, nil)), Secret: secret, Register: held, Service: "Kimi K2", Version: "v1",
		Policy: func() transparency.Policy {
			return transparency.Policy{Version: "2025-01-01.1", Hash: "0123456789abcdef", Text: body.String()}
		},
		Recipients: func() []*models.Recipient {
			return []*models.Recipient{{Kind: models.RecipientInference, Name: "vLLM", Local: true}}
		},
		Hops: func() []*models.Hop {
			return []*models.Hop{{Name: "Your browser to this server", State: models.TransparencyGreen}}
		},
		Alarm: func(_ context.Context, _ *gorm.DB, a transparency.Alarm) error {
			if r.untold == nil {
				r.told = append(r.told, a)
			}
			return r.untold
		},
		Facts: transparency.Facts{
			Recheck: func() error { return nil },
			Figures: func() []transparency.Figure {
				return []transparency.Figure{{Words: "after 30 days", Promised: 30, Kept: 30}}
			},
			OldestRequestLog: r.none, OldestGuest: r.none, RequestLogTTL: 90 * 24 * time.Hour, GuestTTL: 30 * 24 * time.Hour,
			Deletions: func(context.Context, time.Time) (transparency.Deletions, error) { return transparency.Deletions{}, nil },
			Ledger: func(context.Context) (transparency.Ledger, bool, error) {
				return transparency.Ledger{At: r.hand.Now().Add(-time.Minute), Checked: 7}, true, nil
			},
			Audit:     func(context.Context) (transparency.Audit, error) { return transparency.Audit{Acts: 3}, nil },
			Staff:     func(context.Context, time.Time) (transparency.Staff, error) { return transparency.Staff{Acts: 2}, nil },
			Refused:   func() (int64, time.Time) { return 0, time.Time{} },
			Reachable: func() []string { return []string{"vLLM"} },
			Ruleless:  func() []string { return nil },
			Exports: func(context.Context) (transparency.Exports, error) {
				return transparency.Exports{Ready: 1}, nil
			},
			Retention: func(context.Context) ([]transparency.Rule, error) {
				return []transparency.Rule{{Name: "mails", SweptAt: r.hand.Now(), Rows: 4}}, nil
			},
			LegalRequests: func(context.Context) (transparency.LegalRequests, error) { return transparency.LegalRequests{}, nil },
			Notices:       func(context.Context) (transparency.Notices, error) { return transparency.Notices{}, nil },
			Marketing:     func(context.Context) (transparency.Marketing, error) { return transparency.Marketing{Agreed: 1}, nil },
		}}
	r.again()
	return r
}

func (r *room) none(context.Context) (time.Time, bool, error) { return time.Time{}, false, nil }

// at is something that lies so long ago.
func (r *room) at(d time.Duration) func(context.Context) (time.Time, bool, error) {
	return func(context.Context) (time.Time, bool, error) { return r.hand.Now().Add(-d), true, nil }
}

// again is the same after a restart, or on another instance, with the config as it is now.
func (r *room) again() {
	r.t.Helper()
	s, err := transparency.New(r.config)
	r.must(err)
	r.Service = s
}

func (r *room) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// run makes all checks that are due and gives the report.
func (r *room) run() *models.Transparency {
	r.t.Helper()
	_, err := r.Run(r.t.Context())
	r.must(err)
	return r.report()
}

func (r *room) report() *models.Transparency {
	r.t.Helper()
	report, err := r.Report(r.t.Context())
	r.must(err)
	return report
}

func find(t *testing.T, r *models.Transparency, id string) *models.TransparencyCheck {
	t.Helper()
	for _, c := range r.Checks {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("there is no check %s", id)
	return nil
}

func clause(t *testing.T, r *models.Transparency, id string) *models.TransparencyClause {
	t.Helper()
	for _, c := range r.Clauses {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("there is no clause %s", id)
	return nil
}

var errBroken = errors.New("canary of the failure")
