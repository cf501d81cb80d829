package account_test

import (
	"context"
	"errors"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

type leaver func(ownerID string) (func(context.Context) error, error)

func (f leaver) Leaving(_ context.Context, ownerID string) (func(context.Context) error, error) {
	return f(ownerID)
}

// P123: who is removed is forgotten elsewhere too, once it is there for nobody here; who isn't
// removed is not; and nobody stays because others don't answer.
func TestWhoIsRemovedIsForgottenElsewhere(t *testing.T) {
	p := newPeople(t)
	in := func(table, column, ownerID string) bool {
		var n int
		if err := p.db.Pool().QueryRow(t.Context(), `SELECT count(*) FROM `+table+` WHERE `+column+` = $1`, ownerID).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n > 0
	}
	here := func(ownerID string) bool { return in("owners", "id", ownerID) }
	gone := map[string]bool{}
	p.LeaveWith(leaver(func(ownerID string) (func(context.Context) error, error) {
		if !here(ownerID) {
			t.Error("asked too late")
		}
		return func(context.Context) error {
			if in("sessions", "owner_id", ownerID) || in("accounts", "owner_id", ownerID) {
				t.Error("forgotten while it could come back")
			}
			gone[ownerID] = true
			return errors.New("the provider does not answer")
		}, nil
	}))
	admin, err := p.RedeemOperatorLink(t.Context(), p.link(), viewer.Viewer{}, account.Device{})
	if err != nil {
		t.Fatal(err)
	}
	id := p.signIn(google("1", "ada@example.com")).Viewer.OwnerID
	if _, err := p.Remove(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if !gone[id] || here(id) {
		t.Error("gone elsewhere:", gone[id], "still here:", here(id))
	}
	_, err = p.Remove(t.Context(), admin.Viewer.OwnerID) // the last administrator
	refused(t, err, fault.Conflict)
	if gone[admin.Viewer.OwnerID] {
		t.Error("forgotten although it stays")
	}
	p.LeaveWith(leaver(func(string) (func(context.Context) error, error) { return nil, errors.New("no key") }))
	other := p.somebody().Viewer.OwnerID
	if _, err := p.Remove(t.Context(), other); err == nil || !here(other) {
		t.Error("removed although what lies elsewhere is unknown:", err)
	}
}
