package account_test

import (
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/account"
)

// P46: the guest that has been inactive for longest is found; accounts don't count, nor who
// is being deleted.
func TestTheOldestGuestIsFound(t *testing.T) {
	p := newPeople(t)
	p.somebody()
	if _, ok, err := p.OldestGuest(t.Context()); ok || err != nil {
		t.Errorf("without guests: %v, %v", ok, err)
	}
	want := p.hand.Now().Add(-20 * day)
	p.guests(1, want)
	p.guests(2, want.Add(time.Hour))
	if at, ok, err := p.OldestGuest(t.Context()); !ok || err != nil || !at.Equal(want) {
		t.Errorf("%s, %v, %v", at, ok, err)
	}
	p.exec(`UPDATE owners SET erasing_at = now() WHERE last_active_at = $1`, want)
	if at, _, err := p.OldestGuest(t.Context()); err != nil || !at.Equal(want.Add(time.Hour)) {
		t.Errorf("%s, %v", at, err)
	}
}

// P106: deletions are counted: those that run, and those of a period with the slowest.
func TestDeletionsAreCounted(t *testing.T) {
	p := newPeople(t)
	now := p.hand.Now()
	if f, err := p.DeletionFacts(t.Context(), now); err != nil || f != (account.DeletionFacts{}) {
		t.Errorf("without any: %+v, %v", f, err)
	}
	add := func(n string, state, elsewhere string, began time.Time, took time.Duration) {
		var finished *time.Time
		if state == "ERASED" {
			finished = new(began.Add(took))
		}
		p.exec(`INSERT INTO erasures (id, tombstone, kind, state, elsewhere, rows, attempted_at, started_at, finished_at)
			VALUES ('ers_0000000000000000000000000000000' || $1, decode(repeat('0' || $1, 32), 'hex'), 'ACCOUNT', $2, $3, '{}', $4, $4, $5)`, n, state, elsewhere, began, finished)
	}
	add("1", "ERASED", "ASKED", now.Add(-100*day), time.Hour)
	add("2", "ERASED", "FAILED", now.Add(-10*day), 5*time.Second)
	add("3", "ERASED", "ASKED", now.Add(-9*day), 9*time.Second)
	add("4", "ERASING", "PENDING", now.Add(-time.Minute), 0)
	add("5", "ERASING", "PENDING", now.Add(-2*time.Minute), 0)
	f, err := p.DeletionFacts(t.Context(), now.Add(-90*day))
	want := account.DeletionFacts{Running: 2, Done: 2, Unasked: 1, Oldest: now.Add(-2 * time.Minute), Slowest: 9 * time.Second}
	if err != nil || f != want {
		t.Errorf("%+v, %v", f, err)
	}
}

// P85: administrators are found, with the keys under which mails to them are written.
func TestAdministratorsAreFound(t *testing.T) {
	p := newPeople(t)
	e := p.signIn(google("1", "ada@example.com"))
	p.signIn(google("2", "eve@example.com"))
	if admins, err := p.Admins(t.Context()); err != nil || len(admins) != 0 {
		t.Errorf("%v, %v", admins, err)
	}
	if err := p.GrantAdmin(t.Context(), "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	admins, err := p.Admins(t.Context())
	if err != nil || len(admins) != 1 || admins[0].OwnerID != e.Viewer.OwnerID {
		t.Fatalf("%v, %v", admins, err)
	}
	if a := p.account(admins[0]); a.Email != "ada@example.com" {
		t.Errorf("%+v", a)
	}
}
