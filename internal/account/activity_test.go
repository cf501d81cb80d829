package account_test

import (
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

func (p *people) lastActive(ownerID string) (at time.Time) {
	p.t.Helper()
	if err := p.db.Pool().QueryRow(p.t.Context(), "SELECT last_active_at FROM owners WHERE id = $1", ownerID).Scan(&at); err != nil {
		p.t.Fatal(err)
	}
	return at
}

// P44: a guest's requests renew its life, at most every five minutes; a visitor's don't
// store anything.
func TestGuestsRequestsRenewItsLife(t *testing.T) {
	p := newPeople(t)
	guest, cookie := p.guest()
	begun := p.hand.Now()
	for _, c := range []struct{ step, want time.Duration }{{4*time.Minute + 59*time.Second, 0}, {time.Second, 5 * time.Minute}, {time.Minute, 5 * time.Minute}, {4 * time.Minute, 10 * time.Minute}} {
		p.hand.move(c.step)
		if _, err := p.Viewer(t.Context(), cookie); err != nil {
			t.Fatal(err)
		}
		if got := p.lastActive(guest.OwnerID).Sub(begun); got != c.want {
			t.Errorf("after %v more: renewed at %v, want %v", c.step, got, c.want)
		}
	}
	before := dbtest.Dump(t, p.db)
	p.hand.move(time.Hour)
	if v, err := p.Viewer(t.Context(), p.NewTicket()); err != nil || v.Kind != viewer.Visitor || dbtest.Dump(t, p.db) != before {
		t.Error(v, err)
	}
}

// P46: visible a second before 30 days without a sign of life, then gone, purged or not;
// the same browser begins anew.
func TestGuestIsInvisibleAfterThirtyDays(t *testing.T) {
	p := newPeople(t)
	guest, cookie := p.guest()
	p.hand.move(account.GuestTTL - time.Second)
	cookie, _ = p.Renew(cookie)
	if alive, err := p.Alive(t.Context(), guest); !alive || err != nil {
		t.Fatal(alive, err)
	}
	p.hand.move(time.Second)
	if v, err := p.Viewer(t.Context(), cookie); err != nil || v.Kind != viewer.Visitor {
		t.Fatal(v, err)
	}
	if alive, err := p.Alive(t.Context(), guest); alive || err != nil {
		t.Fatal(alive, err)
	}
	anew := begin(t, p.Service, p.db, cookie)
	if anew.OwnerID == guest.OwnerID {
		t.Fatal("the old guest came back")
	}
	if v, err := p.Viewer(t.Context(), cookie); err != nil || v.OwnerID != anew.OwnerID || v.SessionID != anew.SessionID {
		t.Error(v, err)
	}
	if p.counts() != "2 0 0 1" {
		t.Error(p.counts())
	}
}

// A guest that is seen within the last second of its life lives on.
func TestGuestSeenInTimeLivesOn(t *testing.T) {
	p := newPeople(t)
	guest, cookie := p.guest()
	p.hand.move(account.GuestTTL - time.Second)
	cookie, _ = p.Renew(cookie)
	for range 2 {
		if v, err := p.Viewer(t.Context(), cookie); err != nil || v.OwnerID != guest.OwnerID {
			t.Fatal(v, err)
		}
		p.hand.move(time.Hour)
	}
}
