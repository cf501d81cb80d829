package credit_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/models"
)

// mortal is a room whose database server, the product's own with its settings, can die.
type mortal struct {
	*room
	writer int // the process that brings the log of what was written ahead to the disk
}

func newMortal(t *testing.T) *mortal {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "k2mortal-")
	if err == nil {
		err = os.Chmod(dir, 0o711) //nolint:gosec // the server's user passes through
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	db, err := database.Open(t.Context(), database.Config{DataDir: dir, MaxConns: 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close(context.Background()) })
	m := &mortal{room: &room{t: t, db: db}}
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	m.now.Store(&began)
	m.Service = credit.New(credit.Config{DB: db, Audit: audittest.New(db), Clock: clock.Func(func() time.Time { return *m.now.Load() })})
	t.Cleanup(m.Close)
	return m
}

// ask asks the server one thing as its superuser.
func (m *mortal) ask(ctx context.Context, query string) (answer string, err error) {
	c := m.db.Pool().Config().ConnConfig.Copy()
	c.User, c.Database = "postgres", "postgres"
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }()
	err = conn.QueryRow(ctx, query).Scan(&answer)
	return answer, err
}

func (m *mortal) number(query string) int {
	m.t.Helper()
	answer, err := m.ask(m.t.Context(), query)
	m.must(err)
	n, err := strconv.Atoi(answer)
	m.must(err)
	return n
}

// freeze stops what brings committed but unawaited work to the disk. Whoever waits for the
// disk does that itself, and takes along what lies before it.
func (m *mortal) freeze() {
	m.t.Helper()
	m.must(m.db.Pool().Ping(m.t.Context()))
	m.writer = m.number(`SELECT pid::text FROM pg_stat_activity WHERE backend_type = 'walwriter'`)
	m.must(syscall.Kill(m.writer, syscall.SIGSTOP))
}

// die ends the server as kill -9 does, with all that it has not written out, and waits until
// it is there again.
func (m *mortal) die() {
	m.t.Helper()
	data, err := m.ask(m.t.Context(), `SHOW data_directory`)
	m.must(err)
	note, err := os.ReadFile(filepath.Join(data, "postmaster.pid")) //nolint:gosec // of our own server
	m.must(err)
	first, _, _ := strings.Cut(string(note), "\n")
	pid, err := strconv.Atoi(first)
	m.must(err)
	m.must(errors.Join(syscall.Kill(pid, syscall.SIGKILL), syscall.Kill(m.writer, syscall.SIGKILL)))
	ctx, cancel := context.WithTimeout(m.t.Context(), 30*time.Second)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for err = errors.New("it has died"); err != nil; _, err = m.ask(ctx, `SELECT 'here'`) {
		select {
		case <-again.C:
		case <-ctx.Done():
			m.t.Fatalf("the server did not come back: %v", err)
		}
	}
	m.db.Pool().Reset()
}

// gone fails unless a hold is as if it had never been made.
func (m *mortal) gone(p person, h models.Hold, ref string) {
	m.t.Helper()
	if _, err := m.Settle(m.t.Context(), act(p, h, ref, 50)); !errors.Is(err, credit.ErrHoldResolved) {
		m.t.Errorf("settling a lost hold gives %v", err)
	}
	if _, err := m.settleTx(act(p, h, ref, 50)); !errors.Is(err, credit.ErrHoldResolved) {
		m.t.Errorf("settling a lost hold in a transaction gives %v", err)
	}
	refused, err := m.More(m.t.Context(), []models.HoldMore{{HoldID: h.ID, OutputTokens: 10}})
	if m.must(err); !errors.Is(refused[h.ID], credit.ErrHoldResolved) {
		m.t.Errorf("extending a lost hold gives %v", refused)
	}
	m.must(m.Void(m.t.Context(), h.ID))
	if n := m.count(`SELECT count(*) FROM usage_rows WHERE ref = $1`, ref); n != 0 {
		m.t.Errorf("%s has %d rows of usage", ref, n)
	}
}

func (m *mortal) charges(p person, h models.Hold, ref string, tokens int64, again bool) {
	m.t.Helper()
	c, err := m.Settle(m.t.Context(), act(p, h, ref, tokens))
	if m.must(err); c.Credits != tokens || c.Again != again {
		m.t.Errorf("%s is charged %+v; want %d, again %v", ref, c, tokens, again)
	}
}

// batched makes one hold the way that does not wait for the disk.
func (m *mortal) batched(p person, micro int64) models.Hold {
	m.t.Helper()
	holds, errs := m.holdMany(askFor(p, micro))
	m.must(errs[0])
	return holds[0]
}

