package credit_test

import (
	"context"
	"errors"
	"testing"
)

// P102, P106: who goes is waited for until nothing of its credits is held, and no longer than
// there is time.
func TestWhoGoesIsWaitedForUntilNothingIsHeld(t *testing.T) {
	r := newRoom(t)
	p, other := r.person(100), r.person(100)
	r.mustHold(other, 10)
	if err := r.Settled(t.Context(), p.OwnerID); err != nil {
		t.Error(err)
	}
	h := r.mustHold(p, 40)
	done := make(chan error, 1)
	go func() { done <- r.Settled(context.Background(), p.OwnerID) }()
	soon, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Settled(soon, p.OwnerID); !errors.Is(err, context.Canceled) {
		t.Error("there is a hold, and no time:", err)
	}
	select {
	case err := <-done:
		t.Error("it was not waited for:", err)
	default:
	}
	if _, err := r.Settle(t.Context(), act(p, h, "run/0", 5)); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
