package account_test

import (
	"encoding/hex"
	"errors"
	"fmt"
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

// P9: the first sign-in makes one account with name, address and identity.
func TestFirstSignInMakesOneAccount(t *testing.T) {
	p := newPeople(t)
	visitor := p.Visitor(p.NewTicket())
	visitor.Gate.AcceptedPolicy = "1"
	e := p.signIn(google("1", "Ada@Example.com"), visitor)
	if !e.Created || e.Viewer.Kind != viewer.Account || e.Viewer.Admin || !e.Viewer.AuthenticatedAt.Equal(p.hand.Now()) || e.Viewer.SessionID == "" {
		t.Fatal(e)
	}
	if got := p.counts(); got != "1 1 1 1" {
		t.Fatal(got)
	}
	if len(p.rooms.admitted) != 1 || p.rooms.admitted[0].Gate != visitor.Gate {
		t.Error("admitted by", p.rooms.admitted)
	}
	a := p.account(e.Viewer)
	if a.Name != "Ada" || a.Email != "Ada@Example.com" || a.Role != models.RoleAccountUser || a.PendingEmail != "" {
		t.Error(a)
	}
	v, err := p.SessionViewer(t.Context(), e.Cookie)
	if err != nil || v.OwnerID != e.Viewer.OwnerID || v.SessionID != e.Viewer.SessionID || !v.AuthenticatedAt.Equal(p.hand.Now()) || v.Admin {
		t.Fatal(v, err)
	}
	if text, err := v.Key.OpenString(place(v), e.Viewer.Key.SealString(place(v), "x")); text != "x" || err != nil {
		t.Error(text, err)
	}
	if again := p.signIn(google("1", "ada@example.com")); again.Created || again.Viewer.OwnerID != v.OwnerID || p.counts() != "1 1 1 2" {
		t.Error(again, p.counts())
	}
}

// P10: who somebody is stands in the provider's stable id alone.
func TestIdentityIsProviderAndStableID(t *testing.T) {
	p := newPeople(t)
	gitHub := account.Proof{Provider: models.ProviderGitHub, Subject: "1001", Name: "octocat", Email: "first@example.com", Verified: true}
	first := p.signIn(gitHub)
	gitHub.Name, gitHub.Email = "renamed", "moved@example.com"
	if renamed := p.signIn(gitHub); renamed.Created || renamed.Viewer.OwnerID != first.Viewer.OwnerID {
		t.Error("a renamed login is somebody else")
	}
	taker := account.Proof{Provider: models.ProviderGitHub, Subject: "2002", Name: "octocat", Email: "second@example.com", Verified: true}
	if other := p.signIn(taker); !other.Created || other.Viewer.OwnerID == first.Viewer.OwnerID {
		t.Error("who took the old login got the account")
	}
	oidc := google("1001", "third@example.com")
	oidc.Provider = models.ProviderOIDC
	if other := p.signIn(oidc); !other.Created {
		t.Error("the same id at another provider is the same person")
	}
}

// P11, T6: an address never leads to an account, however it is written.
func TestSameAddressAtAnotherProviderIsNotMerged(t *testing.T) {
	p := newPeople(t)
	p.signIn(google("1", "José@Bücher.example"))
	before := p.counts()
	for _, email := range []string{"José@Bücher.example", "josé@bücher.example", "JOSÉ@XN--BCHER-KVA.EXAMPLE", "jose\u0301@xn--bcher-kva.example", " josé@BÜCHER.example "} {
		guest, _ := p.guest()
		_, err := p.SignIn(t.Context(), account.SignIn{From: guest, Proof: account.Proof{Provider: models.ProviderGitHub, Subject: "2", Email: email, Verified: true}})
		var same *account.SameEmail
		if !errors.As(err, &same) || len(same.Providers) != 1 || same.Providers[0] != models.ProviderGoogle || !strings.Contains(same.Error(), "GOOGLE") {
			t.Fatalf("%q: %v", email, err)
		}
		refused(t, err, fault.Conflict)
		if alive, err := p.Alive(t.Context(), guest); !alive || err != nil {
			t.Error("the refusal ended the guest:", err)
		}
		if _, err := p.db.Pool().Exec(t.Context(), "DELETE FROM owners WHERE id = $1", guest.OwnerID); err != nil {
			t.Fatal(err)
		}
	}
	if p.counts() != before {
		t.Error(p.counts())
	}
}

// P12: no confirmed address, no row.
func TestUnconfirmedAddressIsRefused(t *testing.T) {
	p := newPeople(t)
	unverified := google("1", "ada@example.com")
	unverified.Verified = false
	bad := []account.Proof{unverified, google("", "ada@example.com"), google(strings.Repeat("x", 2000), "ada@example.com"), {},
		{Provider: models.ProviderGuest, Subject: "1", Email: "ada@example.com", Verified: true}, {Provider: models.ProviderOperator, Subject: "operator", Verified: true}}
	for _, email := range []string{"", "ada", "@example.com", "ada@", "ada@example", "ada@@example.com", "a b@example.com", "ada@exa mple.com", "ada\n@example.com", "ada@example.com\r\nBcc: x@y.z",
		"Ada <ada@example.com>", "\"a\"@example.com", ".a@example.com", "a..b@example.com", "ada@example.com.", "ada@-x-.com", "ada@ex\u202eample.com", "\u202eada@example.com", "ada😀@example.com", "ada@\xff.com",
		strings.Repeat("a", 65) + "@example.com", "a@" + strings.Repeat("b.", 130) + "com", strings.Repeat("a", 1<<20)} {
		bad = append(bad, google("1", email))
	}
	for _, proof := range bad {
		_, err := p.SignIn(t.Context(), account.SignIn{Proof: proof})
		refused(t, err, fault.Invalid)
		if t.Failed() {
			t.Fatalf("%.80q", proof.Email)
		}
	}
	if got := p.counts(); got != "0 0 0 0" {
		t.Error(got)
	}
}

// P13: 50 first callbacks at once make one account, on three instances too.
func TestFirstCallbacksAtOnceMakeOneAccount(t *testing.T) {
	url := dbtest.URL(t)
	var instances []*people
	for range 3 {
		instances = append(instances, peopleOn(t, dbtest.Open(t, url), newHand()))
	}
	guest, _ := instances[0].guest()
	for name, from := range map[string]viewer.Viewer{"strangers": {}, "a guest": guest} {
		var wg sync.WaitGroup
		entries, errs := make([]account.Entry, 50), make([]error, 50)
		start := make(chan struct{})
		for i := range entries {
			wg.Go(func() {
				<-start
				entries[i], errs[i] = instances[i%3].SignIn(t.Context(), account.SignIn{Proof: google(name, strings.ReplaceAll(name, " ", "")+"@example.com"), From: from})
			})
		}
		close(start)
		wg.Wait()
		created := 0
		for i, e := range entries {
			if errs[i] != nil || e.Viewer.OwnerID != entries[0].Viewer.OwnerID {
				t.Fatal(name, i, e, errs[i])
			}
			if e.Created {
				created++
			}
		}
		if created != 1 || (from.OwnerID != "" && entries[0].Viewer.OwnerID != from.OwnerID) {
			t.Errorf("%s: %d made an account", name, created)
		}
	}
	if got := instances[0].counts(); got != "2 2 2 40" {
		t.Error(got)
	}
}

// Two people with one address at two providers: one gets the account, nobody both.
func TestFirstCallbacksWithOneAddressAreNotMerged(t *testing.T) {
	p := newPeople(t)
	for round := range 10 {
		var wg sync.WaitGroup
		errs := make([]error, 2)
		start := make(chan struct{})
		for i, provider := range []models.Provider{models.ProviderGoogle, models.ProviderGitHub} {
			wg.Go(func() {
				<-start
				_, errs[i] = p.SignIn(t.Context(), account.SignIn{Proof: account.Proof{Provider: provider, Subject: fmt.Sprint(round), Email: fmt.Sprintf("r%d@example.com", round), Verified: true}})
			})
		}
		close(start)
		wg.Wait()
		var same *account.SameEmail
		if (errs[0] == nil) == (errs[1] == nil) || !errors.As(errors.Join(errs...), &same) {
			t.Fatal(errs)
		}
	}
	if got := p.counts(); got != "10 10 10 10" {
		t.Error(got)
	}
}

// What Admission refuses changes nothing.
func TestSignInThatIsNotAdmittedChangesNothing(t *testing.T) {
	p := newPeople(t)
	guest, cookie := p.guest()
	before := dbtest.Dump(t, p.db)
	p.rooms.refuse = fault.New(fault.AgeRequired, "say first in which month you were born")
	for _, from := range []viewer.Viewer{guest, {}, p.Visitor(p.NewTicket())} {
		for _, discard := range []bool{false, true} {
			_, err := p.SignIn(t.Context(), account.SignIn{Proof: google("1", "ada@example.com"), From: from, Discard: discard})
			refused(t, err, fault.AgeRequired)
		}
	}
	if dbtest.Dump(t, p.db) != before {
		t.Error("something was stored")
	}
	if v, err := p.Viewer(t.Context(), cookie); err != nil || v.OwnerID != guest.OwnerID {
		t.Error(v, err)
	}
	nobody := peopleOn(t, p.db, p.hand, func(c *account.Config) { c.Admission = nil })
	if _, err := nobody.SignIn(t.Context(), account.SignIn{Proof: google("1", "ada@example.com")}); err == nil {
		t.Error("an account was made although nobody admits any")
	}
}

// P9, P32, T5: hashes, keyed hashes and sealed text are all that a dump shows.
func TestDumpHoldsNobodysNameAddressOrSecret(t *testing.T) {
	p := newPeople(t)
	proof := account.Proof{Provider: models.ProviderOIDC, Subject: "subject-canary", Name: "Name Canary", Email: "address-canary@example.com", Verified: true}
	e := p.signIn(proof)
	next := "next-canary@example.com"
	if _, err := p.Update(t.Context(), e.Viewer, account.Update{Email: &next}); err != nil {
		t.Fatal(err)
	}
	token, err := p.OperatorLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dump := dbtest.Dump(t, p.db)
	if !strings.Contains(dump, e.Viewer.OwnerID) {
		t.Fatal("the dump does not hold the account")
	}
	_, change, _ := strings.Cut(p.mails.take()[0].Facts["link"], "token=")
	for _, canary := range []string{"canary", "Canary", "CANARY", e.Cookie, token, change} {
		for _, form := range []string{canary, hex.EncodeToString([]byte(canary))} {
			if strings.Contains(dump, form) {
				t.Errorf("the dump holds %s", canary)
			}
		}
	}
	if s := fmt.Sprintf("%v %+v %#v %s", proof, proof, proof, e.Viewer); strings.Contains(strings.ToLower(s), "canary") {
		t.Error(s)
	}
}

// Odd names are shown, controls are not.
func TestNamesAreCleaned(t *testing.T) {
	p := newPeople(t)
	for i, c := range []struct{ said, kept string }{
		{"  Ada\tLovelace\r\n", "Ada Lovelace"}, {"مرحبا", "مرحبا"}, {"👩‍🚀 木村", "👩‍🚀 木村"}, {"A\x00d\x1ba\x7f", "Ada"}, {"abc\u202edef\u2066x", "abcdefx"},
		{"e\u0301", "é"}, {"\xff\xfeAda", "Ada"}, {strings.Repeat("木", 10_000), strings.Repeat("木", 200)}, {"", ""}, {"\u200fשלום", "\u200fשלום"},
	} {
		proof := google(fmt.Sprint(i), fmt.Sprintf("n%d@example.com", i))
		proof.Name = c.said
		if got := p.account(p.signIn(proof).Viewer).Name; got != c.kept {
			t.Errorf("%.40q became %.40q", c.said, got)
		}
	}
}

// A device that none of the account's sessions is on is told of by mail.
func TestSignInOnANewDeviceIsTold(t *testing.T) {
	p := newPeople(t)
	proof := google("1", "ada@example.com")
	p.signIn(proof)
	p.signIn(proof)
	if sent := p.mails.take(); len(sent) != 0 {
		t.Fatal(kinds(sent))
	}
	_, err := p.SignIn(t.Context(), account.SignIn{Proof: proof, Device: account.Device{Type: "phone", OS: "iOS", Browser: "Safari", Version: 19}})
	if err != nil {
		t.Fatal(err)
	}
	sent := p.mails.take()
	if len(sent) != 1 || sent[0].Kind != models.LetterSignInNewDevice || sent[0].To != "ada@example.com" || sent[0].Facts["device"] != "Safari iOS" || sent[0].Facts["name"] != "Ada" {
		t.Error(sent)
	}
}

// P110: a later sign-in brings name and address up to date, except where they were
// corrected, and never takes another account's address.
func TestSignInRefreshesWhatWasNotCorrected(t *testing.T) {
	p := newPeople(t)
	other := p.signIn(google("2", "taken@example.com"))
	e := p.signIn(google("1", "old@example.com"))
	proof := google("1", "new@example.com")
	proof.Name = "Ada L."
	p.signIn(proof)
	if a := p.account(e.Viewer); a.Name != "Ada L." || a.Email != "new@example.com" {
		t.Error(a.Name, a.Email)
	}
	p.signIn(google("1", "Taken@example.com"))
	if a := p.account(e.Viewer); a.Name != "Ada" || a.Email != "new@example.com" {
		t.Error(a.Name, a.Email)
	}
	if a := p.account(other.Viewer); a.Email != "taken@example.com" {
		t.Error(a.Email)
	}
	name := "Countess"
	if _, err := p.Update(t.Context(), e.Viewer, account.Update{Name: &name}); err != nil {
		t.Fatal(err)
	}
	p.hand.move(time.Hour)
	p.signIn(google("1", "newest@example.com"))
	if a := p.account(e.Viewer); a.Name != "Countess" || a.Email != "newest@example.com" {
		t.Error(a.Name, a.Email)
	}
}
