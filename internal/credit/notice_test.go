package credit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// desk stands for accounts and their mails: a letter counts once its transaction has
// committed.
type desk struct {
	failing map[string]bool // owners to whom nothing can be written
	gone    map[string]bool
}

func (d *desk) Key(_ context.Context, owner string) (*seal.Key, error) {
	if d.gone[owner] {
		return nil, fault.New(fault.NotFound, "the owner no longer exists")
	}
	return seal.KeyOf(make([]byte, 32))
}

// FindNamed takes ids only.
func (d *desk) FindNamed(_ context.Context, owner string) (string, error) { return owner, nil }

func (d *desk) TellTx(tx *gorm.DB, v viewer.Viewer, kind models.LetterKind, mark string, facts map[string]string) error {
	if d.failing[v.OwnerID] {
		return errors.New("no ink")
	}
	return tx.Exec(`INSERT INTO mails (owner_id, id, kind, dedupe_key, language, to_sealed, facts_sealed, status, created_at, next_at) VALUES (?, ?, ?, ?, 'en', '', ?, 'KEPT', now(), now())`,
		v.OwnerID, id.New(id.Mail), kind, mark+id.New(id.Mail), []byte(facts["balance"]+" of "+facts["threshold"])).Error
}

// mailsTo are what was written to somebody, in order.
func (r *room) mailsTo(p person) (mails []string) {
	r.t.Helper()
	r.must(r.db.Gorm(r.t.Context()).Raw(`SELECT kind || ' ' || convert_from(facts_sealed, 'UTF8') FROM mails WHERE owner_id = ? ORDER BY id`, p.OwnerID).Scan(&mails).Error)
	return mails
}

func newDesk(t *testing.T) (*room, *desk) {
	t.Helper()
	d := &desk{failing: map[string]bool{}, gone: map[string]bool{}}
	return newRoomWith(t, func(c *credit.Config) { c.Mailer, c.Keys = d, d }), d
}

// spend charges that many micro-credits.
func (r *room) spend(p person, micro int64) {
	r.t.Helper()
	_, err := r.settleTx(act(p, r.mustHold(p, micro), id.New(id.Run), micro))
	r.must(err)
}

func (r *room) tells(want int) {
	r.t.Helper()
	r.pass(30 * time.Second)
	if told, err := r.TellLow(r.t.Context()); told != want || err != nil {
		r.t.Errorf("told %d, %v; want %d", told, err, want)
	}
}

const threshold = 50_000_000

// A balance that becomes low is told of once, and again only after it was not low.
func TestALowBalanceIsToldOnce(t *testing.T) {
	r, _ := newDesk(t)
	p := r.person(0)
	r.tells(0) // nothing is no news
	r.deposit(p, "few", 10)
	r.spend(p, 5)
	r.tells(0) // it was never above
	r.deposit(p, "many", threshold)
	r.tells(0)
	h := r.mustHold(p, 1000)
	r.tells(0) // what is held may come back
	_, err := r.settleTx(act(p, h, "last", 6))
	r.must(err)
	r.tells(1)
	r.spend(p, 1)
	r.tells(0)
	r.deposit(p, "exactly", 2) // the threshold itself isn't low
	r.spend(p, 1)              // and low again before anybody looked
	r.tells(1)
	r.tells(0)
	if got, want := r.mailsTo(p), []string{"LOW_BALANCE 49.999999 of 50", "LOW_BALANCE 49.999999 of 50"}; !slices.Equal(got, want) {
		t.Errorf("mails %q, want %q", got, want)
	}
	r.sound()
}

// On however many instances the job runs, a mail is written once, and one that fails
// keeps nobody else from theirs and is tried again.
func TestALowBalanceIsToldOnceByAll(t *testing.T) {
	r, d := newDesk(t)
	var people []person
	for range 20 {
		p := r.person(threshold)
		r.spend(p, 1)
		people = append(people, p)
	}
	d.failing[people[3].OwnerID], d.gone[people[4].OwnerID] = true, true
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := r.TellLow(t.Context()); err == nil {
				t.Error("a mail that could not be written is no error")
			}
		})
	}
	wg.Wait()
	d.failing, d.gone = nil, nil
	r.tells(2)
	for i, p := range people {
		if got := r.mailsTo(p); len(got) != 1 {
			t.Errorf("person %d got %q", i, got)
		}
	}
}

// Who turns the notice off, or moves the threshold above the balance, gets no mail.
func TestNoticeSettings(t *testing.T) {
	r, _ := newDesk(t)
	p := r.person(threshold)
	micro := func(n int64) *int64 { return &n }
	mail := func(on bool) *bool { return &on }
	set := func(n credit.Notice) {
		t.Helper()
		r.must(r.SetNotice(t.Context(), p.Viewer, n))
	}
	set(credit.Notice{Threshold: micro(threshold + 1)})
	r.tells(0) // the threshold moved, not the balance
	set(credit.Notice{Threshold: micro(threshold - 5), Mail: mail(false)})
	r.spend(p, 6)
	r.tells(0)
	set(credit.Notice{Mail: mail(true)})
	r.tells(0) // it was low before
	if _, w, err := r.Balance(t.Context(), p.Viewer); err != nil || !w.LowNotice || w.LowThreshold != threshold-5 {
		t.Errorf("the wallet is set to %+v, %v", w, err)
	}
	set(credit.Notice{Threshold: micro(threshold - 6)})
	r.spend(p, 1)
	r.tells(1)
	set(credit.Notice{Threshold: micro(0)})
	r.spend(p, threshold-7)
	r.tells(0) // zero is never
	if got, want := fmt.Sprint(r.mailsTo(p)), "[LOW_BALANCE 49.999993 of 49.999994]"; got != want {
		t.Errorf("mails %s, want %s", got, want)
	}
	if err := r.SetNotice(t.Context(), p.Viewer, credit.Notice{Threshold: micro(-1)}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a negative threshold: %v", err)
	}
	if err := r.SetNotice(t.Context(), r.guest().Viewer, credit.Notice{}); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("a guest's: %v", err)
	}
}
