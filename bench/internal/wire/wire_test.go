package wire_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/kimi-k2/kimi-k2/bench/internal/wire"
)

func TestMarkersAreFoundBehindMerging(t *testing.T) {
	due := time.Unix(0, 1732354023123456789)
	b := []byte(`{"x":"a@b @12 @1,;","text":"`)
	b = wire.Append(b, due, due.Add(1500*time.Microsecond))
	b = wire.Append(b, due.Add(time.Second), due)
	at, written, rest, ok := wire.Find(append(b, `"}`...))
	if !ok || at != due.UnixNano() || written != at+1_500_000 {
		t.Fatal(at, written, ok)
	}
	at, written, rest, ok = wire.Find(rest)
	if !ok || at != due.UnixNano()+1e9 || written != at || string(rest) != `"}` {
		t.Fatal(at, written, string(rest), ok)
	}
	for _, cut := range []string{"", "@", "@12", "@12,", "@12,3"} {
		if _, _, _, ok := wire.Find([]byte(cut)); ok {
			t.Errorf("found a marker in %q", cut)
		}
	}
}

func FuzzFindNeverPanics(f *testing.F) {
	f.Add([]byte("@1,2;"))
	f.Add([]byte("@99999999999999999999999999,2;"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, _, rest, ok := wire.Find(b); ok; _, _, rest, ok = wire.Find(rest) {
			if len(rest) >= len(b) {
				t.Fatal("no progress")
			}
			b = rest
		}
	})
}

func TestAnOrderTravelsInAPrompt(t *testing.T) {
	fallback := wire.Order{Tokens: 1, Rate: 2, First: 3 * time.Millisecond}
	want := wire.Order{Tokens: 240, Rate: 12.5, First: 50 * time.Millisecond}
	earlier := wire.Order{Tokens: 9, Rate: 9, First: 9}
	body := `{"messages":[{"content":"` + earlier.String() + `"},{"content":"` + want.String() + `"}],"max_tokens":4096}`
	if got := wire.ParseOrder([]byte(body), fallback); got != want {
		t.Errorf("got %+v", got)
	}
	if got := wire.ParseOrder([]byte(`{"messages":[]}`), fallback); got != fallback {
		t.Errorf("without an order: %+v", got)
	}
}

func TestALateTokenDoesNotPushTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p := wire.NewPacer(start, wire.Order{Rate: 10, First: 50 * time.Millisecond})
		p.Wait()
		time.Sleep(250 * time.Millisecond) // virtual: the stream falls behind
		for i, want := range []time.Duration{150, 250, 350} {
			due, now := p.Wait()
			if due.Sub(start) != want*time.Millisecond || now.Before(due) {
				t.Errorf("token %d due after %v at %v", i, due.Sub(start), now.Sub(start))
			}
		}
	})
}
