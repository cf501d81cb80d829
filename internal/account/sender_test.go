package account_test

import (
	"errors"
	"net/netip"
	"testing"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// sending is one message of a viewer, committed when it is not refused.
func sending(t *testing.T, s *account.Service, db *database.DB, v viewer.Viewer) (as viewer.Viewer, made bool, err error) {
	t.Helper()
	err = db.Tx(t.Context(), func(tx *gorm.DB) (err error) {
		as, made, err = s.SenderTx(tx, v)
		return err
	})
	return as, made, err
}

// P38, P39: the message that makes the guest counts like all others; who is at the limit is
// refused and named.
func TestTheSenderIsMadeOnceAndCounted(t *testing.T) {
	db, h := dbtest.New(t), newHand()
	s := service(t, db, h, func(c *account.Config) { c.GuestLimit = 2 })
	visitor := s.Visitor(s.NewTicket())
	guest, made, err := sending(t, s, db, visitor)
	if err != nil || !made || !guest.IsOwner() {
		t.Fatal(guest, made, err)
	}
	if left, _, err := s.Allowance(t.Context(), guest); left != 1 || err != nil {
		t.Error(left, err)
	}
	if as, made, err := sending(t, s, db, visitor); err != nil || made || as.OwnerID != guest.OwnerID { // another tab's first one
		t.Error(as, made, err)
	}
	as, made, err := sending(t, s, db, guest)
	if !fault.Is(err, fault.GuestLimitReached) || made || as.OwnerID != guest.OwnerID {
		t.Error(as, made, err)
	}
	if left, _, err := s.Allowance(t.Context(), guest); left != 0 || err != nil {
		t.Error(left, err)
	}
	h.move(account.GuestTTL) // not purged yet, and gone all the same
	if as, made, err := sending(t, s, db, visitor); err != nil || !made || as.OwnerID == guest.OwnerID {
		t.Error(as, made, err)
	}
}

// Where guests may send nothing, and where a network has made all its guests, nobody is made one.
func TestARefusedSenderIsNotStored(t *testing.T) {
	db := dbtest.New(t)
	none := service(t, db, clock.System{}, func(c *account.Config) { c.GuestLimit = 0 })
	if _, _, err := sending(t, none, db, none.Visitor(none.NewTicket())); !fault.Is(err, fault.GuestLimitReached) {
		t.Error(err)
	}
	s := service(t, db, clock.System{}, func(c *account.Config) { c.GuestsPerNetwork = 1 })
	var errs []error
	for range 2 {
		v := s.Visitor(s.NewTicket())
		v.Network = netip.MustParseAddr("192.0.2.1")
		_, _, err := sending(t, s, db, v)
		errs = append(errs, err)
	}
	if errs[0] != nil || !fault.Is(errs[1], fault.RateLimited) {
		t.Error(errors.Join(errs...))
	}
	if owners, sessions := count(t, db, "owners"), count(t, db, "sessions"); owners != 1 || sessions != 1 {
		t.Errorf("%d owners, %d sessions", owners, sessions)
	}
}
