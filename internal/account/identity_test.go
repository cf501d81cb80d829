package account_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

func gitHub(subject, email string) account.Proof {
	return account.Proof{Provider: models.ProviderGitHub, Subject: subject, Name: "ada", Email: email, Verified: true}
}

// T6, P11: who may link what.
func TestLinkingNeedsAFreshProofAndAFreeIdentity(t *testing.T) {
	p := newPeople(t)
	me, other := p.signIn(google("1", "ada@example.com")).Viewer, p.signIn(google("2", "bob@example.com")).Viewer
	guest, _ := p.guest()
	stale := me
	stale.AuthenticatedAt = p.hand.Now().Add(-account.FreshnessTTL)
	unverified := gitHub("9", "ada@example.com")
	unverified.Verified = false
	before := p.counts()
	for name, c := range map[string]struct {
		who   viewer.Viewer
		proof account.Proof
		code  fault.Code
	}{
		"nobody":                {viewer.Viewer{}, gitHub("9", "ada@example.com"), fault.Unauthenticated},
		"a guest":               {guest, gitHub("9", "ada@example.com"), fault.Unauthenticated},
		"a stale proof":         {stale, gitHub("9", "ada@example.com"), fault.Reauthenticate},
		"another's identity":    {me, google("2", "ada@example.com"), fault.Conflict},
		"another's, same mail":  {other, google("1", "bob@example.com"), fault.Conflict},
		"an unconfirmed mail":   {me, unverified, fault.Invalid},
		"the operator's":        {me, account.Proof{Provider: models.ProviderOperator, Subject: "operator"}, fault.Invalid},
		"no identity":           {me, account.Proof{}, fault.Invalid},
		"a guest's as provider": {me, account.Proof{Provider: models.ProviderGuest, Subject: "1", Email: "a@example.com", Verified: true}, fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) { refused(t, p.Link(t.Context(), c.who, c.proof), c.code) })
	}
	if p.counts() != before {
		t.Error(p.counts())
	}
	p.mails.take()
	for range 2 { // the second time it is there already; the address of a third account plays no part
		if err := p.Link(t.Context(), me, gitHub("9", "bob@example.com")); err != nil {
			t.Fatal(err)
		}
	}
	if e := p.signIn(gitHub("9", "bob@example.com")); e.Created || e.Viewer.OwnerID != me.OwnerID {
		t.Error(e)
	}
	if a := p.account(me); a.Email != "ada@example.com" {
		t.Error("linking changed the address to", a.Email)
	}
	sent := p.mails.take()
	if got := kinds(sent); !slices.Equal(got, []string{"IDENTITY_LINKED to ada@example.com"}) || sent[0].Facts["provider"] != "GITHUB" {
		t.Error(got)
	}
}

// P11: the last way to sign in stays.
func TestLastIdentityCannotBeUnlinked(t *testing.T) {
	p := newPeople(t)
	me, other := p.signIn(google("1", "ada@example.com")).Viewer, p.signIn(google("2", "bob@example.com")).Viewer
	only := func(v viewer.Viewer) *models.Identity {
		t.Helper()
		all, err := p.Identities(t.Context(), v)
		if err != nil || len(all) != 1 || !all[0].Only {
			t.Fatal(all, err)
		}
		return all[0]
	}
	first := only(me)
	refused(t, p.Unlink(t.Context(), me, first.ID), fault.Conflict)
	p.hand.move(time.Second)
	if err := p.Link(t.Context(), me, gitHub("9", "ada@example.com")); err != nil {
		t.Fatal(err)
	}
	all, err := p.Identities(t.Context(), me)
	if err != nil || len(all) != 2 || all[0].ID != first.ID || all[0].Only || all[1].Provider != models.ProviderGitHub {
		t.Fatal(all, err)
	}
	for _, none := range []string{"", "idn_1", only(other).ID} {
		refused(t, p.Unlink(t.Context(), me, none), fault.NotFound)
	}
	stale := me
	stale.AuthenticatedAt = time.Time{}
	refused(t, p.Unlink(t.Context(), stale, first.ID), fault.Reauthenticate)
	p.mails.take()
	if err := p.Unlink(t.Context(), me, first.ID); err != nil {
		t.Fatal(err)
	}
	if got := kinds(p.mails.take()); !slices.Equal(got, []string{"IDENTITY_UNLINKED to ada@example.com"}) {
		t.Error(got)
	}
	refused(t, p.Unlink(t.Context(), me, only(me).ID), fault.Conflict)
	// What was unlinked leads nowhere, and its address still belongs to the account.
	var same *account.SameEmail
	if _, err := p.SignIn(t.Context(), account.SignIn{Proof: google("1", "ada@example.com")}); !errors.As(err, &same) || same.Providers[0] != models.ProviderGitHub {
		t.Error(err)
	}
}

