package retention_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/retention"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// rule is where a rule stands.
func (r *room) rule(table string) *models.RetentionRule {
	r.t.Helper()
	rules, err := r.Rules(r.t.Context(), admin)
	r.must(err)
	for _, one := range rules {
		if one.Table == table {
			return one
		}
	}
	r.t.Fatalf("there is no rule %s", table)
	return nil
}

// held wants the next sweep to hold the links for a reason.
func (r *room) held(step string, kind models.RetentionHold, says string) {
	r.t.Helper()
	err := r.Sweep(r.t.Context())
	rule := r.rule("operator_links")
	if kind == "" {
		if err != nil || rule.Hold != nil {
			r.t.Fatalf("%s: %v, %+v", step, err, rule.Hold)
		}
		return
	}
	if err == nil || !strings.Contains(err.Error(), says) || rule.Hold == nil || rule.Hold.Kind != kind {
		r.t.Fatalf("%s: %v, %+v", step, err, rule.Hold)
	}
}

// T38: a clock that jumps 100 days ahead deletes nothing, whether or not the database's does
// too; an hour back deletes less. The hold is told with a receipt of its own, once.
func TestAClockThatJumpsHoldsAll(t *testing.T) {
	r := newRoom(t)
	r.links(1, r.Now())
	r.links(3, r.Now().Add(20*day))
	r.held("at start", "", "")
	r.pass(10 * time.Minute)
	r.jump(100*day, false)
	r.held("alone", models.HeldClocks, "set them")
	r.jump(100*day, true)
	r.jump(-100*day, false)
	r.held("both", models.HeldJump, "if it still says so")
	r.pass(10 * time.Minute)
	r.held("ten minutes later", models.HeldJump, "an operator confirms it")
	r.jump(-100*day, true)
	r.held("put right", "", "")
	r.jump(-time.Hour, true)
	r.held("an hour back", "", "")
	r.jump(time.Hour, true)
	r.held("put right again", "", "")
	if r.left() != 3 {
		t.Fatalf("%d links are left", r.left())
	}
	if n := r.count(`SELECT count(*) FROM retention_sweeps WHERE rule = 'operator_links' AND guard <> '' AND rows = 0 AND finished_at = started_at`); n != 2 {
		t.Errorf("%d receipts tell of holds", n)
	}
	r.jump(30*day, true)
	r.held("after a sleep", models.HeldJump, "if it still says so")
	if until := r.rule("sessions").Hold.Until; !until.Equal(r.Now().Add(clock.Patience)) {
		t.Errorf("it would go on at %v", until)
	}
	r.pass(clock.Patience)
	if r.held("it has lasted", "", ""); r.left() != 0 {
		t.Error("what is over is still there")
	}
}

// T38: nor does a machine that starts with such a clock, whatever sweeps first; after a long
// pause all goes on within half an hour.
func TestAClockThatIsAheadAtTheStartHoldsAll(t *testing.T) {
	r := newRoom(t)
	r.sweep()
	r.links(3, r.Now().Add(20*day))
	r.jump(100*day, true)
	r.Engine = r.engine()
	ran := 0
	files := r.Watch(retention.Procedure{Job: "exports.sweep", Guarded: true, Run: func(context.Context) (map[string]int64, error) { ran++; return nil, nil }})
	limits := r.Watch(retention.Procedure{Job: "ratelimit.sweep", Untimed: true, Run: func(context.Context) (map[string]int64, error) { return map[string]int64{"rate_buckets": 1}, nil }})
	r.must(limits(t.Context()))
	var doubt *clock.Doubt
	if err := files(t.Context()); !errors.As(err, &doubt) || ran != 0 {
		t.Errorf("files: %v", err)
	}
	r.held("at the start", models.HeldJump, "if it still says so")
	if at, err := r.Believed(t.Context()); err != nil || r.left() != 3 || r.Now().Sub(at) != 100*day {
		t.Errorf("%d links are left, %v is believed, %v", r.left(), at, err)
	}
	r.pass(clock.Patience)
	r.must(files(t.Context()))
	if r.held("it has lasted", "", ""); r.left() != 0 || ran != 1 {
		t.Error("what is over is still there")
	}
}

