package completion_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/apikey"
	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/models"
)

// Of many who ask at once each is judged by its own key and wallet, whoever else is admitted
// in the same round trip.
func TestManyAreAdmittedTogether(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	rich, poor := i.customer("rich", 100*firstHold("go")), i.customer("poor", firstHold("go")-1)
	revoked, both := i.customer("revoked", 100*firstHold("go")), i.customer("revoked.and.poor", 0)
	// Nobody is told: the instance still takes the keys for good.
	if err := i.db.Gorm(t.Context()).Exec(`UPDATE api_keys SET revoked_at = created_at WHERE id IN ?`, []string{revoked.KeyID, both.KeyID}).Error; err != nil {
		t.Fatal(err)
	}
	limit := firstHold("go")
	_, capped := i.newKey(rich.owner, apikey.Create{Name: "capped", CreditLimit: &limit})
	together(90, func(n int) {
		switch n % 4 {
		case 0:
			if got := i.ask(t.Context(), rich.Viewer, saying("go")); got.err != nil || got.out.Credits == 0 {
				t.Errorf("%+v", got)
			}
		case 1:
			_, err := i.Begin(t.Context(), poor.Viewer, saying("go"))
			wantFault(t, err, fault.InsufficientCredits)
		case 2:
			_, err := i.Begin(t.Context(), revoked.Viewer, saying("go"))
			wantFault(t, err, fault.KeyRevoked)
			_, err = i.Begin(t.Context(), both.Viewer, saying("go"))
			wantFault(t, err, fault.KeyRevoked)
		default:
			if run, err := i.Begin(t.Context(), capped, saying("go")); err == nil {
				run.Close()
			} else {
				wantFault(t, err, fault.KeyLimitReached)
			}
		}
	})
	rich.settled(23)
	poor.settled(0)
	revoked.settled(0)
}

// tripping is money whose batches fail.
type tripping struct {
	completion.Money
	trips atomic.Int64
}

func (m *tripping) QueueHolds(b *pgx.Batch, asks []models.HoldFor, made func(int, models.Hold, error)) {
	m.trips.Add(1)
	m.Money.QueueHolds(b, asks, made)
	b.Queue(`SELECT 1/0`)
}

// A round trip that fails refuses nobody: each is admitted by itself.
func TestARoundTripThatFailsRefusesNobody(t *testing.T) {
	h := newHouse(t)
	m := &tripping{}
	h.change = func(c *completion.Config) { m.Money, c.Money = c.Money, m }
	i := h.open()
	c := i.customer("unlucky", 10_000_000)
	together(8, func(n int) {
		if got := i.ask(t.Context(), c.Viewer, saying(fmt.Sprint("go ", n))); got.err != nil {
			t.Error(got.err)
		}
	})
	if c.settled(8); m.trips.Load() == 0 {
		t.Error("nothing tripped")
	}
}

// losing is money that settles nothing.
type losing struct{ completion.Money }

var errLost = errors.New("no such hold")

func (losing) Settle(context.Context, models.Settlement) (models.Charge, error) {
	return models.Charge{}, errLost
}

// What can't be settled is no success, and is not tried for ever.
func TestWhatCannotBeSettledIsNoSuccess(t *testing.T) {
	h := newHouse(t)
	h.change = func(c *completion.Config) { c.Money = losing{c.Money} }
	i := h.open()
	c := i.customer("lost", 10_000_000)
	got := i.ask(t.Context(), c.Viewer, saying("go"))
	wantFault(t, got.err, fault.StorageUnavailable)
	if got.out.Credits != 0 || got.text == "" {
		t.Errorf("%+v", got)
	}
}

// telling is money that counts who is told of a changed balance.
type telling struct {
	completion.Money
	told atomic.Int64
}

func (m *telling) Tell(ownerID string) {
	m.told.Add(1)
	m.Money.Tell(ownerID)
}

// A settlement that told its owner isn't told again; one that was stored with a kept answer
// tells nobody by itself.
func TestABalanceIsToldOnce(t *testing.T) {
	h := newHouse(t)
	m := &telling{}
	h.change = func(c *completion.Config) { m.Money, c.Money = c.Money, m }
	i := h.open()
	c := i.customer("told", 10_000_000)
	for key, want := range map[string]int64{"": 0, "again": 1} {
		m.told.Store(0)
		r := saying("go")
		r.IdempotencyKey = key
		if got := i.ask(t.Context(), c.Viewer, r); got.err != nil || m.told.Load() != want {
			t.Errorf("with the key %q the completion tells %d times: %v", key, m.told.Load(), got.err)
		}
	}
}
