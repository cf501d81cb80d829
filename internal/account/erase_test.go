package account_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/journal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// parts stands for the rooms that take part in deletions: one ends keys, one deletes
// conversations one by one.
type parts struct{ told int }

func (p *parts) ShutTx(tx *gorm.DB, ownerID string) (map[string]int64, func(), error) {
	rows := map[string]int64{}
	for _, table := range []string{"api_keys", "shares"} {
		gone := tx.Exec(`DELETE FROM `+table+` WHERE owner_id = ?`, ownerID)
		if gone.Error != nil {
			return nil, nil, gone.Error
		}
		rows[table] = gone.RowsAffected
	}
	return rows, func() { p.told++ }, nil
}

func (p *parts) EraseTx(tx *gorm.DB, ownerID string) (map[string]int64, bool, error) {
	rows := map[string]int64{}
	for _, table := range []string{"messages", "runs", "run_chunks"} {
		var n int64
		if err := tx.Table(table).Where("owner_id = ?", ownerID).Count(&n).Error; err != nil {
			return nil, false, err
		}
		rows[table] = n
	}
	gone := tx.Exec(`DELETE FROM conversations WHERE owner_id = ?`, ownerID)
	rows["conversations"] = gone.RowsAffected
	return rows, gone.RowsAffected > 0, gone.Error
}

// whole is somebody with a row in every personal table.
func (p *people) whole(proof account.Proof) (account.Entry, map[string]int64) {
	p.t.Helper()
	p.EraseWith([]account.Shutter{&parts{}}, &parts{})
	e := p.signIn(proof)
	p.fill(e.Viewer.OwnerID)
	p.fund(e.Viewer.OwnerID)
	if _, err := p.Update(p.t.Context(), e.Viewer, account.Update{Email: new("new@example.com")}); err != nil {
		p.t.Fatal(err)
	}
	rows := map[string]int64{"owners": 1}
	for table, n := range personal(p.t.(*testing.T), p, e.Viewer.OwnerID) {
		if n == 0 {
			p.t.Errorf("the test has no row in %s", table)
		}
		rows[table] = n
	}
	return e, rows
}

// gone wants nothing left of an owner, in no table that the database knows of.
func (p *people) gone(ownerID string) {
	p.t.Helper()
	for table, n := range personal(p.t.(*testing.T), p, ownerID) {
		if n != 0 {
			p.t.Errorf("%s: %d rows are left", table, n)
		}
	}
	if strings.Contains(dbtest.Dump(p.t, p.db), ownerID) {
		p.t.Error("something in the database names whom it was")
	}
}

