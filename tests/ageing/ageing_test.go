// Package ageing_test lets a database grow old, with all that ends rows at work.
package ageing_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/export"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	"github.com/kimi-k2/kimi-k2/internal/retention"
	policyfiles "github.com/kimi-k2/kimi-k2/policy"
)

// ager is everything that ends rows, on a clock that is moved by hand.
type ager struct {
	t    *testing.T
	db   *database.DB
	now  time.Time
	up   time.Duration
	jobs []func(context.Context) error
	e    *retention.Engine
}

func newAger(t *testing.T) *ager {
	t.Helper()
	a := &ager{t: t, db: dbtest.New(t), now: time.Date(2026, 1, 1, 0, 30, 0, 0, time.UTC)}
	hand := clock.Func(func() time.Time { return a.now })
	second := func(context.Context) (time.Time, error) { return a.now, nil }
	uptime := func() time.Duration { return a.up }
	reg, err := register.Load(policyfiles.Files())
	a.must(err)
	a.e, err = retention.New(retention.Config{DB: a.db, Register: reg, Audit: audittest.New(a.db), Clock: hand, Uptime: uptime, SecondClock: second})
	a.must(err)
	logs := requestlog.New(requestlog.Config{DB: a.db, Clock: hand, Uptime: uptime, SecondClock: second})
	a.must(logs.Start(t.Context()))
	t.Cleanup(func() { logs.Close(context.Background()) })
	guests := account.NewPurger(account.PurgeConfig{DB: a.db, Audit: audittest.New(a.db), Clock: hand, Uptime: uptime, SecondClock: second})
	exports, err := export.New(export.Config{DB: a.db, Audit: audittest.New(a.db), Clock: hand, Secret: make([]byte, 32), Dir: t.TempDir()})
	a.must(err)
	t.Cleanup(exports.Close)
	a.jobs = []func(context.Context) error{a.e.Sweep,
		a.e.Watch(retention.Procedure{Job: account.PurgeJob, Judged: true, Run: func(ctx context.Context) (map[string]int64, error) {
			r, err := guests.PurgeGuests(ctx)
			return r.Rows, err
		}}),
		a.e.Watch(retention.Procedure{Job: requestlog.Job, Grain: requestlog.Grain, Oldest: oldestDay(logs), Run: func(ctx context.Context) (map[string]int64, error) {
			dropped, err := logs.Sweep(ctx)
			return map[string]int64{"api_request_logs": int64(dropped)}, err
		}}),
		a.e.Watch(retention.Procedure{Job: export.SweepJob, Guarded: true, Run: func(ctx context.Context) (map[string]int64, error) {
			expired, _, err := exports.Sweep(ctx)
			return map[string]int64{"exports": int64(expired)}, err
		}})}
	return a
}

// oldestDay is the beginning of the oldest day of logs, nil when there is none.
func oldestDay(logs *requestlog.Service) func(ctx context.Context) (*time.Time, error) {
	return func(ctx context.Context) (*time.Time, error) {
		day, ok, err := logs.OldestDay(ctx)
		if err != nil || !ok {
			return nil, err
		}
		return &day, nil
	}
}

func (a *ager) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatalf("%s: %v", a.now.Format(time.RFC3339), err)
	}
}

