package account_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

func (p *people) update(v viewer.Viewer, u account.Update) *models.Account {
	p.t.Helper()
	a, err := p.Update(p.t.Context(), v, u)
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

// mailed is the token of the one mail to the address.
func (p *people) mailed(to string) string {
	p.t.Helper()
	sent := p.mails.take()
	if len(sent) != 1 || sent[0].Kind != models.LetterEmailConfirm || sent[0].To != to || sent[0].Facts["email"] != to {
		p.t.Fatal(kinds(sent))
	}
	token, ok := strings.CutPrefix(sent[0].Facts["link"], "https://kimi.example/auth/email?token=")
	if !ok || len(token) != 43 {
		p.t.Fatal(sent[0].Facts["link"])
	}
	return token
}

// P110: preferences follow the account; a wrong value refuses all.
func TestProfileIsCorrectable(t *testing.T) {
	p := newPeople(t)
	v := p.somebody().Viewer
	name, dark, zh, mod := " Ada  💡 ", "DARK", "zh", "MOD_ENTER"
	a := p.update(v, account.Update{Name: &name, Theme: &dark, Language: &zh, SendKey: &mod})
	if a.Name != "Ada  💡" || a.Theme != "DARK" || a.Language != "zh" || a.SendKey != "MOD_ENTER" || a.Email == "" {
		t.Error(a)
	}
	if again := p.account(v); again.Name != a.Name || again.Theme != a.Theme {
		t.Error(again)
	}
	none := ""
	if a := p.update(v, account.Update{Name: &none, Theme: &none}); a.Name != "" || a.Theme != "" || a.Language != "zh" {
		t.Error(a)
	}
	long, control, bad := strings.Repeat("木", 201), "a\x00b", "PINK"
	_, err := p.Update(t.Context(), v, account.Update{Name: &long, Theme: &bad, Language: &bad, SendKey: &bad, Email: &bad})
	if list, _ := fault.Of(err); len(list) != 5 || list[0].Field[0] != "name" || list[1].Field[0] != "email" {
		t.Error(err)
	}
	_, err = p.Update(t.Context(), v, account.Update{Name: &control, Language: &none})
	refused(t, err, fault.Invalid)
	if a := p.account(v); a.Name != "" || a.Language != "zh" {
		t.Error("a refused update changed something:", a)
	}
	guest, _ := p.guest()
	for _, v := range []viewer.Viewer{{}, guest, p.Visitor(p.NewTicket())} {
		_, err := p.Update(t.Context(), v, account.Update{Name: &name})
		refused(t, err, fault.Unauthenticated)
		if a, err := p.Account(t.Context(), v); a != nil || err != nil {
			t.Error(a, err)
		}
		_, err = p.Identities(t.Context(), v)
		refused(t, err, fault.Unauthenticated)
	}
}

// P110: a new address counts from its confirmation on; the old one is told; later
// sign-ins leave it alone.
func TestNewAddressIsConfirmedByMail(t *testing.T) {
	p := newPeople(t)
	v := p.signIn(google("1", "old@example.com")).Viewer
	next := "New@Example.com"
	if a := p.update(v, account.Update{Email: &next}); a.Email != "old@example.com" || a.PendingEmail != next {
		t.Error(a)
	}
	token := p.mailed(next)
	for _, bad := range []string{"", "x", token[1:], token + "A", strings.Repeat("A", 43)} {
		refused(t, p.ConfirmEmail(t.Context(), bad), fault.NotFound)
	}
	if err := p.ConfirmEmail(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if a := p.account(v); a.Email != next || a.PendingEmail != "" {
		t.Error(a)
	}
	sent := p.mails.take()
	if got := kinds(sent); !slices.Equal(got, []string{"EMAIL_CHANGED to old@example.com"}) || sent[0].Facts["email"] != next {
		t.Error(got)
	}
	refused(t, p.ConfirmEmail(t.Context(), token), fault.NotFound)
	p.signIn(google("1", "old@example.com"))
	if a := p.account(v); a.Email != next {
		t.Error("a sign-in overwrote the correction:", a.Email)
	}
	if e := p.signIn(google("2", "old@example.com")); !e.Created {
		t.Error("the old address is not free")
	}
}

// T35: changing the address needs a fresh proof, and at most a mail a minute is sent.
func TestChangingTheAddressIsGuarded(t *testing.T) {
	p := newPeople(t)
	v := p.signIn(google("1", "old@example.com")).Viewer
	first, second, own := "first@example.com", "second@example.com", "old@example.com"
	stale := v
	stale.AuthenticatedAt = p.hand.Now().Add(-account.FreshnessTTL)
	_, err := p.Update(t.Context(), stale, account.Update{Email: &first})
	refused(t, err, fault.Reauthenticate)
	p.update(v, account.Update{Email: &first})
	early := p.mailed(first)
	for _, email := range []string{second, first} {
		_, err := p.Update(t.Context(), v, account.Update{Email: &email})
		refused(t, err, fault.RateLimited)
	}
	if a := p.update(v, account.Update{Email: &own}); a.PendingEmail != "" { // takes it back, and buys no other mail
		t.Error(a.PendingEmail)
	}
	refused(t, p.ConfirmEmail(t.Context(), early), fault.NotFound)
	_, err = p.Update(t.Context(), v, account.Update{Email: &second})
	refused(t, err, fault.RateLimited)
	p.hand.move(time.Minute)
	if a := p.update(v, account.Update{Email: &second}); a.PendingEmail != second {
		t.Error(a.PendingEmail)
	}
	late := p.mailed(second)
	p.hand.move(account.EmailChangeTTL - time.Second)
	if a := p.account(v); a.PendingEmail != second {
		t.Error("the change ended a second early")
	}
	p.hand.move(time.Second)
	refused(t, p.ConfirmEmail(t.Context(), late), fault.NotFound)
	if a := p.account(v); a.Email != own || a.PendingEmail != "" {
		t.Error(a)
	}
	mute := peopleOn(t, p.db, p.hand, func(c *account.Config) { c.Mailer = nil })
	v.AuthenticatedAt = p.hand.Now()
	if _, err := mute.Update(t.Context(), v, account.Update{Email: &second}); err == nil {
		t.Error("a change without a mail")
	}
}

// Who asks for an address learns nothing of whether another account has it.
func TestTakenAddressAnswersLikeAFreeOne(t *testing.T) {
	p := newPeople(t)
	p.signIn(google("2", "taken@example.com"))
	v := p.signIn(google("1", "ada@example.com")).Viewer
	var answers []string
	var token string
	for _, email := range []string{"free@example.com", "Taken@example.com"} {
		a := p.update(v, account.Update{Email: &email})
		answers = append(answers, strings.ReplaceAll(a.Email+a.PendingEmail, email, "…"))
		token = p.mailed(email)
		p.hand.move(time.Minute)
	}
	if answers[0] != answers[1] {
		t.Error(answers)
	}
	refused(t, p.ConfirmEmail(t.Context(), token), fault.Conflict)
	if a := p.account(v); a.Email != "ada@example.com" {
		t.Error(a.Email)
	}
}

// An operator without an address can give one; there is no old one to tell.
func TestOperatorGivesAnAddress(t *testing.T) {
	p := newPeople(t)
	e, err := p.RedeemOperatorLink(t.Context(), p.link(), viewer.Viewer{}, account.Device{})
	if err != nil {
		t.Fatal(err)
	}
	email := "operator@example.com"
	p.update(e.Viewer, account.Update{Email: &email})
	if err := p.ConfirmEmail(t.Context(), p.mailed(email)); err != nil || len(p.mails.take()) != 0 || p.account(e.Viewer).Email != email {
		t.Error(err)
	}
}