// P101, P102, P103, P106, T33: whoever deletes its account with a fresh proof and its
// own address is gone in every table, whose counts its signed receipt tells; others stay,
// and the same identity makes a new, empty account.
func TestWhoDeletesItsAccountIsGoneEverywhere(t *testing.T) {
	p := newPeople(t)
	ada, before := p.whole(google("1", "ada@example.com"))
	other := p.somebody()
	stale := ada.Viewer
	stale.AuthenticatedAt = stale.AuthenticatedAt.Add(-account.FreshnessTTL)
	program := ada.Viewer
	program.Kind = viewer.APIKey
	for name, c := range map[string]struct {
		v    viewer.Viewer
		word string
		code fault.Code
	}{
		"nobody":        {viewer.Viewer{}, "ada@example.com", fault.Unauthenticated},
		"a program":     {program, "ada@example.com", fault.Unauthenticated},
		"stale":         {stale, "ada@example.com", fault.Reauthenticate},
		"nothing typed": {ada.Viewer, "", fault.Invalid},
		"the word":      {ada.Viewer, models.EraseWord, fault.Invalid},
		"another's":     {ada.Viewer, "somebody-1@example.com", fault.Invalid},
		"not yet its":   {ada.Viewer, "new@example.com", fault.Invalid},
	} {
		_, err := p.Delete(t.Context(), c.v, c.word)
		if !fault.Is(err, c.code) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ended := map[string]bool{}
	p.OnRevoked(func(owner, _ string) { ended[owner] = true })
	e, err := p.Delete(t.Context(), ada.Viewer, " ADA@example.com ")
	if err != nil || e.State != models.Erased || e.Elsewhere != models.ElsewhereAsked {
		t.Fatal(e, err)
	}
	for table, n := range before {
		if e.Counts[table] != n {
			t.Errorf("%s: %d rows in the receipt, %d before", table, e.Counts[table], n)
		}
	}
	p.gone(ada.Viewer.OwnerID)
	if p.who(ada.Cookie) != "" || !ended[ada.Viewer.OwnerID] || p.who(other.Cookie) == "" || ended[other.Viewer.OwnerID] {
		t.Error("the wrong sessions ended")
	}
	if finished, err := p.CheckReceipt(e.Receipt); err != nil || !finished.Equal(*e.FinishedAt) || strings.Contains(e.Receipt, "ada") || strings.Contains(e.Receipt, ada.Viewer.OwnerID) {
		t.Error(e.Receipt, err)
	}
	if found, err := p.FindErasure(t.Context(), e.Ticket); err != nil || found.Receipt != e.Receipt {
		t.Error("the ticket leads elsewhere", err)
	}
	for _, ticket := range []string{"", e.ID, e.ID + ".", e.Ticket + "x", strings.Replace(e.Ticket, "ers_0", "ers_1", 1)} {
		_, err := p.FindErasure(t.Context(), ticket)
		refused(t, err, fault.NotFound)
	}
	if anew := p.signIn(google("1", "ada@example.com")); !anew.Created || anew.Viewer.OwnerID == ada.Viewer.OwnerID {
		t.Errorf("%+v", anew)
	}
}

// P106, T34: a deletion that is cut off after any of its steps is there for nobody from
// the first one on, takes nothing new, and is finished by another instance, with the same
// counts; the identity is free at once.
func TestADeletionThatIsCutOffIsFinished(t *testing.T) {
	cut := errors.New("the instance dies")
	for _, step := range []string{"begun", "stopped", "elsewhere", "batch", "erased"} {
		t.Run(step, func(t *testing.T) {
			p := newPeople(t)
			ada, before := p.whole(google("1", "ada@example.com"))
			asked := 0
			p.LeaveWith(leaver(func(string) (func(context.Context) error, error) {
				return func(context.Context) error { asked++; return nil }, nil
			}))
			p.CutAfter(func(now string) error {
				if now == step {
					return cut
				}
				return nil
			})
			e, err := p.Delete(t.Context(), ada.Viewer, "ada@example.com")
			if (step == "begun") != errors.Is(err, cut) {
				t.Fatal(e, err)
			}
			p.CutAfter(nil)
			if p.who(ada.Cookie) != "" {
				t.Error("somebody who is being deleted is signed in")
			}
			err = p.db.Tx(t.Context(), func(tx *gorm.DB) error { return p.SpendMessageTx(tx, ada.Viewer) })
			refused(t, err, fault.Unauthenticated)
			if anew := p.signIn(google("1", "ada@example.com")); !anew.Created {
				t.Error("the identity leads to who is being deleted")
			}
			if n, err := p.Resume(t.Context()); n != 0 || err != nil {
				t.Error("taken over while somebody may be at it:", n, err)
			}
			p.hand.move(5 * time.Minute)
			if n, err := p.Resume(t.Context()); err != nil || (n == 1) != (step != "erased") {
				t.Fatal(n, err)
			}
			p.gone(ada.Viewer.OwnerID)
			var rows []byte
			var state string
			if err := p.db.Pool().QueryRow(t.Context(), `SELECT state, rows FROM erasures`).Scan(&state, &rows); err != nil {
				t.Fatal(err)
			}
			counts := map[string]int64{}
			if err := json.Unmarshal(rows, &counts); err != nil || state != "ERASED" {
				t.Error(state, err)
			}
			for table, n := range before {
				if counts[table] != n {
					t.Errorf("%s: %d rows in the receipt, %d before", table, counts[table], n)
				}
			}
			if asked != 1 {
				t.Errorf("others were asked %d times", asked)
			}
		})
	}
}

// P106: two deletions at once are one.
func TestTwoDeletionsAtOnceAreOne(t *testing.T) {
	p := newPeople(t)
	ada, before := p.whole(google("1", "ada@example.com"))
	var all sync.WaitGroup
	var mu sync.Mutex
	var ids []string
	for range 6 {
		all.Go(func() {
			e, err := p.Delete(context.Background(), ada.Viewer, "ada@example.com")
			if fault.Is(err, fault.Unauthenticated) { // it came when the other one was over
				return
			}
			mu.Lock()
			defer mu.Unlock()
			ids = append(ids, e.ID)
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 1 {
		t.Error(ids)
	}
	p.gone(ada.Viewer.OwnerID)
	var usage int64
	if err := p.db.Pool().QueryRow(t.Context(), `SELECT (rows->>'usage_rows')::bigint FROM erasures`).Scan(&usage); err != nil || usage != before["usage_rows"] {
		t.Error("counted twice:", usage, err)
	}
}

// P106: what somebody else deletes while an account is being deleted, and is not committed
// yet when its rows are counted, is not in the receipt: that counts what the deletion deleted.
func TestAReceiptCountsNothingOfOthers(t *testing.T) {
	p := newPeople(t)
	ada, before := p.whole(google("1", "ada@example.com"))
	other, err := p.db.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Rollback(context.WithoutCancel(t.Context())) }()
	if gone, err := other.Exec(t.Context(), `DELETE FROM consents WHERE owner_id = $1`, ada.Viewer.OwnerID); err != nil || gone.RowsAffected() == 0 {
		t.Fatal(err)
	}
	type result struct {
		account.Erasure
		err error
	}
	done := make(chan result, 1)
	go func() {
		e, err := p.Delete(context.Background(), ada.Viewer, "ada@example.com")
		done <- result{e, err}
	}()
	for waiting := 0; waiting == 0; {
		if err := p.db.Pool().QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	if err := other.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	e := <-done
	if e.err != nil || e.State != models.Erased || e.Counts["consents"] != 0 || e.Counts["age_confirmations"] != before["age_confirmations"] {
		t.Error(e, before)
	}
	p.gone(ada.Viewer.OwnerID)
}

// P106: who deletes again what is being deleted, although no address is left that could be
// compared, is shown the same deletion, and once it is over, that there is nobody.
func TestASecondDeletionIsShownTheFirst(t *testing.T) {
	p := newPeople(t)
	ada, _ := p.whole(google("1", "ada@example.com"))
	p.CutAfter(func(string) error { return errors.New("the instance dies") })
	_, _ = p.Delete(t.Context(), ada.Viewer, "ada@example.com")
	p.CutAfter(nil)
	e, err := p.Delete(t.Context(), ada.Viewer, "ada@example.com")
	if err != nil || e.State != models.Erased || e.Counts["accounts"] != 1 {
		t.Fatal(e, err)
	}
	_, err = p.Delete(t.Context(), ada.Viewer, "ada@example.com")
	refused(t, err, fault.Unauthenticated)
	var n int
	if err := p.db.Pool().QueryRow(t.Context(), `SELECT count(*) FROM erasures`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d deletions, %v", n, err)
	}
}

// P101: a guest deletes what it has by the word alone; its cookie begins anew.
func TestAGuestDeletesWhatItHas(t *testing.T) {
	p := newPeople(t)
	p.EraseWith(nil, &parts{})
	guest, cookie := p.guest()
	p.fill(guest.OwnerID)
	_, err := p.Delete(t.Context(), guest, "yes")
	refused(t, err, fault.Invalid)
	e, err := p.Delete(t.Context(), guest, "delete")
	if err != nil || e.State != models.Erased || e.Kind != models.OwnerGuest || e.Counts["messages"] != 2 {
		t.Fatal(e, err)
	}
	p.gone(guest.OwnerID)
	if v, err := p.Viewer(t.Context(), cookie); err != nil || v.Kind != viewer.Visitor {
		t.Error(v, err)
	}
}

// T34: a guest that is being deleted can't be made an account, nor purged half-way.
func TestAGuestThatIsBeingDeletedMovesNowhere(t *testing.T) {
	p := newPeople(t)
	guest, _ := p.guest()
	p.CutAfter(func(string) error { return errors.New("cut") })
	_, _ = p.Delete(t.Context(), guest, models.EraseWord)
	p.CutAfter(nil)
	if e := p.signIn(google("1", "ada@example.com"), guest); e.Viewer.OwnerID == guest.OwnerID {
		t.Error("it lives on as an account")
	}
	p.hand.move(account.GuestTTL + time.Hour)
	if _, err := p.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.gone(guest.OwnerID)
}

// T34: what comes late, a mail, a payment's details, a log, a message, finds nobody: the
// database refuses it.
func TestNothingComesLateToWhoIsDeleted(t *testing.T) {
	p := newPeople(t)
	ada, _ := p.whole(google("1", "ada@example.com"))
	if _, err := p.Delete(t.Context(), ada.Viewer, "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	rows, err := p.db.Pool().Query(t.Context(), `SELECT c.table_name::text FROM information_schema.columns c
		WHERE c.table_schema = 'public' AND c.column_name = 'owner_id' AND c.table_name NOT IN ('rate_buckets', 'rate_places') AND NOT EXISTS (
		SELECT FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
		WHERE k.contype = 'f' AND k.confdeltype = 'c' AND k.conrelid = c.table_name::regclass AND a.attname = 'owner_id')`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var table string
		_ = rows.Scan(&table)
		t.Errorf("%s takes rows of owners who are gone", table)
	}
	if _, err := p.Update(t.Context(), ada.Viewer, account.Update{Name: new("late")}); err == nil {
		t.Error("a profile was written late")
	}
	_, err = p.db.Pool().Exec(t.Context(), `INSERT INTO mails (owner_id, id, kind, dedupe_key, to_sealed, facts_sealed, status, created_at, next_at) VALUES ($1, 'mai_2', 'X', 'late', '\x01', '\x01', 'QUEUED', now(), now())`, ada.Viewer.OwnerID)
	if err == nil {
		t.Error("a mail was written late")
	}
	_, err = p.Key(t.Context(), ada.Viewer.OwnerID)
	refused(t, err, fault.NotFound)
}

// P105, T34: a database that comes back out of a backup, in which nothing of a deletion
// is known, deletes again whom the journal knows, before anybody is served; nobody else.
func TestABackupBringsNobodyBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deletions.journal")
	p := newPeople(t, func(c *account.Config) { c.Journal = journal.Open(path) })
	ada, _ := p.whole(google("1", "ada@example.com"))
	other := p.somebody()
	p.exec(`CREATE TABLE backup AS SELECT * FROM owners WHERE id = $1`, ada.Viewer.OwnerID)
	first, err := p.Delete(t.Context(), ada.Viewer, "ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	p.exec(`INSERT INTO owners SELECT * FROM backup`)
	p.exec(`DROP TABLE backup`)
	p.exec(`DELETE FROM erasures`)
	p.fill(ada.Viewer.OwnerID)
	again := peopleOn(t, p.db, p.hand, func(c *account.Config) { c.Journal = journal.Open(path) })
	if n, err := again.Replay(t.Context()); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	p.gone(ada.Viewer.OwnerID)
	if again.who(other.Cookie) == "" {
		t.Error("somebody else is gone")
	}
	if n, err := again.Replay(t.Context()); n != 0 || err != nil {
		t.Error("replayed twice:", n, err)
	}
	// A journal that was lost is made anew of the database.
	lost := filepath.Join(t.TempDir(), "deletions.journal")
	third := peopleOn(t, p.db, p.hand, func(c *account.Config) { c.Journal = journal.Open(lost) })
	if _, err := third.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all, err := journal.Open(lost).All(); err != nil || len(all) != 1 || !slices.Equal(all[0], first.Tombstone) {
		t.Error(all, err)
	}
}

// P106: a receipt tells when a sign of it was changed, and whose it isn't.
func TestAChangedReceiptIsSeen(t *testing.T) {
	p := newPeople(t)
	guest, _ := p.guest()
	e, err := p.Delete(t.Context(), guest, models.EraseWord)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.CheckReceipt(e.Receipt); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"nothing":           {"", account.ErrNoReceipt},
		"something else":    {`{"a": 1}`, account.ErrNoReceipt},
		"another kind":      {strings.Replace(e.Receipt, "GUEST", "ACCOUNT", 1), account.ErrReceiptTampered},
		"another count":     {strings.Replace(e.Receipt, `"owners": 1`, `"owners": 2`, 1), account.ErrReceiptTampered},
		"another time":      {strings.Replace(e.Receipt, "2026", "2025", 1), account.ErrReceiptTampered},
		"another tombstone": {strings.Replace(e.Receipt, `"tombstone": "`, `"tombstone": "0`, 1), account.ErrReceiptTampered},
		"rows left":         {strings.Replace(e.Receipt, `"left": 0`, `"left": 1`, 1), account.ErrReceiptTampered},
		"another signature": {strings.Replace(e.Receipt, `"signature": "`, `"signature": "AAAA`, 1), account.ErrReceiptTampered},
		"something more":    {strings.Replace(e.Receipt, `"left"`, `"more": 1, "left"`, 1), account.ErrNoReceipt},
		"something behind":  {e.Receipt + "{}", account.ErrNoReceipt},
		"too long":          {e.Receipt + strings.Repeat(" ", 70_000), account.ErrNoReceipt},
	} {
		if c.text == e.Receipt {
			t.Errorf("%s: nothing was changed", name)
		}
		if _, err := p.CheckReceipt(c.text); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	elsewhere := newPeople(t, func(c *account.Config) { c.CookieKey = secret(2) })
	if _, err := elsewhere.CheckReceipt(e.Receipt); !errors.Is(err, account.ErrReceiptElse) {
		t.Error(err)
	}
}

// P108: what others don't forget is in the receipt, for it has to be done by hand; and
// nobody stays for ever because it can't be read who knows it.
func TestNobodyStaysBecauseOthersDontForget(t *testing.T) {
	p := newPeople(t)
	p.LeaveWith(leaver(func(string) (func(context.Context) error, error) {
		return func(context.Context) error { return errors.New("no answer") }, nil
	}))
	ada := p.somebody()
	e, err := p.Delete(t.Context(), ada.Viewer, "somebody-1@example.com")
	if err != nil || e.Elsewhere != models.ElsewhereFailed || !strings.Contains(e.Receipt, "FAILED") {
		t.Error(e, err)
	}
	p.LeaveWith(leaver(func(string) (func(context.Context) error, error) { return nil, errors.New("no key") }))
	other := p.somebody()
	if e, err = p.Delete(t.Context(), other.Viewer, "somebody-2@example.com"); err != nil || e.State != models.Erasing {
		t.Error(e, err)
	}
	p.hand.move(13 * time.Hour)
	if n, err := p.Resume(t.Context()); n != 1 || err != nil {
		t.Error(n, err)
	}
	p.gone(other.Viewer.OwnerID)
}

// T35: the last administrator's account can't be deleted by itself either.
func TestTheLastAdministratorStays(t *testing.T) {
	p := newPeople(t)
	admin, err := p.RedeemOperatorLink(t.Context(), p.link(), viewer.Viewer{}, account.Device{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Delete(t.Context(), admin.Viewer, models.EraseWord)
	refused(t, err, fault.Conflict)
	if p.who(admin.Cookie) == "" {
		t.Error("signed out all the same")
	}
}

// flaky is a journal on a disk that is full now and then.
type flaky struct {
	*journal.File
	full bool
}

func (f *flaky) Add(values ...[]byte) error {
	if f.full {
		return errors.New("no space left on device")
	}
	return f.File.Add(values...)
}

// P105: a tombstone that couldn't be noted for hours is noted as soon as that can be done, and
// meanwhile it is known that the journal is behind; deletions go on.
func TestAJournalThatCouldNotBeWrittenCatchesUp(t *testing.T) {
	j := &flaky{File: journal.Open(filepath.Join(t.TempDir(), "deletions.journal"))}
	p := newPeople(t, func(c *account.Config) { c.Journal = j })
	if _, err := p.Resume(t.Context()); err != nil || p.JournalBehind() {
		t.Fatal(err)
	}
	ada := p.somebody()
	j.full = true
	first, err := p.Delete(t.Context(), ada.Viewer, "somebody-1@example.com")
	if err != nil || first.State != models.Erased || !p.JournalBehind() {
		t.Fatal(first, err)
	}
	for range 4 {
		p.hand.move(time.Hour)
		if _, err := p.Resume(t.Context()); err == nil || !p.JournalBehind() {
			t.Error("nobody is told that the journal is behind")
		}
	}
	j.full = false
	if _, err := p.Resume(t.Context()); err != nil || p.JournalBehind() {
		t.Error(err)
	}
	if all, err := j.All(); err != nil || len(all) != 1 || !slices.Equal(all[0], first.Tombstone) {
		t.Error(all, err)
	}
}

// P105: every process keeps its own journal, whoever has the turns of the job.
func TestEachProcessKeepsItsJournal(t *testing.T) {
	p := newPeople(t)
	ada := p.somebody()
	first, err := p.Delete(t.Context(), ada.Viewer, "somebody-1@example.com")
	if err != nil {
		t.Fatal(err)
	}
	own := journal.Open(filepath.Join(t.TempDir(), "deletions.journal"))
	other := peopleOn(t, p.db, p.hand, func(c *account.Config) { c.Journal = own })
	other.KeepJournal(time.Minute)
	defer other.Close()
	for deadline := time.Now().Add(15 * time.Second); ; {
		all, err := own.All()
		if err != nil || time.Now().After(deadline) {
			t.Fatal("the journal stays empty", err)
		}
		if len(all) == 1 && slices.Equal(all[0], first.Tombstone) {
			return
		}
	}
}

// P105: who was deleted and is back out of a backup in which it is the only administrator
// goes again, or no server would start.
func TestABackupBringsNoAdministratorBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deletions.journal")
	p := newPeople(t, func(c *account.Config) { c.Journal = journal.Open(path) })
	admin, err := p.RedeemOperatorLink(t.Context(), p.link(), viewer.Viewer{}, account.Device{})
	if err != nil {
		t.Fatal(err)
	}
	p.exec(`CREATE SCHEMA backup; CREATE TABLE backup.owners AS SELECT * FROM owners; CREATE TABLE backup.accounts AS SELECT * FROM accounts`)
	other := p.somebody()
	if err := p.GrantAdmin(t.Context(), "somebody-1@example.com"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Remove(t.Context(), admin.Viewer.OwnerID); err != nil {
		t.Fatal(err)
	}
	p.exec(`DELETE FROM owners WHERE id = $1`, other.Viewer.OwnerID)
	p.exec(`INSERT INTO owners SELECT * FROM backup.owners; INSERT INTO accounts SELECT * FROM backup.accounts; DELETE FROM erasures; DROP SCHEMA backup CASCADE`)
	again := peopleOn(t, p.db, p.hand, func(c *account.Config) { c.Journal = journal.Open(path) })
	if n, err := again.Replay(t.Context()); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	p.gone(admin.Viewer.OwnerID)
}

// slow is a room with very much: each part takes most of the time that one step has.
type slow struct {
	hand  *hand
	parts int
	until []time.Time
}

func (s *slow) EraseTx(tx *gorm.DB, _ string) (map[string]int64, bool, error) {
	until, _ := tx.Statement.Context.Deadline()
	s.until = append(s.until, until)
	s.hand.move(time.Minute)
	s.parts--
	return nil, s.parts > 0, nil
}

// P101, P106: a deletion may take as long as it makes progress: each part has its own time, and
// nobody takes it over meanwhile.
func TestADeletionThatMakesProgressGoesOn(t *testing.T) {
	p := newPeople(t)
	s := &slow{hand: p.hand, parts: 5}
	p.EraseWith(nil, s)
	ada := p.somebody()
	p.CutAfter(func(step string) error {
		if step != "batch" {
			return nil
		}
		n, err := p.Resume(t.Context())
		if n != 0 {
			t.Error("somebody else took it over")
		}
		return err
	})
	e, err := p.Delete(t.Context(), ada.Viewer, "somebody-1@example.com")
	if err != nil || e.State != models.Erased || len(s.until) != 5 {
		t.Fatal(e, err, s.until)
	}
	for i := 1; i < len(s.until); i++ {
		if !s.until[i].After(s.until[i-1]) {
			t.Error("all parts have one time:", s.until)
		}
	}
}

// P43, P105: a guest that has joined an account, or was discarded for it, is as gone as one that
// was deleted: no backup brings it back, also when the account is deleted.
func TestABackupBringsNoJoinedGuestBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deletions.journal")
	p := newPeople(t, func(c *account.Config) { c.Journal = journal.Open(path) })
	p.EraseWith(nil, &parts{})
	p.signIn(google("1", "ada@example.com"))
	joined, _ := p.guest()
	discarded, _ := p.guest()
	p.fill(discarded.OwnerID)
	p.exec(`CREATE TABLE backup AS SELECT * FROM owners WHERE kind = 'GUEST'`)
	p.signIn(google("1", "ada@example.com"), joined)
	e, err := p.SignIn(t.Context(), account.SignIn{From: discarded, Discard: true, Proof: google("1", "ada@example.com")})
	if err != nil {
		t.Fatal(err)
	}
	var counted int
	if err := p.db.Pool().QueryRow(t.Context(), `SELECT sum((rows->>'messages')::int) FROM erasures WHERE kind = 'GUEST' AND state = 'ERASED'`).Scan(&counted); err != nil || counted != 2 {
		t.Errorf("%d messages are counted, %v", counted, err)
	}
	if _, err := p.Delete(t.Context(), e.Viewer, "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	p.exec(`INSERT INTO owners SELECT * FROM backup; DROP TABLE backup; DELETE FROM erasures`)
	again := peopleOn(t, p.db, p.hand, func(c *account.Config) { c.Journal = journal.Open(path) })
	if n, err := again.Replay(t.Context()); n != 2 || err != nil {
		t.Error(n, err)
	}
	p.gone(joined.OwnerID)
	p.gone(discarded.OwnerID)
}
