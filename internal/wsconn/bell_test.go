package wsconn_test

import (
	"runtime"
	"strconv"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/edge/bell"
	"github.com/kimi-k2/kimi-k2/internal/edge/edgetest"
	"github.com/kimi-k2/kimi-k2/internal/wsconn"
)

// ringing is a server whose `ticks` rings: what is in the source is had without waiting.
func ringing(t *testing.T) (s *edgetest.Server, source chan int, bells chan *bell.Bell) {
	t.Helper()
	source, bells = make(chan int, 10), make(chan *bell.Bell, 10)
	s = edgetest.Start(t)
	s.Resolver.Source = source
	s.Resolver.Bell = func(b *bell.Bell) { bells <- b }
	return s, source, bells
}

// R-WS: a subscription on which nothing happens has no goroutine, and goes on with each
// ring of its source until that is over.
func TestASubscriptionThatIsRungForHasNoGoroutine(t *testing.T) {
	s, source, bells := ringing(t)
	c := open(t, s)
	before := runtime.NumGoroutine()
	var rung []*bell.Bell
	for i := range 8 {
		c.subscribe(strconv.Itoa(i), "subscription{ticks}")
		rung = append(rung, <-bells)
	}
	eventually(t, "no goroutine waits", func() bool { return runtime.NumGoroutine() <= before })
	if n := s.Sockets.Stats().Subscriptions; n != 8 {
		t.Errorf("%d subscriptions run", n)
	}
	for n := range 5 {
		source <- n
		rung[3].Ring()
		c.expect(`{"id":"3","type":"next","payload":{"data":{"ticks":` + strconv.Itoa(n) + `}}}`)
	}
	close(source)
	rung[3].Ring()
	c.expect(`{"id":"3","type":"complete"}`)
	eventually(t, "it has ended", func() bool { return s.Sockets.Stats().Subscriptions == 7 })
	rung[3].Ring() // into the void
}

func TestASubscriptionThatIsRungForEndsWithItsClient(t *testing.T) {
	s, _, bells := ringing(t)
	c := open(t, s)
	for _, id := range []string{"a", "b"} {
		c.subscribe(id, "subscription{ticks}")
		defer (<-bells).Ring()
	}
	c.send(`{"id":"a","type":"complete"}`)
	eventually(t, "a has ended", func() bool { return s.Sockets.Stats().Subscriptions == 1 })
	c.subscribe("a", "{hello}")
	c.expectPart(`{"id":"a","type":"next"`)
	c.expect(`{"id":"a","type":"complete"}`)
	c.ws.Close() // without a word
	eventually(t, "nothing is left", func() bool { return s.Sockets.Stats() == wsconn.Stats{} })
}

// A source that declines is waited for.
func TestADeclinedBellIsWaitedFor(t *testing.T) {
	s, source, bells := ringing(t)
	source <- 1
	close(source)
	c := open(t, s)
	s.Resolver.Bell = func(b *bell.Bell) { bells <- b; b.Decline() }
	c.subscribe("1", "subscription{ticks}")
	c.expectPart(`"data":{"ticks":1}`)
	c.expect(`{"id":"1","type":"complete"}`)
}
