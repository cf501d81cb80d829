package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/bench/internal/bed"
	"github.com/kimi-k2/kimi-k2/bench/internal/load"
)

// TestMain lets the test's binary be the bench that the bed starts again.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "serve" || os.Args[1] == "load") {
		main()
		return
	}
	os.Exit(m.Run())
}

func newBed(t *testing.T) *bed.Bed {
	t.Helper()
	t.Setenv("GORACE", "atexit_sleep_ms=0") // children need not wait for reports of each other
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := bed.New(self, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestFloorsServeLoadsAsProcesses(t *testing.T) {
	b, ctx := newBed(t), t.Context()
	engine, err := b.Serve(ctx, bed.Others, "engine", nil)
	if err != nil {
		t.Fatal(err)
	}
	relay, err := b.Serve(ctx, bed.Server, "relay", nil, "-engine", "http://"+engine.Addr)
	if err != nil {
		t.Fatal(err)
	}
	push, err := b.Serve(ctx, bed.Server, "push", nil)
	if err != nil {
		t.Fatal(err)
	}
	const ms = time.Millisecond
	for _, s := range []load.Spec{
		{Kind: load.Streams, Addr: relay.Addr, N: 10, Ramp: 100 * ms, Warm: 250 * ms, Probes: 5, Spread: 100 * ms},
		{Kind: load.Fan, Addr: push.Addr, N: 50, Replies: 5, Ramp: 100 * ms, Settle: 100 * ms, Warm: 100 * ms},
		{Kind: load.Sockets, Addr: push.Addr, N: 200, Replies: 5, Ramp: 100 * ms, Settle: 100 * ms},
	} {
		s.Floor, s.Rate, s.Window, s.Watch = true, 50, 500*ms, map[string][]int{"server": {relay.PID, push.PID}}
		r, err := b.Load(ctx, bed.Others, s)
		if err != nil {
			t.Fatal(err)
		}
		if r.Errors != 0 || r.Lost != 0 || r.Extra != 0 || s.Kind != load.Sockets && r.All == 0 || r.Seconds <= 0 {
			t.Errorf("%s: %+v", s.Kind, r)
		}
	}
	if _, err := b.Load(ctx, bed.Others, load.Spec{Kind: "nonsense"}); err == nil {
		t.Error("a load that can't be made was no error")
	}
}

func TestAProcessThatFailsSaysWhy(t *testing.T) {
	b := newBed(t)
	_, err := b.Serve(t.Context(), bed.Anywhere, "nonsense", nil)
	if err == nil || !strings.Contains(err.Error(), `there is no server "nonsense"`) {
		t.Error(err)
	}
}

func TestCommandsAreChecked(t *testing.T) {
	for _, args := range [][]string{nil, {"nonsense"}, {"serve"}, {"run", "-nonsense"}, {"run", "-root", t.TempDir()}} {
		if err := command(context.Background(), args); err == nil {
			t.Errorf("%v was no error", args)
		}
	}
	if err := runLoad(strings.NewReader(""), io.Discard); err == nil {
		t.Error("a load of nothing was no error")
	}
	if machine() == "" {
		t.Error("the machine has no name")
	}
}
