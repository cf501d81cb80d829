package account_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
)

// hurried is a database that gives a statement no more than a moment, for rooms that know
// when one needs more.
func hurried(t *testing.T, moment time.Duration) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), database.Config{URL: dbtest.URL(t), MaxConns: 4, StatementTimeout: moment})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close(t.Context()) })
	return db
}

// slowly has each deletion of a row of the table take some time.
func (p *people) slowly(table string, d time.Duration) {
	p.t.Helper()
	p.exec(fmt.Sprintf(`CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(%f); RETURN OLD; END $$`, d.Seconds()))
	p.exec(`CREATE TRIGGER slowly BEFORE DELETE ON ` + table + ` FOR EACH ROW EXECUTE FUNCTION slowly()`)
}

// contents counts the rows of conversations.
type contents struct{}

func (contents) CountTx(tx *gorm.DB, owners []string) (map[string]int64, error) {
	counts := map[string]int64{}
	for _, table := range []string{"conversations", "messages", "runs", "run_chunks"} {
		var n int64
		if err := tx.Table(table).Where("owner_id IN ?", owners).Count(&n).Error; err != nil {
			return nil, err
		}
		counts[table] = n
	}
	return counts, nil
}

// P45, T38: neither a guest with very much nor one who can't be deleted keeps anybody else
// here: batches are bounded by rows too, what is much goes a part at a time, and who is left
// is the error of the sweep.
func TestHeavyGuestsKeepNobodyElse(t *testing.T) {
	p := newPeople(t)
	p.guests(30, p.hand.Now())
	heavy, _ := p.guest()
	p.fill(heavy.OwnerID)
	p.exec(`INSERT INTO messages (owner_id, id, conversation_id, role, status, created_at)
		SELECT $1, 'msg_more_' || n, 'con_1', 'USER', 'COMPLETE', now() FROM generate_series(1, 300) n`, heavy.OwnerID)
	stuck, _ := p.guest()
	p.exec(fmt.Sprintf(`CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF OLD.id = '%s' THEN RAISE EXCEPTION 'it stays'; END IF; RETURN OLD; END $$`, stuck.OwnerID))
	p.exec(`CREATE TRIGGER stay BEFORE DELETE ON owners FOR EACH ROW EXECUTE FUNCTION stay()`)
	p.exec(`UPDATE owners SET last_active_at = $2 WHERE id IN ($1, $3)`, heavy.OwnerID, p.hand.Now().Add(-time.Hour), stuck.OwnerID)
	p.hand.move(account.GuestTTL)
	r, err := p.purger(func(c *account.PurgeConfig) {
		c.Batch, c.Rows, c.Counters, c.Erasers = 20, 100, []account.Counter{contents{}}, []account.Eraser{&parts{}}
	}).PurgeGuests(t.Context())
	if err == nil || !strings.Contains(err.Error(), stuck.OwnerID) || strings.Contains(err.Error(), heavy.OwnerID) {
		t.Error("who is left is told as", err)
	}
	if n := count(t, p.db, "owners"); n != 1 || r.Owners() != 31 {
		t.Errorf("%d guests are left, %d went", n, r.Owners())
	}
	if r.Rows["messages"] != 302 || r.Rows["conversations"] != 1 {
		t.Errorf("the receipt counts %v", r.Rows)
	}
	p.exec(`DROP TRIGGER stay ON owners`)
	if r := p.sweep(); r.Owners() != 32 || count(t, p.db, "owners") != 0 {
		t.Errorf("%+v, %d guests are left", r, count(t, p.db, "owners"))
	}
}

// P45, P43: a deletion may take longer than other statements: of guests whose time is over,
// and of one who signs in to an account that exists.
func TestDeletionsHaveTheirTime(t *testing.T) {
	p := peopleOn(t, hurried(t, 300*time.Millisecond), newHand())
	p.signIn(google("1", "ada@example.com"))
	joins, _ := p.guest()
	p.guests(2, p.hand.Now().Add(-account.GuestTTL))
	p.slowly("owners", 400*time.Millisecond)
	if r := p.sweep(); r.Owners() != 2 {
		t.Errorf("%d guests went", r.Owners())
	}
	for _, discard := range []bool{false, true} {
		if _, err := p.SignIn(t.Context(), account.SignIn{From: joins, Discard: discard, Proof: google("1", "ada@example.com")}); err != nil {
			t.Error(err)
		}
		joins, _ = p.guest()
	}
}
