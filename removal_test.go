package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/models"
)

// P123: when an account is removed its connections end on every instance, and its reply
// that is being written on another one, with the request to the engine, within a second.
func TestRemovalEndsSocketsAndReplies(t *testing.T) {
	all := instances(t, 2, "RUN_LEASE=60s")
	child, other := all[1].signIn("child"), all[1].signIn("other")
	// Engines that think on in silence: neither a checkpoint nor the lease tells of the end.
	all[1].engine.Queue(inferencetest.Script{inferencetest.Hang()}, inferencetest.Script{inferencetest.Hang()})
	for _, b := range []*browser{child, other} {
		want(t, at(b.send(fmt.Sprintf("removal-%p", b), "a long story"), "data", "messageSend", "userErrors"), `[]`)
		select {
		case <-all[1].engine.Started():
		case <-time.After(patience):
			t.Fatal("no request upstream")
		}
	}
	sockets := []<-chan ended{child.follow(), child.at(all[0]).follow()}
	kept := other.at(all[0]).follow()
	began := time.Now()
	if _, err := all[0].server.accounts.Remove(t.Context(), "child@example.org"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-all[1].engine.Cancelled():
	case <-time.After(patience):
		t.Fatal("the engine still writes for who was removed")
	}
	slowest := time.Since(began)
	for i, socket := range sockets {
		slowest = max(slowest, await(t, socket, fmt.Sprint("socket ", i), "4403 session ended").Sub(began))
	}
	t.Logf("the last end came %v after the removal was asked for", slowest)
	if slowest > time.Second {
		t.Errorf("the last end came after %v", slowest)
	}
	if n := all[1].engine.Open(); n != 1 {
		t.Errorf("%d replies are still being written, want that of the other one", n)
	}
	select {
	case e := <-kept:
		t.Errorf("somebody else's socket ended: %v", e)
	default:
	}
	var left int64
	if err := all[0].server.db.Gorm(t.Context()).Model(&models.Run{}).Count(&left).Error; err != nil || left != 1 {
		t.Errorf("%d runs left, want the other one's: %v", left, err)
	}
}
