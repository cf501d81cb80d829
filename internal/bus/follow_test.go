package bus_test

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/bus"
)

// never is for followers that miss nothing.
func never() {}

// Each follower gets what is for it, in order, and has no goroutine of its own.
func TestFollowersShareAGoroutine(t *testing.T) {
	b := open(t, bus.Config{})
	before := runtime.NumGoroutine()
	const followers, messages = 100, 20
	got := make([]chan string, followers)
	for i := range got {
		got[i] = make(chan string, messages)
		stop, err := b.Follow(fmt.Sprint("owner.", i), func(data []byte) { got[i] <- string(data) }, never)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
	}
	if n := runtime.NumGoroutine(); n > before+10 {
		t.Errorf("%d goroutines more for %d followers", n-before, followers)
	}
	for n := range messages {
		for i := range followers {
			if err := b.Publish(fmt.Sprint("owner.", i), fmt.Appendf(nil, "%d to %d", n, i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, c := range got {
		for n := range messages {
			if s := receive(t, c); s != fmt.Sprintf("%d to %d", n, i) {
				t.Fatalf("follower %d got %q", i, s)
			}
		}
	}
	if n := b.Stats().Received; n != followers*messages {
		t.Errorf("%d messages were counted", n)
	}
}

func TestNoFollowerIsCalledAfterItsStop(t *testing.T) {
	b := open(t, bus.Config{})
	for range 50 {
		var stopped atomic.Bool
		stop, err := b.Follow("x", func([]byte) {
			if stopped.Load() {
				t.Error("called after stop returned")
			}
		}, never)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			_ = b.Publish("x", nil)
		}
		stop()
		stopped.Store(true)
	}
}

func TestFollowersLoseMessagesToo(t *testing.T) {
	var lost atomic.Int64
	b := open(t, bus.Config{DropFraction: func() bool { return lost.Add(1)%2 == 1 }})
	got := make(chan string, 10)
	stop, err := b.Follow("x", func(data []byte) { got <- string(data) }, never)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for n := range 4 {
		_ = b.Publish("x", fmt.Append(nil, n))
	}
	if one, two := receive(t, got), receive(t, got); one != "1" || two != "3" {
		t.Errorf("got %s and %s", one, two)
	}
}

// T17: a message that breaks its handler down is lost, and nothing else: the next ones come, to
// this handler and to others.
func TestAPanicLosesItsMessageAlone(t *testing.T) {
	b := open(t, bus.Config{})
	got := make(chan string, 4)
	hear := func(name string) func([]byte) {
		return func(data []byte) {
			if string(data) == "bad" {
				panic("a canary of the panic")
			}
			got <- name + string(data)
		}
	}
	follow, subscribed := hear("followed "), hear("subscribed ")
	for _, listen := range []func() (func(), error){
		func() (func(), error) { return b.Follow("x", follow, never) },
		func() (func(), error) {
			return b.Subscribe("x", func(data []byte, _ func([]byte) error) { subscribed(data) })
		},
	} {
		stop, err := listen()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
	}
	for _, m := range []string{"bad", "good"} {
		if err := b.Publish("x", []byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	both := receive(t, got) + ", " + receive(t, got)
	if both != "followed good, subscribed good" && both != "subscribed good, followed good" {
		t.Error(both)
	}
}

// Who falls so far behind that messages are lost is told, also when none comes after them.
func TestFollowersAreToldThatTheyMissed(t *testing.T) {
	b := open(t, bus.Config{})
	held, missing := make(chan struct{}), make(chan string, 1)
	stop, err := b.Follow("x", func([]byte) { <-held }, func() {
		select {
		case missing <- "x":
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	for range bus.PendingMessages + 100 {
		if err := b.Publish("x", []byte("m")); err != nil {
			t.Fatal(err)
		}
	}
	receive(t, missing)
	close(held)
}