// P60, P61, T28: the database's server dies between a hold that did not wait for the disk and
// its settlement. A hold that was lost is refused and costs nothing, whoever took the credits
// since; one behind which anything was awaited is there, and is charged once; a settlement
// that was acknowledged is never lost.
func TestADatabaseDiesBetweenHoldAndSettlement(t *testing.T) {
	m := newMortal(t)
	p, other := m.person(1000), m.person(0)

	m.freeze()
	lost := m.batched(p, 600)
	m.wants(p, 1000, 600, 0)
	m.die()
	m.wants(p, 1000, 0, 0) // else the hold was written out: nothing was at risk
	m.gone(p, lost, "lost")
	all := m.mustHold(p, 1000)
	m.gone(p, lost, "lost")
	m.wants(p, 1000, 1000, 0)
	m.charges(p, all, "all", 100, false)
	m.wants(p, 900, 0, 0)

	m.freeze()
	kept := m.batched(p, 600)
	m.deposit(other, "pur_1", 1)
	m.die()
	m.wants(p, 900, 600, 0)
	m.charges(p, kept, "kept", 200, false)
	m.wants(p, 700, 0, 0)

	m.freeze()
	settled := m.batched(p, 600)
	m.charges(p, settled, "settled", 300, false)
	m.die()
	m.wants(p, 400, 0, 0)
	m.charges(p, kept, "kept", 200, true)
	m.charges(p, settled, "settled", 300, true)
	m.wants(p, 400, 0, 0)
	m.sound()
}

// settling is a hold that somebody settled, or tried to.
type settling struct {
	hold  models.Hold
	ref   string
	acked bool
}

// P61, T28: the server dies while many hold and settle. Whatever was acknowledged is there,
// once, and every other act is charged once or refused when it is settled again.
func TestChaosADatabaseDiesWhileManySettle(t *testing.T) {
	const many, each, cost = 8, 1_000_000, 7
	m, rounds := newMortal(t), 1
	if os.Getenv("CHAOS") != "" {
		rounds = 20
	}
	people := make([]person, many)
	for i := range people {
		people[i] = m.person(each)
	}
	for round := range rounds {
		acts := make([][]settling, many)
		m.freeze()
		var settled atomic.Int64
		enough := make(chan struct{})
		var wg sync.WaitGroup
		for i, p := range people {
			wg.Go(func() {
				for n := 0; ; n++ {
					h, err := m.tryHold(p, 10)
					if err != nil {
						return // the server has died
					}
					ref := fmt.Sprintf("%d/%d/%d", round, i, n)
					_, err = m.Settle(t.Context(), act(p, h, ref, cost))
					acts[i] = append(acts[i], settling{h, ref, err == nil})
					if err != nil {
						return
					}
					if settled.Add(1) == 10*many {
						close(enough)
					}
				}
			})
		}
		select {
		case <-enough:
		case <-time.After(30 * time.Second):
			t.Error("the test waited in vain for settlements")
		}
		m.die()
		wg.Wait()
		for i, p := range people {
			var want int64
			for _, a := range acts[i] {
				c, err := m.Settle(t.Context(), act(p, a.hold, a.ref, cost))
				switch {
				case err == nil && c.Credits == cost && (c.Again || !a.acked):
					want += cost
				case !errors.Is(err, credit.ErrHoldResolved) || a.acked:
					t.Errorf("%s, acknowledged %v, is %+v, %v", a.ref, a.acked, c, err)
				}
			}
			if len(acts[i]) == 0 {
				t.Error("nothing was settled before the server died: the test tested nothing")
			}
			b, err := m.BalanceOf(t.Context(), p.wallet)
			m.must(err)
			if n := m.count(`SELECT coalesce(sum(credits), 0)::bigint FROM usage_rows WHERE owner_id = $1 AND ref LIKE $2`, p.OwnerID, fmt.Sprintf("%d/%%", round)); n != want {
				t.Errorf("round %d: charged are %d, want %d", round, n, want)
			}
			if spent := m.count(`SELECT coalesce(sum(credits), 0)::bigint FROM usage_rows WHERE owner_id = $1`, p.OwnerID); b.Posted != each-spent || b.Owed != 0 {
				t.Errorf("round %d: the balance is %+v after %d of %d were spent", round, b, spent, each)
			}
		}
	}
	m.pass(2 * credit.DefaultHoldTTL)
	_, _, err := m.Sweep(t.Context()) // holds that nobody heard of
	m.must(err)
	for _, p := range people {
		if b, err := m.BalanceOf(t.Context(), p.wallet); err != nil || b.Held != 0 {
			t.Errorf("the balance is %+v, %v", b, err)
		}
	}
	m.sound()
}

// tryHold is batched for who expects that the server may be gone.
func (m *mortal) tryHold(p person, micro int64) (h models.Hold, err error) {
	var b pgx.Batch
	m.QueueHolds(&b, []models.HoldFor{askFor(p, micro)}, func(_ int, made models.Hold, failed error) { h, err = made, failed })
	return h, errors.Join(m.db.Pool().SendBatch(m.t.Context(), &b).Close(), err)
}
