package account_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

const day = 24 * time.Hour

// purger is one whose second clock is the hand too: both machines agree.
func (p *people) purger(change ...func(*account.PurgeConfig)) *account.Purger {
	c := account.PurgeConfig{DB: p.db, Audit: audittest.New(p.db), Clock: p.hand, Counters: []account.Counter{conversations{}}, SecondClock: func(context.Context) (time.Time, error) { return p.hand.Now(), nil }}
	for _, f := range change {
		f(&c)
	}
	return account.NewPurger(c)
}

// sweep purges with a purger that has seen nothing yet.
func (p *people) sweep(change ...func(*account.PurgeConfig)) account.Receipt {
	p.t.Helper()
	r, err := p.purger(change...).PurgeGuests(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// conversations counts another room's rows.
type conversations struct{}

func (conversations) CountTx(tx *gorm.DB, owners []string) (map[string]int64, error) {
	var n int64
	err := tx.Table("conversations").Where("owner_id IN ?", owners).Count(&n).Error
	return map[string]int64{"conversations": n}, err
}

// busy are owners with a running reply.
type busy []string

func (b busy) BusyTx(*gorm.DB, []string) ([]string, error) { return b, nil }

// tables that hold something of guests.
var guestTables = []string{"owners", "sessions", "conversations", "messages", "runs", "run_chunks", "age_confirmations", "policy_acceptances", "consents", "mails", "sign_ins", "usage_rows"}

func (p *people) left() (n int) {
	for _, table := range guestTables {
		n += count(p.t, p.db, table)
	}
	return n
}

func (p *people) exec(sql string, args ...any) {
	p.t.Helper()
	if _, err := p.db.Pool().Exec(p.t.Context(), sql, args...); err != nil {
		p.t.Fatal(err)
	}
}

// guests makes guests whose last activity was at a time.
func (p *people) guests(n int, lastActive time.Time) {
	p.t.Helper()
	p.exec(`INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at)
		SELECT 'own_' || replace(gen_random_uuid()::text, '-', ''), 'GUEST', '\x00', $2, $2 FROM generate_series(1, $1::int)`, n, lastActive)
}

// fill gives the owner a row in every personal table of other rooms.
func (p *people) fill(ownerID string) {
	p.t.Helper()
	for _, row := range []string{
		`INSERT INTO conversations (owner_id, id, title_sealed, title_source, created_at, updated_at) VALUES ($1, 'con_1', '\x01', 'OWNER', now(), now())`,
		`INSERT INTO messages (owner_id, id, conversation_id, role, status, created_at) VALUES ($1, 'msg_1', 'con_1', 'USER', 'COMPLETE', now())`,
		`INSERT INTO messages (owner_id, id, conversation_id, parent_id, role, status, created_at) VALUES ($1, 'msg_2', 'con_1', 'msg_1', 'ASSISTANT', 'STOPPED', now())`,
		`UPDATE conversations SET leaf_id = 'msg_2' WHERE owner_id = $1`,
		`INSERT INTO runs (owner_id, id, conversation_id, reply_id, client_id, request_hash, status, instance_id, lease_expires_at, created_at)
			VALUES ($1, 'run_1', 'con_1', 'msg_2', 'c', '\x01', 'STOPPED', 'ins_1', now(), now())`,
		`INSERT INTO run_chunks (owner_id, run_id, seq, body_sealed) VALUES ($1, 'run_1', 1, '\x01')`,
		`INSERT INTO shares (owner_id, id, conversation_id, link_hash, link_sealed, title_sealed, snapshot_sealed, messages, reasoning, named, created_at)
			VALUES ($1, 'shr_1', 'con_1', sha256(convert_to($1, 'UTF8')), '\x01', '\x01', '\x01', 1, false, false, now())`,
		`INSERT INTO clearings (owner_id, id, cutoff, attempted_at, started_at) VALUES ($1, 'clr_1', now(), now(), now())`,
		`INSERT INTO exports (owner_id, id, status, lease_expires_at, created_at, expires_at) VALUES ($1, 'exp_1', 'RUNNING', now(), now(), now())`,
		`INSERT INTO legal_subjects (owner_id, request_id, words_sealed) VALUES ($1, 'lgl_' || $1, '\x00')`,
		`INSERT INTO openings (owner_id, id, conversations, reason_sealed, asked_by, asked_at, expires_at, reads) VALUES ($1, 'opn_1', 'con_1', '\x00', 'own_1', now(), now(), 0)`,
		`INSERT INTO age_confirmations (owner_id, policy_version, confirmed_at) VALUES ($1, '1', now())`,
		`INSERT INTO policy_acceptances (owner_id, version, method, accepted_at) VALUES ($1, '1', 'COMPOSER', now())`,
		`INSERT INTO consents (owner_id, id, kind, granted, policy_version, method, created_at) VALUES ($1, 'cns_1', 'SHARE', true, '1', 'DIALOG', now())`,
		`INSERT INTO mails (owner_id, id, kind, dedupe_key, to_sealed, facts_sealed, status, created_at, next_at) VALUES ($1, 'mai_1', 'X', 'k', '\x01', '\x01', 'KEPT', now(), now())`,
		`INSERT INTO sign_ins (state_hash, browser_hash, provider, purpose, owner_id, return_to, expires_at)
			VALUES (sha256('a'), sha256('b'), 'GOOGLE', 'SIGN_IN', $1, '/', now())`,
		`INSERT INTO usage_rows (owner_id, id, ref, source, feature, model_id, status, prompt_tokens, cached_tokens, output_tokens, reasoning_tokens, estimated, price_input, price_cached, price_output, credits, created_at)
			VALUES ($1, 'use_1', 'run_1/0', 'WEB', 'CHAT', 'demo', 'STOPPED', 1, 0, 1, 0, true, 0, 0, 0, 0, now())`,
	} {
		p.exec(row, ownerID)
	}
}

// P45, P46, P49, P50: 30 days after its last activity, to the second, nothing of a guest is left
// in any table.
func TestGuestsAreGoneAfterThirtyDays(t *testing.T) {
	p := newPeople(t)
	guest, cookie := p.guest()
	p.fill(guest.OwnerID)
	all := p.left()
	p.hand.move(account.GuestTTL - time.Second)
	if r := p.sweep(); r.Owners() != 0 || r.ID != "" || p.left() != all {
		t.Fatalf("a second early: %+v, %d of %d rows left", r, p.left(), all)
	}
	p.hand.move(time.Second)
	r := p.sweep()
	if want := map[string]int64{"owners": 1, "sessions": 1, "conversations": 1}; !maps.Equal(r.Rows, want) || p.left() != 0 {
		t.Fatalf("%+v, %d rows left", r, p.left())
	}
	// P50: the old cookie begins anew.
	cookie, _ = p.Renew(cookie)
	if v, err := p.Viewer(t.Context(), cookie); err != nil || v.Kind != viewer.Visitor {
		t.Fatal(v, err)
	}
	if anew := begin(t, p.Service, p.db, cookie); anew.OwnerID == guest.OwnerID {
		t.Fatal("the purged guest came back")
	}
	// P49: the receipt holds counts and times only.
	var kind, rows string
	var cutoff, started, finished time.Time
	if err := p.db.Pool().QueryRow(t.Context(), `SELECT kind, cutoff, rows::text, started_at, finished_at FROM purge_receipts`).Scan(&kind, &cutoff, &rows, &started, &finished); err != nil {
		t.Fatal(err)
	}
	if kind != "GUESTS" || rows != `{"owners": 1, "sessions": 1, "conversations": 1}` || !cutoff.Equal(p.hand.Now().Add(-account.GuestTTL)) || !finished.Equal(started) {
		t.Error(kind, rows, cutoff, started, finished)
	}
}

// P47: activity on day 29 counts from then on: there on day 58, gone on day 59.
func TestActivityOnDay29(t *testing.T) {
	p := newPeople(t)
	guest, cookie := p.guest()
	p.hand.move(29 * day)
	cookie, _ = p.Renew(cookie)
	if v, err := p.Viewer(t.Context(), cookie); err != nil || v.OwnerID != guest.OwnerID {
		t.Fatal(v, err)
	}
	p.hand.move(29 * day)
	if r := p.sweep(); r.Owners() != 0 {
		t.Fatalf("purged on day 58: %+v", r)
	}
	p.hand.move(day)
	if r := p.sweep(); r.Owners() != 1 {
		t.Fatalf("not purged on day 59: %+v", r)
	}
}

// P48: a reply that is being written keeps its guest, and so does a send that holds it;
// the end of a long reply is activity.
func TestActiveGuestsAreNotPurged(t *testing.T) {
	p := newPeople(t)
	writing, _ := p.guest()
	sending, _ := p.guest()
	received, _ := p.guest()
	p.hand.move(40 * day)
	for _, ownerID := range []string{received.OwnerID, "own_gone"} {
		if err := p.Active(t.Context(), ownerID); err != nil {
			t.Fatal(err)
		}
	}
	if at := p.lastActive(received.OwnerID); !at.Equal(p.hand.Now()) {
		t.Errorf("last active at %s", at)
	}
	err := p.db.Tx(t.Context(), func(tx *gorm.DB) error {
		if err := p.LockTx(tx, sending); err != nil {
			return err
		}
		if r := p.sweep(func(c *account.PurgeConfig) { c.Busy = []account.Busy{busy{writing.OwnerID}} }); r.Owners() != 0 {
			t.Errorf("purged somebody active: %+v", r)
		}
		return p.SpendMessageTx(tx, sending)
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := p.sweep(); r.Owners() != 1 {
		t.Errorf("purged %+v, not the one that was writing", r)
	}
	for _, v := range []viewer.Viewer{sending, received} {
		if alive, err := p.Alive(t.Context(), v); !alive || err != nil {
			t.Error(v, alive, err)
		}
	}
}

// P49: accounts are never touched, however long they are away.
func TestAccountsAreNeverPurged(t *testing.T) {
	p := newPeople(t)
	p.signIn(google("1", "ada@example.com"), viewer.Viewer{})
	guest, _ := p.guest()
	p.signIn(google("2", "bob@example.com"), guest)
	p.hand.move(1000 * day)
	if r := p.sweep(); r.Owners() != 0 || count(t, p.db, "owners") != 2 || count(t, p.db, "accounts") != 2 {
		t.Errorf("%+v, %d owners left", r, count(t, p.db, "owners"))
	}
}

// P49: bounded batches; a sweep that is cut off is gone on with under its receipt, and
// the counts are true at every moment.
func TestPurgeGoesOnAfterACrash(t *testing.T) {
	p := newPeople(t)
	p.guests(95, p.hand.Now())
	p.guests(5, p.hand.Now().Add(time.Second))
	p.hand.move(account.GuestTTL)
	broken := &failing{after: 3}
	_, err := p.purger(func(c *account.PurgeConfig) { c.Batch, c.Counters = 10, []account.Counter{broken} }).PurgeGuests(t.Context())
	if !errors.Is(err, errBroken) || count(t, p.db, "owners") != 70 {
		t.Fatalf("%v, %d guests left", err, count(t, p.db, "owners"))
	}
	if broken.most != 10 {
		t.Errorf("%d guests in one batch", broken.most)
	}
	var finished bool
	var owners int
	read := func() {
		t.Helper()
		if err := p.db.Pool().QueryRow(t.Context(), `SELECT (rows->>'owners')::int, finished_at IS NOT NULL FROM purge_receipts`).Scan(&owners, &finished); err != nil {
			t.Fatal(err)
		}
	}
	if read(); owners != 30 || finished {
		t.Errorf("after the crash: %d, finished %v", owners, finished)
	}
	p.sweep(func(c *account.PurgeConfig) { c.Batch = 10 })
	if read(); owners != 95 || !finished || count(t, p.db, "owners") != 5 {
		t.Errorf("%d, finished %v, %d left", owners, finished, count(t, p.db, "owners"))
	}
}

var errBroken = errors.New("broken")

// failing breaks a sweep after some batches.
type failing struct{ after, most int }

func (f *failing) CountTx(_ *gorm.DB, owners []string) (map[string]int64, error) {
	f.most = max(f.most, len(owners))
	if f.after--; f.after < 0 {
		return nil, errBroken
	}
	return nil, nil
}

// P49: one instance at a time.
func TestOneInstancePurges(t *testing.T) {
	p := newPeople(t)
	p.guests(200, p.hand.Now())
	p.hand.move(account.GuestTTL)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var gone int64
	for range 5 {
		wg.Go(func() {
			r, err := p.purger(func(c *account.PurgeConfig) { c.Batch = 20 }).PurgeGuests(t.Context())
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			gone += r.Owners()
		})
	}
	wg.Wait()
	if gone != 200 || count(t, p.db, "owners") != 0 || count(t, p.db, "purge_receipts") != 1 {
		t.Errorf("%d purged, %d left, %d receipts", gone, count(t, p.db, "owners"), count(t, p.db, "purge_receipts"))
	}
	conn, err := p.db.Pool().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), `SELECT pg_advisory_lock($1)`, int64(0x6b322d7075726765)); err != nil {
		t.Fatal(err)
	}
	p.guests(1, p.hand.Now().Add(-account.GuestTTL))
	if r := p.sweep(); r.Owners() != 0 {
		t.Errorf("purged beside another instance: %+v", r)
	}
	if _, err := conn.Exec(t.Context(), `SELECT pg_advisory_unlock_all()`); err != nil {
		t.Fatal(err)
	}
	if r := p.sweep(); r.Owners() != 1 {
		t.Errorf("%+v", r)
	}
}

// T38: a clock that jumps purges nobody who has not expired by the database's clock; an
// hour back purges less.
func TestJumpingClocksPurgeNothing(t *testing.T) {
	p := newPeople(t)
	second, up := newHand(), time.Duration(0)
	live := p.purger(func(c *account.PurgeConfig) {
		c.SecondClock = func(context.Context) (time.Time, error) { return second.Now(), nil }
		c.Uptime = func() time.Duration { return up }
	})
	pass := func(machine, real time.Duration) {
		p.hand.move(machine)
		second.move(real)
		up += real
	}
	purge := func(step string, owners int, refused bool) {
		t.Helper()
		_, err := live.PurgeGuests(t.Context())
		var wrong *clock.Doubt
		if errors.As(err, &wrong) != refused || (err != nil && !refused) || count(t, p.db, "owners") != owners {
			t.Fatalf("%s: %v, %d guests left", step, err, count(t, p.db, "owners"))
		}
		if refused && (!strings.Contains(err.Error(), "nothing was deleted") || wrong.Now.IsZero() || wrong.Second.IsZero()) {
			t.Errorf("%s: %v", step, err)
		}
	}
	p.guests(3, p.hand.Now().Add(-20*day))
	p.guests(1, p.hand.Now().Add(-31*day))
	purge("at start", 3, false)
	pass(10*time.Minute+100*day, 10*time.Minute)
	purge("100 days ahead", 3, true)
	pass(10*time.Minute, 10*time.Minute)
	purge("still ahead", 3, true)
	pass(10*time.Minute-100*day, 10*time.Minute)
	purge("put right", 3, false)
	pass(10*time.Minute-time.Hour, 10*time.Minute)
	purge("an hour back", 3, false)
	pass(10*time.Minute+time.Hour, 10*time.Minute)
	purge("put right again", 3, false)
	// Where both clocks are one machine's, they are wrong together: the jump must last.
	pass(100*day, 0)
	second.move(100 * day)
	purge("both 100 days ahead", 3, true)
	pass(-100*day, 0)
	second.move(-100 * day)
	purge("both put right", 3, false)
	pass(11*day, 0)
	second.move(11 * day)
	purge("both eleven days on, as after a sleep", 3, true)
	pass(10*time.Minute, 10*time.Minute)
	purge("and ten minutes later", 3, true)
	pass(clock.Patience, clock.Patience)
	purge("and still", 0, false)
}

// T38: a process that starts with a wrong clock asks the database too.
func TestWrongClockAtStartPurgesNothing(t *testing.T) {
	p := newPeople(t)
	p.guests(2, p.hand.Now().Add(-31*day))
	p.sweep()
	p.guests(2, p.hand.Now())
	real := p.hand.Now()
	p.hand.move(100 * day)
	var wrong *clock.Doubt
	_, err := p.purger(func(c *account.PurgeConfig) {
		c.SecondClock = func(context.Context) (time.Time, error) { return real, nil }
	}).PurgeGuests(t.Context())
	if !errors.As(err, &wrong) || count(t, p.db, "owners") != 2 {
		t.Fatal(err, count(t, p.db, "owners"))
	}
	// The database's own clock is far from the hand's.
	if _, err := p.purger(func(c *account.PurgeConfig) { c.SecondClock = nil }).PurgeGuests(t.Context()); !errors.As(err, &wrong) {
		t.Fatal(err)
	}
}
