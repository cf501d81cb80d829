package wsconn_test

import (
	"net"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/kimi-k2/kimi-k2/internal/edge/edgetest"
	"github.com/kimi-k2/kimi-k2/internal/wsconn"
)

// P76, T16: a client that answers pings but never reads is cut at the write deadline,
// and nobody else feels it.
func TestReaderThatDoesNotReadIsCut(t *testing.T) {
	const limit = 400 * time.Millisecond
	sent := make(chan int, 1<<16)
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Websocket.WriteTimeout = limit
		set.Websocket.PingInterval, set.Websocket.PongWait = 20*time.Millisecond, patience
		set.Websocket.MessagesPerMinute = -1
		set.Resolver.Sent = func(n int) { sent <- n }
	})
	lazy, other := open(t, s), open(t, s)
	if err := lazy.ws.NetConn().(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	lazy.subscribe("1", "subscription{flood(letters:60000,count:100000)}")
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { // pongs without being asked, as if it saw the pings
		defer close(stopped)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				_ = lazy.ws.WriteControl(websocket.PongMessage, nil, time.Now().Add(patience))
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	stuck := lastSent(t, sent)
	var slowest time.Duration
	for s.Sockets.Stats().Sockets == 2 {
		start := time.Now()
		other.send(`{"type":"ping"}`)
		other.expect(`{"type":"pong"}`)
		slowest = max(slowest, time.Since(start))
		if time.Since(stuck) > patience {
			t.Fatal("never cut")
		}
	}
	if d := time.Since(stuck); d > limit+limit/4+300*time.Millisecond {
		t.Errorf("cut %v after the last write, the deadline is %v", d, limit)
	}
	if slowest > limit/2 {
		t.Errorf("the other socket waited %v", slowest)
	}
}

// lastSent waits until nothing was sent for a while and returns when that began.
func lastSent(t *testing.T, sent <-chan int) time.Time {
	t.Helper()
	last := time.Now()
	for {
		select {
		case <-sent:
			last = time.Now()
		case <-time.After(100 * time.Millisecond):
			return last
		}
	}
}

// A reader that is merely slow gets everything, in order.
func TestSlowReaderGetsEverything(t *testing.T) {
	c := open(t, edgetest.Start(t))
	c.subscribe("1", "subscription{flood(letters:50000,count:200)}")
	for range 200 {
		c.expectPart(`"type":"next"`)
	}
	c.expect(`{"id":"1","type":"complete"}`)
}

func TestServerPings(t *testing.T) {
	s := edgetest.Start(t, func(set *edgetest.Setup) { set.Websocket.PingInterval = 200 * time.Millisecond })
	c := open(t, s)
	pinged := make(chan struct{}, 100)
	c.ws.SetPingHandler(func(string) error {
		pinged <- struct{}{}
		return nil // and no pong
	})
	ended := make(chan error)
	go func() {
		_ = c.ws.SetReadDeadline(time.Now().Add(patience))
		_, _, err := c.ws.ReadMessage()
		ended <- err
	}()
	if err := <-ended; !websocket.IsCloseError(err, wsconn.CloseSilent) {
		t.Errorf("ended with %v", err)
	}
	if len(pinged) == 0 {
		t.Error("no ping came")
	}
	eventually(t, "the silent socket is gone", func() bool { return s.Sockets.Stats().Sockets == 0 })
}

func TestAnsweredPingsKeepASocket(t *testing.T) {
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Websocket.PingInterval = 250 * time.Millisecond
		set.Websocket.PongWait = 700 * time.Millisecond
	})
	c := open(t, s)
	pings := make(chan struct{}, 100)
	answer := c.ws.PingHandler()
	c.ws.SetPingHandler(func(data string) error {
		pings <- struct{}{}
		return answer(data)
	})
	read := make(chan error)
	go func() {
		_, _, err := c.ws.ReadMessage()
		read <- err
	}()
	for range 4 { // longer than PongWait
		select {
		case <-pings:
		case err := <-read:
			t.Fatal(err)
		}
	}
	c.ws.Close()
	<-read
}
