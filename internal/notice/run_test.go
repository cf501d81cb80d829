package notice_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/mail/mailtest"
	"github.com/kimi-k2/kimi-k2/internal/notice"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

func newOwner() string { return id.New(id.Owner) }

// P126: a significant version is told to every account with an address by exactly one mail,
// whatever it chose of news; again nothing is written, by no instance.
func TestASignificantVersionIsToldOnce(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	h := newHouse(t, settings{server: server, announce: true})
	people := h.people(230)
	h.account("") // the operator's, which has no address
	if _, _, err := h.policy.SetConsent(t.Context(), people[0], models.ConsentMarketing, false, ""); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 3 {
		other := open(t, dbtest.Open(t, h.url), settings{url: h.url, server: server, announce: true}, h.clock)
		wg.Go(func() {
			if _, err := other.Run(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	h.run()
	if n, owners := h.count(`SELECT count(*) FROM mails`), h.count(`SELECT count(DISTINCT owner_id) FROM mails WHERE kind = 'POLICY'`); n != 231 || owners != 231 {
		t.Errorf("%d mails to %d accounts", n, owners)
	}
	h.account("late@example.org")
	h.run()
	if got := h.only(); got.State != models.NoticeSending || got.Written != 231 || h.count(`SELECT count(*) FROM notices`) != 1 {
		t.Errorf("%+v", got)
	}
	if n := h.count(`SELECT count(*) FROM audit_entries WHERE act = 'POLICY_PUBLISHED'`); n != 1 {
		t.Errorf("it was published %d times", n)
	}
}

// P126, P88: an account that can't be written to keeps no other from its mail, and counts as
// failed.
func TestOneBadAddressStopsNobody(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	h := newHouse(t, settings{server: server})
	h.people(2)
	h.account("x@a..b")
	sealed := h.account("garbled@example.org")
	h.exec(`UPDATE accounts SET email_sealed = name_sealed WHERE owner_id = $1`, sealed.OwnerID)
	keyless := h.account("keyless@example.org")
	h.exec(`UPDATE owners SET key_wrapped = 'no key' WHERE id = $1`, keyless.OwnerID)
	h.people(2)
	h.send(h.draft(models.NoticeIncident))
	h.run()
	if _, err := h.mails.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.run()
	if got := h.only(); got.State != models.NoticeDone || got.Sent != 5 || got.Failed != 2 || got.Written != 7 {
		t.Errorf("%+v", got)
	}
}

// P126, P88: a notice that can't be written keeps no later one waiting.
func TestANoticeThatFailsStopsNoOther(t *testing.T) {
	h := newHouse(t, settings{})
	people := h.people(2)
	if _, _, err := h.policy.SetConsent(t.Context(), people[0], models.ConsentMarketing, true, ""); err != nil {
		t.Fatal(err)
	}
	h.exec(`CREATE FUNCTION no_news() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no news'; END $$`)
	h.exec(`CREATE TRIGGER no_news BEFORE INSERT ON mails FOR EACH ROW WHEN (NEW.kind = 'NEWS') EXECUTE FUNCTION no_news()`)
	h.send(h.draft(models.NoticeNews))
	h.clock.move(time.Minute)
	h.admin.AuthenticatedAt = h.clock.Now()
	h.send(h.draft(models.NoticeIncident))
	written, err := h.Run(t.Context())
	if n := h.count(`SELECT count(*) FROM mails WHERE kind = 'INCIDENT'`); n != 3 || written != 3 || err == nil || !strings.Contains(err.Error(), "no news") {
		t.Errorf("%d mails of the later one, %d written, %v", n, written, err)
	}
}

// P126: without a significant version beside the first, nobody is written to.
func TestAMinorVersionIsToldToNobody(t *testing.T) {
	h := newHouse(t, settings{})
	h.people(3)
	if n := h.run(); n != 0 || h.count(`SELECT count(*) FROM mails`) != 0 {
		t.Errorf("%d mails", n)
	}
}

// P126: the mail says from when on it counts and where to read what changes, in the
// recipient's language; refusals of recipients are counted, and the notice ends.
func TestTheMailIsSentAndRefusalsAreCounted(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	server.OnRecipient(func(to string) error {
		if strings.HasPrefix(to, "a1@") {
			return mailtest.Refuse(550)
		}
		return nil
	})
	h := newHouse(t, settings{server: server, announce: true})
	people := h.people(3)
	h.exec(`UPDATE accounts SET language = 'zh' WHERE owner_id = $1`, people[2].OwnerID)
	h.run()
	if _, err := h.mails.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.run()
	if got := h.only(); got.State != models.NoticeDone || got.Sent != 3 || got.Refused != 1 || got.Waiting != 0 || got.Failed != 0 {
		t.Errorf("%+v", got)
	}
	for _, m := range server.Mails() {
		if strings.Contains(m.Data, "List-Unsubscribe") {
			t.Error("nobody unsubscribes from the policy")
		}
	}
	subject, text, err := h.Preview(h.only(), "en")
	if err != nil || !strings.Contains(subject, "1 June 2026") || !strings.Contains(text, "https://kimi.example/privacy?changes="+newVersion) {
		t.Errorf("%s\n%s %v", subject, text, err)
	}
}

// P114: news goes to who agreed, with a link that ends it; who withdraws while its mail
// waits gets none, and the link works without a sign-in, twice.
func TestNewsGoesToWhoWantsIt(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	h := newHouse(t, settings{server: server})
	people := h.people(4)
	for _, v := range people[:3] {
		if _, _, err := h.policy.SetConsent(t.Context(), v, models.ConsentMarketing, true, ""); err != nil {
			t.Fatal(err)
		}
	}
	n := h.draft(models.NoticeNews)
	if size, err := h.Audience(t.Context(), n); err != nil || size != 3 {
		t.Errorf("an audience of %d %v", size, err)
	}
	h.send(n)
	if written := h.run(); written != 3 {
		t.Fatalf("%d mails", written)
	}
	token := strings.TrimPrefix(h.policy.UnsubscribePath(people[0].OwnerID), "/unsubscribe/")
	for range 2 {
		if err := h.policy.Unsubscribe(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.count(`SELECT count(*) FROM consents WHERE owner_id = $1`, people[0].OwnerID); n != 2 {
		t.Errorf("%d choices are kept", n)
	}
	if sent, err := h.mails.Deliver(t.Context()); err != nil || sent != 2 {
		t.Errorf("%d sent %v", sent, err)
	}
	for _, m := range server.Mails() {
		m.Data = strings.ReplaceAll(m.Data, "\r\n ", " ") // long headers are folded
		if !strings.Contains(m.Data, "List-Unsubscribe: <https://kimi.example/unsubscribe/") || !strings.Contains(m.Data, "List-Unsubscribe-Post: List-Unsubscribe=One-Click") || strings.HasPrefix(m.To, "a0@") {
			t.Errorf("%s: %.600s", m.To, m.Data)
		}
	}
	h.run()
	if got := h.only(); got.State != models.NoticeDone || got.Sent != 2 || got.Withdrawn != 1 {
		t.Errorf("%+v", got)
	}
}

// P88: an incident is told to every account with an address, in its language, also to who
// wants no news.
func TestAnIncidentIsToldToEverybody(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	h := newHouse(t, settings{server: server})
	people := h.people(2)
	h.exec(`UPDATE accounts SET language = 'zh-CN' WHERE owner_id = $1`, people[1].OwnerID)
	h.send(h.draft(models.NoticeIncident))
	if h.run() != 3 {
		t.Error("not everybody is written to")
	}
	if sent, err := h.mails.Deliver(t.Context()); err != nil || sent != 3 {
		t.Errorf("%d sent %v", sent, err)
	}
	box, _, err := h.mails.List(t.Context(), h.admin, page.Args{Size: 10})
	if err != nil {
		t.Fatal(err)
	}
	chinese := 0
	for _, m := range box {
		if m.Subject == "新消息" && strings.Contains(m.Text, "第一。") {
			chinese++
		} else if m.Subject != "Something new" || !strings.Contains(m.Text, "First.\n\nSecond.") {
			t.Errorf("%s: %s", m.Subject, m.Text)
		}
	}
	if chinese != 1 {
		t.Errorf("%d mails in Chinese", chinese)
	}
}

// P126: mails are written as fast as the setting says, and no faster; a turn that comes
// early writes none.
func TestWritingIsThrottled(t *testing.T) {
	h := newHouse(t, settings{perMinute: 60})
	h.people(199)
	h.send(h.draft(models.NoticeIncident))
	if n := h.run(); n != 60 {
		t.Errorf("%d at first", n)
	}
	h.clock.move(59 * time.Second)
	if n := h.run(); n != 0 {
		t.Errorf("%d before a minute", n)
	}
	for range 3 {
		h.clock.move(time.Minute)
		h.run()
	}
	if got := h.only(); got.Written != 200 {
		t.Errorf("%d in all", got.Written)
	}
}

// P126: while as many wait as are written in two minutes, no more are.
func TestWritingWaitsForTheMailServer(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	h := newHouse(t, settings{perMinute: 20, server: server})
	h.people(99)
	h.send(h.draft(models.NoticeIncident))
	for range 10 {
		h.run()
		h.clock.move(time.Minute)
	}
	if got := h.only(); got.Written != 40 {
		t.Errorf("%d are written while none is sent", got.Written)
	}
}

// What a notice can't be is refused, and by whom it can't be sent.
func TestWhatIsRefused(t *testing.T) {
	h := newHouse(t, settings{})
	good := notice.Draft{Kind: models.NoticeNews, Subject: "s", Text: "t"}
	for name, change := range map[string]func(*notice.Draft){
		"a policy": func(d *notice.Draft) { d.Kind = models.NoticePolicy }, "no subject": func(d *notice.Draft) { d.Subject = " " }, "no text": func(d *notice.Draft) { d.Text = "" },
		"half Chinese": func(d *notice.Draft) { d.SubjectZh = "新" }, "too long": func(d *notice.Draft) { d.Text = strings.Repeat("x", 10_001) }, "no text at all": func(d *notice.Draft) { d.Text = "a\x00" },
	} {
		d := good
		change(&d)
		if _, err := h.Save(t.Context(), h.admin, d); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	n := h.draft(models.NoticeNews)
	stranger, stale := h.account("x@example.org"), h.admin
	stale.AuthenticatedAt = h.clock.Now().Add(-account.FreshnessTTL)
	for _, err := range []error{
		func() error { _, err := h.Save(t.Context(), stranger, good); return err }(), func() error { _, err := h.Send(t.Context(), stranger, n.ID); return err }(),
		h.Discard(t.Context(), stranger, n.ID), func() error { _, _, err := h.List(t.Context(), viewer.Viewer{}, page.Args{Size: 1}); return err }(),
	} {
		if !fault.Is(err, fault.Forbidden) {
			t.Error(err)
		}
	}
	if _, err := h.Send(t.Context(), stale, n.ID); !fault.Is(err, fault.Reauthenticate) {
		t.Error(err)
	}
	h.send(n)
	for _, err := range []error{func() error { _, err := h.Send(t.Context(), h.admin, n.ID); return err }(), h.Discard(t.Context(), h.admin, n.ID),
		func() error { d := good; d.ID = n.ID; _, err := h.Save(t.Context(), h.admin, d); return err }()} {
		if !fault.Is(err, fault.Conflict) {
			t.Error(err)
		}
	}
}

// writeForever is the process that is killed: it writes small batches until it dies.
func writeForever(url string) {
	db, err := database.Open(context.Background(), database.Config{URL: url, MaxConns: 4, MinConns: 1, AppName: "killed", StatementTimeout: 20 * time.Second})
	if err != nil {
		os.Exit(1)
	}
	h := open(&testing.B{}, db, settings{url: url, announce: true, perMinute: 100_000}, &hand{now: time.Date(2026, 5, 2, 12, 0, 0, 0, time.UTC)})
	for {
		if _, err := h.Run(context.Background()); err != nil {
			os.Exit(1)
		}
		h.clock.move(time.Second)
	}
}

// P126: an instance that is killed while it writes to everybody leaves the rest to another
// one; nobody is written to twice, nobody is left out.
func TestAKilledInstanceIsTakenOver(t *testing.T) {
	h := newHouse(t, settings{announce: true})
	h.people(1500)
	for round := range 3 {
		child := exec.Command(os.Args[0]) //nolint:gosec // this test's own program
		child.Env = append(os.Environ(), childOf+"="+h.url)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(30 * time.Second)
		for h.count(`SELECT count(*) FROM mails`) <= round*300 {
			if time.Now().After(deadline) {
				t.Fatal("nothing is written")
			}
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // it was killed
	}
	before := h.count(`SELECT count(*) FROM mails`)
	h.clock.move(time.Hour)
	h.run()
	if n, owners := h.count(`SELECT count(*) FROM mails`), h.count(`SELECT count(DISTINCT owner_id) FROM mails`); n != 1501 || owners != 1501 {
		t.Errorf("%d mails to %d accounts, %d of them before", n, owners, before)
	}
	t.Logf("%d mails were written before the last kill", before)
	if got := h.only(); got.Written != 1501 {
		t.Errorf("%d are counted", got.Written)
	}
}

// P126, P114: the report counts what was told and says when it is late.
func TestTheReportSaysHowFarItIs(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	h := newHouse(t, settings{server: server, announce: true})
	people := h.people(2)
	report := func() notice.Report {
		t.Helper()
		r, err := h.Report(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := report(); r.Policy.Version != newVersion || !r.Policy.Overdue {
		t.Errorf("before it is begun: %+v", r)
	}
	h.run()
	if r := report(); r.Policy.Written != 3 || r.Policy.Overdue || r.Policy.Finished != nil {
		t.Errorf("%+v", r)
	}
	h.clock.move(5 * 24 * time.Hour)
	if r := report(); !r.Policy.Overdue {
		t.Errorf("after five days: %+v", r)
	}
	if _, _, err := h.policy.SetConsent(t.Context(), people[0], models.ConsentMarketing, true, ""); err != nil {
		t.Fatal(err)
	}
	h.admin.AuthenticatedAt = h.clock.Now()
	h.send(h.draft(models.NoticeNews))
	h.run()
	if _, err := h.mails.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.run()
	// Those of the policy waited for longer than mails do.
	if r := report(); r.Policy.Finished == nil || r.Policy.Failed != 3 || r.Policy.Overdue || r.News.Sent != 1 || r.News.Agreed != 1 || r.News.LastAt == nil {
		t.Errorf("%+v", r)
	}
}

// Whoever waits for a mail of its own doesn't wait for mails to everybody.
func TestPersonalMailsGoFirst(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	h := newHouse(t, settings{server: server})
	people := h.people(20)
	h.send(h.draft(models.NoticeIncident))
	h.run()
	h.clock.move(time.Second)
	err := h.db.Tx(t.Context(), func(tx *gorm.DB) error {
		return h.mails.EnqueueTx(tx, people[19], models.Letter{Kind: models.LetterSignInNewDevice, To: "a19@example.org", DedupeKey: "own"})
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.mails.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if first := server.Mails()[0]; first.To != "a19@example.org" || strings.Contains(first.Data, "Something new") {
		t.Errorf("first went %s", first.To)
	}
}
