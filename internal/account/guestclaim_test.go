package account_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

func place(v viewer.Viewer) seal.Place {
	return seal.Place{Table: "messages", Column: "text_sealed", Row: "msg_1", Owner: v.OwnerID}
}

// T8: a guest becomes the new account as it is; its cookie and session die.
func TestGuestBecomesTheNewAccount(t *testing.T) {
	p := newPeople(t)
	for _, as := range []string{"guest", "visitor's tab"} {
		p.rooms.moves = nil
		guest, cookie := p.guest()
		from := guest
		if as != "guest" {
			from = p.Visitor(cookie) // a tab opened before the first message
		}
		var revoked []string
		p.OnRevoked(func(owner, session string) { revoked = append(revoked, owner+" "+session) })
		e := p.signIn(google(as, strings.ReplaceAll(as[:5], " ", "")+"@example.com"), from)
		if !e.Created || e.Viewer.OwnerID != guest.OwnerID || e.Viewer.SessionID == guest.SessionID || len(p.rooms.moves) != 0 {
			t.Fatal(as, e, p.rooms.moves)
		}
		if text, err := e.Viewer.Key.OpenString(place(guest), guest.Key.SealString(place(guest), "x")); text != "x" || err != nil {
			t.Error(text, err)
		}
		if !slices.Contains(revoked, guest.OwnerID+" "+guest.SessionID) {
			t.Error(revoked)
		}
		if v, err := p.Viewer(t.Context(), cookie); err != nil || v.Kind != viewer.Visitor {
			t.Error("the guest's cookie is", v, err)
		}
		if alive, err := p.Alive(t.Context(), guest); alive || err != nil {
			t.Error("the guest's session lives", err)
		}
		if p.who(e.Cookie) != guest.OwnerID {
			t.Error("the new cookie leads elsewhere")
		}
		if err := begin(t, p.Service, p.db, cookie); err.OwnerID == guest.OwnerID {
			t.Error("the old ticket leads to the account")
		}
	}
}

// T8: to an account that exists the guest's rows are moved, once, and the guest is gone.
func TestGuestJoinsTheAccountThatExists(t *testing.T) {
	p := newPeople(t)
	first := p.signIn(google("1", "ada@example.com"))
	guest, cookie := p.guest()
	for range 2 { // repeating is safe
		e := p.signIn(google("1", "ada@example.com"), guest)
		if e.Created || e.Viewer.OwnerID != first.Viewer.OwnerID {
			t.Fatal(e)
		}
	}
	want := guest.OwnerID + " " + first.Viewer.OwnerID
	if !slices.Equal(p.rooms.moves, []string{want}) || !slices.Equal(p.rooms.told, []string{want}) {
		t.Error(p.rooms.moves, p.rooms.told)
	}
	if p.counts() != "1 1 1 3" {
		t.Error(p.counts())
	}
	if v, err := p.Viewer(t.Context(), cookie); err != nil || v.Kind != viewer.Visitor {
		t.Error(v, err)
	}
}

// A guest that has become an account in another tab is not moved, deleted or made
// an account twice, whatever the tab that doesn't know it asks for.
func TestStaleGuestDoesNotHarmTheAccount(t *testing.T) {
	p := newPeople(t)
	other := p.signIn(google("other", "other@example.com"))
	for _, discard := range []bool{false, true} {
		guest, _ := p.guest()
		became := p.signIn(google(guest.OwnerID, guest.OwnerID+"@example.com"), guest)
		for _, proof := range []account.Proof{google(guest.OwnerID, guest.OwnerID+"@example.com"), google("other", "other@example.com"), google("new"+guest.OwnerID, "new"+guest.OwnerID+"@example.com")} {
			e, err := p.SignIn(t.Context(), account.SignIn{Proof: proof, From: guest, Discard: discard})
			if err != nil {
				t.Fatal(err)
			}
			if own := proof.Subject == guest.OwnerID; own != (e.Viewer.OwnerID == guest.OwnerID) {
				t.Error(e.Viewer)
			}
		}
		if p.who(became.Cookie) != guest.OwnerID {
			t.Error("the account is gone")
		}
	}
	if p.who(other.Cookie) == "" || len(p.rooms.moves) != 0 {
		t.Error(p.rooms.moves)
	}
}

func TestDiscardedGuestIsGone(t *testing.T) {
	p := newPeople(t)
	for _, created := range []bool{true, false} {
		guest, cookie := p.guest()
		e, err := p.SignIn(t.Context(), account.SignIn{Proof: google("1", "ada@example.com"), From: guest, Discard: true})
		if err != nil || e.Created != created || e.Viewer.OwnerID == guest.OwnerID {
			t.Fatal(e, err)
		}
		if v, err := p.Viewer(t.Context(), cookie); err != nil || v.Kind != viewer.Visitor || len(p.rooms.moves) != 0 {
			t.Error(v, err, p.rooms.moves)
		}
	}
	if p.counts() != "1 1 1 2" {
		t.Error(p.counts())
	}
}

// A move that fails, or that nobody can do, loses nothing.
func TestGuestThatCannotBeMovedStays(t *testing.T) {
	p := newPeople(t)
	p.signIn(google("1", "ada@example.com"))
	guest, cookie := p.guest()
	before := dbtest.Dump(t, p.db)
	broken := errors.New("broken")
	p.rooms.fail = broken
	if _, err := p.SignIn(t.Context(), account.SignIn{Proof: google("1", "ada@example.com"), From: guest}); !errors.Is(err, broken) {
		t.Error(err)
	}
	nobody := peopleOn(t, p.db, p.hand, func(c *account.Config) { c.Movers = nil })
	if _, err := nobody.SignIn(t.Context(), account.SignIn{Proof: google("1", "ada@example.com"), From: guest}); err == nil {
		t.Error("a guest was deleted unmoved")
	}
	if dbtest.Dump(t, p.db) != before || len(p.rooms.told) != 0 {
		t.Error("the failure changed something")
	}
	if v, err := p.Viewer(t.Context(), cookie); err != nil || v.OwnerID != guest.OwnerID {
		t.Error(v, err)
	}
}
