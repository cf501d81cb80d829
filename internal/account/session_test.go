package account_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/bus"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(victim); url != "" {
		fmt.Fprintln(os.Stdout, rekeyUntilKilled(url))
		return
	}
	goleak.VerifyTestMain(m)
}

// R-AUTH: a session ends after seven idle days, to the second.
func TestSessionEndsWhenIdle(t *testing.T) {
	p := newPeople(t)
	e := p.somebody()
	p.hand.move(account.SessionIdle - time.Second)
	if p.who(e.Cookie) == "" { // this renews it
		t.Fatal("ended too early")
	}
	p.hand.move(account.SessionIdle - time.Second)
	if p.who(e.Cookie) == "" {
		t.Fatal("was not renewed")
	}
	p.hand.move(account.SessionIdle)
	if alive, err := p.Alive(t.Context(), e.Viewer); p.who(e.Cookie) != "" || alive || err != nil {
		t.Error("lives on", alive, err)
	}
	if sessions, err := p.Sessions(t.Context(), e.Viewer); len(sessions) != 0 || err != nil {
		t.Error(sessions, err)
	}
}

// R-AUTH: a session ends 30 days after it began, however busy it is.
func TestSessionEndsAfterThirtyDays(t *testing.T) {
	p := newPeople(t)
	e := p.somebody()
	for range 29 {
		p.hand.move(24 * time.Hour)
		if p.who(e.Cookie) == "" {
			t.Fatal("ended too early")
		}
	}
	p.hand.move(24*time.Hour - time.Second)
	if alive, err := p.Alive(t.Context(), e.Viewer); p.who(e.Cookie) == "" || !alive || err != nil {
		t.Fatal("ended too early", err)
	}
	p.hand.move(time.Second)
	if alive, err := p.Alive(t.Context(), e.Viewer); p.who(e.Cookie) != "" || alive || err != nil {
		t.Error("lives on", alive, err)
	}
}

