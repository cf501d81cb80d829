package apikey_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/apikey"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// beside is what keys need of others, for one owner. It writes down who was stopped.
type beside struct {
	key   *seal.Key
	order []string
}

func (*beside) LockTx(*gorm.DB, viewer.Viewer) error { return nil }

func (b *beside) Key(context.Context, string) (*seal.Key, error) { return b.key, nil }

func (*beside) LimitKeyTx(*gorm.DB, string, string, *int64) (models.KeyBudget, error) {
	return models.KeyBudget{}, nil
}

func (*beside) Fresh(viewer.Viewer) error { return nil }

func (*beside) KeyLimitTx(*gorm.DB, string, string) (*int64, error) { return nil, nil }

func (*beside) KeyBudgets(context.Context, string) (map[string]models.KeyBudget, error) {
	return nil, nil
}

func (b *beside) StopKey(_ context.Context, _, keyID string) error {
	b.order = append(b.order, "stopped "+keyID)
	return nil
}

// P90, P91: all keys are over before the replies of any are waited for.
func TestNoKeyWaitsForAnothersReplies(t *testing.T) {
	db, owner := dbtest.New(t), id.New(id.Owner)
	keeper, err := seal.NewKeeper(make([]byte, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	key, wrapped, err := keeper.NewKey(owner)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Gorm(t.Context()).Exec(`INSERT INTO owners (id, kind, key_wrapped, messages_used, created_at, last_active_at) VALUES (?, 'ACCOUNT', ?, 0, now(), now())`, owner, wrapped).Error
	if err != nil {
		t.Fatal(err)
	}
	b := &beside{key: key}
	s := apikey.New(apikey.Config{DB: db, Audit: audittest.New(db), Owners: b, Budgets: b, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Secret: make([]byte, 32)})
	s.StopWith(b)
	s.OnRevoked(func(_, keyID string) { b.order = append(b.order, "over "+keyID) })
	v := viewer.Viewer{Kind: viewer.Account, OwnerID: owner, Key: key}
	var over, stopped []string
	for range 3 {
		k, _, err := s.Create(t.Context(), v, apikey.Create{Name: "k"})
		if err != nil {
			t.Fatal(err)
		}
		over, stopped = append(over, "over "+k.ID), append(stopped, "stopped "+k.ID)
	}
	if n, err := s.RevokeAll(t.Context(), v); err != nil || n != 3 {
		t.Fatal(n, err)
	}
	slices.Sort(b.order[:3]) // within each half the database decides
	slices.Sort(b.order[3:])
	if want := slices.Concat(over, stopped); !slices.Equal(b.order, want) {
		t.Errorf("%v, want %v", b.order, want)
	}
}
