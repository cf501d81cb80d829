package audit_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// R-AUDIT: what can't be written down isn't done, whyever.
func TestWhatIsNotWrittenIsNotDone(t *testing.T) {
	r := newRoom(t)
	v := r.person()
	for name, e := range map[string]audit.Entry{
		"no such act": {Act: "SOMETHING", Subject: v.OwnerID, By: audit.By(v)},
		"of nobody":   {Act: models.AuditKeyCreated, Subject: v.OwnerID},
		"no viewer":   {Act: models.AuditKeyCreated, Subject: v.OwnerID, By: audit.By(viewer.Viewer{})},
		"text":        {Act: models.AuditKeyCreated, Subject: v.OwnerID, By: audit.By(v), Facts: models.AuditFacts{Outcome: "my heart's secret: ada@example.com"}},
		"long":        {Act: models.AuditKeyCreated, Subject: v.OwnerID, By: audit.By(v), Facts: models.AuditFacts{Ref: strings.Repeat("a", 101)}},
		"of no owner": {Act: models.AuditKeyCreated, Subject: "own_gone", By: audit.By(v)},
	} {
		err := r.db.Tx(t.Context(), func(tx *gorm.DB) error {
			if err := tx.Exec(`UPDATE owners SET messages_used = messages_used + 1 WHERE id = ?`, v.OwnerID).Error; err != nil {
				return err
			}
			return r.WriteTx(tx, e)
		})
		if err == nil {
			t.Errorf("%s: it is written", name)
		}
	}
	var nobody *audit.Service
	if err := r.db.Tx(t.Context(), func(tx *gorm.DB) error { return nobody.WriteTx(tx) }); err == nil {
		t.Error("without a log acts are done")
	}
	if n := r.count(`SELECT sum(messages_used) FROM owners`); n != 0 {
		t.Errorf("%d acts were done", n)
	}
	if n := r.count(`SELECT count(*) FROM audit_entries`); n != 0 {
		t.Errorf("%d acts were written", n)
	}
}

// R-AUDIT: an act that isn't done isn't written either.
func TestWhatIsNotDoneIsNotWritten(t *testing.T) {
	r := newRoom(t)
	v, off := r.person(), errors.New("off")
	err := r.db.Tx(t.Context(), func(tx *gorm.DB) error {
		if err := r.WriteTx(tx, did(v, models.AuditKeyCreated)); err != nil {
			return err
		}
		return off
	})
	if !errors.Is(err, off) || r.count(`SELECT count(*) FROM audit_entries`) != 0 {
		t.Error(err)
	}
}

// P84, R-AUDIT: the database refuses to change or delete what was written.
func TestTheLogOnlyGrows(t *testing.T) {
	r := newRoom(t)
	r.write(did(r.person(), models.AuditKeyCreated))
	r.link()
	for _, attempt := range []string{
		`UPDATE audit_entries SET act = 'KEY_REVOKED'`, `DELETE FROM audit_entries`, `TRUNCATE audit_entries`,
		`UPDATE audit_links SET place = 7`, `DELETE FROM audit_links`, `TRUNCATE audit_links`,
		`UPDATE audit_checkpoints SET place = 7`, `DELETE FROM audit_checkpoints`, `TRUNCATE audit_checkpoints`,
		`INSERT INTO audit_links SELECT 1, 'aud_other', linked_at, hash FROM audit_links`,
		`INSERT INTO audit_links SELECT 2, entry_id, linked_at, hash FROM audit_links`,
	} {
		if r.exec(attempt) == nil {
			t.Errorf("%s is not refused", attempt)
		}
	}
	r.sound()
}

