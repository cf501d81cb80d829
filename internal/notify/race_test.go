package notify_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/mail"
	"github.com/kimi-k2/kimi-k2/internal/mail/mailtest"
	"github.com/kimi-k2/kimi-k2/internal/notify"
	"github.com/kimi-k2/kimi-k2/models"
)

func TestTwoDeliverersSendEachMailOnce(t *testing.T) {
	p := newPost(t)
	offices := []*office{p.open(), p.open(), p.open()}
	v := p.owner(offices[0])
	const n = 60
	for i := range n {
		offices[0].write(v, fmt.Sprint(i))
	}
	var wg sync.WaitGroup
	for _, o := range offices {
		wg.Go(func() { o.deliver() })
	}
	wg.Wait()
	seen := map[string]int{}
	for _, m := range p.server.Mails() {
		_, rest, _ := strings.Cut(m.Data, "Message-ID: ")
		id, _, _ := strings.Cut(rest, "\r\n")
		seen[id]++
	}
	for id, times := range seen {
		if times != 1 {
			t.Errorf("%s came %d times", id, times)
		}
	}
	if len(seen) != n {
		t.Errorf("%d mails came", len(seen))
	}
}

// crashing is a sender whose instance loses its database right after the server's answer.
type crashing struct {
	notify.Sender
	crash func()
}

func (c crashing) Send(ctx context.Context, m mail.Message) error {
	defer c.crash()
	return c.Sender.Send(ctx, m)
}

// The documented limit: at least once, with the same Message-ID.
func TestACrashBetweenSendingAndNotingSendsOnceMoreAfterTheLease(t *testing.T) {
	p := newPost(t)
	o := p.open()
	o.write(p.owner(o), "a")
	var dying *office
	dying = p.open(func(c *notify.Config) {
		c.Sender = crashing{c.Sender, func() { _ = dying.db.Close(context.Background()) }}
	})
	if _, err := dying.Deliver(t.Context()); err == nil {
		t.Fatal("a crash went unnoticed")
	}
	if o.deliver() != 0 {
		t.Error("sent again within the lease")
	}
	p.pass(notify.Lease)
	if o.deliver() != 1 || o.deliver() != 0 {
		t.Error("not sent exactly once more")
	}
	mails := p.server.Mails()
	if len(mails) != 2 || messageID(mails[0].Data) != messageID(mails[1].Data) || messageID(mails[0].Data) == "" {
		t.Errorf("%d mails came: %+v", len(mails), mails)
	}
}

func messageID(data string) string {
	_, rest, _ := strings.Cut(data, "Message-ID: ")
	id, _, _ := strings.Cut(rest, "\r\n")
	return id
}

func TestASlowInstanceDoesNotOverwriteWhatAnotherOneNoted(t *testing.T) {
	p := newPost(t)
	o := p.open()
	o.write(p.owner(o), "a")
	late := p.open(func(c *notify.Config) {
		c.Sender = crashing{c.Sender, func() { // another one has it by now, and fails too
			p.pass(notify.Lease)
			p.server.OnRecipient(func(string) error { return mailtest.Refuse(452) })
			o.deliver()
		}}
	})
	p.server.OnRecipient(func(string) error { return mailtest.Refuse(451) })
	late.deliver()
	if s := o.only(); s.Status != models.MailQueued || s.Attempts != 2 || s.Error != "452 recipient" {
		t.Errorf("%+v", s)
	}
}

func TestAnInstanceThatGoesDownLeavesItsMailToOthers(t *testing.T) {
	p := newPost(t)
	o := p.open()
	o.write(p.owner(o), "a")
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	p.server.OnData(func(mailtest.Mail) error { cancel(); <-release; return mailtest.Refuse(451) })
	if n, err := o.Deliver(ctx); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	close(release)
	p.server.OnData(nil)
	if p.open().deliver() != 1 {
		t.Error("the mail was not due at once")
	}
}