// turn gives every job one.
func (a *ager) turn() (errs []error) {
	for _, job := range a.jobs {
		if err := job(a.t.Context()); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

func (a *ager) pass(d time.Duration) { a.now, a.up = a.now.Add(d), a.up+d }

func (a *ager) exec(sql string, args ...any) {
	a.t.Helper()
	_, err := a.db.Pool().Exec(a.t.Context(), sql, args...)
	a.must(err)
}

const ageing = "own_0000000000000000000000000000a9e0"

// daily are rows of one day, each of them named by $1; their clock is $2. Some of the
// statements take no more of them.
var daily = []struct {
	table string
	kept  time.Duration
	grain time.Duration // it may stay that much longer
	clock string
	row   string
}{
	{"owners", 30 * 24 * time.Hour, 0, "last_active_at", `INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at) VALUES ('own_' || $1, 'GUEST', '\x00', $2, $2)`},
	{"sessions", 30 * 24 * time.Hour, 0, "created_at", `INSERT INTO sessions (owner_id, id, token_hash, method, created_at, last_seen_at) VALUES ('` + ageing + `', 'ses_' || $1, sha256($1::text::bytea), 'GOOGLE', $2, $2::timestamptz + interval '29 days')`},
	{"mails", 30 * 24 * time.Hour, 0, "finished_at", `INSERT INTO mails (owner_id, id, kind, dedupe_key, to_sealed, facts_sealed, status, created_at, next_at, finished_at) VALUES ('` + ageing + `', 'mai_' || $1, 'X', $1, '\x00', '\x00', 'SENT', $2, $2, $2)`},
	{"sign_ins", time.Hour, 0, "expires_at", `INSERT INTO sign_ins (state_hash, browser_hash, provider, purpose, return_to, expires_at) VALUES (sha256($1::text::bytea), sha256('b'), 'GOOGLE', 'SIGN_IN', '/', $2)`},
	{"operator_links", 0, 0, "expires_at", `INSERT INTO operator_links (token_hash, expires_at) VALUES (sha256($1::text::bytea), $2)`},
	{"completions", 0, 0, "expires_at", `INSERT INTO completions (owner_id, key_hash, id, fingerprint, status, model_id, answer_sealed, created_at, lease_expires_at, expires_at) VALUES ('` + ageing + `', sha256($1::text::bytea), 'cmp_' || $1, sha256('b'), 'ENDED', 'm', '\x00', $2, $2, $2)`},
	{"email_changes", 0, 0, "expires_at", `INSERT INTO email_changes (owner_id, token_hash, email_sealed, email_index, expires_at) VALUES ('` + ageing + `', sha256($1::text::bytea), '\x00', sha256('b'), $2) ON CONFLICT (owner_id) DO UPDATE SET expires_at = EXCLUDED.expires_at`},
	{"api_request_logs", 90 * 24 * time.Hour, 25 * time.Hour, "created_at", `INSERT INTO api_request_logs (id, subject, key_ref, created_at, route, model_id, status, code, streamed, latency_ms, first_token_ms, prompt_tokens, cached_tokens, output_tokens, reasoning_tokens, credits) VALUES ('req_' || $1, 1, 1, $2, 'REPLY', 'm', 200, '', false, 1, 0, 0, 0, 0, 0, 0)`},
	{"exports", 0, 0, "expires_at", `INSERT INTO exports (owner_id, id, status, lease_expires_at, created_at, finished_at, expires_at) VALUES ('` + ageing + `', 'exp_' || $1, 'FAILED', $2, $2, $2, $2)`},
	{"shares", 0, 0, "expires_at", `INSERT INTO shares (owner_id, id, conversation_id, link_hash, link_sealed, title_sealed, snapshot_sealed, messages, reasoning, named, created_at, expires_at) VALUES ('` + ageing + `', 'shr_' || $1, 'con_1', sha256($1::text::bytea), '\x00', '\x00', '\x00', 1, false, false, $2::timestamptz - interval '1 day', $2)`},
	{"reconciliations", 90 * 24 * time.Hour, 0, "started_at", `INSERT INTO reconciliations (id, provider, since, started_at, finished_at) VALUES ('rec_' || $1, 'STRIPE', $2, $2, $2)`},
	{"transparency_changes", 400 * 24 * time.Hour, 0, "at", `INSERT INTO transparency_changes (check_id, at, state, evidence) VALUES ('x' || $1, $2, 'RED', 'x')`},
	{"retention_sweeps", 400 * 24 * time.Hour, 0, "started_at", ""}, // the sweeps' own
}

// begin makes the account whose rows age.
func (a *ager) begin() {
	a.t.Helper()
	a.exec(`INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at) VALUES ($1, 'ACCOUNT', '\x00', $2, $2)`, ageing, a.now)
	a.exec(`INSERT INTO accounts (owner_id, role, name_sealed, created_at) VALUES ($1, 'USER', '\x00', $2)`, ageing, a.now)
	a.exec(`INSERT INTO conversations (owner_id, id, title_sealed, title_source, created_at, updated_at) VALUES ($1, 'con_1', '\x01', 'OWNER', $2, $2)`, ageing, a.now)
}

// look finds what is there too long or went too early.
func (a *ager) look(dayNumber int) {
	a.t.Helper()
	for _, d := range daily {
		guests := ""
		if d.table == "owners" {
			guests = ` WHERE kind = 'GUEST'`
		}
		var oldest *time.Time
		var n int
		a.must(a.db.Pool().QueryRow(a.t.Context(), `SELECT min(`+d.clock+`), count(*) FROM `+d.table+guests).Scan(&oldest, &n))
		if oldest != nil && a.now.Sub(*oldest) > d.kept+d.grain+time.Hour {
			a.t.Fatalf("day %d: %s has a row that is %v old", dayNumber, d.table, a.now.Sub(*oldest))
		}
		if want := min(dayNumber, int(d.kept/(24*time.Hour))); d.row != "" && n < want {
			a.t.Fatalf("day %d: %s has %d rows, want %d at least", dayNumber, d.table, n, want)
		}
	}
}

// B6, P45, P71, P99, T38, C-RETENTION: 400 days of sweeps over all rules: each day nothing is there that
// should have gone more than an hour (request logs: a day) ago, and nothing has gone early. Clocks that jump
// on the way, an hour back and 100 days ahead, change nothing; accounts and their conversations stay.
func TestFourHundredDaysOfSweeps(t *testing.T) {
	a := newAger(t)
	a.begin()
	for n := 1; n <= 400; n++ {
		name := strconv.Itoa(1000 + n)
		for _, d := range daily {
			if d.row != "" {
				a.exec(d.row, name, a.now)
			}
		}
		if n%30 == 0 { // as a database does by itself, but for those of the tests
			a.exec(`VACUUM ANALYZE`)
		}
		switch n {
		case 120, 250: // an hour back, and on again
			a.now = a.now.Add(-time.Hour)
			a.turn()
			a.now = a.now.Add(time.Hour)
		case 180, 300:
			a.now = a.now.Add(100 * 24 * time.Hour)
			if errs := a.turn(); len(errs) != 4 {
				t.Fatalf("100 days ahead: %v", errs)
			}
			a.now = a.now.Add(-100 * 24 * time.Hour)
		}
		a.pass(time.Hour)
		if errs := a.turn(); len(errs) > 0 {
			t.Fatalf("day %d: %v", n, errs)
		}
		a.look(n)
		a.pass(23 * time.Hour)
	}
	var stay int
	a.must(a.db.Pool().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM accounts) + (SELECT count(*) FROM conversations)`).Scan(&stay))
	if stay != 2 {
		t.Errorf("of the account and its conversation %d are left", stay)
	}
	reg, err := register.Load(policyfiles.Files())
	a.must(err)
	var known []string
	for _, d := range daily {
		known = append(known, d.table)
	}
	for _, table := range reg.Tables {
		by := table.Retention.By
		if by != "" && by != "river" && by != "ratelimit.sweep" && !strings.HasPrefix(table.Name, "api_request_") && !slices.Contains(known, table.Name) {
			t.Errorf("nobody looks at %s, which %s ends", table.Name, by)
		}
	}
	a.turn()
	lines, err := a.e.Report(t.Context())
	a.must(err)
	for _, l := range lines {
		if l.Overdue || l.Held != "" {
			t.Errorf("the report says %+v", l)
		}
	}
}
