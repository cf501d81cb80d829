package notify_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/jobs"
	"github.com/kimi-k2/kimi-k2/internal/mail/mailtest"
	"github.com/kimi-k2/kimi-k2/internal/notify"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// P131: a mail comes with its act, once per key and owner.
func TestAMailComesWithItsActAndOnlyOnce(t *testing.T) {
	p := newPost(t)
	o := p.open()
	v, w := p.owner(o), p.owner(o)
	undone := errors.New("undone")
	if err := o.db.Tx(t.Context(), func(tx *gorm.DB) error { return errors.Join(o.EnqueueTx(tx, v, letter("a")), undone) }); !errors.Is(err, undone) {
		t.Fatal(err)
	}
	if n := o.deliver(); n != 0 {
		t.Fatalf("%d mails of an act that was undone", n)
	}
	o.write(v, "a")
	o.write(v, "a")
	o.write(w, "a")
	if n := o.deliver(); n != 2 || len(p.server.Mails()) != 2 {
		t.Errorf("%d mails, %d came", n, len(p.server.Mails()))
	}
	if n := o.deliver(); n != 0 {
		t.Errorf("%d mails once more", n)
	}
}

func TestWhatCanNeverBeSentIsRefused(t *testing.T) {
	p := newPost(t)
	o := p.open()
	v := p.owner(o)
	for _, to := range []string{"", "nobody", "Ann <ann@example.org>", "a@b\r\nBcc: c@d", strings.Repeat("a", 250) + "@example.org"} {
		l := letter("a")
		l.To = to
		if err := o.enqueue(v, l); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", to, err)
		}
	}
	if err := o.enqueue(viewer.Viewer{Kind: viewer.Visitor}, letter("a")); !fault.Is(err, fault.Unauthenticated) {
		t.Error(err)
	}
	for _, l := range []models.Letter{letter(""), letter(strings.Repeat("k", 201)), {Kind: "NONE", To: "a@example.org", DedupeKey: "a"}} {
		if o.enqueue(v, l) == nil {
			t.Errorf("%+v was taken", l)
		}
	}
}

func TestATemporaryRefusalIsTriedAgain(t *testing.T) {
	p := newPost(t)
	o := p.open()
	o.write(p.owner(o), "a")
	p.server.OnRecipient(func(string) error { return mailtest.Refuse(451) })
	o.deliver()
	s := o.only()
	if s.Status != models.MailQueued || s.Attempts != 1 || s.Error != "451 recipient" || s.Next.Before(noon.Add(48*time.Second)) || s.Next.After(noon.Add(time.Minute)) {
		t.Fatalf("after 451: %+v", s)
	}
	p.server.OnRecipient(nil)
	if o.deliver() != 0 {
		t.Error("tried again at once")
	}
	p.pass(time.Minute)
	if o.deliver() != 1 {
		t.Error("not tried again after a minute")
	}
	if s := o.only(); s.Status != models.MailSent || s.Error != "" || s.Attempts != 2 {
		t.Errorf("after 250: %+v", s)
	}
}

func TestAPermanentRefusalFailsAtOnceAndCanBeRetriedByHand(t *testing.T) {
	p := newPost(t)
	o := p.open()
	o.write(p.owner(o), "a")
	p.server.OnRecipient(func(string) error { return mailtest.Refuse(550) })
	o.deliver()
	if s := o.only(); s.Status != models.MailFailed || s.Error != "550 recipient" {
		t.Fatalf("after 550: %+v", s)
	}
	p.pass(100 * time.Hour)
	if o.deliver() != 0 || len(p.server.Mails()) != 0 {
		t.Fatal("tried again")
	}
	p.server.OnRecipient(nil)
	var mailID string
	if err := o.db.Pool().QueryRow(t.Context(), "SELECT id FROM mails").Scan(&mailID); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Retry(t.Context(), viewer.Viewer{Kind: viewer.Account}, mailID); !fault.Is(err, fault.Forbidden) {
		t.Errorf("by somebody else: %v", err)
	}
	if m, err := o.Retry(t.Context(), admin, mailID); err != nil || m.Status != models.MailQueued || m.To != "canary-address@example.org" || m.NextAttempt() == nil {
		t.Fatalf("%+v, %v", m, err)
	}
	if _, err := o.Retry(t.Context(), admin, mailID); !fault.Is(err, fault.Conflict) {
		t.Errorf("while it waits: %v", err)
	}
	if o.deliver() != 1 {
		t.Error("not sent")
	}
	if _, err := o.Retry(t.Context(), admin, mailID); !fault.Is(err, fault.Conflict) {
		t.Errorf("after it was sent: %v", err)
	}
	if _, err := o.Retry(t.Context(), admin, "mai_none"); !fault.Is(err, fault.NotFound) {
		t.Errorf("of no mail: %v", err)
	}
}

func TestAMailIsGivenUpAfter72Hours(t *testing.T) {
	p := newPost(t)
	o := p.open()
	o.write(p.owner(o), "a")
	p.server.OnRecipient(func(string) error { return mailtest.Refuse(451) })
	attempts := 0
	for o.only().Status == models.MailQueued {
		next := o.only().Next
		if next.After(noon.Add(72 * time.Hour)) {
			t.Fatalf("an attempt is due at %v", next)
		}
		p.pass(next.Sub(p.Now()))
		o.deliver()
		if attempts++; attempts > 200 {
			t.Fatal("never given up")
		}
	}
	if s := o.only(); s.Status != models.MailFailed || !p.Now().Equal(noon.Add(72*time.Hour)) || attempts < 70 {
		t.Errorf("after %d attempts at %v: %+v", attempts, p.Now(), s)
	}
}

