package wsconn_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/kimi-k2/kimi-k2/internal/edge/edgetest"
	"github.com/kimi-k2/kimi-k2/internal/wsconn"
)

// numbers is a feed of the numbers up to last, each padded to size bytes; its source
// pushes them as fast as it can.
type numbers struct {
	size, last int
	changed    chan struct{}
	begun      chan struct{} // closed by Push

	mu        sync.Mutex
	made, at  int
	push      func() bool
	pushed    int // by the source's goroutine
	stepped   int
	busy      bool // within Step or Poll
	collision bool
}

func newNumbers(size, last int) *numbers {
	return &numbers{size: size, last: last, changed: make(chan struct{}, 1), begun: make(chan struct{})}
}

// produce makes all numbers, telling of each, once somebody listens.
func (n *numbers) produce() {
	<-n.begun
	for range n.last {
		n.mu.Lock()
		n.made++
		push := n.push
		n.mu.Unlock()
		if push == nil || !push() {
			select {
			case n.changed <- struct{}{}:
			default:
			}
		}
	}
}

func (n *numbers) Push(push func() bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.push = push
	close(n.begun)
}

func (n *numbers) Wait(ctx context.Context) bool {
	n.mu.Lock()
	over := n.at == n.last
	n.mu.Unlock()
	if over {
		return false
	}
	select {
	case <-n.changed:
		return true
	case <-ctx.Done():
		return false
	}
}

func (n *numbers) Step(_ context.Context, dst []byte) ([]byte, bool) {
	dst, _, ok := n.take(dst, &n.stepped, n.last)
	return dst, ok
}

// Poll leaves the last number to Step, as replies do with their end.
func (n *numbers) Poll(dst []byte) (data []byte, more, event bool) {
	return n.take(dst, &n.pushed, n.last-1)
}

func (n *numbers) take(dst []byte, count *int, end int) (data []byte, more, event bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.collision = n.collision || n.busy
	n.busy = true
	defer func() { n.busy = false }()
	if n.at == min(n.made, end) {
		return dst, false, false
	}
	n.at++
	*count++
	dst = fmt.Appendf(dst, `{"counter":%d,"pad":"%s"}`, n.at, bytes.Repeat([]byte("x"), n.size))
	return dst, n.at < min(n.made, end), true
}

func (n *numbers) Close() {}

func feeding(t *testing.T, feeds map[string]*numbers) *client {
	t.Helper()
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Websocket.Feed = func(_ context.Context, rc *graphql.OperationContext) wsconn.Feed {
			if n := feeds[rc.Operation.Name]; n != nil {
				return n
			}
			return nil
		}
	})
	return open(t, s)
}

// A source that writes to sockets itself and a goroutine that does what it could not:
// every event arrives, once and in order.
func TestPushedEventsArriveOnceAndInOrder(t *testing.T) {
	for name, c := range map[string]struct{ size, last int }{"small": {1, 20_000}, "large": {60_000, 400}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNumbers(c.size, c.last)
			client := feeding(t, map[string]*numbers{"Numbers": n})
			client.send(`{"id":"n","type":"subscribe","payload":{"query":"subscription Numbers{silence}"}}`)
			var source sync.WaitGroup
			source.Go(n.produce)
			defer source.Wait()
			pad := strings.Repeat("x", c.size)
			for i := 1; i <= c.last; i++ {
				if i == c.last/2 { // others write in between
					client.send(`{"type":"ping"}`)
				}
				got, err := client.receive()
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(got, "pong") {
					i--
					continue
				}
				if want := fmt.Sprintf(`{"id":"n","type":"next","payload":{"data":{"counter":%d,"pad":"%s"}}}`, i, pad); got != want {
					t.Fatalf("event %d is %.120s", i, got)
				}
			}
			for {
				got, err := client.receive()
				if err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(got, "pong") {
					if got != `{"id":"n","type":"complete"}` {
						t.Error(got)
					}
					break
				}
			}
			source.Wait()
			if n.collision || n.pushed == 0 || n.stepped == 0 {
				t.Errorf("collision %v, %d pushed, %d by the goroutine", n.collision, n.pushed, n.stepped)
			}
		})
	}
}

// T16: a reader that takes nothing must not hold up the source.
func TestPushNeverWaitsForAReader(t *testing.T) {
	n := newNumbers(100_000, 1_000) // more than any buffer takes
	client := feeding(t, map[string]*numbers{"Numbers": n})
	client.send(`{"id":"n","type":"subscribe","payload":{"query":"subscription Numbers{silence}"}}`)
	n.produce() // returns though nobody reads
	client.ws.Close()
}

func TestTwoFeedsShareASocket(t *testing.T) {
	feeds := map[string]*numbers{"One": newNumbers(1000, 500), "Two": newNumbers(1000, 500)}
	client := feeding(t, feeds)
	for name := range feeds {
		client.send(`{"id":"` + name + `","type":"subscribe","payload":{"query":"subscription ` + name + `{silence}"}}`)
	}
	var sources sync.WaitGroup
	for _, n := range feeds {
		sources.Go(n.produce)
	}
	defer sources.Wait()
	at := map[string]int{}
	for done := 0; done < 2; {
		got, err := client.receive()
		if err != nil {
			t.Fatal(err)
		}
		id := got[len(`{"id":"`):][:3]
		if strings.HasSuffix(got, `"type":"complete"}`) {
			done++
			continue
		}
		at[id]++
		if want := fmt.Sprintf(`{"id":"%s","type":"next","payload":{"data":{"counter":%d,`, id, at[id]); !strings.HasPrefix(got, want) {
			t.Fatalf("%.120s instead of %s", got, want)
		}
	}
	if at["One"] != 500 || at["Two"] != 500 {
		t.Error(at)
	}
}

// R-GQL: the first event of a fed operation carries the response extensions, no other does.
func TestTheFirstEventOfAFeedCarriesExtensions(t *testing.T) {
	n := newNumbers(1, 3)
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Websocket.Feed = func(context.Context, *graphql.OperationContext) wsconn.Feed { return n }
		set.Websocket.FeedExtensions = func(*graphql.OperationContext) []byte { return []byte(`{"cost":7}`) }
	})
	client := open(t, s)
	client.send(`{"id":"n","type":"subscribe","payload":{"query":"subscription{silence}"}}`)
	go n.produce()
	client.expect(`{"id":"n","type":"next","payload":{"data":{"counter":1,"pad":"x"},"extensions":{"cost":7}}}`)
	client.expect(`{"id":"n","type":"next","payload":{"data":{"counter":2,"pad":"x"}}}`)
	client.expect(`{"id":"n","type":"next","payload":{"data":{"counter":3,"pad":"x"}}}`)
	client.expect(`{"id":"n","type":"complete"}`)
}

// unheard is a feed whose goroutine does nothing until the socket ends: what the source
// could not push whole stays where it is.
type unheard struct{ *numbers }

func (unheard) Wait(ctx context.Context) bool {
	<-ctx.Done()
	return false
}

// P90: the close code arrives although the last event was sent in part only.
func TestTheCloseCodeFollowsTheRestOfAPushedEvent(t *testing.T) {
	n := newNumbers(100_000, 1_000) // more than any buffer takes
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Websocket.Feed = func(context.Context, *graphql.OperationContext) wsconn.Feed { return unheard{n} }
	})
	client := open(t, s)
	client.send(`{"id":"n","type":"subscribe","payload":{"query":"subscription{silence}"}}`)
	n.produce()
	client.send(`{}`)
	client.expectClose(wsconn.CloseInvalidMessage)
}
