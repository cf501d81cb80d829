package main

import (
	"bytes"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/mail/mailtest"
	"github.com/kimi-k2/kimi-k2/internal/payment/paymenttest"
	"github.com/kimi-k2/kimi-k2/models"
)

// P55, P59, R-PAY: every administrator, and nobody else, gets one mail of a payment in
// quarantine, of a comparison that found a difference, and of books that don't add up, with
// nothing of the payer in it.
func TestAdministratorsAreToldOfMoneyThatDoesNotFit(t *testing.T) {
	letters := mailtest.Start(t, mailtest.Options{})
	s, _, settings := tillsOf(t, clock.Func(func() time.Time { return time.Now().Add(-10 * time.Minute) })) // fresh payments are left alone
	p := start(t, append(settings, "SMTP_URL=smtp://"+letters.Address, "MAIL_FROM=kimi@example.org")...)
	for _, name := range []string{"ada", "ben"} {
		p.session(name)
		if err := p.server.accounts.GrantAdmin(t.Context(), name+"@example.org"); err != nil {
			t.Fatal(err)
		}
	}
	b := p.signIn("payer")
	told := 0
	tells := func(subject string, words ...string) {
		t.Helper()
		told += 2
		var to []string
		for _, m := range letters.Await(t, told)[told-2:] {
			read, err := mail.ReadMessage(strings.NewReader(m.Data))
			if err != nil {
				t.Fatal(err)
			}
			to = append(to, m.To)
			if got := read.Header.Get("Subject"); got != subject {
				t.Errorf("the subject is %q", got)
			}
			for _, w := range words {
				if !strings.Contains(m.Data, w) {
					t.Errorf("the mail lacks %q:\n%s", w, m.Data)
				}
			}
			if strings.Contains(m.Data, "pur_") || strings.Contains(m.Data, "payer") {
				t.Errorf("the mail tells of the payer:\n%s", m.Data)
			}
		}
		slices.Sort(to)
		if !slices.Equal(to, []string{"ada@example.org", "ben@example.org"}) {
			t.Errorf("told were %v", to)
		}
	}

	s.Hold()
	id, page := b.buy("STRIPE")
	press(t, page)
	for _, w := range s.Take() {
		if w.Kind != "checkout.session.completed" {
			continue
		}
		body := bytes.ReplaceAll(w.Body, []byte(`"amount_total":500`), []byte(`"amount_total":400`))
		if status := p.bring("/webhooks/stripe", paymenttest.SignStripe(body, stripeSecret, time.Now()), body); status != http.StatusOK {
			t.Fatalf("%s was answered %d", w.Kind, status)
		}
	}
	if got := p.purchase(id); got.Status == models.PurchasePaid {
		t.Fatalf("%+v", got)
	}
	for range 2 {
		if _, err := p.server.billing.TellQuarantined(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	tells("Payments at Kimi K2 wait for your decision", "Waiting in all: 1", p.url+"/operator/money")

	for range 2 {
		if _, err := p.server.billing.Reconcile(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := p.purchase(id); got.Status != models.PurchasePaid {
		t.Fatalf("%+v", got)
	}
	tells("Stripe and the books of Kimi K2 differed", "Put right: 1")

	db := p.server.db.Gorm(t.Context())
	if err := db.Exec(`UPDATE purchases SET credits = credits + 1 WHERE id = ?`, id).Error; err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if c, err := p.server.credit.RunCheck(t.Context()); err != nil || c.OK {
			t.Fatalf("the books are %+v, %v", c, err)
		}
		if err := db.Exec(`UPDATE transparency_checks SET checked_at = checked_at - interval '10 minutes'`).Error; err != nil {
			t.Fatal(err)
		}
		p.checked()
	}
	tells("Kimi K2 does not keep a promise of its privacy policy", "ledger_drift", "L9")
	if n := len(letters.Mails()); n != told {
		t.Errorf("%d mails came", n)
	}
}