// A mail that nobody sent in time isn't sent any more, and doesn't wait for ever, with a mail
// server or without; the operator reads it and may have it tried once more.
func TestWhatIsTooOldIsNotSent(t *testing.T) {
	for name, change := range map[string][]func(*notify.Config){"with a server": nil, "without one": {keeping}} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t)
			o := p.open()
			v := p.owner(o)
			o.write(v, "old")
			p.pass(72*time.Hour + time.Hour + time.Second)
			o.write(v, "young")
			if _, err := p.open(change...).Deliver(t.Context()); err != nil {
				t.Fatal(err)
			}
			mails, _, err := o.List(t.Context(), admin, all)
			if err != nil || len(mails) != 2 || mails[1].Status != models.MailFailed || mails[1].LastError != "too old" || mails[1].Text == "" || mails[1].FinishedAt == nil {
				t.Fatalf("%+v, %v", mails, err)
			}
			if want := map[bool]models.MailStatus{true: models.MailSent, false: models.MailQueued}[change == nil]; mails[0].Status != want {
				t.Errorf("the young one is %s", mails[0].Status)
			}
			if _, err := o.Retry(t.Context(), admin, mails[1].ID); err != nil {
				t.Fatal(err)
			}
			o.deliver()
			if mails, _, err = o.List(t.Context(), admin, all); err != nil || mails[1].Status != models.MailSent || mails[0].Status != models.MailSent {
				t.Errorf("tried again it is %s, %v", mails[1].Status, err)
			}
		})
	}
}

func TestThePauseDoublesUpToAnHour(t *testing.T) {
	for attempts, want := range map[int]time.Duration{0: time.Minute, 1: time.Minute, 2: 2 * time.Minute, 6: 32 * time.Minute, 7: time.Hour, 1000: time.Hour} {
		for range 100 {
			if d := notify.PauseAfter(attempts); d > want || d < want*4/5 {
				t.Fatalf("%d attempts: %v", attempts, d)
			}
		}
	}
}

// While the server is away one mail is tried, not all of them; the old ones fail.
func TestAServerThatIsAwayIsProbedWithOneMail(t *testing.T) {
	p := newPost(t)
	o := p.open()
	v := p.owner(o)
	for n := range 5 {
		o.write(v, fmt.Sprint(n))
	}
	p.server.OnRecipient(func(string) error { return mailtest.Refuse(421) })
	o.deliver()
	count := func(where string) (n int) {
		t.Helper()
		if err := o.db.Pool().QueryRow(t.Context(), "SELECT count(*) FROM mails WHERE "+where).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count("attempts = 1"); n != 1 {
		t.Errorf("%d mails were tried", n)
	}
	p.pass(72 * time.Hour)
	o.deliver()
	if n := count("status = 'FAILED' AND last_error = '421 connect'"); n != 5 {
		t.Errorf("%d mails have failed", n)
	}
}

func TestAMailThatNoLongerOpensFails(t *testing.T) {
	p := newPost(t)
	o := p.open()
	o.write(p.owner(o), "a")
	if _, err := o.db.Pool().Exec(t.Context(), "UPDATE mails SET facts_sealed = to_sealed"); err != nil {
		t.Fatal(err)
	}
	o.write(p.owner(o), "b")
	if n := o.deliver(); n != 1 {
		t.Errorf("%d mails were sent", n)
	}
	mails, _, err := o.List(t.Context(), admin, all)
	if err != nil || len(mails) != 2 || mails[1].Status != models.MailFailed || mails[1].LastError != "unreadable" || mails[1].Text != "" || mails[0].Text == "" {
		t.Errorf("%+v, %v", mails, err)
	}
}

// T34: what was written to somebody goes with them, sent or not.
func TestMailsGoWithTheirOwner(t *testing.T) {
	p := newPost(t)
	o := p.open()
	v := p.owner(o)
	o.write(v, "a")
	if _, err := o.db.Pool().Exec(t.Context(), "DELETE FROM owners WHERE id = $1", v.OwnerID); err != nil {
		t.Fatal(err)
	}
	if o.deliver() != 0 || len(p.server.Mails()) != 0 {
		t.Error("a mail was sent")
	}
}

// T30, R-LOG/MAIL: no address, name or word of a mail is in the database or in the log.
func TestNothingPersonalLiesOpen(t *testing.T) {
	p := newPost(t)
	o := p.open()
	v := p.owner(o)
	o.write(v, "sent")
	o.deliver()
	p.server.OnRecipient(func(string) error { return mailtest.Refuse(550) })
	o.write(v, "refused")
	o.deliver()
	if _, _, err := o.List(t.Context(), admin, all); err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"database": dbtest.Dump(t, o.db), "log": p.log.String()} {
		if strings.Contains(text, "canary") {
			t.Errorf("the %s holds a canary", where)
		}
		if where == "log" && !strings.Contains(text, "550 recipient") {
			t.Errorf("the log tells nothing: %s", text)
		}
	}
}

// The whole way: an act's transaction, the nudge, a River worker, the mail server.
func TestANudgeSendsTheMailAtOnce(t *testing.T) {
	p := newPost(t)
	runner := jobs.New(jobs.Config{DB: dbtest.Open(t, p.url)})
	o := p.open(func(c *notify.Config) { c.Nudger = runner })
	if err := runner.Add(jobs.Job{Name: notify.Job, Run: func(ctx context.Context) error { _, err := o.Deliver(ctx); return err }}); err != nil {
		t.Fatal(err)
	}
	if err := runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := runner.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	o.write(p.owner(o), "a")
	p.server.Await(t, 1)
}