// T38: far more than usual goes only when the operator confirms it, or after a day.
func TestFarMoreThanUsualIsHeld(t *testing.T) {
	r := newRoom(t)
	for _, n := range []int{1000, 500} { // 750 on average: 2250 may go
		r.links(n, r.Now())
		r.held("as usual", "", "")
		r.pass(10 * time.Minute)
	}
	r.links(2251, r.Now())
	r.held("more", models.HeldMany, "2251 rows would go, where 2250 are usual at most")
	if h := r.rule("operator_links").Hold; r.left() != 2251 || h.Due != 2251 || h.Usual != 2250 || !h.Confirmable || !h.Until.Equal(r.Now().Add(day)) {
		t.Fatalf("%d are left, %+v", r.left(), h)
	}
	if h := r.rule("mails").Hold; h != nil {
		t.Errorf("mails are held too: %+v", h)
	}
	r.pass(time.Hour)
	r.held("an hour later", models.HeldMany, "2251")
	r.pass(23 * time.Hour)
	if r.held("a day later", "", ""); r.left() != 0 {
		t.Fatalf("%d are left", r.left())
	}
	if n := r.count(`SELECT rows FROM retention_sweeps WHERE guard = 'MANY' AND rows > 0`); n != 2251 {
		t.Errorf("the receipt counts %d", n)
	}
	r.links(10_000, r.Now())
	r.held("many more", models.HeldMany, "10000 rows")
	rule, err := r.Confirm(t.Context(), admin, "operator_links")
	r.must(err)
	if rule.Hold == nil || rule.Hold.ConfirmedAt == nil || rule.Hold.Confirmable {
		t.Errorf("confirmed it is %+v", rule.Hold)
	}
	_, err = r.Confirm(t.Context(), admin, "operator_links")
	r.must(err)
	if r.held("confirmed", "", ""); r.left() != 0 {
		t.Errorf("%d are left", r.left())
	}
	if n := r.count(`SELECT count(*) FROM audit_entries WHERE act = 'RETENTION_CONFIRMED' AND actor_kind = 'OPERATOR' AND facts::jsonb->>'ref' = 'operator_links'`); n != 1 {
		t.Errorf("%d entries tell of it", n)
	}
	r.links(60_000, r.Now())
	r.held("a confirmation counts once", models.HeldMany, "60000 rows")
}

// T38: an operator who knows that the clock is right need not wait, and one confirmation
// counts for all rules.
func TestAJumpThatIsConfirmed(t *testing.T) {
	r := newRoom(t)
	r.sweep()
	r.links(1, r.Now().Add(day))
	r.jump(11*day, true)
	r.held("it jumped", models.HeldJump, "")
	_, err := r.Confirm(t.Context(), admin, "mails")
	r.must(err)
	if r.held("confirmed", "", ""); r.left() != 0 {
		t.Error("what is over is still there")
	}
	if h := r.rule("mails").Hold; h != nil {
		t.Errorf("mails are still held: %+v", h)
	}
}

// What is no hold of ours, or nobody's to end, is not confirmed; nor by anybody but admins.
func TestWhatCannotBeConfirmed(t *testing.T) {
	r := newRoom(t)
	r.sweep()
	refused := func(v viewer.Viewer, table string, code fault.Code) {
		t.Helper()
		if _, err := r.Confirm(t.Context(), v, table); !fault.Is(err, code) {
			t.Errorf("%s: %v", table, err)
		}
	}
	refused(admin, "operator_links", fault.Conflict)
	refused(admin, "owners", fault.Conflict)
	refused(admin, "conversations", fault.NotFound)
	r.jump(2*time.Hour, false)
	r.held("clocks differ", models.HeldClocks, "set them")
	refused(admin, "operator_links", fault.Conflict)
	for _, v := range []viewer.Viewer{{}, {Kind: viewer.Account, OwnerID: account}, {Kind: viewer.APIKey, OwnerID: account, Admin: true}, {Kind: viewer.Guest, OwnerID: guest}} {
		refused(v, "operator_links", fault.Forbidden)
		_, rules := r.Rules(t.Context(), v)
		_, sweeps := r.Sweeps(t.Context(), v, "mails")
		_, days := r.Upcoming(t.Context(), v, "mails")
		for _, err := range []error{rules, sweeps, days} {
			if !fault.Is(err, fault.Forbidden) {
				t.Errorf("%+v: %v", v, err)
			}
		}
	}
	if n := r.count(`SELECT count(*) FROM audit_entries`); n != 0 {
		t.Errorf("%d acts are written down", n)
	}
}