// Unlinking both of two at once leaves one.
func TestUnlinkingAtOnceLeavesOne(t *testing.T) {
	p := newPeople(t)
	for round := range 5 {
		e := p.somebody()
		if err := p.Link(t.Context(), e.Viewer, gitHub(e.Viewer.OwnerID, "x@example.com")); err != nil {
			t.Fatal(err)
		}
		all, err := p.Identities(t.Context(), e.Viewer)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		errs := make([]error, len(all))
		for i, identity := range all {
			wg.Go(func() { errs[i] = p.Unlink(t.Context(), e.Viewer, identity.ID) })
		}
		wg.Wait()
		if left, err := p.Identities(t.Context(), e.Viewer); len(left) != 1 || err != nil || (errs[0] == nil) == (errs[1] == nil) {
			t.Fatal(round, left, err, errs)
		}
	}
}

// Linking one identity to two accounts at once gives it to one.
func TestLinkingAtOnceGivesTheIdentityToOne(t *testing.T) {
	url := dbtest.URL(t)
	a, b := peopleOn(t, dbtest.Open(t, url), newHand()), peopleOn(t, dbtest.Open(t, url), newHand())
	first, second := a.signIn(google("1", "ada@example.com")).Viewer, b.signIn(google("2", "bob@example.com")).Viewer
	for round := range 5 {
		proof := gitHub(fmt.Sprint("round ", round), "x@example.com")
		var wg sync.WaitGroup
		var errs [2]error
		wg.Go(func() { errs[0] = a.Link(t.Context(), first, proof) })
		wg.Go(func() { errs[1] = b.Link(t.Context(), second, proof) })
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatal(errs)
		}
	}
}

// T8, T35: only a proof of the same account renews it.
func TestConfirmingNeedsOnesOwnIdentity(t *testing.T) {
	p := newPeople(t)
	me := p.signIn(google("1", "ada@example.com"))
	p.signIn(google("2", "bob@example.com"))
	before := p.counts()
	for _, proof := range []account.Proof{google("2", "bob@example.com"), google("3", "ada@example.com"), gitHub("1", "ada@example.com"), {}} {
		_, err := p.Confirm(t.Context(), me.Viewer, proof)
		refused(t, err, fault.Conflict)
	}
	guest, _ := p.guest()
	for _, v := range []viewer.Viewer{{}, guest} {
		_, err := p.Confirm(t.Context(), v, google("1", "ada@example.com"))
		refused(t, err, fault.Unauthenticated)
	}
	if err := p.SignOut(t.Context(), me.Viewer); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Confirm(t.Context(), me.Viewer, google("1", "ada@example.com")); !fault.Is(err, fault.Unauthenticated) {
		t.Error("a session that has ended was renewed:", err)
	}
	if before != "2 2 2 2" {
		t.Error(before)
	}
}

// P11, P36: unlinking a provider ends the sessions that were begun with it, on every
// instance, but for the one that asks.
func TestUnlinkingEndsTheSessionsBegunThatWay(t *testing.T) {
	p := newPeople(t)
	revoked := map[string]bool{}
	p.OnRevoked(func(_, session string) { revoked[session] = true })
	lost := p.signIn(google("1", "ada@example.com"))
	if err := p.Link(t.Context(), lost.Viewer, gitHub("9", "ada@example.com")); err != nil {
		t.Fatal(err)
	}
	mine, asking, other := p.signIn(gitHub("9", "ada@example.com")), p.signIn(google("1", "ada@example.com")), p.signIn(google("2", "bob@example.com"))
	all, err := p.Identities(t.Context(), asking.Viewer)
	if err != nil {
		t.Fatal(err)
	}
	first := slices.IndexFunc(all, func(i *models.Identity) bool { return i.Provider == models.ProviderGoogle })
	if err := p.Unlink(t.Context(), asking.Viewer, all[first].ID); err != nil {
		t.Fatal(err)
	}
	if p.who(lost.Cookie) != "" || !revoked[lost.Viewer.SessionID] {
		t.Error("the session of what was unlinked goes on")
	}
	for name, e := range map[string]account.Entry{"another provider's": mine, "the one that asks": asking, "another account's": other} {
		if p.who(e.Cookie) != e.Viewer.OwnerID || revoked[e.Viewer.SessionID] {
			t.Error("ended: " + name)
		}
	}
}

// P11, P12: who unlinks the identity that told the address keeps it: the next one doesn't bring
// its own. An address that its provider changes is told to the former one.
func TestNoAddressChangesSilently(t *testing.T) {
	p := newPeople(t)
	me := p.signIn(google("1", "ada@example.com")).Viewer
	p.mails.take()
	if e := p.signIn(google("1", "ada@example.org")); p.account(e.Viewer).Email != "ada@example.org" {
		t.Error("the provider's new address was not taken over")
	}
	sent := p.mails.take()
	if got := kinds(sent); !slices.Equal(got, []string{"EMAIL_CHANGED to ada@example.com"}) || sent[0].Facts["email"] != "ada@example.org" {
		t.Error(got)
	}
	p.hand.move(time.Second)
	if err := p.Link(t.Context(), me, gitHub("9", "attacker@example.net")); err != nil {
		t.Fatal(err)
	}
	all, err := p.Identities(t.Context(), me)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Unlink(t.Context(), me, all[0].ID); err != nil {
		t.Fatal(err)
	}
	if e := p.signIn(gitHub("9", "attacker@example.net")); p.account(e.Viewer).Email != "ada@example.org" {
		t.Error("the address is", p.account(e.Viewer).Email)
	}
}
