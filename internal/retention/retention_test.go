package retention_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/retention"
	"github.com/kimi-k2/kimi-k2/policy"
)

// ends are rows that end at $2, for how long they are kept, and the rule they are of.
var ends = map[string]struct {
	table string
	kept  time.Duration
	row   string
}{
	"a session of an account":        {"sessions", 30 * day, `INSERT INTO sessions (owner_id, id, token_hash, method, created_at, last_seen_at) VALUES ($1, 'ses_1', sha256('a'), 'GOOGLE', $2, $2::timestamptz + interval '29 days')`},
	"a session that lies idle":       {"sessions", 7 * day, `INSERT INTO sessions (owner_id, id, token_hash, method, created_at, last_seen_at) VALUES ($1, 'ses_1', sha256('a'), 'OIDC', $2::timestamptz - interval '10 days', $2)`},
	"an operator's link":             {"operator_links", 0, `INSERT INTO operator_links (token_hash, expires_at) SELECT sha256('a'), $2 WHERE $1 <> ''`},
	"an address that waits":          {"email_changes", 0, `INSERT INTO email_changes (owner_id, token_hash, email_sealed, email_index, expires_at) VALUES ($1, sha256('a'), '\x00', sha256('b'), $2)`},
	"a sign-in that nobody ended":    {"sign_ins", time.Hour, `INSERT INTO sign_ins (state_hash, browser_hash, provider, purpose, owner_id, return_to, expires_at) VALUES (sha256('a'), sha256('b'), 'GOOGLE', 'LINK', $1, '/', $2)`},
	"a mail that was sent":           {"mails", 30 * day, `INSERT INTO mails (owner_id, id, kind, dedupe_key, to_sealed, facts_sealed, status, created_at, next_at, finished_at) VALUES ($1, 'mai_1', 'X', 'k', '\x00', '\x00', 'SENT', $2::timestamptz - interval '3 days', $2, $2)`},
	"a mail that is kept to be read": {"mails", 30 * day, `INSERT INTO mails (owner_id, id, kind, dedupe_key, to_sealed, facts_sealed, status, created_at, next_at) VALUES ($1, 'mai_1', 'X', 'k', '\x00', '\x00', 'KEPT', $2, $2)`},
	"an answer to give again":        {"completions", 0, `INSERT INTO completions (owner_id, key_hash, id, fingerprint, status, model_id, answer_sealed, created_at, lease_expires_at, expires_at) VALUES ($1, sha256('a'), 'cmp_1', sha256('b'), 'ENDED', 'm', '\x00', $2, $2, $2)`},
	"a link that has an end": {"shares", 0, `WITH c AS (INSERT INTO conversations (owner_id, id, title_sealed, title_source, created_at, updated_at) VALUES ($1, 'con_1', '\x01', 'OWNER', $2, $2) RETURNING owner_id, id)
		INSERT INTO shares (owner_id, id, conversation_id, link_hash, link_sealed, title_sealed, snapshot_sealed, messages, reasoning, named, created_at, expires_at)
		SELECT owner_id, 'shr_1', id, sha256('a'), '\x01', '\x01', '\x01', 1, false, false, $2::timestamptz - interval '1 day', $2 FROM c`},
	"a change of a check's result": {"transparency_changes", 400 * day, `INSERT INTO transparency_changes (check_id, at, state, evidence) SELECT 'x', $2, 'RED', 'x' WHERE $1 <> ''`},
	"a comparison with a provider": {"reconciliations", 90 * day, `INSERT INTO reconciliations (id, provider, since, compared, repaired, differences, failure, started_at, finished_at) SELECT 'rec_1', 'STRIPE', $2, 0, 0, '[]', '', $2, $2 WHERE $1 <> ''`},
	"the receipt of a sweep":       {"retention_sweeps", 400 * day, `INSERT INTO retention_sweeps (id, rule, cutoff, rows, guard, started_at, finished_at) SELECT 'rts_0', 'x', $2, 1, '', $2, $2 WHERE $1 <> ''`},
}

// P46, T38, C-RETENTION: what the register gives an end is there a second before it, and gone
// with the sweep at it; and every rule that this package's job keeps is looked at here.
func TestEachRuleEndsToTheSecond(t *testing.T) {
	reg, err := register.Load(policy.Files())
	if err != nil {
		t.Fatal(err)
	}
	tested := map[string]bool{}
	for name, c := range ends {
		tested[c.table] = true
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			r.pass(500 * day)
			r.exec(c.row, account, r.Now().Add(-c.kept+time.Second))
			there := func() int64 {
				return r.count(`SELECT count(*) FROM ` + c.table + ` WHERE ` + map[bool]string{true: `id = 'rts_0'`, false: `true`}[c.table == "retention_sweeps"])
			}
			if r.sweep(); there() != 1 {
				t.Fatal("it went a second early")
			}
			r.pass(time.Second)
			if r.sweep(); there() != 0 {
				t.Fatal("it is still there")
			}
			if n := r.count(`SELECT count(*) FROM retention_sweeps WHERE rule = $1 AND rows = 1 AND finished_at IS NOT NULL AND guard = ''`, c.table); n != 1 {
				t.Errorf("there are %d receipts", n)
			}
		})
	}
	for _, table := range reg.Tables {
		if table.Retention.By == retention.Job && !tested[table.Name] {
			t.Errorf("nobody looks at the end of %s", table.Name)
		}
	}
}