// A session's use is written at most every five minutes, and never waited for.
func TestSessionsUseIsNotedEveryFiveMinutes(t *testing.T) {
	p := newPeople(t)
	e := p.somebody()
	begun := p.hand.Now()
	seen := func() time.Duration {
		t.Helper()
		p.who(e.Cookie)
		sessions, err := p.Sessions(t.Context(), e.Viewer)
		if err != nil || len(sessions) != 1 {
			t.Fatal(sessions, err)
		}
		return sessions[0].LastSeenAt.Sub(begun)
	}
	p.hand.move(5*time.Minute - time.Second)
	if seen() != 0 {
		t.Error("noted too often")
	}
	p.hand.move(time.Second)
	if seen() != 5*time.Minute {
		t.Error("not noted")
	}
	p.hand.move(-time.Hour - time.Second)
	if seen() != 5*time.Minute {
		t.Error("a clock that is an hour back is believed")
	}
	p.hand.move(100 * 24 * time.Hour)
	if p.who(e.Cookie) != "" {
		t.Error("lives for 100 days")
	}
	p.hand.move(-100 * 24 * time.Hour)
	p.hand.move(2 * time.Hour)
	if p.who(e.Cookie) == "" {
		t.Error("a wrong clock has ended it for good")
	}
	tx, err := p.db.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	if _, err := tx.Exec(t.Context(), "SELECT FROM owners FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	p.hand.move(time.Hour)
	began := time.Now()
	if p.who(e.Cookie) == "" || time.Since(began) > 5*time.Second { // the lock's time-out is ten
		t.Error("a locked owner was waited for")
	}
}

func TestForgedSessionCookiesAreNobody(t *testing.T) {
	p := newPeople(t)
	e := p.somebody()
	guest, ticket := p.guest()
	bad := []string{"", " ", "x", e.Cookie[1:], e.Cookie[:len(e.Cookie)-1], e.Cookie + "A", e.Cookie + "=", " " + e.Cookie, strings.Repeat("A", len(e.Cookie)), strings.Repeat("A", 1<<20),
		"\x00", e.Cookie[:len(e.Cookie)-1] + "\n", ticket, ticket[:len(e.Cookie)], ticket[:len(e.Cookie)-1] + "A", guest.SessionID, e.Viewer.SessionID}
	for i := range e.Cookie {
		replacement := byte('A')
		if e.Cookie[i] == 'A' {
			replacement = 'B'
		}
		bad = append(bad, e.Cookie[:i]+string(replacement)+e.Cookie[i+1:])
	}
	for _, cookie := range bad {
		if v, err := p.SessionViewer(t.Context(), cookie); err != nil || v.Kind != "" || v.OwnerID != "" {
			t.Errorf("%.100q is %v %v", cookie, v, err)
		}
	}
	if v, err := p.Viewer(t.Context(), e.Cookie); err != nil || v.Kind != "" {
		t.Error("a session's cookie is a ticket:", v, err)
	}
}

// T8: signing in again, and proving again, makes a new id; the former is dead.
func TestSessionIDChangesWithEveryProof(t *testing.T) {
	p := newPeople(t)
	proof := google("1", "ada@example.com")
	first := p.signIn(proof)
	p.hand.move(time.Minute)
	second := p.signIn(proof, first.Viewer)
	p.hand.move(time.Minute)
	third, err := p.Confirm(t.Context(), second.Viewer, proof)
	if err != nil {
		t.Fatal(err)
	}
	if first.Cookie == second.Cookie || second.Cookie == third.Cookie || first.Viewer.SessionID == second.Viewer.SessionID || second.Viewer.SessionID == third.Viewer.SessionID {
		t.Error("an id was kept")
	}
	if p.who(first.Cookie)+p.who(second.Cookie) != "" || p.who(third.Cookie) == "" || !third.Viewer.AuthenticatedAt.Equal(p.hand.Now()) {
		t.Error("a former session lives")
	}
	sessions, err := p.Sessions(t.Context(), third.Viewer)
	if err != nil || len(sessions) != 1 || sessions[0].Browser != "Firefox" || sessions[0].BrowserVersion != 140 || sessions[0].OS != "Linux" || sessions[0].DeviceType != "desktop" {
		t.Error(sessions, err)
	}
}

// A session is as fresh as the proof: who was let in without being asked has to confirm.
func TestAProofIsAsOldAsItSays(t *testing.T) {
	p := newPeople(t)
	proof := google("1", "ada@example.com")
	proof.At = p.hand.Now().Add(-time.Hour)
	e := p.signIn(proof)
	if v, err := p.SessionViewer(t.Context(), e.Cookie); err != nil || !v.AuthenticatedAt.Equal(proof.At) || !e.Viewer.AuthenticatedAt.Equal(proof.At) {
		t.Error(v.AuthenticatedAt, err)
	}
	if err := p.Fresh(e.Viewer); !fault.Is(err, fault.Reauthenticate) {
		t.Error(err)
	}
	for name, at := range map[string]time.Time{"it was asked now": p.hand.Now(), "its clock is ahead": p.hand.Now().Add(time.Hour), "it does not say": {}} {
		proof.At = at
		var err error
		if e, err = p.Confirm(t.Context(), e.Viewer, proof); err != nil || p.Fresh(e.Viewer) != nil || !e.Viewer.AuthenticatedAt.Equal(p.hand.Now()) {
			t.Errorf("%s: %v, %v", name, e.Viewer.AuthenticatedAt, err)
		}
	}
}

// P15, P29: the list has the device that asks first; one, the others and oneself can be
// signed out, and nobody else's.
func TestSessionsCanBeListedAndRevoked(t *testing.T) {
	p := newPeople(t)
	stranger := p.somebody()
	var all []account.Entry
	for range 4 {
		p.hand.move(time.Hour)
		all = append(all, p.signIn(google("1", "ada@example.com")))
	}
	me := all[1]
	sessions, err := p.Sessions(t.Context(), me.Viewer)
	if err != nil || len(sessions) != 4 || sessions[0].ID != me.Viewer.SessionID || sessions[1].ID != all[3].Viewer.SessionID || sessions[3].ID != all[0].Viewer.SessionID {
		t.Fatal(sessions, err)
	}
	for _, none := range []string{stranger.Viewer.SessionID, "", "ses_1", strings.Repeat("x", 1<<20), me.Viewer.OwnerID} {
		refused(t, p.RevokeSession(t.Context(), me.Viewer, none), fault.NotFound)
	}
	if err := p.RevokeSession(t.Context(), me.Viewer, all[0].Viewer.SessionID); err != nil || p.who(all[0].Cookie) != "" {
		t.Error(err)
	}
	refused(t, p.RevokeSession(t.Context(), me.Viewer, all[0].Viewer.SessionID), fault.NotFound)
	if n, err := p.RevokeOthers(t.Context(), me.Viewer); n != 2 || err != nil || p.who(all[2].Cookie)+p.who(all[3].Cookie) != "" || p.who(me.Cookie) == "" {
		t.Error(n, err)
	}
	for range 2 {
		if err := p.SignOut(t.Context(), me.Viewer); err != nil || p.who(me.Cookie) != "" {
			t.Error(err)
		}
	}
	if p.who(stranger.Cookie) == "" {
		t.Error("a stranger was signed out")
	}
	guest, _ := p.guest()
	for _, v := range []viewer.Viewer{{}, guest, p.Visitor(p.NewTicket()), {Kind: viewer.Account}} {
		if sessions, err := p.Sessions(t.Context(), v); len(sessions) != 0 || sessions == nil || err != nil {
			t.Error(v, sessions, err)
		}
		refused(t, p.RevokeSession(t.Context(), v, guest.SessionID), fault.Unauthenticated)
		_, err := p.RevokeOthers(t.Context(), v)
		refused(t, err, fault.Unauthenticated)
		if err := p.SignOut(t.Context(), v); err != nil {
			t.Error(err)
		}
	}
	if alive, err := p.Alive(t.Context(), guest); !alive || err != nil {
		t.Error("signing out took the guest away", err)
	}
}

// R-AUTH: the oldest of more than twenty sessions goes.
func TestAccountHasTwentySessionsAtMost(t *testing.T) {
	p := newPeople(t)
	var all []account.Entry
	for range account.MaxSessions + 2 {
		p.hand.move(time.Second)
		all = append(all, p.signIn(google("1", "ada@example.com")))
	}
	p.hand.move(-time.Hour) // the newest survives a clock that went back
	all = append(all, p.signIn(google("1", "ada@example.com")))
	for i, e := range all {
		if alive := p.who(e.Cookie) != ""; alive != (i >= 3) {
			t.Errorf("session %d alive: %v", i, alive)
		}
	}
}

// P15: what one instance revokes ends on all of them at once, remembered or not.
func TestRevocationReachesEveryInstance(t *testing.T) {
	url := dbtest.URL(t)
	b, err := bus.Open(t.Context(), bus.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	var instances []*people
	heard := make([]chan string, 3)
	for i := range 3 {
		p := peopleOn(t, dbtest.Open(t, url), newHand(), func(c *account.Config) { c.Bus = b })
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		heard[i] = make(chan string, 100)
		p.OnRevoked(func(owner, session string) { heard[i] <- owner + " " + session })
		instances = append(instances, p)
	}
	a, c := instances[0], instances[2]
	guest, ticket := a.guest()
	e := a.signIn(google("1", "ada@example.com"), guest)
	hear := func(want string) {
		t.Helper()
		for i := range heard {
			select {
			case got := <-heard[i]:
				if got != want {
					t.Errorf("instance %d heard %q, want %q", i, got, want)
				}
			case <-time.After(5 * time.Second):
				t.Fatal("not heard")
			}
		}
	}
	hear(guest.OwnerID + " " + guest.SessionID)
	if v, err := c.Viewer(t.Context(), ticket); err != nil || v.Kind != viewer.Visitor {
		t.Error(v, err)
	}
	if c.who(e.Cookie) == "" {
		t.Fatal("not signed in everywhere")
	}
	if err := a.SignOut(t.Context(), e.Viewer); err != nil {
		t.Fatal(err)
	}
	hear(e.Viewer.OwnerID + " " + e.Viewer.SessionID)
	for i, p := range instances { // their clocks stand still: what was remembered was forgotten
		if p.who(e.Cookie) != "" {
			t.Errorf("instance %d remembers it", i)
		}
	}
	for _, garbage := range []string{"", "garbage", `{"owner":"","session":""}`, `{"owner":7}`} {
		if err := b.Publish("session.revoked", []byte(garbage)); err != nil {
			t.Fatal(err)
		}
	}
	again := c.signIn(google("1", "ada@example.com"))
	if n, err := c.RevokeOthers(t.Context(), viewer.Viewer{Kind: viewer.Account, OwnerID: again.Viewer.OwnerID, Key: again.Viewer.Key}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	hear(again.Viewer.OwnerID + " " + again.Viewer.SessionID)
}

// A second at most passes on an instance that hears of nothing.
func TestDeafInstanceForgetsWithinASecond(t *testing.T) {
	url := dbtest.URL(t)
	a, deaf := peopleOn(t, dbtest.Open(t, url), newHand()), peopleOn(t, dbtest.Open(t, url), newHand())
	e := a.somebody()
	if deaf.who(e.Cookie) == "" {
		t.Fatal("not signed in")
	}
	if err := a.SignOut(t.Context(), e.Viewer); err != nil {
		t.Fatal(err)
	}
	deaf.hand.move(time.Second)
	if deaf.who(e.Cookie) != "" {
		t.Error("remembered for too long")
	}
}

// T35: a proof counts for ten minutes, to the second.
func TestProofIsFreshForTenMinutes(t *testing.T) {
	p := newPeople(t)
	v := p.somebody().Viewer
	p.hand.move(account.FreshnessTTL - time.Second)
	if err := p.Fresh(v); err != nil {
		t.Error(err)
	}
	p.hand.move(time.Second)
	refused(t, p.Fresh(v), fault.Reauthenticate)
	guest, _ := p.guest()
	for _, v := range []viewer.Viewer{{}, guest, {Kind: viewer.Account}} {
		refused(t, p.Fresh(v), fault.Unauthenticated)
	}
	v.AuthenticatedAt = p.hand.Now().Add(2 * time.Hour)
	refused(t, p.Fresh(v), fault.Reauthenticate)
}

// Signing in and out at once on many devices leaves exactly those that stay.
func TestSessionsComeAndGoAtOnce(t *testing.T) {
	p := newPeople(t)
	owner := p.signIn(google("1", "ada@example.com")).Viewer
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			e, err := p.SignIn(t.Context(), account.SignIn{Proof: google("1", "ada@example.com")})
			if err != nil {
				t.Error(err)
				return
			}
			for range 20 {
				_, _ = p.SessionViewer(t.Context(), e.Cookie)
			}
			if i%2 == 0 {
				if err := p.SignOut(t.Context(), e.Viewer); err != nil {
					t.Error(err)
				}
				if v, _ := p.SessionViewer(t.Context(), e.Cookie); v.Kind != "" {
					t.Error("signed out and in")
				}
			}
		})
	}
	wg.Wait()
	if sessions, err := p.Sessions(t.Context(), owner); len(sessions) != 9 || err != nil {
		t.Error(len(sessions), err)
	}
}

func BenchmarkSessionViewer(b *testing.B) {
	p := newPeople(b)
	e := p.somebody()
	for _, c := range []struct {
		name string
		step time.Duration
	}{{"remembered", 0}, {"read", time.Second}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.hand.move(c.step)
				if v, err := p.SessionViewer(b.Context(), e.Cookie); err != nil || v.Kind != viewer.Account {
					if err == nil { // 30 days have passed
						e = p.somebody()
						continue
					}
					b.Fatal(err)
				}
			}
		})
	}
}
