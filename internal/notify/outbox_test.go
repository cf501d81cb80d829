package notify_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

var all = page.Args{Size: page.MaxSize}

// Without a mail server the operator reads what would have been sent.
func TestWithoutAServerMailsAreKeptForTheOperator(t *testing.T) {
	p := newPost(t)
	o := p.open(keeping)
	v := p.owner(o)
	o.write(v, "a")
	if n := o.deliver(); n != 0 || o.HasServer() {
		t.Fatalf("%d mails were sent", n)
	}
	mails, more, err := o.List(t.Context(), admin, all)
	if err != nil || more || len(mails) != 1 {
		t.Fatal(mails, more, err)
	}
	m := mails[0]
	if m.Status != models.MailKept || m.NextAttempt() != nil || m.To != "canary-address@example.org" || !strings.Contains(m.Subject, "Kimi K2") || !strings.Contains(m.Text, "canary-device") {
		t.Errorf("%+v", m)
	}
	if _, err := o.Retry(t.Context(), admin, m.ID); !fault.Is(err, fault.Conflict) {
		t.Errorf("retried without a server: %v", err)
	}
	later := p.open() // with a mail server, after a restart
	if later.deliver() != 0 {
		t.Error("kept mails went out by themselves")
	}
	if _, err := later.Retry(t.Context(), admin, m.ID); err != nil || later.deliver() != 1 {
		t.Errorf("not sent by hand: %v", err)
	}
}

func TestTheOutboxIsForAdminsAndInPages(t *testing.T) {
	p := newPost(t)
	o := p.open(keeping)
	v := p.owner(o)
	for n := range 5 {
		o.write(v, fmt.Sprint(n))
	}
	for _, stranger := range []viewer.Viewer{{}, v, {Kind: viewer.Guest, Admin: true}, {Kind: viewer.System}} {
		if _, _, err := o.List(t.Context(), stranger, all); !fault.Is(err, fault.Forbidden) {
			t.Errorf("%v: %v", stranger, err)
		}
	}
	var ids []string
	at := page.Args{Size: 2}
	for {
		mails, more, err := o.List(t.Context(), admin, at)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mails {
			ids = append(ids, m.ID)
		}
		if !more {
			break
		}
		at.After = ids[len(ids)-1]
	}
	for i := 1; i < len(ids); i++ {
		if ids[i] >= ids[i-1] {
			t.Errorf("%s after %s", ids[i], ids[i-1])
		}
	}
	if len(ids) != 5 {
		t.Errorf("%d mails", len(ids))
	}
}