// P84: acts at the same time, of few people who act upon each other for the first time, with
// two instances that chain meanwhile, get one place each in one chain.
func TestActsAtTheSameTimeGetOnePlaceEach(t *testing.T) {
	r := newRoom(t)
	people := []viewer.Viewer{r.person(), r.person(), r.person(), r.person()}
	const writers, acts = 8, 25
	var writing, linking sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		linking.Go(func() {
			s := r.again()
			for {
				if _, err := s.Link(t.Context()); err != nil {
					t.Error(err)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for range writers {
		writing.Go(func() {
			for range acts {
				a, b := people[rand.IntN(len(people))], people[rand.IntN(len(people))]
				e := audit.Entry{Act: models.AuditCreditsAdjusted, Subject: a.OwnerID, By: audit.Operator(b), Facts: models.AuditFacts{Micro: 1}}
				if err := r.db.Tx(t.Context(), func(tx *gorm.DB) error { return r.WriteTx(tx, e, did(b, models.AuditKeyUpdated)) }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	close(done)
	linking.Wait()
	r.link()
	if n := r.count(`SELECT count(DISTINCT entry_id) FROM audit_links`); n != 2*writers*acts {
		t.Errorf("%d of %d acts are chained", n, 2*writers*acts)
	}
	if n := r.count(`SELECT count(*) FROM audit_subjects`); n > len(people) {
		t.Errorf("%d people have %d pseudonyms", len(people), n)
	}
	r.sound()
}

// P84: an act that is committed late comes later, and never before what is chained already.
func TestALateCommitComesLater(t *testing.T) {
	r := newRoom(t)
	v := r.person()
	r.write(did(v, models.AuditKeyCreated)) // v has its pseudonym
	written, commit, over := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		over <- r.db.Tx(t.Context(), func(tx *gorm.DB) error {
			err := r.WriteTx(tx, did(v, models.AuditKeyRevoked))
			close(written)
			<-commit
			return err
		})
	}()
	<-written
	r.hand.move(time.Second)
	r.write(did(v, models.AuditKeyUpdated))
	if n := r.link(); n != 2 {
		t.Errorf("%d are chained before the commit", n)
	}
	close(commit)
	r.must(<-over)
	if n := r.link(); n != 1 {
		t.Errorf("%d are chained after the commit", n)
	}
	if n := r.count(`SELECT place FROM audit_links l JOIN audit_entries e ON e.id = l.entry_id WHERE act = 'KEY_REVOKED'`); n != 3 {
		t.Errorf("it comes as number %d", n)
	}
	r.sound()
}

// What was committed before a long pause, or so late that nobody looks for it any more, is
// found by the look at all.
func TestWhatWasForgottenIsChainedWithinAnHour(t *testing.T) {
	r := newRoom(t)
	v := r.person()
	r.write(did(v, models.AuditKeyCreated))
	r.hand.move(100 * time.Hour)
	if n := r.link(); n != 1 {
		t.Errorf("after a pause %d are chained", n)
	}
	early := &hand{now: r.hand.Now().Add(-2 * time.Hour)}
	writer := audit.New(audit.Config{DB: r.db, Clock: early, Secret: r.Secret})
	r.must(r.db.Tx(t.Context(), func(tx *gorm.DB) error { return writer.WriteTx(tx, did(v, models.AuditKeyUpdated)) }))
	if n := r.link(); n != 0 {
		t.Errorf("%d are looked for behind", n)
	}
	r.hand.move(time.Hour)
	if n := r.link(); n != 1 {
		t.Errorf("after an hour %d are chained", n)
	}
	r.sound()
}

// Only one instance chains at a time; the others do nothing.
func TestOneChainsAtATime(t *testing.T) {
	r := newRoom(t)
	r.write(did(r.person(), models.AuditKeyCreated))
	err := r.db.Tx(t.Context(), func(tx *gorm.DB) error {
		if err := tx.Exec(`SELECT pg_advisory_xact_lock(?)`, int64(audit.LinkLock)).Error; err != nil {
			return err
		}
		if n := r.link(); n != 0 {
			t.Errorf("%d are chained by somebody else", n)
		}
		return nil
	})
	r.must(err)
	if r.link() != 1 {
		t.Error("it is not chained")
	}
}

// R-AUDIT: the end of the chain is signed once a day, when it has moved, into the table and
// the log.
func TestTheChainIsSignedDaily(t *testing.T) {
	r := newRoom(t)
	v := r.person()
	signed := func() int { return r.count(`SELECT count(*) FROM audit_checkpoints`) }
	r.link()
	if signed() != 0 {
		t.Error("an empty chain is signed")
	}
	r.write(did(v, models.AuditKeyCreated))
	r.link()
	r.write(did(v, models.AuditKeyCreated))
	r.hand.move(audit.CheckpointEvery - time.Microsecond)
	r.link()
	if n := signed(); n != 1 {
		t.Errorf("it is signed %d times before a day is over", n)
	}
	r.hand.move(time.Microsecond)
	r.link()
	r.hand.move(2 * audit.CheckpointEvery)
	r.link()
	if n := signed(); n != 2 {
		t.Errorf("it is signed %d times", n)
	}
	if n := strings.Count(r.log.String(), `msg="audit checkpoint"`); n != 2 || !strings.Contains(r.log.String(), "signature=") {
		t.Errorf("the log tells of %d: %s", n, r.log)
	}
	r.sound()
}

// P84, R-ERASE: after an account is gone its acts stay, and lead nowhere.
func TestActsOfWhoIsGoneLeadNowhere(t *testing.T) {
	r := newRoom(t)
	v, operator := r.person(), r.person()
	r.write(did(v, models.AuditKeyCreated), audit.Entry{Act: models.AuditCreditsAdjusted, Subject: v.OwnerID, By: audit.Operator(operator)})
	r.link()
	r.must(r.db.Tx(t.Context(), func(tx *gorm.DB) error {
		if err := r.WriteTx(tx, audit.Entry{Act: models.AuditAccountRemoved, Subject: v.OwnerID, By: audit.Terminal()}); err != nil {
			return err
		}
		return tx.Exec(`DELETE FROM owners WHERE id = ?`, v.OwnerID).Error
	}))
	r.link()
	if n := r.count(`SELECT count(*) FROM audit_entries`); n != 3 {
		t.Errorf("%d acts are left", n)
	}
	if n := r.count(`SELECT count(*) FROM audit_entries e JOIN audit_subjects s ON s.subject = e.subject`); n != 0 {
		t.Errorf("%d of them lead to somebody", n)
	}
	if strings.Contains(dbtest.Dump(t, r.db), v.OwnerID) {
		t.Error("its id is still there")
	}
	r.sound()
}

// R-AUDIT: what an act costs beside the transaction that does it.
func BenchmarkActs(b *testing.B) {
	r := newRoom(b)
	v := r.person()
	r.write(did(v, models.AuditKeyCreated))
	for name, write := range map[string]bool{"without": false, "with": true} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r.must(r.db.Tx(b.Context(), func(tx *gorm.DB) error {
					if err := tx.Exec(`UPDATE owners SET messages_used = messages_used + 1 WHERE id = ?`, v.OwnerID).Error; err != nil || !write {
						return err
					}
					return r.WriteTx(tx, did(v, models.AuditKeyUpdated))
				}))
			}
		})
	}
}

// What the linker and the verifier need for each act.
func BenchmarkChain(b *testing.B) {
	r := newRoom(b)
	v := r.person()
	many := make([]audit.Entry, 1000)
	for i := range many {
		many[i] = did(v, models.AuditKeyUpdated)
	}
	for range 20 {
		r.write(many...)
	}
	began := time.Now()
	n := r.link()
	b.ReportMetric(float64(time.Since(began).Microseconds())/float64(n), "µs/link")
	for b.Loop() {
		began = time.Now()
		r.sound()
		b.ReportMetric(float64(time.Since(began).Microseconds())/float64(2*n), "µs/verified")
	}
}

// old puts n chained entries of long ago into the log, each of which does something when
// it is read.
func (r *room) old(n int, does string) {
	r.t.Helper()
	for _, query := range []string{
		`INSERT INTO audit_entries (id, at, act, actor_kind, key_id, session_id, facts, mac)
			SELECT 'aud_old' || i, '2020-01-01'::timestamptz + i * interval '1 second', 'KEY_CREATED', 'SYSTEM', '', '', '{}', sha256(i::text::bytea) FROM generate_series(1, ` + strconv.Itoa(n) + `) i`,
		`INSERT INTO audit_links SELECT row_number() OVER (ORDER BY at), id, at, mac FROM audit_entries`,
		`CREATE FUNCTION was_read() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN ` + does + `; RETURN true; END $$`,
		`CREATE POLICY reading ON audit_entries USING (CASE WHEN at < '2021-01-01' THEN was_read() ELSE true END)`,
		`ALTER TABLE audit_entries ENABLE ROW LEVEL SECURITY`,
		`ALTER TABLE audit_entries FORCE ROW LEVEL SECURITY`,
	} {
		r.must(r.exec(query))
	}
}

// P84: however long looking at all takes, what is new gets its place, and so does what
// committed late.
func TestALongLogIsChainedOn(t *testing.T) {
	r := newRoom(t)
	v := r.person()
	r.old(50, `PERFORM pg_sleep(0.02)`)
	r.write(did(v, models.AuditKeyCreated))
	r.hand.move(2 * time.Hour)
	r.write(did(v, models.AuditKeyRevoked))
	brief, err := database.Open(t.Context(), database.Config{URL: r.url, MaxConns: 2, AppName: "test", StatementTimeout: 500 * time.Millisecond})
	r.must(err)
	defer func() { r.must(brief.Close(context.WithoutCancel(t.Context()))) }()
	r.db = brief
	if n, err := r.again().Link(t.Context()); n != 2 || err != nil {
		t.Errorf("%d of 2 acts are chained, %v", n, err)
	}
}

// P84: a look at all that fails keeps nothing new from its place.
func TestALookAtAllThatFailsStopsNothing(t *testing.T) {
	r := newRoom(t)
	r.old(1, `RAISE EXCEPTION 'unreadable'`)
	v := r.person()
	for i := range 3 {
		r.write(did(v, models.AuditKeyCreated))
		if n, err := r.Link(t.Context()); n != 1 || err == nil {
			t.Errorf("turn %d: %d acts are chained, %v", i, n, err)
		}
	}
}
