package notify_test

import (
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/mail/mailtest"
	"github.com/kimi-k2/kimi-k2/internal/notify"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/models"
)

// Mails that are done with are shown for 30 days, to the second, and can't be tried again
// after them, whether or not they are still stored; what still waits is shown.
func TestOldMailsAreNotShown(t *testing.T) {
	p := newPost(t)
	o, kept := p.open(), p.open(keeping)
	v := p.owner(o)
	o.write(v, "sent")
	o.deliver()
	p.server.OnRecipient(func(string) error { return mailtest.Refuse(550) })
	o.write(v, "failed")
	o.deliver()
	kept.write(v, "kept")
	p.pass(notify.KeepFor - time.Second)
	o.write(v, "waiting")
	shown := func(want int) []*models.Mail {
		t.Helper()
		mails, _, err := o.List(t.Context(), admin, page.Args{Size: 10})
		if err != nil || len(mails) != want {
			t.Fatal(len(mails), err)
		}
		return mails
	}
	before := shown(4)
	p.pass(time.Second)
	if left := shown(1); left[0].Status != models.MailQueued {
		t.Errorf("shown is %+v", left[0])
	}
	for _, m := range before {
		if m.Status == models.MailFailed {
			if _, err := o.Retry(t.Context(), admin, m.ID); !fault.Is(err, fault.NotFound) {
				t.Error(err)
			}
		}
	}
	var counts map[string]int64
	if err := o.db.Tx(t.Context(), func(tx *gorm.DB) (err error) {
		counts, err = o.CountTx(tx, []string{v.OwnerID})
		return err
	}); err != nil || counts["mails"] != 4 || len(counts) != 1 {
		t.Fatal(counts, err)
	}
}