// What has no end by a rule stays, however old: guests' sessions, which end with the guest, and mails
// that still wait.
func TestWhatARuleIsNotForStays(t *testing.T) {
	r := newRoom(t)
	r.exec(`INSERT INTO sessions (owner_id, id, token_hash, method, created_at, last_seen_at) VALUES ($1, 'ses_1', sha256('a'), 'GUEST', $2, $2)`, guest, r.Now())
	r.exec(`INSERT INTO mails (owner_id, id, kind, dedupe_key, to_sealed, facts_sealed, status, created_at, next_at) VALUES ($1, 'mai_1', 'X', 'k', '\x00', '\x00', 'QUEUED', $2, $2)`, account, r.Now())
	r.pass(1000 * day)
	r.sweep()
	if n := r.count(`SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM mails) + (SELECT count(*) FROM owners)`); n != 4 {
		t.Errorf("%d of 4 rows are left", n)
	}
}

// T38: what this machine alone calls over stays, and so does what only the database does.
func TestBothClocksMustCallItOver(t *testing.T) {
	r := newRoom(t)
	r.links(1, r.Now().Add(30*time.Minute))
	r.jump(time.Hour, false)
	if r.sweep(); r.left() != 1 {
		t.Error("it went by this machine's clock")
	}
	r.jump(-2*time.Hour, false)
	r.jump(time.Hour, true)
	if r.sweep(); r.left() != 1 {
		t.Error("it went by the database's clock")
	}
}

// A sweep removes what is over in bounded batches, and its receipt counts.
func TestASweepGoesInBatches(t *testing.T) {
	var batches int
	r := newRoom(t, func(c *retention.Config) {
		c.Batch = 10
		c.AfterBatch(func(rule string) {
			if rule == "operator_links" {
				batches++
			}
		})
	})
	r.links(95, r.Now())
	r.links(5, r.Now().Add(time.Minute))
	r.sweep()
	if r.left() != 5 || batches != 10 {
		t.Errorf("%d are left after %d batches", r.left(), batches)
	}
	sweeps, err := r.Sweeps(t.Context(), admin, "operator_links")
	r.must(err)
	if len(sweeps) != 1 || sweeps[0].Rows != 95 || !sweeps[0].OldestLeft.Equal(r.Now().Add(time.Minute)) || sweeps[0].Guard != "" || !sweeps[0].FinishedAt.Equal(r.Now()) {
		t.Errorf("the receipt is %+v", sweeps)
	}
	r.sweep()
	if n := r.count(`SELECT count(*) FROM retention_sweeps`); n != 1 {
		t.Errorf("a sweep that removes nothing leaves a receipt: %d", n)
	}
	lines, err := r.Report(t.Context())
	r.must(err)
	i := slices.IndexFunc(lines, func(l retention.Line) bool { return l.Table == "operator_links" })
	if l := lines[i]; l.LastRows != 95 || !l.LastSweptAt.Equal(r.Now()) || l.Overdue || l.Held != "" {
		t.Errorf("the report says %+v", l)
	}
}

// Receipts that are over are not shown, whether or not they are still stored.
func TestOldReceiptsAreNotShown(t *testing.T) {
	r := newRoom(t)
	r.links(1, r.Now())
	r.sweep()
	shown := func(want int) {
		t.Helper()
		sweeps, err := r.Sweeps(t.Context(), admin, "operator_links")
		r.must(err)
		if len(sweeps) != want {
			t.Errorf("%d receipts are shown, want %d", len(sweeps), want)
		}
	}
	r.pass(400*day - time.Second)
	shown(1)
	r.pass(time.Second)
	shown(0)
}

// Every table with a clock has a rule, in the register's order, and what nobody sweeps is
// overdue after six hours.
func TestEveryClockHasARule(t *testing.T) {
	r := newRoom(t)
	r.sweep()
	reg, err := register.Load(policy.Files())
	r.must(err)
	var want []string
	for _, table := range reg.Tables {
		if table.Retention.Clock != "" {
			want = append(want, table.Name)
		}
	}
	rules, err := r.Rules(t.Context(), admin)
	r.must(err)
	var got []string
	for _, rule := range rules {
		got = append(got, rule.Table)
		if rule.Overdue {
			t.Errorf("%s is overdue", rule.Table)
		}
	}
	if !slices.Equal(got, want) || len(want) < 15 {
		t.Errorf("got %v, want %v", got, want)
	}
	r.exec(`INSERT INTO river_job (state, finalized_at, args, kind, max_attempts) VALUES ('completed', $1, '{}', 'turn', 1)`, r.Now().Add(-7*day))
	r.sweep()
	r.pass(6*time.Hour + time.Second)
	rules, err = r.Rules(t.Context(), admin)
	r.must(err)
	overdue := map[string]bool{}
	for _, rule := range rules {
		if rule.Overdue {
			overdue[rule.Table] = true
		}
	}
	for _, table := range []string{"mails", "sessions", "river_job"} {
		if !overdue[table] {
			t.Errorf("%s is not overdue: %v", table, slices.Sorted(maps.Keys(overdue)))
		}
	}
	if overdue["river_queue"] || overdue["owners"] {
		t.Errorf("overdue are %v", slices.Sorted(maps.Keys(overdue)))
	}
}
