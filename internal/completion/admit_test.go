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
	revoked := i.customer("revoked", 100*firstHold("go"))
	// Nobody is told: the instance still takes the key for good.
	if err := i.db.Gorm(t.Context()).Exec(`UPDATE api_keys SET revoked_at = created_at WHERE id = ?`, revoked.KeyID).Error; err != nil {
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