// P49: a sweep that is cut off is gone on with under its receipt, and the counts are true at
// every moment.
func TestASweepThatIsCutOffGoesOn(t *testing.T) {
	ctx, cut := context.WithCancel(t.Context())
	batches := 0
	r := newRoom(t, func(c *retention.Config) {
		c.Batch = 10
		c.AfterBatch(func(rule string) {
			if batches++; rule == "operator_links" && batches > 3 {
				cut()
			}
		})
	})
	r.links(95, r.Now())
	if err := r.Sweep(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	gone := 95 - r.left()
	if n := r.count(`SELECT rows FROM retention_sweeps WHERE finished_at IS NULL`); n != gone || gone == 0 || gone == 95 {
		t.Fatalf("%d went, the receipt counts %d", gone, n)
	}
	r.pass(10 * time.Minute)
	r.sweep()
	if n := r.count(`SELECT sum(rows) FROM retention_sweeps WHERE finished_at IS NOT NULL`); n != 95 || r.left() != 0 || r.count(`SELECT count(*) FROM retention_sweeps`) != 1 {
		t.Errorf("the receipt counts %d, %d are left", n, r.left())
	}
}

// T38: an instance that lost its connection in the middle of a sweep, and lives on, deletes
// nothing more once another one has begun.
func TestALostSweepIsFenced(t *testing.T) {
	paused, release := make(chan struct{}), make(chan struct{})
	first := true
	r := newRoom(t, func(c *retention.Config) {
		c.Batch = 10
		c.AfterBatch(func(rule string) {
			if rule == "operator_links" && first {
				first = false
				close(paused)
				<-release
			}
		})
	})
	r.links(35, r.Now())
	lost := make(chan error, 1)
	go func() { lost <- r.Sweep(context.WithoutCancel(t.Context())) }()
	<-paused
	other := r.engine()
	if err := other.Sweep(t.Context()); err != nil || r.left() != 25 {
		t.Fatalf("beside the first: %v, %d are left", err, r.left())
	}
	r.exec(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	until := time.Now().Add(10 * time.Second)
	for r.left() != 0 && time.Now().Before(until) {
		r.must(other.Sweep(t.Context()))
	}
	r.links(20, r.Now())
	close(release)
	if err := <-lost; err == nil || !strings.Contains(err.Error(), "another instance sweeps by now") {
		t.Errorf("the lost one says %v", err)
	}
	if r.left() != 20 {
		t.Errorf("%d of 20 are left", r.left())
	}
}

// refusal is a job's error that holds.
type refusal struct{}

func (refusal) Error() string { return "held" }

func (refusal) Hold() (kind models.RetentionHold, due, usual int64) { return models.HeldMany, 8, 3 }

// Other jobs tell what they did; what holds them, and that they failed, can be seen.
func TestOtherJobsTell(t *testing.T) {
	r := newRoom(t)
	var rows map[string]int64
	var failure error
	job := r.Watch(retention.Procedure{Job: "guests.purge", Run: func(context.Context) (map[string]int64, error) { return rows, failure }})
	turn := func() { t.Helper(); r.must(job(t.Context())) }
	rows = map[string]int64{"owners": 3, "sessions": 4}
	turn()
	rule := r.rule("owners")
	if rule.Removed != 3 || !rule.SweptAt.Equal(r.Now()) || !rule.OldestAt.Equal(r.Now()) || rule.Max != 30*day || r.count(`SELECT count(*) FROM retention_sweeps`) != 1 {
		t.Errorf("told: %+v", rule)
	}
	rows = nil
	r.pass(time.Minute)
	turn()
	if rule = r.rule("owners"); rule.Removed != 3 || !rule.SweptAt.Equal(r.Now()) {
		t.Errorf("nothing to do: %+v", rule)
	}
	last := r.Now()
	failure = refusal{}
	r.pass(time.Minute)
	for range 2 {
		if err := job(t.Context()); !errors.Is(err, failure) {
			t.Fatal(err)
		}
	}
	if rule = r.rule("owners"); !rule.SweptAt.Equal(last) || rule.Hold == nil || rule.Hold.Kind != models.HeldMany || rule.Hold.Due != 8 || rule.Hold.Usual != 3 || rule.Hold.Confirmable || r.count(`SELECT count(*) FROM retention_sweeps`) != 2 {
		t.Errorf("held: %+v", rule)
	}
	if _, err := r.Confirm(t.Context(), admin, "owners"); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
	failure = errors.New("broken")
	if err := job(t.Context()); !errors.Is(err, failure) {
		t.Fatal(err)
	}
	failure = nil
	turn()
	if rule = r.rule("owners"); rule.Hold != nil || !rule.SweptAt.Equal(r.Now()) {
		t.Errorf("and on: %+v", rule)
	}
	r.pass(31 * day)
	if !r.rule("owners").Overdue {
		t.Error("nobody misses the sweep")
	}
}

// P46, T38: far more guests than usual go when the operator confirms it, or after half an
// hour; what the job did then is written down as having been held.
func TestFarMoreGuestsThanUsualAreHeld(t *testing.T) {
	r := newRoom(t)
	job := r.Watch(retention.Procedure{Job: "guests.purge", Judged: true, Run: func(ctx context.Context) (map[string]int64, error) {
		gone, err := r.db.Pool().Exec(ctx, `DELETE FROM owners WHERE kind = 'GUEST' AND last_active_at <= $1`, r.Now().Add(-30*day))
		return map[string]int64{"owners": gone.RowsAffected()}, err
	}})
	turn := func(step string, due, left int64) {
		t.Helper()
		err := job(t.Context())
		var many *retention.ManyError
		h := r.rule("owners").Hold
		if n := r.count(`SELECT count(*) FROM owners WHERE kind = 'GUEST' AND id <> $1`, guest); n != left {
			t.Fatalf("%s: %d are left", step, n)
		}
		switch {
		case due == 0 && (err != nil || h != nil):
			t.Fatalf("%s: %v, %+v", step, err, h)
		case due > 0 && (!errors.As(err, &many) || many.Due != due || h == nil || h.Kind != models.HeldMany || h.Due != due):
			t.Fatalf("%s: %v, %+v", step, err, h)
		}
	}
	r.guests(1000)
	turn("as many as may always go", 0, 0)
	r.guests(3001)
	turn("more than three times as many", 3001, 3001)
	if h := r.rule("owners").Hold; !h.Confirmable || h.Usual != 3000 || !h.Until.Equal(r.Now().Add(clock.Patience)) {
		t.Errorf("it is held as %+v", h)
	}
	r.pass(clock.Patience - time.Minute)
	turn("a minute before half an hour is over", 3001, 3001)
	r.pass(time.Minute)
	turn("then", 0, 0)
	if n := r.count(`SELECT rows FROM retention_sweeps WHERE rule = 'owners' AND guard = 'MANY' AND rows > 0`); n != 3001 {
		t.Errorf("the receipt counts %d", n)
	}
	r.guests(10_000)
	turn("many more", 10_000, 10_000)
	_, err := r.Confirm(t.Context(), admin, "owners")
	r.must(err)
	if h := r.rule("owners").Hold; h == nil || h.ConfirmedAt == nil || h.Confirmable {
		t.Errorf("confirmed it is %+v", h)
	}
	turn("confirmed", 0, 0)
	r.guests(60_000)
	turn("a confirmation counts once", 60_000, 60_000)
	r.jump(100*day, true)
	if err := job(t.Context()); r.rule("owners").Hold.Kind != models.HeldJump || r.rule("owners").Hold.Confirmable {
		t.Errorf("a clock that jumped: %v, %+v", err, r.rule("owners").Hold)
	}
}

// guests makes guests whose time is over.
func (r *room) guests(n int) {
	r.t.Helper()
	r.exec(`INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at)
		SELECT 'own_' || replace(gen_random_uuid()::text, '-', ''), 'GUEST', '\x00', $2, $2 FROM generate_series(1, $1::int)`, n, r.Now().Add(-30*day))
}

// What ends when is told by day, for 30 days.
func TestWhatEndsWhen(t *testing.T) {
	r := newRoom(t)
	r.links(2, r.Now().Add(-day))
	r.links(1, r.Now().Add(time.Minute))
	r.links(4, r.Now().Add(5*day))
	r.links(8, r.Now().Add(30*day))
	r.exec(`INSERT INTO sessions (owner_id, id, token_hash, method, created_at, last_seen_at) VALUES ($1, 'ses_1', sha256('a'), 'GOOGLE', $2, $2), ($1, 'ses_2', sha256('b'), 'GOOGLE', $2::timestamptz - interval '28 days', $2)`, account, r.Now())
	ahead := func(table string) (out string) {
		t.Helper()
		days, err := r.Upcoming(t.Context(), admin, table)
		r.must(err)
		for _, d := range days {
			out += d.Day.Format(" 0102:") + string(rune('0'+d.Rows))
		}
		return out
	}
	for table, want := range map[string]string{"operator_links": " 0501:3 0506:4", "sessions": " 0503:1 0508:1", "owners": "", "conversations": ""} {
		if got := ahead(table); got != want {
			t.Errorf("%s: %q, want %q", table, got, want)
		}
	}
	r.pass(day)
	if got := ahead("owners"); got != " 0531:1" {
		t.Errorf("guests: %q", got)
	}
}
