package notify_test

import (
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/mail/mailtest"
	"github.com/kimi-k2/kimi-k2/internal/notify"
)

// Mails that are done with go after 30 days, to the second; what still waits stays, and
// so does what is old by this machine's clock alone.
func TestOldMailsGo(t *testing.T) {
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
	tidy := func(want, left int64) {
		t.Helper()
		if n, err := o.Tidy(t.Context()); err != nil || n != want {
			t.Fatal(n, err)
		}
		var counts map[string]int64
		if err := o.db.Tx(t.Context(), func(tx *gorm.DB) (err error) {
			counts, err = o.CountTx(tx, []string{v.OwnerID})
			return err
		}); err != nil || counts["mails"] != left || len(counts) != 1 {
			t.Fatal(counts, err)
		}
	}
	tidy(0, 4)
	p.pass(time.Second)
	tidy(3, 1)
	if _, err := o.db.Pool().Exec(t.Context(), `UPDATE mails SET status = 'SENT', finished_at = now()`); err != nil {
		t.Fatal(err)
	}
	p.pass(100 * 365 * 24 * time.Hour)
	tidy(0, 1)
}
