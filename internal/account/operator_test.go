package account_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

func (p *people) link() string {
	p.t.Helper()
	token, err := p.OperatorLink(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return token
}

// P8: one link, one sign-in, always to the same account, which is an administrator.
func TestOperatorLinkSignsInOnce(t *testing.T) {
	p := newPeople(t)
	guest, _ := p.guest()
	token := p.link()
	first, err := p.RedeemOperatorLink(t.Context(), token, guest, account.Device{})
	if err != nil || !first.Created || !first.Viewer.Admin || first.Viewer.OwnerID != guest.OwnerID {
		t.Fatal(first, err)
	}
	a := p.account(first.Viewer)
	if a.Role != models.RoleAccountAdmin || a.Email != "" || a.Name != "" {
		t.Error(a)
	}
	if v, err := p.SessionViewer(t.Context(), first.Cookie); err != nil || !v.Admin {
		t.Error(v, err)
	}
	_, err = p.RedeemOperatorLink(t.Context(), token, viewer.Viewer{}, account.Device{})
	refused(t, err, fault.NotFound)
	again, err := p.RedeemOperatorLink(t.Context(), p.link(), first.Viewer, account.Device{})
	if err != nil || again.Created || again.Viewer.OwnerID != first.Viewer.OwnerID || p.who(first.Cookie) != "" {
		t.Error(again, err)
	}
	if all, err := p.Identities(t.Context(), again.Viewer); err != nil || len(all) != 1 || all[0].Provider != models.ProviderOperator {
		t.Error(all, err)
	}
}

func TestOperatorLinkIsGoodForTenMinutes(t *testing.T) {
	p := newPeople(t)
	early, late := p.link(), p.link()
	for _, bad := range []string{"", "x", early[1:], early + "A", strings.Repeat("A", 43), strings.Repeat("A", 1<<20), early[:42] + "\n"} {
		_, err := p.RedeemOperatorLink(t.Context(), bad, viewer.Viewer{}, account.Device{})
		refused(t, err, fault.NotFound)
	}
	p.hand.move(account.OperatorLinkTTL - time.Second)
	if _, err := p.RedeemOperatorLink(t.Context(), early, viewer.Viewer{}, account.Device{}); err != nil {
		t.Error(err)
	}
	p.hand.move(time.Second)
	_, err := p.RedeemOperatorLink(t.Context(), late, viewer.Viewer{}, account.Device{})
	refused(t, err, fault.NotFound)
}

// What refuses the sign-in leaves the link good.
func TestRefusedOperatorKeepsTheLink(t *testing.T) {
	p := newPeople(t)
	token := p.link()
	p.rooms.refuse = fault.New(fault.PolicyRequired, "accept the privacy policy first")
	_, err := p.RedeemOperatorLink(t.Context(), token, viewer.Viewer{}, account.Device{})
	refused(t, err, fault.PolicyRequired)
	p.rooms.refuse = nil
	if _, err := p.RedeemOperatorLink(t.Context(), token, viewer.Viewer{}, account.Device{}); err != nil {
		t.Error(err)
	}
}

func TestOperatorLinkAtOnceSignsInOne(t *testing.T) {
	url := dbtest.URL(t)
	a, b := peopleOn(t, dbtest.Open(t, url), newHand()), peopleOn(t, dbtest.Open(t, url), newHand())
	token := a.link()
	var wg sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = []*people{a, b}[i%2].RedeemOperatorLink(t.Context(), token, viewer.Viewer{}, account.Device{})
		})
	}
	wg.Wait()
	good := 0
	for _, err := range errs {
		if err == nil {
			good++
		} else if !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
	}
	if good != 1 || a.counts() != "1 1 1 1" {
		t.Error(good, a.counts())
	}
}

// T8, T35: more rights come with a new sign-in.
func TestGrantedAdministratorSignsInAnew(t *testing.T) {
	p := newPeople(t)
	e, other := p.signIn(google("1", "Ada@Example.com")), p.somebody()
	if p.who(e.Cookie) == "" {
		t.Fatal("not signed in")
	}
	refused(t, p.GrantAdmin(t.Context(), "nobody@example.com"), fault.NotFound)
	refused(t, p.GrantAdmin(t.Context(), "ada"), fault.Invalid)
	if err := p.GrantAdmin(t.Context(), "ada@example.COM"); err != nil {
		t.Fatal(err)
	}
	if p.who(e.Cookie) != "" || p.who(other.Cookie) == "" {
		t.Error("an administrator's session began before it was one")
	}
	again := p.signIn(google("1", "ada@example.com"))
	if v, err := p.SessionViewer(t.Context(), again.Cookie); err != nil || !v.Admin || !again.Viewer.Admin {
		t.Error(v, err)
	}
	if err := p.GrantAdmin(t.Context(), "ada@example.com"); err != nil || p.who(again.Cookie) == "" {
		t.Error("granting again ended a session:", err)
	}
}
